"""Jobs end in exactly one way, in bounded numbers, and let go of the model when nobody listens any more."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from audit8.engine.fake import FakeEngine
from audit8.engine.protocol import Engine
from audit8.errors import (
    Audit8Error,
    Cancelled,
    EmptyCode,
    EngineFailure,
    NotReady,
    OutOfMemory,
    PromptTooLong,
    QueueFull,
)
from audit8.events import Accepted, Event, Failed, Reported, Token
from audit8.service import AuditService
from audit8.types import Finish, Job, Message, Sampling, Source
from tests.api.serving import ANSWER, SQL, until

JOB = Job("job-1", (Source("app.py", SQL, "python"),), "en")
HELLO = [Message("user", "hello")]
CHAT = Sampling(max_tokens=20)


def service_of(engine: Engine, max_jobs: int = 4) -> AuditService:
    return AuditService(lambda: engine, max_jobs=max_jobs)


async def all_of(events: AsyncGenerator[Any]) -> list[Any]:
    async with aclosing(events):
        return [event async for event in events]


def assert_one_ending(events: list[Any]) -> Any:
    endings = [index for index, event in enumerate(events) if isinstance(event, Reported | Failed | Finish)]
    assert endings == [len(events) - 1]
    assert isinstance(events[0], Accepted)
    return events[-1]


@pytest.mark.parametrize("error", [EngineFailure("broken"), OutOfMemory("full"), Cancelled("an operator stopped it")])
@pytest.mark.parametrize("fail_at", [0, 1, 2, 10])
async def test_a_failure_at_any_step_is_the_one_ending(fail_at: int, error: Audit8Error) -> None:
    engine = FakeEngine()
    engine.enqueue("one two three", fail_at=fail_at, error=error)
    service = service_of(engine)
    ending = assert_one_ending(await all_of(service.run_audit(JOB)))
    assert (ending.code, ending.message) == (error.code, error.message)
    assert (service.running, service.waiting) == (0, 0)


async def test_a_report_is_the_one_ending() -> None:
    engine = FakeEngine()
    engine.enqueue(ANSWER)
    ending = assert_one_ending(await all_of(service_of(engine).run_audit(JOB)))
    assert isinstance(ending, Reported)
    assert ending.report.id == "job-1"


async def test_refusals_come_before_acceptance() -> None:
    def loading() -> Engine:
        raise NotReady("loading", retry_after_s=1)

    with pytest.raises(NotReady):
        await anext(AuditService(loading, max_jobs=1).run_audit(JOB))
    with pytest.raises(NotReady):
        await anext(AuditService(loading, max_jobs=1).run_chat(HELLO, CHAT))
    for sources in ((), (Source("a.py", " \n\t", "python"),)):
        with pytest.raises(EmptyCode):
            await anext(service_of(FakeEngine()).run_audit(Job("x", sources, "en")))


async def test_the_queue_is_bounded_per_job_and_empties() -> None:
    engine = FakeEngine()
    engine.enqueue("slow", endless=True, delay_s=0.001)
    service = service_of(engine, max_jobs=2)
    first, second = service.run_audit(JOB), service.run_chat(HELLO, CHAT)
    accepted = [await anext(first), await anext(second)]
    assert [event.queue_position for event in accepted if isinstance(event, Accepted)] == [0, 1]
    for refused in (service.run_audit(JOB), service.run_chat(HELLO, CHAT)):
        with pytest.raises(QueueFull) as caught:
            await anext(refused)
        assert caught.value.retry_after_s > 0
    await first.aclose()
    await second.aclose()
    assert_one_ending(await all_of(service.run_audit(JOB)))


async def test_closing_a_running_job_closes_the_engines_stream() -> None:
    engine = FakeEngine()
    engine.enqueue("and so on", endless=True, delay_s=0.001)
    service = service_of(engine)
    events = service.run_audit(JOB)
    async for event in events:
        if isinstance(event, Token):
            break
    assert service.running == 1
    await events.aclose()
    assert engine.calls[0].cancelled
    assert (service.running, service.waiting) == (0, 0)


@pytest.mark.parametrize("delay_s", [0.01, 30.0])
async def test_cancelling_a_task_closes_the_engines_stream(delay_s: float) -> None:
    engine = FakeEngine()
    engine.enqueue("and so on", endless=True, delay_s=delay_s)
    service = service_of(engine)
    task = asyncio.create_task(all_of(service.run_audit(JOB)))
    await until(lambda: engine.calls and engine.calls[0].started)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.calls[0].cancelled
    assert (service.running, service.waiting) == (0, 0)


async def test_a_waiting_job_can_be_cancelled_and_never_reaches_the_engine() -> None:
    engine = FakeEngine()
    engine.enqueue("busy", endless=True, delay_s=0.001)
    service = service_of(engine)
    running = asyncio.create_task(all_of(service.run_audit(JOB)))
    await until(lambda: engine.calls)
    waiting = asyncio.create_task(all_of(service.run_audit(JOB)))
    await until(lambda: service.waiting == 1)
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert (service.running, service.waiting) == (1, 0)
    assert len(engine.calls) == 1
    running.cancel()
    await asyncio.wait({running})


async def test_jobs_take_their_turns_in_the_order_they_came() -> None:
    engine = FakeEngine()
    service = service_of(engine)
    jobs = [Job(f"job-{number}", (Source("", f"x = {number}", "python"),), "en") for number in range(4)]
    await asyncio.gather(*(all_of(service.run_audit(job)) for job in jobs))
    asked = [next(line for line in call.messages[-1].content.splitlines() if "x = " in line) for call in engine.calls]
    assert asked == sorted(asked)


# ---- chat -------------------------------------------------------------------------------------------------------


async def test_a_chat_is_tokens_and_one_ending() -> None:
    engine = FakeEngine()
    engine.enqueue("<think>hm</think>good day")
    events = await all_of(service_of(engine).run_chat(HELLO, CHAT))
    ending = assert_one_ending(events)
    assert isinstance(ending, Finish)
    assert [event for event in events if isinstance(event, Token)] == [
        Token("hm", reasoning=True),
        Token("good"),
        Token(" day"),
    ]
    assert engine.calls[0].messages == tuple(HELLO)


async def test_max_tokens_is_lowered_to_what_the_context_has_left() -> None:
    engine = FakeEngine()
    service = service_of(engine)
    await all_of(service.run_chat(HELLO, Sampling(max_tokens=10**9)))
    await all_of(service.run_chat(HELLO, CHAT))
    asked = [call.sampling.max_tokens for call in engine.calls]
    assert 7000 < asked[0] < 8192
    assert asked[1] == CHAT.max_tokens


async def test_a_chat_that_does_not_fit_is_refused_before_acceptance() -> None:
    service = service_of(FakeEngine())
    with pytest.raises(PromptTooLong) as caught:
        await anext(service.run_chat([Message("user", "word " * 9000)], CHAT))
    assert caught.value.details["context_tokens"] == 8192
    assert service.waiting == 0


async def test_a_failing_chat_ends_with_the_failure() -> None:
    engine = FakeEngine()
    engine.enqueue("one two", fail_at=1)
    events: list[Event] = await all_of(service_of(engine).run_chat(HELLO, CHAT))
    assert isinstance(assert_one_ending(events), Failed)
