"""Several servers: the least loaded, another when one fails, and every job ended once whatever happens to them."""

import asyncio
from collections import Counter

import pytest

from audit8.audit.judging import SMALL
from audit8.errors import EngineFailure
from audit8.events import Accepted, Failed, Reported
from audit8.pipeline import run
from audit8.remote.engine import RemoteEngine
from audit8.service import AuditService
from audit8.types import Finish, Job, Message, Piece, Sampling, Source
from tests.remote.conftest import CALM, connected
from tests.remote.scripted import Server, chunk, error, frame, scripted, stream_of, streamed

JOBS = 200


async def answer(engine: RemoteEngine, text: str = "hi") -> str:
    items = [item async for item in engine.stream([Message("user", text)], Sampling(max_tokens=9))]
    assert [isinstance(item, Finish) for item in items] == [False] * (len(items) - 1) + [True]
    return "".join(item.text for item in items if isinstance(item, Piece))


async def jobs_done(engine: RemoteEngine, after: "asyncio.Future[None] | None" = None) -> list[list[object]]:
    """The events of JOBS audits at once, of different code each."""
    service = AuditService(lambda: engine, max_jobs=JOBS)
    done = 0

    async def one(number: int) -> list[object]:
        nonlocal done
        job = Job(f"job{number}", (Source(f"f{number}.py", f"value_{number} = {number}\n", "python"),), "en")
        events: list[object] = [event async for event in service.run_audit(job)]
        done += 1
        if after and done == 20 and not after.done():
            after.set_result(None)
        return events

    return list(await asyncio.gather(*(one(number) for number in range(JOBS))))


def numbers_of(server: Server) -> list[str]:
    """Which job each streamed request was for."""
    shown = [body["messages"][-1]["content"] for body in server.chats]
    return [text.split("value_")[1].split(" ")[0] for text in shown]


async def test_every_job_ends_once_though_one_server_dies_and_one_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "calibration_for", lambda _: SMALL)  # one question a job
    with scripted() as good, scripted() as dying, scripted() as busy:
        slow = stream_of(frame(chunk("")), 0.01, frame(chunk("[]", "stop")), frame(b"[DONE]"))
        good.default = dying.default = lambda _: slow
        engine = await asyncio.to_thread(connected, good, dying, busy, patience=CALM)
        busy.default = lambda _: error(429, "the queue is full", retry_after="0.01")
        killed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        jobs = asyncio.ensure_future(jobs_done(engine, killed))
        await killed
        assert dying.chats
        await asyncio.to_thread(dying.stop)  # type: ignore[attr-defined]
        ended = await jobs
        await engine.aclose()
    for events in ended:
        assert isinstance(events[0], Accepted)
        assert [type(event) for event in events if isinstance(event, Reported | Failed)] == [Reported]
    reports = [events[-1].report for events in ended if isinstance(events[-1], Reported)]
    assert len({report.id for report in reports}) == JOBS
    answered = Counter(numbers_of(good)) + Counter(numbers_of(dying))
    assert max(answered.values()) <= 2  # asked again where the first server died before it said anything
    assert sum(count > 1 for count in answered.values()) <= 48  # no more than all were writing at the time
    assert len(answered) == JOBS
    assert busy.chats


async def test_work_goes_to_the_least_loaded() -> None:
    with scripted() as one, scripted() as other:
        slow = stream_of(0.1, *(part for part in streamed("ok").portions))
        one.default = other.default = lambda _: slow
        engine = await asyncio.to_thread(connected, one, other, patience=CALM)
        await asyncio.gather(*(answer(engine) for _ in range(10)))
        assert (len(one.chats), len(other.chats)) == (5, 5)
        await engine.aclose()


async def test_a_server_that_failed_is_asked_whether_it_lives_before_it_gets_work() -> None:
    with scripted() as sick, scripted() as well:
        engine = await asyncio.to_thread(connected, sick, well)
        sick.script.append(error(500, "CUDA error"))
        sick.others["/v1/models"] = error(500, "CUDA error")
        for _ in range(6):
            assert await answer(engine) == "good day"
            await asyncio.sleep(0.03)
        assert len(sick.chats) == 1
        del sick.others["/v1/models"]
        await asyncio.sleep(0.15)
        await asyncio.gather(*(answer(engine) for _ in range(4)))
        assert len(sick.chats) > 1
        await engine.aclose()


async def test_all_gone_is_one_error_and_no_hang() -> None:
    with scripted() as one, scripted() as other:
        engine = await asyncio.to_thread(connected, one, other)
    with pytest.raises(EngineFailure, match=r"127\.0\.0\.1:\d+"):
        await answer(engine)
    await engine.aclose()


async def test_one_that_was_away_at_start_is_used_once_it_is_there() -> None:
    with scripted() as there, scripted() as late:
        late.others["/v1/models"] = error(500, "no")
        engine = await asyncio.to_thread(connected, there, late)
        assert engine.info.parallel == 16
        del late.others["/v1/models"]
        slow = stream_of(0.05, *(part for part in streamed("ok").portions))
        there.default = late.default = lambda _: slow
        await asyncio.gather(*(answer(engine) for _ in range(4)))
        assert late.chats
        await engine.aclose()
