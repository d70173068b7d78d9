"""The report on a terminal: a line a finding, and nothing that a terminal would obey."""

import re
from dataclasses import replace
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.findings import Suppressed
from audit8.scan.text import MAX_LISTED, to_text
from audit8.scan.words import WORDS
from audit8.types import Severity, Skipped
from tests.audit.test_report import FINDING, SHOWN_ONLY, report


def test_a_finding_is_its_place_its_severity_and_its_line() -> None:
    judged = replace(FINDING, verdict="exploitable")
    assert to_text(report([judged, SHOWN_ONLY])).splitlines() == [
        "src/a.py:5: high: Shell command (CWE-78, 80%, shell-command, exploitable)",
        "    run(x)",
        "src/a.py:9: critical: Guess (CWE-78, 80%, the model, demonstration, does not count)",
        "    run(x)",
        "warning: first warning",
        "risk: high; 1 finding(s) in 1 file(s), 40 lines",
    ]


def test_everything_that_was_not_looked_at_is_a_line() -> None:
    made = replace(
        report([]),
        suppressed=(Suppressed(FINDING, "comment", "a reason"), Suppressed(FINDING, "baseline")),
        skipped=tuple(Skipped(f"{number}.png", "binary", "no text") for number in range(MAX_LISTED + 7)),
        left_out=("the judge",),
        sent_to="https://else.where",
    )
    text = to_text(made)
    for part in (
        "suppressed: src/a.py:5 Shell command (by a comment: a reason)",
        "suppressed: src/a.py:5 Shell command (by the baseline: no reason given)",
        "not audited: 0.png: no text",
        "not audited: 7 more",
        "left out: the judge",
        "The code was sent to https://else.where.",
        "risk: none",
    ):
        assert part in text, part


@given(st.text(max_size=60))
def test_no_text_gets_a_control_character_out(text: str) -> None:
    hostile = replace(FINDING, title=text, cwe=text, file=text, quote=text.replace("\n", ""), rule_id=text)
    made = replace(
        report([hostile], warnings=(text,)),
        suppressed=(Suppressed(hostile, "comment", text),),
        skipped=(Skipped(text, "binary", text),),
        left_out=(text,),
        sent_to=text or "x",
    )
    for line in to_text(made).split("\n"):
        assert re.findall(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", line) == []
    assert to_text(made).count("\n") == 2 + 1 + 1 + 1 + 2 + 1 + 1


@pytest.mark.parametrize("severity", list(Severity))
def test_only_colour_adds_escape_sequences_and_they_are_closed(severity: Severity) -> None:
    made = report([replace(FINDING, severity=severity)])
    coloured = to_text(made, colour=True)
    assert re.sub(r"\x1b\[[\d;]+m", "", coloured) == to_text(made)
    assert coloured.count("\x1b[") == 2 * coloured.count("\x1b[0m") == 2


def test_both_languages_say_the_same() -> None:
    for key, both in WORDS.items():
        names = [{name for _, name, _, _ in Formatter().parse(text) if name is not None} for text in both.values()]
        assert set(both) == {"en", "zh"}, key
        assert names[0] == names[1], key
