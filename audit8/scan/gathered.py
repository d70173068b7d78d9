"""What is known of a running scan, so that a scan which is broken off still leaves a valid report.

Knows events and how a report is built. Claims no more than what was surely done: a file counts as audited when the
rules are through with it. Which lines a model has read only the run's own record tells; of a server there is none.
"""

import time
from datetime import UTC, datetime

from audit8.audit.report import build_report
from audit8.audit.texts import words
from audit8.events import Event, Found, Progress, Reported, Token, Withdrawn
from audit8.findings import Finding, Rejected, Report, Timings
from audit8.pipeline.record import Record
from audit8.scan.words import say
from audit8.types import EngineInfo, Job, Usage

MAX_NAMED = 10
_OF_THE_MODEL = ("model", "judge", "texts")


class Gathered:
    """The state of one job, seen from its events. `info` may be set when it is known."""

    def __init__(self, job: Job, info: EngineInfo) -> None:
        self.info = info
        self.report: Report | None = None
        self._job = job
        self._began_s = time.monotonic()
        self._findings: dict[tuple[str, str, int], Finding] = {}
        self._filtered: list[Rejected] = []
        self._record: Record | None = None
        self._audited = 0
        self._at: dict[str, Progress] = {}
        self._tokens = 0

    @property
    def begun(self) -> bool:
        """Whether there is anything to report."""
        return bool(self._at)

    def see(self, record: Record) -> None:
        """The record of a run on this machine, which goes on changing."""
        self._record = record

    def take(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._at[event.stage] = event
            self._audited = max(self._audited, event.done) if event.stage == "rules" else len(self._job.sources)
        elif isinstance(event, Found):
            one = event.finding
            self._findings[(one.file, one.fingerprint, one.start_line)] = one
        elif isinstance(event, Withdrawn):
            gone = self._findings.pop((event.file, event.fingerprint, event.start_line), None)
            if gone:
                self._filtered.append(
                    Rejected(gone.title, gone.file, gone.start_line, event.reason, gone.origin, gone.cwe)
                )
        elif isinstance(event, Token):
            self._tokens += 1
        elif isinstance(event, Reported):
            self.report = event.report

    def broken_off(self, why: str) -> Report:
        """The report if it is there, else one of what was done by now: `left_out` says `why` and what is missing."""
        if self.report is not None:
            return self.report
        total_s = time.monotonic() - self._began_s
        record = self._record or Record(self._job)
        return build_report(
            self._job,
            self.info,
            findings=self._findings.values(),
            filtered=record.filtered if self._record else self._filtered,
            coverage=record.coverage()[: self._audited],
            usage=Usage(0, self._tokens),
            timings=Timings(0.0, 0.0, 0.0, total_s, 0.0),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            warnings=record.warnings(),
            left_out=[why, *self._missing()],
        )

    def _missing(self) -> list[str]:
        lang, sources = self._job.lang, self._job.sources
        left = [source.name or words("pasted", lang) for source in sources[self._audited :]]
        if left:
            names = words("comma", lang).join(left[:MAX_NAMED]) + (" …" if len(left) > MAX_NAMED else "")
            return [say("files_left", lang, count=len(left), total=len(sources), names=names)]
        begun = [self._at[stage] for stage in _OF_THE_MODEL if stage in self._at]
        waiting = [self._at["queued"]] if "queued" in self._at and not begun else []
        said = [
            say("steps_left", lang, stage=say(at.stage, lang), done=at.done, total=at.total)
            for at in begun or waiting
            if at.done < at.total
        ]
        return [*said, say("read_unknown", lang)] if begun and not self._record else said
