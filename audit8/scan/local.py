"""A scan on this machine: a model that is loaded for it and let go again, or the static rules alone.

Knows how an engine is started and what gives events. What is done with the events is the caller's.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

from audit8.audit.report import build_report
from audit8.audit.rules import run_rules
from audit8.engine.protocol import Engine
from audit8.events import Event, Progress, Reported
from audit8.findings import Timings
from audit8.pipeline import Run
from audit8.pipeline.record import Grounded, Record, grounded
from audit8.types import EngineInfo, Job, Source, Usage

NO_ENGINE = EngineInfo(model="", device="", quantisation="none", arithmetic="", context_tokens=0)
"""What a report says where no model read the code."""

Take = Callable[[Event], None]


async def run_with(engine: Engine, job: Job, take: Take, show: Callable[[Record], None]) -> None:
    """Audit `job`, giving each event to `take`, and close the engine, also when this is cancelled.

    `show` is given, before the first event, the record that the run keeps.
    """
    try:
        run = Run(job, engine, _at_once)
        show(run.record)
        await _pass_on(run.events(), take)
    finally:
        await engine.aclose()


async def run_rules_only(job: Job, take: Take) -> None:
    await _pass_on(rules_only(job), take)


async def rules_only(job: Job) -> AsyncGenerator[Event]:
    """The same events as a run with a model has, of the rules alone."""
    began_s = time.monotonic()
    record = Record(job)
    total = len(job.sources)
    for done, source in enumerate(job.sources):
        yield Progress("rules", done, total, source.name)
        for found in record.take(done, await asyncio.to_thread(_apply_rules, source, job)):
            yield found
    yield Progress("report", total, total)
    report = build_report(
        job,
        NO_ENGINE,
        findings=record.findings,
        filtered=record.filtered,
        coverage=record.coverage(),
        usage=Usage(),
        timings=Timings(0.0, 0.0, 0.0, time.monotonic() - began_s, 0.0),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    yield Reported(report)


def _apply_rules(source: Source, job: Job) -> Grounded:
    return grounded(run_rules(source, job.lang), source, job.lang, origin_counts=True)


async def _pass_on(events: AsyncGenerator[Event], take: Take) -> None:
    async with aclosing(events):
        async for event in events:
            take(event)


@asynccontextmanager
async def _at_once() -> AsyncGenerator[None]:
    """Nobody else asks this engine: there is no turn to wait for."""
    yield
