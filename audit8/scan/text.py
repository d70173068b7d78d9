"""A report for a terminal: one line a finding, its code under it, then what was not looked at.

Knows what a terminal would obey: names, code and model text go through hidden.py, so that no escape sequence gets out.
"""

from collections.abc import Sequence

from audit8.audit.hidden import make_visible, one_line
from audit8.audit.report_facts import place_of
from audit8.audit.texts import words
from audit8.findings import Finding, Report
from audit8.scan.words import say
from audit8.types import Severity

MAX_LISTED = 20
_MAX_QUOTE_CHARS = 160
_MAX_CHARS = 300
_COLOURS = {
    Severity.CRITICAL: "1;31",
    Severity.HIGH: "31",
    Severity.MEDIUM: "33",
    Severity.LOW: "36",
    Severity.INFO: "2",
}


def to_text(report: Report, *, colour: bool = False) -> str:
    """The report, a line each; `colour` marks severities as terminals do."""
    lang, colon = report.lang, words("colon", report.lang)
    lines = [line for finding in report.findings for line in _finding(finding, report, colour=colour)]
    lines += _listed(
        say("suppressed", lang) + colon,
        [
            f"{_place(one.finding, report)} {one.finding.title} "
            f"({words(f'suppressed_by_{one.by}', lang)}{colon}{one.reason or words('no_reason', lang)})"
            for one in report.suppressed
        ],
        report,
    )
    lines += _listed(say("skipped", lang) + colon, [f"{one.file}: {one.reason}" for one in report.skipped], report)
    lines += _listed(say("left_out", lang) + colon, report.left_out, report)
    lines += _listed(say("warning", lang) + colon, report.warnings, report)
    if report.sent_to:
        lines.append(one_line(words("sent_to", lang, address=report.sent_to), _MAX_CHARS))
    lines.append(
        say(
            "summary",
            lang,
            risk=words(report.risk_level.value, lang),
            findings=sum(finding.counts for finding in report.findings),
            files=len(report.coverage),
            lines=sum(file.total_lines for file in report.coverage),
        )
    )
    return "\n".join(lines) + "\n"


def _finding(finding: Finding, report: Report, *, colour: bool) -> list[str]:
    severity = words(finding.severity.value, report.lang)
    shown = f"\x1b[{_COLOURS[finding.severity]}m{severity}\x1b[0m" if colour else severity
    facts = [finding.cwe, f"{finding.confidence:.0%}", finding.rule_id or words("by_model", report.lang)]
    if finding.verdict != "unjudged":
        facts.append(words(f"verdict_{finding.verdict}", report.lang))
    if not finding.counts:
        facts.append(say("demonstration", report.lang))
    said = one_line(f"{finding.title} ({', '.join(fact for fact in facts if fact)})", _MAX_CHARS)
    code = finding.quote.strip()
    quote = make_visible(code[:_MAX_QUOTE_CHARS]).replace("\t", " ") + (" …" if len(code) > _MAX_QUOTE_CHARS else "")
    return [f"{_place(finding, report)}: {shown}: {said}", f"    {quote}"]


def _place(finding: Finding, report: Report) -> str:
    return one_line(place_of(finding.file, finding.start_line, report.lang), _MAX_CHARS)


def _listed(label: str, items: Sequence[str], report: Report) -> list[str]:
    lines = [label + one_line(item, _MAX_CHARS) for item in items[:MAX_LISTED]]
    more = len(items) - MAX_LISTED
    return [*lines, label + say("more", report.lang, count=more)] if more > 0 else lines
