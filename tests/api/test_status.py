"""/health answers while the process lives; /ready says whether jobs are taken, and how far the start-up is."""

import threading
from collections.abc import Callable

import pytest

from audit8.api.app import create_app
from audit8.engine.fake import FAKE_INFO, FakeEngine
from audit8.errors import Audit8Error, DoesNotFit
from audit8.types import LoadProgress
from tests.api.serving import SQL, client_is_ready, ready, running, settings, until

Report = Callable[[LoadProgress], None]


async def test_while_it_loads_health_is_200_and_everything_else_503_with_the_progress() -> None:
    go_on = threading.Event()
    engine = FakeEngine()

    def slowly(report: Report) -> FakeEngine:
        report(LoadProgress("downloading", 300, 1200, "bytes", "model.safetensors"))
        go_on.wait(10)
        return engine

    async with running(create_app(settings(), slowly)) as client:
        health = await client.get("/health")
        not_ready = await client.get("/ready")
        audit = await client.post("/audit", json={"code": SQL})
        stream = await client.post("/audit", json={"code": SQL}, headers={"Accept": "text/event-stream"})
        chat = await client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "hi"}]})
        models = await client.get("/v1/models")
        go_on.set()
        await until(lambda: client_is_ready(client))
        now_ready = await client.post("/audit", json={"code": SQL})
    assert health.status_code == 200
    assert health.json()["state"] == "loading"
    assert health.json()["progress"]["done"] == 300
    for answer in (not_ready, audit, stream, chat):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        error = answer.json()["error"]
        assert (error["code"], error["stage"], error["done"], error["total"]) == ("not_ready", "downloading", 300, 1200)
        assert (error["unit"], error["detail"]) == ("bytes", "model.safetensors")
    assert [model["id"] for model in models.json()["data"]] == ["audit8"]
    assert now_ready.status_code == 200
    assert engine.closed


async def test_a_ready_server_says_what_it_holds() -> None:
    async with ready(FakeEngine()) as client:
        health = (await client.get("/health")).json()
        answer = await client.get("/ready")
    assert (health["status"], health["state"]) == ("ok", "ready")
    for name in ("model", "device", "quantisation", "context_tokens", "pocket"):
        assert health[name] == getattr(FAKE_INFO, name)
    assert health["memory"] == {"kind": "ram", "used_bytes": 123_000_000, "total_bytes": 8_000_000_000}
    assert health["jobs"] == {"running": 0, "waiting": 0}
    assert health["progress"]["stage"] == "ready"
    assert health["version"]
    assert answer.json()["model"] == FAKE_INFO.model


async def test_a_failed_start_is_shown_and_reported_once() -> None:
    failures: list[Audit8Error] = []

    def failing(_: Report) -> FakeEngine:
        raise DoesNotFit("The model needs 7.2 GiB; 3.1 GiB are free.", hint="Use --quant 4bit.", need_bytes=7)

    async with running(create_app(settings(), failing, failures.append)) as client:
        await until(lambda: failures)
        health = await client.get("/health")
        answers = [await client.get("/ready"), await client.post("/audit", json={"code": SQL})]
    assert health.status_code == 200
    assert (health.json()["state"], health.json()["status"]) == ("failed", "failed")
    assert health.json()["error"]["code"] == "does_not_fit"
    for answer in answers:
        assert answer.status_code == 503
        assert answer.json()["error"]["message"].startswith("The model needs")
        assert answer.json()["error"]["need_bytes"] == 7
    assert [error.code for error in failures] == ["does_not_fit"]


async def test_an_unforeseen_failure_of_the_start_is_a_failed_start_too(monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[Audit8Error] = []
    printed: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", printed.append)

    def surprising(_: Report) -> FakeEngine:
        raise ZeroDivisionError

    async with running(create_app(settings(), surprising, failures.append)) as client:
        await until(lambda: printed)
        assert (await client.get("/health")).json()["state"] == "failed"
    assert [error.code for error in failures] == ["startup"]
    assert printed[0].exc_type is ZeroDivisionError


async def test_an_engine_that_comes_too_late_is_closed() -> None:
    go_on = threading.Event()
    engine = FakeEngine()

    def slowly(_: Report) -> FakeEngine:
        go_on.wait(10)
        return engine

    async with running(create_app(settings(), slowly)) as client:
        assert (await client.get("/health")).status_code == 200
    go_on.set()
    await until(lambda: engine.closed)
