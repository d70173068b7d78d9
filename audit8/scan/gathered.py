"""What is known of a running scan, so that a scan which is broken off still leaves a valid report.

Knows events and how a report is built. Claims no more than what was surely done: a file counts as audited when the
rules are through with it, a line as read when the model is through with its chunk.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime

from audit8.audit.chunks import MIN_BUDGET_TOKENS
from audit8.audit.report import build_report
from audit8.audit.shown import join_ranges, read_ranges
from audit8.audit.texts import words
from audit8.events import Event, Found, Progress, Reported, Token, Withdrawn
from audit8.findings import FileCoverage, Finding, Rejected, Report, Timings
from audit8.scan.words import say
from audit8.types import Chunk, EngineInfo, Job, LineRange, Usage

MAX_NAMED = 10


class Gathered:
    """The state of one job, seen from its events. `info` may be set when it is known."""

    def __init__(self, job: Job, info: EngineInfo) -> None:
        self.info = info
        self.report: Report | None = None
        self._job = job
        self._began_s = time.monotonic()
        self._findings: dict[tuple[str, str, int], Finding] = {}
        self._filtered: list[Rejected] = []
        self._audited = 0
        self._read: dict[str, list[LineRange]] = {}
        self._at: Progress | None = None
        self._tokens = 0

    def take(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._progress(event)
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

    @property
    def begun(self) -> bool:
        """Whether there is anything to report."""
        return self._at is not None

    def broken_off(self, why: str) -> Report:
        """The report if it is there, else one of what was done by now: `left_out` says `why` and what is missing."""
        if self.report is not None:
            return self.report
        total_s = time.monotonic() - self._began_s
        return build_report(
            self._job,
            self.info,
            findings=self._findings.values(),
            filtered=self._filtered,
            coverage=[
                FileCoverage(
                    source.name,
                    source.language,
                    source.encoding,
                    len(source.lines),
                    join_ranges(self._read.get(source.name, [])),
                )
                for source in self._job.sources[: self._audited]
            ],
            usage=Usage(0, self._tokens),
            timings=Timings(0.0, 0.0, 0.0, total_s, 0.0),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            left_out=[why, *self._missing()],
        )

    def _progress(self, at: Progress) -> None:
        before, self._at = self._at, at
        if before and before.stage == "model" and before.start_line and (at.stage, at.done) != ("model", before.done):
            self._mark_read(before)
        if at.stage == "rules":
            self._audited = max(self._audited, at.done)
        else:
            self._audited = len(self._job.sources)

    def _mark_read(self, at: Progress) -> None:
        source = next((one for one in self._job.sources if one.name == at.file), None)
        if source is not None:
            chunk = Chunk(source, at.start_line, at.end_line)
            self._read.setdefault(at.file, []).extend(read_ranges(chunk, MIN_BUDGET_TOKENS))

    def _missing(self) -> list[str]:
        lang, sources, at = self._job.lang, self._job.sources, self._at
        left = [source.name or words("pasted", lang) for source in sources[self._audited :]]
        if left:
            names = words("comma", lang).join(left[:MAX_NAMED]) + (" …" if len(left) > MAX_NAMED else "")
            return [say("files_left", lang, count=len(left), total=len(sources), names=names)]
        if at and at.done < at.total:
            return [say("steps_left", lang, stage=say(at.stage, lang), done=at.done, total=at.total)]
        return []


def with_what_was_skipped(report: Report, job: Job, sent_to: str) -> Report:
    """A server's report with what was decided before it was asked: files that were not sent, how others were read."""
    return replace(
        report,
        skipped=(*job.skipped, *report.skipped),
        warnings=tuple(dict.fromkeys((*job.warnings, *report.warnings))),
        sent_to=", ".join(dict.fromkeys(filter(None, (sent_to, report.sent_to)))),
    )
