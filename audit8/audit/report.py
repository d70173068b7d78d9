"""All of a job's findings made one report.

Knows what counts for the risk level and what a report holds. The words are report_text.py's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from audit8.audit.ground import merge
from audit8.audit.order import sorted_findings
from audit8.audit.report_text import to_markdown
from audit8.findings import FileCoverage, Finding, Rejected, Report, RiskLevel, Timings
from audit8.types import EngineInfo, Job, Usage


def risk_level(findings: Iterable[Finding]) -> RiskLevel:
    """The worst severity among the findings that count; `none` without any."""
    counting = [finding.severity for finding in findings if finding.counts]
    return RiskLevel(min(counting, key=lambda severity: severity.rank).value) if counting else RiskLevel.NONE


def build_report(
    job: Job,
    info: EngineInfo,
    *,
    findings: Iterable[Finding],
    filtered: Sequence[Rejected],
    coverage: Sequence[FileCoverage],
    usage: Usage,
    timings: Timings,
    created_at: str,
    reasoning: str = "",
    warnings: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> Report:
    """The report of `job`: findings merged and ordered (those that count first), `result` as Markdown.

    `warnings` come after the job's own. `created_at` is ISO 8601: this module has no clock.
    """
    ordered = sorted_findings(merge(findings))
    report = Report(
        id=job.id,
        result="",
        risk_level=risk_level(ordered),
        findings=tuple(ordered),
        filtered=tuple(filtered),
        coverage=tuple(coverage),
        lang=job.lang,
        model=info.model,
        device=info.device,
        usage=usage,
        timings=timings,
        created_at=created_at,
        reasoning=reasoning,
        warnings=(*job.warnings, *warnings),
        skipped=job.skipped,
        left_out=tuple(left_out),
        budget_s=job.budget_s,
        quantisation=info.quantisation,
        arithmetic=info.arithmetic,
        sent_to=info.sends_to,
    )
    return replace(report, result=to_markdown(report))
