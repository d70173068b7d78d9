"""A job without a model: the events of a run, of the static rules alone."""

import asyncio
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from audit8.audit.report import build_report
from audit8.audit.rules import run_rules
from audit8.events import Event, Progress, Reported
from audit8.findings import Timings
from audit8.pipeline.record import Grounded, Record, grounded
from audit8.types import EngineInfo, Job, Source, Usage

NO_MODEL = EngineInfo(model="", device="", quantisation="none", arithmetic="", context_tokens=0)
"""What a report says where no model read the code."""


async def rules_only(job: Job) -> AsyncGenerator[Event]:
    """Progress and findings, and last the report: no line of it was read by a model."""
    began_s = time.monotonic()
    record = Record(job)
    total = len(job.sources)
    for done, source in enumerate(job.sources):
        yield Progress("rules", done, total, source.name)
        for found in record.take(done, await asyncio.to_thread(apply_rules, source, job)):
            yield found
    yield Progress("report", total, total)
    report = build_report(
        job,
        NO_MODEL,
        findings=record.findings,
        filtered=record.filtered,
        coverage=record.coverage(),
        usage=Usage(),
        timings=Timings(0.0, 0.0, 0.0, time.monotonic() - began_s, 0.0),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    yield Reported(report)


def apply_rules(source: Source, job: Job) -> Grounded:
    """What the static rules find in one source, grounded. Slow, and pure."""
    return grounded(run_rules(source, job.lang), source, job.lang, origin_counts=True)
