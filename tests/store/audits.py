"""Jobs and reports to put into a history."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from audit8.audit.report import build_report
from audit8.engine.fake import FAKE_INFO
from audit8.events import Accepted, Event, Failed, Reported
from audit8.findings import FileCoverage, Finding, Timings
from audit8.store.history import History, Kept
from audit8.types import Job, Severity, Source, Usage

QUERY = Finding(
    title="SQL injection",
    severity=Severity.HIGH,
    cwe="CWE-89",
    file="db.py",
    start_line=2,
    end_line=2,
    quote="    db.execute(text)",
    why="text is put together",
    fix="bind it",
    confidence=0.9,
    origin="rule",
    rule_id="py-sql",
    fingerprint="f00d",
)
CODE = Source("db.py", "def find(db, text):\n    db.execute(text)\n", "python")


def job_of(number: int = 0, *sources: Source, **changed: Any) -> Job:
    return Job(**{"id": f"job{number}", "sources": sources or (CODE,), "lang": "en", **changed})


def reported(job: Job, *findings: Finding) -> Reported:
    report = build_report(
        job,
        FAKE_INFO,
        findings=findings,
        filtered=[],
        coverage=[FileCoverage(source.name, source.language, "utf-8", 2) for source in job.sources],
        usage=Usage(10, 20),
        timings=Timings(0, 0, 0, 0, 0),
        created_at="2026-01-02T03:04:05+00:00",
    )
    return Reported(report)


FAILED = Failed("engine_failure", "the model failed")


async def events(job: Job, end: Event) -> AsyncGenerator[Event]:
    yield Accepted(job.id, len(job.sources), 0)
    yield end


async def put(history: History, number: int, *sources: Source, owner: str = "", end: Event | None = None) -> None:
    """An audit with one finding, or that ended as `end` says, has passed."""
    job = job_of(number, *sources)
    async for _ in history.keep(events(job, end or reported(job, QUERY)), job, owner):
        pass


class Clock:
    now_s = 1_767_323_045.0  # 2026-01-02T03:04:05 UTC

    def __call__(self) -> float:
        return self.now_s


def opened(path: Path, clock: Clock | None = None, **kept: int) -> History:
    return History(Kept(path, **kept), clock=clock or Clock())
