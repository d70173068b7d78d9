"""The matrix of faults: what each client is told, that nothing accepted is lost, and how the server recovers.

Faults come in through the engine's seam alone: a scripted engine that raises what a real one raises.
"""

import json
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx
import pytest
from fastapi import FastAPI

from audit8.api import readiness
from audit8.api.app import create_app
from audit8.engine.fake import FAKE_INFO, FakeEngine
from audit8.errors import Audit8Error, DeviceLost, DoesNotFit, EngineFailure, EngineLost, OutOfMemory
from audit8.types import Finish, LoadProgress, Message, Piece, Sampling
from tests.api.serving import SQL, Channel, client_is_ready, running, settings, until
from tests.api.sse_reader import SseReader

FULL = 3  # jobs that wait when the queue is full
FAULTS = {
    "out of memory in prefill": (0, OutOfMemory("the device ran out of memory", hint="send less")),
    "out of memory in decode": (3, OutOfMemory("the device ran out of memory", hint="send less")),
    "a failure": (3, EngineFailure("the model failed", hint="see the log")),
    "the owner thread dies": (3, EngineLost("the engine has stopped unexpectedly", hint="send it again")),
    "a poisoned device": (3, DeviceLost("the GPU cannot be used by this process any more", hint="start again")),
}


@dataclass
class Server:
    """An application whose loads each give the next of `engines`; a fault in its place is raised."""

    engines: list[FakeEngine | Audit8Error]
    failures: list[Audit8Error] = field(default_factory=list)
    loads: int = 0

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[tuple[FastAPI, httpx.AsyncClient]]:
        app = create_app(settings(max_jobs=1 + FULL), self._load, self.failures.append)
        async with running(app) as client:
            await until(lambda: client_is_ready(client))
            yield app, client

    def _load(self, _: Callable[[LoadProgress], None]) -> FakeEngine:
        engine = self.engines[self.loads]
        self.loads += 1
        if isinstance(engine, Audit8Error):
            raise engine
        return engine


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "RESTART_AFTER_S", 0.0)


class Faulty(FakeEngine):
    """Fails the first answer; if that was the end of it, every later one too."""

    def __init__(self, fault: str, parallel: int = 1) -> None:
        super().__init__(replace(FAKE_INFO, parallel=parallel))
        fail_at, error = FAULTS[fault]
        self.dead: Audit8Error | None = None
        self.enqueue("one two three four", delay_s=0.05 if fail_at else 0.2, fail_at=fail_at, error=error)

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece | Finish]:
        if self.dead:
            raise self.dead
        try:
            async with aclosing(super().stream(messages, sampling)) as stream:
                async for item in stream:
                    yield item
        except EngineLost as error:
            self.dead = error
            raise


def stream(app: FastAPI) -> Channel:
    return Channel(app, "/audit", SQL.encode(), accept="text/event-stream", content_type="text/plain")


def events_of(channel: Channel) -> list[str]:
    reader = SseReader()
    reader.feed(channel.body)
    return [name for name, _ in reader.events]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_single_request_is_told_and_the_next_one_served_or_refused(fault: str) -> None:
    server = Server([Faulty(fault), FakeEngine()])
    _, error = FAULTS[fault]
    async with server.client() as (_, client):
        answer = await client.post("/audit", json={"code": SQL})
        assert (answer.status_code, answer.json()["error"]["code"]) == (
            503 if isinstance(error, EngineLost) else 500,
            error.code,
        )
        assert (answer.json()["error"]["message"], answer.json()["error"]["hint"]) == (error.message, error.hint)
        if isinstance(error, DeviceLost):
            await until(lambda: server.failures)
            assert (await client.post("/audit", json={"code": SQL})).status_code == 503
            assert (await client.get("/ready")).json()["error"]["code"] == "device_lost"
            assert (await client.get("/health")).json()["state"] == "failed"
        else:
            await until(lambda: client_is_ready(client))
            assert (await client.post("/audit", json={"code": SQL})).status_code == 200
    assert [one.code for one in server.failures] == (["device_lost"] if isinstance(error, DeviceLost) else [])
    assert server.loads == (2 if type(error) is EngineLost else 1)


@pytest.mark.parametrize("fault", FAULTS)
async def test_with_a_full_queue_every_job_ends_once_and_the_others_if_they_can_in_a_report(fault: str) -> None:
    engine = Faulty(fault)
    server = Server([engine, FakeEngine()])
    async with server.client() as (app, client):
        channels = [stream(app)]
        await until(lambda: engine.calls)
        channels += [stream(app) for _ in range(FULL)]
        await until(lambda: _jobs(client, 1 + FULL))
        assert (await client.post("/audit", json={"code": SQL})).status_code == 429
        for channel in channels:
            await channel.task
        endings = [[name for name in events_of(channel) if name in {"report", "error"}] for channel in channels]
        error = FAULTS[fault][1]
        others = "error" if isinstance(error, EngineLost) else "report"  # nobody can serve those who wait for it
        assert endings == [["error"], *[[others]] * FULL]
        assert json.loads(channels[0].body.split(b"data: ")[-1])["code"] == error.code
        assert await _jobs(client, 0)


async def _jobs(client: httpx.AsyncClient, wanted: int) -> bool:
    return bool(sum((await client.get("/health")).json()["jobs"].values()) == wanted)


async def test_while_the_engine_is_loaded_again_jobs_are_refused_with_503_and_the_old_one_is_closed() -> None:
    old, go_on = Faulty("the owner thread dies"), threading.Event()
    server = Server([old, FakeEngine()])
    load = server._load

    def slowly(report: Callable[[LoadProgress], None]) -> FakeEngine:
        if server.loads:
            go_on.wait(10)
        return load(report)

    server._load = slowly  # type: ignore[method-assign,assignment]
    async with server.client() as (_, client):
        assert (await client.post("/audit", json={"code": SQL})).status_code == 503
        await until(lambda: old.closed)
        refused = await client.post("/audit", json={"code": SQL})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")
        assert int(refused.headers["retry-after"]) > 0
        assert (await client.get("/ready")).status_code == 503
        assert (await client.get("/health")).status_code == 200
        go_on.set()
        await until(lambda: client_is_ready(client))


async def test_an_engine_that_is_lost_again_soon_ends_the_server() -> None:
    server = Server([Faulty("the owner thread dies"), Faulty("the owner thread dies"), FakeEngine()])
    async with server.client() as (_, client):
        assert (await client.post("/audit", json={"code": SQL})).status_code == 503
        await until(lambda: client_is_ready(client))
        assert (await client.post("/audit", json={"code": SQL})).status_code == 503
        assert [error.code for error in server.failures] == ["engine_lost"]
        assert (await client.get("/ready")).status_code == 503
    assert server.loads == 2


async def test_a_loss_long_after_another_is_a_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "RESTART_WINDOW_S", 0.0)
    server = Server([Faulty("the owner thread dies"), Faulty("the owner thread dies"), FakeEngine()])
    async with server.client() as (_, client):
        for _ in range(2):
            assert (await client.post("/audit", json={"code": SQL})).status_code == 503
            await until(lambda: client_is_ready(client))
    assert (server.failures, server.loads) == ([], 3)


async def test_a_model_that_does_not_load_again_ends_the_server_in_words() -> None:
    server = Server([Faulty("the owner thread dies"), DoesNotFit("The model needs 7.2 GiB; 3.1 GiB are free.")])
    async with server.client() as (_, client):
        assert (await client.post("/audit", json={"code": SQL})).status_code == 503
        await until(lambda: server.failures)
        assert (await client.get("/ready")).json()["error"]["code"] == "does_not_fit"


async def test_a_late_word_of_the_old_engine_does_not_end_the_new_one() -> None:
    old = Faulty("the owner thread dies", parallel=2)
    old.enqueue("late", delay_s=0.4, fail_at=0, error=EngineLost("the engine has stopped unexpectedly"))
    server = Server([old, FakeEngine()])
    async with server.client() as (app, client):
        channels = [stream(app), stream(app)]
        for channel in channels:
            await channel.task
        assert [events_of(channel)[-1] for channel in channels] == ["error", "error"]
        await until(lambda: client_is_ready(client))
    assert (server.failures, server.loads) == ([], 2)
