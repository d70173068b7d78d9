"""A report as JSON, and back again: what was written by one program is checked before another believes it.

Knows the fields of a report and what their values may be. A report from outside is hostile: its `result` is not taken
over but written anew.
"""

import json
import math
from dataclasses import asdict, replace
from functools import cache
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from audit8.audit.report_text import to_markdown
from audit8.errors import BadRequest
from audit8.findings import Finding, Report

T = TypeVar("T")
_HINT = "Send a report as POST /audit answers it."


def to_json(report: Report) -> str:
    """One line, the fields by their names."""
    return json.dumps(asdict(report), ensure_ascii=False, separators=(",", ":"))


def read_report(data: str | bytes) -> Report:
    """The report in `data`, unknown fields dropped. Raises BadRequest that names the field at fault."""
    report = _checked(_reports(), data)
    if report.timings.total_s < 0 or not all(_in_range(one) for one in _findings_of(report)):
        raise BadRequest("A value of this report is out of range: a line, a confidence or a time.", hint=_HINT)
    return replace(report, result=to_markdown(report))


def read_finding(data: str | bytes) -> Finding:
    """One finding, as the event `finding` carries it. Raises BadRequest."""
    finding = _checked(_one_finding(), data)
    if not _in_range(finding):
        raise BadRequest("A value of this finding is out of range: a line or a confidence.", hint=_HINT)
    return finding


def _checked(adapter: TypeAdapter[T], data: str | bytes) -> T:
    try:
        json.loads(data, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise BadRequest("This is not valid JSON.", hint=_HINT) from error
    try:
        return adapter.validate_json(data, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadRequest(f"This is not a report: {where}: {first['msg']}.", hint=_HINT, param=where) from error


def _finite(text: str) -> float:
    """A number; raises ValueError for NaN, for Infinity and for what is larger than a float holds."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value


def _findings_of(report: Report) -> tuple[Finding, ...]:
    return (*report.findings, *(one.finding for one in report.suppressed))


def _in_range(finding: Finding) -> bool:
    return 0 <= finding.confidence <= 1 and 1 <= finding.start_line <= finding.end_line


@cache
def _reports() -> TypeAdapter[Report]:
    return TypeAdapter(Report)


@cache
def _one_finding() -> TypeAdapter[Finding]:
    return TypeAdapter(Finding)
