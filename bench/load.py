"""The server under a crowd: a third leaves, a third is slow, a third sends garbage, and the laws that must hold.

    python bench/load.py --clients 1000 --minutes 15 --out bench/results/load.json

A real server process with a scripted engine, and a crowd that keeps coming. Laws: whoever reads to the end of a job
that was accepted sees exactly one last event; afterwards no job, task, thread or file handle is left over; memory is
flat; nothing but refusals is answered to garbage. `/health` is probed from a process of its own throughout.
"""

import argparse
import asyncio
import contextlib
import json
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[1]
SERVER = """
import asyncio, sys
from dataclasses import replace
from audit8.api.app import create_app
from audit8.api.listen import open_sockets
from audit8.api.server import Server
from audit8.engine.fake import FAKE_INFO, FakeEngine
from audit8.logs import prepare_log
from audit8.settings import Settings

class Paced(FakeEngine):
    "Twenty words, a hundredth of a second each; sixteen answers at once; nothing remembered."
    async def stream(self, messages, sampling):
        self.calls.clear()
        self.enqueue(["["] + [" "] * 18 + ["]"], delay_s=0.01)
        async for item in super().stream(messages, sampling):
            yield item

prepare_log("error")
settings = Settings(port=0, lang="en", max_jobs=64, history_file=sys.argv[2])
app = create_app(settings, lambda _: Paced(replace(FAKE_INFO, parallel=16)))

@app.get("/tasks")
async def tasks() -> int:
    return len(asyncio.all_tasks())

Server(app, app.state.lifecycle, lambda: print("ready", flush=True)).run(open_sockets("127.0.0.1", int(sys.argv[1])))
"""
CODE = b'import os\n\ndef run(name):\n    os.system("ls " + name)\n' * 5
HEAD = b"POST /audit HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nAccept: text/event-stream\r\n"
LENGTH = f"Content-Length: {len(CODE)}\r\n\r\n".encode()
GARBAGE = (
    b"\x16\x03\x01" + bytes(range(256)),
    b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 100_000,
    b"POST /audit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /audit HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    + b"[" * 9,
    b"POST /audit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n",
    b"DELETE /audits/\x1b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /health HT",
)
PATIENCE_S = 300.0
SETTLE_S = 30.0
FLAT, FLAT_FROM_S = 1.05, 60  # memory of the last third of the time beside that of the middle third


@dataclass
class Seen:
    """What the crowd saw. `wrong`: what breaks a law, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Levels:
    """What a server holds when nothing is asked of it."""

    tasks: int
    threads: int
    handles: int
    rss_bytes: int


class Client:
    """One member of the crowd: it comes again and again until the time is over."""

    def __init__(self, port: int, seen: Seen, until_s: float, seed: int) -> None:
        self._port = port
        self._seen = seen
        self._until_s = until_s
        self._random = random.Random(seed)
        self._do = (self._leave, self._dawdle, self._spoil)[seed % 3]

    async def run(self) -> None:
        while time.monotonic() < self._until_s:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    async with asyncio.timeout(PATIENCE_S):
                        await self._do(reader, writer)
                except TimeoutError:
                    self._seen.wrong.append(f"{self._do.__name__}: no end after {PATIENCE_S:.0f} s")
                finally:
                    writer.transport.abort()
            await asyncio.sleep(self._random.uniform(0.5, 4.0))  # as one who reads Retry-After

    async def _leave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + LENGTH + CODE)
        await reader.read(self._random.choice((1, 200, 1000, 4000)))
        await asyncio.sleep(self._random.uniform(0, 0.3))
        self._seen.counts["left"] += 1

    async def _dawdle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = HEAD + LENGTH + CODE
        for start in range(0, len(sent), 100):
            writer.write(sent[start : start + 100])
            await writer.drain()
            await asyncio.sleep(0.01)
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split()[1])
        self._seen.counts[f"status {status}"] += 1
        if status != 200:
            if status not in {429, 503}:
                self._seen.wrong.append(f"a job was answered with {status}")
            return
        body = b""
        while not body.endswith(b"\r\n0\r\n\r\n"):
            portion = await reader.read(512)
            if not portion:
                break
            body += portion
            await asyncio.sleep(0.005)
        endings = body.count(b"event: report\n") + body.count(b"event: error\n")
        self._seen.counts["ended"] += 1
        if endings != 1:
            self._seen.wrong.append(f"a job had {endings} last events")
        if b"event: error\n" in body:
            self._seen.wrong.append(f"a job failed: {body[body.index(b'event: error') :][:200]!r}")

    async def _spoil(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._random.choice(GARBAGE))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                answer = await reader.read(4096)
                self._seen.counts["spoilt"] += 1
                if answer.startswith(b"HTTP/1.1 5"):
                    self._seen.wrong.append(f"garbage was answered with {answer[9:12]!r}")


def probe(url: str, seconds: float) -> list[float]:
    """Milliseconds that `/health` took, twenty times a second."""
    took: list[float] = []
    until_s = time.monotonic() + seconds
    with httpx.Client(base_url=url, timeout=30) as client:
        while time.monotonic() < until_s:
            began_s = time.monotonic()
            client.get("/health").raise_for_status()
            took.append((time.monotonic() - began_s) * 1000)
            time.sleep(0.05)
    return took


def levels(url: str, server: psutil.Process) -> Levels:
    tasks = int(httpx.get(f"{url}/tasks", timeout=30).text)
    if sys.platform == "win32":
        handles = server.num_handles()
    else:
        handles = server.num_fds()
    return Levels(tasks, server.num_threads(), handles, server.memory_info().rss)


def settled(url: str, server: psutil.Process, before: Levels) -> Levels:
    """The levels when they are back at `before`, or what they are after a while."""
    until_s = time.monotonic() + SETTLE_S
    while True:
        now = levels(url, server)
        jobs = httpx.get(f"{url}/health", timeout=30).json()["jobs"]
        back = now.tasks <= before.tasks and now.handles <= before.handles and not any(jobs.values())
        if back or time.monotonic() > until_s:
            return now
        time.sleep(0.2)


async def crowd(port: int, clients: int, seconds: float, server: psutil.Process) -> tuple[Seen, list[int]]:
    seen, rss_bytes = Seen(), list[int]()
    until_s = time.monotonic() + seconds
    running = [asyncio.create_task(Client(port, seen, until_s, seed).run()) for seed in range(clients)]
    while not all(task.done() for task in running):
        rss_bytes.append(server.memory_info().rss)
        await asyncio.wait(running, timeout=1.0)
    for task in running:
        task.result()
    return seen, rss_bytes


def run(clients: int, seconds: float) -> dict[str, object]:
    """The figures of one run; `wrong` names every law that was broken."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-c", SERVER, "0", str(Path(folder) / "history.db")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        ) as process,
    ):
        assert process.stdout is not None
        try:
            process.stdout.readline()
            server = psutil.Process(process.pid)
            port = next(one.laddr.port for one in server.net_connections() if one.status == psutil.CONN_LISTEN)
            return _run(f"http://127.0.0.1:{port}", port, server, clients, seconds)
        finally:
            process.terminate()
            process.wait(30)


def _run(url: str, port: int, server: psutil.Process, clients: int, seconds: float) -> dict[str, object]:
    asyncio.run(crowd(port, min(clients, 30), 2.0, server))  # threads and caches that stay come now
    before = levels(url, server)
    probing = [sys.executable, __file__, "--probe", url, "--minutes", str(seconds / 60)]
    with subprocess.Popen(probing, stdout=subprocess.PIPE, encoding="utf-8") as prober:
        seen, rss_bytes = asyncio.run(crowd(port, clients, seconds, server))
        health_ms = sorted(json.loads(prober.communicate()[0]))
    after = settled(url, server, before)
    text = httpx.get(f"{url}/metrics", timeout=30).text
    accepted, ended = (_sum(text, name) for name in ("jobs_accepted_total", "e2e_request_latency_seconds_count"))
    third = max(1, len(rss_bytes) // 3)
    middle, last = (
        statistics.mean(part or rss_bytes) for part in (rss_bytes[third : 2 * third], rss_bytes[2 * third :])
    )
    wrong = [*sorted(set(seen.wrong)), *_left_over(before, after)]
    if accepted != ended:
        wrong.append(f"{accepted} jobs were accepted, {ended} ended")
    if seconds >= FLAT_FROM_S and last > FLAT * middle:
        wrong.append(f"memory grew from {middle:.0f} to {last:.0f} bytes")
    return {
        "clients": clients,
        "seconds": round(seconds),
        "cpu": platform.processor() or platform.machine(),
        "cores": psutil.cpu_count(),
        "load_average": psutil.getloadavg()[0],
        "python": platform.python_version(),
        "seen": dict(sorted(seen.counts.items())),
        "jobs_accepted": accepted,
        "jobs_ended": ended,
        "health_ms": {
            "probes": len(health_ms),
            "p50": round(statistics.median(health_ms), 1),
            "p99": round(health_ms[int(len(health_ms) * 0.99)], 1),
            "max": round(health_ms[-1], 1),
        },
        "rss_mib": {
            "middle_third": round(middle / 2**20, 1),
            "last_third": round(last / 2**20, 1),
        },
        "before": asdict(before),
        "after": asdict(after),
        "wrong": wrong,
    }


def _sum(metrics: str, name: str) -> int:
    return round(sum(float(line.split()[-1]) for line in metrics.splitlines() if line.startswith(f"audit8_{name}")))


def _left_over(before: Levels, after: Levels) -> list[str]:
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in ("tasks", "threads", "handles")}
    return [f"{name}: {was} before, {now} after" for name, (was, now) in pairs.items() if now > was]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--probe", metavar="URL", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.probe:
        print(json.dumps(probe(asked.probe, asked.minutes * 60)))
        return 0
    figures = json.dumps(run(asked.clients, asked.minutes * 60), indent=2)
    print(figures)
    if asked.out:
        asked.out.write_text(figures + "\n", encoding="utf-8")
    return 1 if json.loads(figures)["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
