"""The server under a crowd: a third leaves, a third is slow, a third sends garbage, and the laws that must hold.

    python bench/load.py --clients 1000 --minutes 15 --out bench/results/load.json
    python bench/load.py --engine fused --clients 48 --minutes 5 --out bench/results/load-pocket.json

A real server process with a scripted engine, or a real model, and a crowd that keeps coming. Laws: whoever reads to the
end of a job that was accepted sees exactly one last event; afterwards no job, task, thread, file handle or page of the
model's cache is left over; memory is flat; nothing but refusals is answered to garbage. `/health` is probed from a
process of its own throughout.
"""

import argparse
import asyncio
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import psutil

from bench.crowd import Crowd, crowd

ROOT = Path(__file__).resolve().parents[1]
LOAD_S, SETTLE_S = 300.0, 30.0
WARM_S = {"scripted": 2.0}  # threads and caches that stay come in this time; a model takes longer
MODEL_WARM_S = 30.0
LINGER_S = {"scripted": 0.3}  # the longest that a client waits before it leaves
MODEL_LINGER_S = 6.0
FLAT, FLAT_FROM_S = 1.05, 60  # memory of the last third of the time beside that of the middle third


@dataclass
class Levels:
    """What a server holds when nothing is asked of it. `cache`: the share of the model's cache that is in use."""

    tasks: int
    threads: int
    handles: int
    cache: float
    rss_bytes: int


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
    cache = _sum(httpx.get(f"{url}/metrics", timeout=30).text, "kv_cache_usage_ratio")
    return Levels(tasks, server.num_threads(), handles, cache, server.memory_info().rss)


def settled(url: str, server: psutil.Process, before: Levels | None = None) -> Levels:
    """The levels when no job is left and they are back at `before`, or what they are after a while."""
    until_s = time.monotonic() + SETTLE_S
    while True:
        now = levels(url, server)
        jobs = httpx.get(f"{url}/health", timeout=30).json()["jobs"]
        back = not (any(jobs.values()) or now.cache) and not (before and _left_over(before, now))
        if back or time.monotonic() > until_s:
            return now
        time.sleep(0.2)


def wait_until_ready(url: str) -> str:
    """The name of the model, when it takes jobs."""
    until_s = time.monotonic() + LOAD_S
    while (answer := httpx.get(f"{url}/ready", timeout=30)).status_code != 200:
        if time.monotonic() > until_s:
            raise SystemExit(f"the server is not ready: {answer.text}")
        time.sleep(0.2)
    return str(answer.json()["model"])


def run(clients: int, seconds: float, engine: str = "scripted", model: str = "") -> dict[str, object]:
    """The figures of one run; `wrong` names every law that was broken. `model`: a folder; "" is the pocket model."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-m", "bench.load_server", "0", str(Path(folder) / "history.db"), engine, model],
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
            url = f"http://127.0.0.1:{port}"
            about = {"engine": engine, "model": wait_until_ready(url)}
            linger_s = LINGER_S.get(engine, MODEL_LINGER_S)
            warm = Crowd(port, min(clients, 30), WARM_S.get(engine, MODEL_WARM_S), linger_s)
            return about | _run(url, server, warm, Crowd(port, clients, seconds, linger_s))
        finally:
            process.terminate()
            process.wait(30)


def _run(url: str, server: psutil.Process, warm: Crowd, real: Crowd) -> dict[str, object]:
    asyncio.run(crowd(warm, server))
    before = settled(url, server)
    probing = [sys.executable, "-m", "bench.load", "--probe", url, "--minutes", str(real.seconds / 60)]
    with subprocess.Popen(probing, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8") as prober:
        seen, rss_bytes = asyncio.run(crowd(real, server))
        health_ms = sorted(json.loads(prober.communicate()[0]))
    after = settled(url, server, before)
    text = httpx.get(f"{url}/metrics", timeout=30).text
    accepted, ended = (round(_sum(text, name)) for name in ("jobs_accepted_total", "e2e_request_latency_seconds_count"))
    third = max(1, len(rss_bytes) // 3)
    middle, last = (
        statistics.mean(part or rss_bytes) for part in (rss_bytes[third : 2 * third], rss_bytes[2 * third :])
    )
    wrong = [*sorted(set(seen.wrong)), *_left_over(before, after)]
    if accepted != ended:
        wrong.append(f"{accepted} jobs were accepted, {ended} ended")
    if real.seconds >= FLAT_FROM_S and last > FLAT * middle:
        wrong.append(f"memory grew from {middle:.0f} to {last:.0f} bytes")
    return {
        "clients": real.clients,
        "seconds": round(real.seconds),
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


def _sum(metrics: str, name: str) -> float:
    return sum(float(line.split()[-1]) for line in metrics.splitlines() if line.startswith(f"audit8_{name}"))


def _left_over(before: Levels, after: Levels) -> list[str]:
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in ("tasks", "threads", "handles", "cache")}
    return [f"{name}: {was} before, {now} after" for name, (was, now) in pairs.items() if now > was]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--engine", choices=("scripted", "fused", "stock"), default="scripted")
    parser.add_argument("--model", default="", metavar="FOLDER", help="for fused and stock; default: the pocket model")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--probe", metavar="URL", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.probe:
        print(json.dumps(probe(asked.probe, asked.minutes * 60)))
        return 0
    figures = json.dumps(run(asked.clients, asked.minutes * 60, asked.engine, asked.model), indent=2)
    print(figures)
    if asked.out:
        asked.out.write_text(figures + "\n", encoding="utf-8")
    return 1 if json.loads(figures)["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
