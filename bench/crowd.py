"""The crowd of bench/load.py: a third leaves in the middle, a third is slow, a third sends garbage.

Knows HTTP as bytes on a socket, and which answers break a law; nothing of the server's process.
"""

import asyncio
import contextlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field

import psutil

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


@dataclass
class Seen:
    """What the crowd saw. `wrong`: what breaks a law, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Crowd:
    """How many clients come to `port`, for how long, and the longest that one waits before it leaves."""

    port: int
    clients: int
    seconds: float
    linger_s: float = 0.3


class Client:
    """One member of the crowd: it comes again and again until the time is over."""

    def __init__(self, crowd: Crowd, seen: Seen, until_s: float, seed: int) -> None:
        self._port = crowd.port
        self._linger_s = crowd.linger_s
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
        await asyncio.sleep(self._random.uniform(0, self._linger_s))
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


async def crowd(wanted: Crowd, server: psutil.Process) -> tuple[Seen, list[int]]:
    """What the crowd saw, and the server's resident bytes every second."""
    seen, rss_bytes = Seen(), list[int]()
    until_s = time.monotonic() + wanted.seconds
    running = [asyncio.create_task(Client(wanted, seen, until_s, seed).run()) for seed in range(wanted.clients)]
    while not all(task.done() for task in running):
        rss_bytes.append(server.memory_info().rss)
        await asyncio.wait(running, timeout=1.0)
    for task in running:
        task.result()
    return seen, rss_bytes
