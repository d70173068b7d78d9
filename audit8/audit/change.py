"""What of a changed file is audited: the functions around the changed lines are read, the changed lines are judged.

Knows the focus of a source. Does not know where it came from (diff.py).
"""

from collections.abc import Iterable

from audit8.audit.outline import Outline
from audit8.audit.shown import join_ranges
from audit8.audit.texts import words
from audit8.findings import Finding, Rejected
from audit8.types import Lang, LineRange, Source

_BESIDE_LINES = 5  # beside a change that is in no function
_BLIND_LINES = 20  # where no tree says what a function is
_MAX_FUNCTION_LINES = 400
_PART_LINES = 100  # beside a change in a function that is longer than that


def regions(source: Source, outline: Outline) -> tuple[LineRange, ...]:
    """The lines to be read: all without a focus, else the functions around it; of a bare diff its hunks."""
    total = len(source.lines)
    if not source.focus:
        return (LineRange(1, total),) if total else ()
    if source.given:
        return join_ranges([given for given in source.given if touches(given.start_line, given.end_line, source.focus)])
    around = []
    for changed in source.focus:
        first = _around(changed.start_line, total, outline).start_line
        last = _around(changed.end_line, total, outline).end_line
        around.append(LineRange(first, last))
    return join_ranges(around)


def keep_changed(findings: Iterable[Finding], source: Source, lang: Lang) -> tuple[list[Finding], list[Rejected]]:
    """Findings whose lines touch the focus, and the others as filtered out. Without a focus all are kept."""
    kept: list[Finding] = []
    outside: list[Rejected] = []
    for finding in findings:
        if not source.focus or touches(finding.start_line, finding.end_line, source.focus):
            kept.append(finding)
        else:
            reason = words("outside_change", lang)
            outside.append(Rejected(finding.title, finding.file, finding.start_line, reason, finding.origin))
    return kept, outside


def touches(start_line: int, end_line: int, ranges: Iterable[LineRange]) -> bool:
    return any(start_line <= one.end_line and one.start_line <= end_line for one in ranges)


def _around(line: int, total: int, outline: Outline) -> LineRange:
    """The innermost function around `line`, or some lines beside it."""
    beside = _BESIDE_LINES if outline.parts else _BLIND_LINES
    first, last = 1, total
    function = next((part for part in outline.around(line) if part.kind == "function"), None)
    if function is not None:
        first, last = function.start, function.end
        beside = _PART_LINES if last - first >= _MAX_FUNCTION_LINES else last - first
    return LineRange(max(1, first, line - beside), min(total, last, line + beside))
