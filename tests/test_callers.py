"""Callers of the service: their share of it, their own jobs and deadlines, and who is told when the engine is lost."""

import asyncio
import contextlib
import math
import time
from contextlib import aclosing
from typing import Any

import pytest

from audit8.engine.fake import FakeEngine
from audit8.engine.protocol import Engine
from audit8.errors import BadRequest, DeviceLost, QueueFull, Stopping
from audit8.events import Accepted
from audit8.live import Caller
from audit8.service import AuditService
from audit8.types import Job, Source
from tests.api.serving import until
from tests.test_service import CHAT, HELLO, JOB, all_of, assert_one_ending


def endless(jobs: int = 1, **limits: Any) -> tuple[FakeEngine, AuditService]:
    engine = FakeEngine()
    for _ in range(jobs):
        engine.enqueue("and", endless=True, delay_s=0.001)
    return engine, AuditService(lambda: engine, **{"max_jobs": 4, **limits})


async def test_one_client_leaves_room_for_another() -> None:
    _, service = endless(max_jobs=4, client_jobs=2)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            await anext(await stack.enter_async_context(aclosing(service.run_audit(JOB, Caller("a")))))
        with pytest.raises(QueueFull) as caught:
            await anext(service.run_audit(JOB, Caller("a")))
        assert caught.value.details["max_client_jobs"] == 2
        accepted = await anext(await stack.enter_async_context(aclosing(service.run_audit(JOB, Caller("b")))))
        assert isinstance(accepted, Accepted)
        assert accepted.queue_position == 2


async def test_the_queue_is_bounded_in_tokens() -> None:
    _, service = endless(max_tokens=1000)
    large = Job("large", (Source("a.py", "x = 1\n" * 1000, "python"),), "en")
    async with aclosing(service.run_audit(large)) as first:
        await anext(first)
        with pytest.raises(QueueFull) as caught:
            await anext(service.run_audit(large))
    assert caught.value.details["tokens"] == 2000


@pytest.mark.parametrize("name", ["job-1", "my-request"])
@pytest.mark.parametrize("chat", [False, True])
async def test_a_client_cancels_its_own_job_by_either_name(name: str, *, chat: bool) -> None:
    engine, service = endless()
    caller = Caller("a", "my-request")
    events: Any = service.run_chat(HELLO, CHAT, caller) if chat else service.run_audit(JOB, caller)
    reading = asyncio.create_task(all_of(events))
    await until(lambda: engine.calls and engine.calls[0].given > 2)
    assert not await service.cancel(name, "b")
    assert not await service.cancel("nothing", "a")
    if chat and name == "job-1":
        assert not await service.cancel(name, "a")
        name = "my-request"
    assert await service.cancel(name, "a")
    assert engine.calls[0].cancelled
    assert (service.running, service.waiting) == (0, 0)
    assert assert_one_ending(await reading).code == "cancelled"
    assert not await service.cancel(name, "a")


async def test_a_waiting_job_is_cancelled_without_reaching_the_model() -> None:
    engine, service = endless()
    running = asyncio.create_task(all_of(service.run_audit(JOB, Caller(request_id="first"))))
    await until(lambda: engine.calls)
    waiting = asyncio.create_task(all_of(service.run_audit(JOB, Caller(request_id="second"))))
    await until(lambda: service.waiting == 1)
    assert await service.cancel("second")
    assert assert_one_ending(await waiting).code == "cancelled"
    assert len(engine.calls) == 1
    assert await service.cancel("first")
    assert assert_one_ending(await running).code == "cancelled"


async def test_no_job_takes_longer_than_it_may_and_a_client_may_ask_for_less() -> None:
    engine, service = endless(2, job_timeout_s=0.3)
    started_at = time.monotonic()
    first = asyncio.create_task(all_of(service.run_audit(JOB, Caller("a"))))
    await until(lambda: engine.calls)
    waiting = await all_of(service.run_audit(JOB, Caller("b", timeout_s=0.05)))
    assert assert_one_ending(waiting).code == "deadline_exceeded"
    assert len(engine.calls) == 1
    assert assert_one_ending(await first).code == "deadline_exceeded"
    assert engine.calls[0].cancelled
    assert time.monotonic() - started_at >= 0.3


@pytest.mark.parametrize("timeout_s", [0, -1, 61, math.inf, math.nan])
async def test_a_time_out_out_of_range_is_refused(timeout_s: float) -> None:
    _, service = endless(job_timeout_s=60)
    with pytest.raises(BadRequest) as caught:
        await anext(service.run_audit(JOB, Caller(timeout_s=timeout_s)))
    assert caught.value.details["param"] == "timeout_s"
    assert service.waiting == 0


async def test_a_lost_engine_is_reported_with_the_error() -> None:
    engine = FakeEngine()
    engine.enqueue("one two", fail_at=1, error=DeviceLost("gone"))
    lost: list[tuple[Engine, str]] = []
    service = AuditService(lambda: engine, max_jobs=1, on_lost=lambda which, error: lost.append((which, error.code)))
    assert assert_one_ending(await all_of(service.run_audit(JOB))).code == "device_lost"
    assert lost == [(engine, "device_lost")]


async def test_the_end_of_the_server_is_everybodys_last_event() -> None:
    engine, service = endless(2)
    jobs = [
        asyncio.create_task(all_of(service.run_audit(JOB))),
        asyncio.create_task(all_of(service.run_chat(HELLO, CHAT))),
    ]
    await until(lambda: service.waiting == 1 and engine.calls)
    service.end_all(Stopping("the server stops", retry_after_s=1))
    assert [assert_one_ending(events).code for events in await asyncio.gather(*jobs)] == ["stopping", "stopping"]
    assert service.jobs == 0
