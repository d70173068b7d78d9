"""A job that was accepted ends in exactly one way, whoever ends it and whenever."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from audit8.admission import Limits, Places
from audit8.errors import Audit8Error, Cancelled, EngineFailure, Stopping
from audit8.events import Failed
from audit8.live import ANYBODY, Live
from tests.api.serving import until

STOPPED = Cancelled("stopped")


class Script:
    """Events that come one by one, and what became of their generator."""

    def __init__(self, *events: object, endless: bool = False) -> None:
        self.events = events
        self.endless = endless
        self.given = 0
        self.closed = False

    async def play(self) -> AsyncGenerator[object]:
        try:
            for event in self.events:
                if isinstance(event, Exception):
                    raise event
                self.given += 1
                yield event
                await asyncio.sleep(0)
            if self.endless:
                await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # letting go takes a moment, as it does in an engine
            self.closed = True


class Desk:
    def __init__(self, timeout_s: float = 60.0) -> None:
        self.places = Places(Limits(9, 9, 9))
        self.errors: list[Audit8Error] = []
        self.live = Live({"job"}, ANYBODY, self.places.enter("", 1), timeout_s, self.errors.append)

    async def all_of(self, script: Script) -> list[object]:
        async with aclosing(self.live.play(script.play())) as events:
            return [event async for event in events]


def codes(events: list[object]) -> list[str]:
    return [event.code for event in events if isinstance(event, Failed)]


async def test_a_job_that_ends_by_itself() -> None:
    desk = Desk()
    assert await desk.all_of(Script("a", "b")) == ["a", "b"]
    assert (desk.live.outcome, desk.places.taken) == ("ok", 0)
    assert not desk.live.stop(STOPPED)


async def test_a_failure_of_ours_is_the_last_event() -> None:
    desk, script = Desk(), Script("a", EngineFailure("broken"))
    assert codes(await desk.all_of(script)) == ["engine_failure"]
    assert (desk.live.outcome, [error.code for error in desk.errors]) == ("engine_failure", ["engine_failure"])
    assert script.closed


@pytest.mark.parametrize("after", [0, 1, 2])
async def test_who_stops_it_decides_how_it_ends(after: int) -> None:
    desk, script = Desk(), Script("a", "b", endless=True)
    got: list[object] = []
    if after == 0:
        assert desk.live.stop(STOPPED)
    async with aclosing(desk.live.play(script.play())) as events:
        async for event in events:
            got.append(event)
            if len(got) == after:
                assert desk.live.stop(STOPPED)
                assert desk.live.stop(Stopping("too late", retry_after_s=1))
                await desk.live.gone()
                assert desk.places.taken == 0
    assert codes(got) == ["cancelled"]
    assert isinstance(got[-1], Failed)
    assert not desk.live.stop(STOPPED)


async def test_it_can_be_stopped_before_its_task_has_taken_a_step() -> None:
    desk, script = Desk(), Script(endless=True)
    reading = asyncio.create_task(desk.all_of(script))
    for _ in range(3):
        if desk.live._task is None:
            await asyncio.sleep(0)
    assert not desk.live._begun
    assert desk.live.stop(STOPPED)
    assert codes(await asyncio.wait_for(reading, 1)) == ["cancelled"]


async def test_the_deadline_ends_it_and_counts_from_the_acceptance() -> None:
    desk, script = Desk(timeout_s=0.02), Script("a", endless=True)
    assert codes(await desk.all_of(script)) == ["deadline_exceeded"]
    assert script.closed
    late = Desk(timeout_s=0.01)
    await asyncio.sleep(0.02)
    assert codes(await late.all_of(Script("a", endless=True))) == ["deadline_exceeded"]


@pytest.mark.parametrize("jump_s", [-86_400.0, 86_400.0])
async def test_a_jump_of_the_wall_clock_changes_no_deadline(jump_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = time.time
    desk = Desk(timeout_s=60)
    monkeypatch.setattr(time, "time", lambda: wall() + jump_s)
    assert await desk.all_of(Script("a", "b")) == ["a", "b"]
    desk = Desk(timeout_s=0.02)
    assert codes(await asyncio.wait_for(desk.all_of(Script(endless=True)), 5)) == ["deadline_exceeded"]


async def test_a_timeout_that_is_not_ours_is_unforeseen() -> None:
    desk = Desk()
    with pytest.raises(TimeoutError):
        await desk.all_of(Script("a", TimeoutError("a library's")))
    assert (desk.live.outcome, desk.places.taken) == ("internal", 0)


async def test_a_reader_who_leaves_ends_it_and_everything_is_let_go() -> None:
    desk, script = Desk(), Script("a", endless=True)
    reading = asyncio.create_task(desk.all_of(script))
    await until(lambda: script.given)
    reading.cancel()
    await asyncio.wait({reading})
    assert (script.closed, desk.live.outcome, desk.places.taken) == (True, "client_gone", 0)


async def test_a_slow_reader_keeps_neither_the_place_nor_the_model() -> None:
    desk, script = Desk(), Script(*range(1000))
    async with aclosing(desk.live.play(script.play())) as events:
        assert await anext(events) == 0
        await until(lambda: script.closed)
        assert desk.places.taken == 0
        assert [event async for event in events] == list(range(1, 1000))
