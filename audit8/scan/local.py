"""A scan on this machine: a model that is loaded for it and let go again, or the static rules alone.

Knows how an engine is started and what gives events. What is done with the events is the caller's.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

from audit8.audit.change import keep_changed
from audit8.audit.ground import ground
from audit8.audit.report import build_report
from audit8.audit.rules import run_rules
from audit8.engine.protocol import Engine
from audit8.events import Event, Found, Progress, Reported
from audit8.findings import FileCoverage, Finding, Rejected, Timings
from audit8.pipeline import Run
from audit8.types import EngineInfo, Job, Source, Usage

NO_ENGINE = EngineInfo(model="", device="", quantisation="none", arithmetic="", context_tokens=0)
"""What a report says where no model read the code."""

Take = Callable[[Event], None]


async def run_with(engine: Engine, job: Job, take: Take) -> None:
    """Audit `job`, giving each event to `take`, and close the engine, also when this is cancelled."""
    try:
        await _pass_on(Run(job, engine, _at_once).events(), take)
    finally:
        await engine.aclose()


async def run_rules_only(job: Job, take: Take) -> None:
    await _pass_on(rules_only(job), take)


async def rules_only(job: Job) -> AsyncGenerator[Event]:
    """The same events as a run with a model has, of the rules alone."""
    began_s = time.monotonic()
    findings: list[Finding] = []
    filtered: list[Rejected] = []
    total = len(job.sources)
    for done, source in enumerate(job.sources):
        yield Progress("rules", done, total, source.name)
        found, rejected = await asyncio.to_thread(_apply_rules, source, job)
        findings += found
        filtered += rejected
        for finding in found:
            yield Found(finding)
    yield Progress("report", total, total)
    report = build_report(
        job,
        NO_ENGINE,
        findings=findings,
        filtered=filtered,
        coverage=[FileCoverage(one.name, one.language, one.encoding, len(one.lines)) for one in job.sources],
        usage=Usage(),
        timings=Timings(0.0, 0.0, 0.0, time.monotonic() - began_s, 0.0),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    yield Reported(report)


def _apply_rules(source: Source, job: Job) -> tuple[list[Finding], list[Rejected]]:
    found, rejected = ground(run_rules(source, job.lang), source, origin_counts=True, lang=job.lang)
    kept, outside = keep_changed(found, source, job.lang)
    return kept, [*rejected, *outside]


async def _pass_on(events: AsyncGenerator[Event], take: Take) -> None:
    async with aclosing(events):
        async for event in events:
            take(event)


@asynccontextmanager
async def _at_once() -> AsyncGenerator[None]:
    """Nobody else asks this engine: there is no turn to wait for."""
    yield
