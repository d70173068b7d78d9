"""A report comes back from JSON as it was; what is no report is refused with the place."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from audit8.audit.report_json import read_finding, read_report, to_json
from audit8.errors import BadRequest
from audit8.findings import Suppressed
from audit8.types import Skipped
from tests.audit.test_report import FINDING, SHOWN_ONLY, report

REPORT = replace(
    report([FINDING, SHOWN_ONLY], "zh", warnings=("中",)),
    suppressed=(Suppressed(FINDING, "baseline", "why"),),
    skipped=(Skipped("a", "binary", "b"),),
)


def test_there_and_back() -> None:
    text = to_json(REPORT)
    assert read_report(text) == read_report(text.encode()) == read_report(to_json(read_report(text)))
    assert replace(read_report(text), result=REPORT.result) == REPORT
    assert read_finding(json.dumps(asdict(FINDING))) == FINDING


def test_the_text_of_a_report_from_outside_is_not_taken_over() -> None:
    forged = to_json(replace(REPORT, result="<script>"))
    assert "<script>" not in read_report(forged).result


def test_unknown_fields_are_dropped_and_later_ones_may_be_absent() -> None:
    value = asdict(REPORT)
    for name in ("left_out", "sent_to", "arithmetic", "quantisation", "budget_s"):
        del value[name]
    assert read_report(json.dumps({**value, "new": 1})).sent_to == ""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"lang": "fr"}, "lang"),
        ({"risk_level": "bad"}, "risk_level"),
        ({"findings": 3}, "findings"),
        ({"findings": [{**asdict(FINDING), "confidence": "inf"}]}, "findings.0.confidence"),
        ({"findings": [{**asdict(FINDING), "confidence": 1.5}]}, "range"),
        ({"findings": [{**asdict(FINDING), "start_line": 0}]}, "range"),
        ({"findings": [{**asdict(FINDING), "end_line": 4}]}, "range"),
        ({"suppressed": [{"finding": {**asdict(FINDING), "start_line": -1}, "by": "comment", "reason": ""}]}, "range"),
        ({"timings": {**asdict(REPORT.timings), "total_s": -1.0}}, "range"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(BadRequest, match=named):
        read_report(json.dumps({**asdict(REPORT), **change}))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "[NaN]", "1e999", "[" * 100_000, b"\xff\xfe"])
def test_what_is_no_report_is_refused(text: str | bytes) -> None:
    with pytest.raises(BadRequest):
        read_report(text)


def test_a_number_that_is_too_large_is_refused() -> None:
    with pytest.raises(BadRequest):
        read_report(to_json(REPORT).replace('"confidence":0.8', '"confidence":1e999', 1))
