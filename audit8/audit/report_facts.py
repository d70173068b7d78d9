"""What every form of a report says about a report as a whole: its sentences without any markup.

Knows the words and the figures. Markdown, HTML and the terminal each set them in their own way, and escape them: names
and models in them are hostile text.
"""

from collections import Counter
from collections.abc import Sequence

from audit8.audit.texts import words
from audit8.findings import FileCoverage, Finding, Report
from audit8.types import Lang, LineRange, Severity

_MAX_RANGES = 12


def counted(report: Report) -> str:
    """How many findings count, in how much code, by severity; or that there are none."""
    lang = report.lang
    by_severity = Counter(finding.severity for finding in report.findings if finding.counts)
    if not by_severity:
        return words("none_found", lang)
    counts = words("comma", lang).join(
        f"{by_severity[severity]} {words(severity.value, lang)}" for severity in Severity if by_severity[severity]
    )
    lines = sum(file.total_lines for file in report.coverage)
    return words(
        "counted",
        lang,
        count=by_severity.total(),
        files=len(report.coverage),
        lines=lines,
        by_severity=counts,
    )


def facts_of(finding: Finding, lang: Lang) -> list[tuple[str, str]]:
    """Severity, CWE, confidence, the judge's verdict and the finder, each with its label ("" where it needs none)."""
    origin = words("by_rule" if finding.origin == "rule" else "by_model", lang)
    return [
        (words("severity", lang), words(finding.severity.value, lang)),
        ("", finding.cwe),
        (words("confidence", lang), f"{finding.confidence:.0%}"),
        (words("verdict", lang), words(f"verdict_{finding.verdict}", lang)),
        (words("found_by", lang), f"{origin} {finding.rule_id}".rstrip()),
    ]


def place_of(file: str, line: int, lang: Lang) -> str:
    return f"{file or words('pasted', lang)}:{line}"


def read_of(file: FileCoverage, report: Report) -> str:
    """Which lines of a file the model read."""
    lang = report.lang
    if not report.model:
        return words("read_by_rules", lang, total=file.total_lines)
    read = sum(one.end_line - one.start_line + 1 for one in file.read)
    if read >= file.total_lines:
        return words("read_whole", lang, total=file.total_lines)
    if not read:
        return words("read_nothing", lang, total=file.total_lines)
    return words(
        "read_part",
        lang,
        read=read,
        total=file.total_lines,
        ranges=_ranges(file.read),
        missing=_ranges(unread(file)),
    )


def unread(file: FileCoverage) -> tuple[LineRange, ...]:
    """The lines of a file that the model did not read whole."""
    gaps, next_line = [], 1
    for one in file.read:
        if one.start_line > next_line:
            gaps.append(LineRange(next_line, one.start_line - 1))
        next_line = one.end_line + 1
    if next_line <= file.total_lines:
        gaps.append(LineRange(next_line, file.total_lines))
    return tuple(gaps)


def _ranges(ranges: Sequence[LineRange]) -> str:
    shown = [
        str(one.start_line) if one.start_line == one.end_line else f"{one.start_line}-{one.end_line}"
        for one in ranges[:_MAX_RANGES]
    ]
    return ", ".join(shown) + (" …" if len(ranges) > _MAX_RANGES else "")


def about(report: Report) -> list[tuple[str, str]]:
    """How the report was made: label and value, in order."""
    lang, times = report.lang, report.timings
    rows = [(words("model", lang), report.model or words("no_model", lang))]
    if report.model:
        rows.append((words("weights", lang), words(f"weights_{report.quantisation}", lang)))
        rows.append((words("device", lang), report.device))
        if report.arithmetic:
            rows.append((words("arithmetic", lang), report.arithmetic))
        budget = words("seconds", lang, count=f"{report.budget_s:g}") if report.budget_s else words("no_budget", lang)
        rows.append((words("budget", lang), budget))
    if report.sent_to:
        rows.append((words("sent_to_label", lang), words("sent_to", lang, address=report.sent_to)))
    if report.model:
        spent = words(
            "time_parts",
            lang,
            total=f"{times.total_s:.1f}",
            queued=f"{times.queued_s:.1f}",
            prefill=f"{times.prefill_s:.1f}",
            decode=f"{times.decode_s:.1f}",
            speed=f"{times.tokens_per_s:.1f}",
        )
        used = words("token_parts", lang, prompt=report.usage.prompt_tokens, completion=report.usage.completion_tokens)
        rows += [(words("time", lang), spent), (words("tokens", lang), used)]
    else:
        rows.append((words("time", lang), words("seconds", lang, count=f"{times.total_s:.1f}")))
    return rows
