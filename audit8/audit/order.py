"""What is read first: how much a finding weighs, as severity times confidence.

Knows one score per severity, on the scale of 0 to 10 that security tools share. Knows no words.
"""

from collections.abc import Iterable

from audit8.findings import Finding
from audit8.types import Severity

SCORES: dict[Severity, float] = {
    Severity.CRITICAL: 9.5,
    Severity.HIGH: 8.0,
    Severity.MEDIUM: 5.5,
    Severity.LOW: 2.5,
    Severity.INFO: 0.5,
}
"""In the middle of the band that GitHub gives each name: above 9, 7 to 8.9, 4 to 6.9, 0.1 to 3.9."""


def risk_weight(finding: Finding) -> float:
    """0..10: how bad it is if it is true, times how sure it is."""
    return SCORES[finding.severity] * finding.confidence


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Those that count first, then by weight, severity and place."""
    return sorted(
        findings,
        key=lambda one: (not one.counts, -risk_weight(one), one.severity.rank, one.file, one.start_line),
    )
