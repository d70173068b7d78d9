"""What an audit says: candidates, findings, what was filtered out, and the report. Frozen values, no behaviour.

A *candidate* is a claim that a static rule or the model made; grounded in a line that exists it is a *finding*.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from audit8.types import Lang, LineRange, Quant, Severity, Skipped, Usage

Origin = Literal["rule", "model"]
Verdict = Literal["unjudged", "exploitable", "uncertain"]


class RiskLevel(StrEnum):
    """The worst severity among the findings that count, or `none`."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A claim before it is grounded: `line` is a claim too. `rule_id` "" means that the model made it."""

    title: str
    severity: Severity
    cwe: str
    line: int
    end_line: int
    quote: str
    why: str
    fix: str
    confidence: float
    rule_id: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim about lines that exist: `quote` is the verbatim text of `start_line`, set by program.

    `confidence` is 0..1. `counts` is False for what the pocket model says: shown, but not part of the risk level.
    `origin` says who found it: a static rule or the model. `verdict` is the judge's, `unjudged` where none was asked.
    """

    title: str
    severity: Severity
    cwe: str
    file: str
    start_line: int
    end_line: int
    quote: str
    why: str
    fix: str
    confidence: float
    origin: Origin
    rule_id: str = ""
    counts: bool = True
    fingerprint: str = ""
    verdict: Verdict = "unjudged"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A candidate that did not become a finding, and why; kept so that nothing is filtered silently.

    `confidence`: the judge's, 0..1; None where it was not asked.
    """

    title: str
    file: str
    line: int
    reason: str
    origin: Origin
    cwe: str = ""
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that the user has decided to live with: by a baseline file or by a comment, and their reason."""

    finding: Finding
    by: Literal["baseline", "comment"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """Which lines of one file the model read (`read`), of `total_lines`; the static rules always read all."""

    file: str
    language: str
    encoding: str
    total_lines: int
    read: tuple[LineRange, ...] = ()


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds, and decoded tokens per second over the decode time."""

    queued_s: float
    prefill_s: float
    decode_s: float
    total_s: float
    tokens_per_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a job. `result` is the whole report as Markdown.

    `left_out` says in words what the budget of `budget_s` seconds (0: none) had no room for. `sent_to`: the address
    of another machine that the code went to, "" if it stayed here. Suppressed findings do not count for the risk.
    """

    id: str
    result: str
    risk_level: RiskLevel
    findings: tuple[Finding, ...]
    filtered: tuple[Rejected, ...]
    coverage: tuple[FileCoverage, ...]
    lang: Lang
    model: str
    device: str
    usage: Usage
    timings: Timings
    created_at: str
    reasoning: str = ""
    warnings: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    left_out: tuple[str, ...] = ()
    budget_s: float = 0.0
    quantisation: Quant = "8bit"
    arithmetic: str = ""
    sent_to: str = ""
