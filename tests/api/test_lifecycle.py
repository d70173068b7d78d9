"""How the server stops: nobody comes in, those who run end within the grace, and everybody is told."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI

from audit8.api.app import create_app
from audit8.api.console import make_handler
from audit8.engine.fake import FakeEngine
from tests.api.serving import SQL, Channel, client_is_ready, running, settings, until
from tests.api.sse_reader import SseReader


@dataclass
class Busy:
    app: FastAPI
    client: httpx.AsyncClient
    engine: FakeEngine
    jobs: list[Channel]  # as a stream, as JSON, as a chat; the engine answers one at a time

    def codes(self) -> list[str]:
        """How each of them ended: a code, or "" for an answer."""
        return [_code(job) for job in self.jobs]


def _code(job: Channel) -> str:
    if not job.body.startswith(b"event:"):
        return str(json.loads(job.body).get("error", {}).get("code", ""))
    reader = SseReader()
    reader.feed(job.body)
    endings = [(name, data) for name, data in reader.events if name in {"report", "error"}]
    assert len(endings) == 1
    assert reader.events[-1] == endings[0]
    return "" if endings[0][0] == "report" else str(endings[0][1]["code"])


@asynccontextmanager
async def busy(*, grace: float, delay_s: float) -> AsyncGenerator[Busy]:
    engine = FakeEngine()
    for _ in range(3):
        engine.enqueue(["[", " ", " ", "]"], delay_s=delay_s)
    app = create_app(settings(grace=grace), lambda _: engine)
    async with running(app) as client:
        await until(lambda: client_is_ready(client))
        chat = json.dumps({"messages": [{"role": "user", "content": "hi"}]}).encode()
        jobs = [
            Channel(app, "/audit", SQL.encode(), accept="text/event-stream", content_type="text/plain"),
            Channel(app, "/audit", SQL.encode(), content_type="text/plain"),
            Channel(app, "/v1/chat/completions", chat),
        ]
        await until(lambda: _waiting(client, 2))
        yield Busy(app, client, engine, jobs)


async def _waiting(client: httpx.AsyncClient, wanted: int) -> bool:
    return bool((await client.get("/health")).json()["jobs"]["waiting"] == wanted)


async def test_while_it_stops_nobody_comes_in_and_those_who_run_end_well() -> None:
    async with busy(grace=10, delay_s=0.02) as server:
        stopping = asyncio.create_task(server.app.state.lifecycle.stop(lambda: False))
        await asyncio.sleep(0)
        for path in ("/audit", "/v1/chat/completions"):
            body = {"code": SQL, "messages": [{"role": "user", "content": "hi"}]}
            refused = await server.client.post(path, json=body)
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "stopping")
            assert int(refused.headers["retry-after"]) > 0
        assert (await server.client.get("/ready")).status_code == 503
        health = await server.client.get("/health")
        assert (health.status_code, health.json()["state"]) == (200, "stopping")
        await stopping
        for job in server.jobs:
            await job.task
        assert server.codes() == ["", "", ""]
        assert server.engine.closed


async def test_those_who_run_longer_than_the_grace_are_told() -> None:
    async with busy(grace=0.05, delay_s=30) as server:
        await server.app.state.lifecycle.stop(lambda: False)
        for job in server.jobs:
            await asyncio.wait_for(job.task, 1)
        assert server.codes() == ["stopping"] * 3
        assert [job.sent[0]["status"] for job in server.jobs] == [200, 503, 503]
        assert server.engine.calls[0].cancelled
        assert len(server.engine.calls) == 1


async def test_whoever_is_in_a_hurry_does_not_wait_for_the_grace() -> None:
    async with busy(grace=3600, delay_s=30) as server:
        await asyncio.wait_for(server.app.state.lifecycle.stop(lambda: True), 5)
        for job in server.jobs:
            await job.task
        assert server.codes() == ["stopping"] * 3


@pytest.mark.parametrize(("event", "taken"), [(0, False), (1, False), (2, True), (5, True), (6, True)])
def test_closing_the_console_stops_the_server_and_waits_for_it(event: int, *, taken: bool) -> None:
    asked, stopped = threading.Event(), threading.Event()
    ends: list[float] = []

    def serve() -> None:
        asked.wait(5)
        time.sleep(0.05)
        ends.append(time.monotonic())
        stopped.set()

    server = threading.Thread(target=serve)
    server.start()
    assert make_handler(asked.set, stopped)(event) is taken
    returned_at = time.monotonic()
    assert asked.is_set() is taken
    asked.set()
    server.join()
    assert (returned_at >= ends[0]) is taken  # Windows ends the process when the handler returns
