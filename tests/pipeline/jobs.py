"""Jobs, what happens to them with a scripted engine, and engines with an opinion."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from audit8.engine.fake import FAKE_INFO, FakeEngine
from audit8.events import Event, Reported
from audit8.findings import Report
from audit8.pipeline import Run
from audit8.types import Job, Source

POCKET = replace(FAKE_INFO, pocket=True, model="pocket")
THINKING = replace(FAKE_INFO, reasoning=True)


@asynccontextmanager
async def no_queue() -> AsyncGenerator[None]:
    yield


def job_of(*sources: Source) -> Job:
    return Job("job-1", sources, "en")


async def events_of(job: Job, engine: FakeEngine) -> list[Event]:
    async with aclosing(Run(job, engine, no_queue).events()) as events:
        return [event async for event in events]


async def report_of(job: Job, engine: FakeEngine) -> Report:
    last = (await events_of(job, engine))[-1]
    assert isinstance(last, Reported)
    return last.report


def believing(*titles: str, sure: float = 0.98) -> Callable[[str], list[float]]:
    """An engine's opinion: flaws of these titles are there, whichever letter says so, and no others."""

    def opinion(text: str) -> list[float]:
        question = text.rpartition("</code-")[2]
        first = question.partition("\nA. ")[2].partition("\n")[0]
        says_yes = first.startswith(("It has", "The mistake is really"))
        believed = any(title in question for title in titles)
        return [sure, 1 - sure] if says_yes == believed else [1 - sure, sure]

    return opinion
