"""The baseline file: what was written is read again, what is none is refused with the entry at fault, no code in it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.baseline import Entry, entry_of, read_baseline, write_baseline
from audit8.errors import BadRequest
from tests.audit.test_report import FINDING

ENTRIES = st.builds(
    Entry, st.from_regex("[0-9a-f]{16}", fullmatch=True), st.text(), st.text(), st.text(), st.text(), st.text()
)


@given(st.lists(ENTRIES))
def test_there_and_back_in_an_order_that_makes_diffs_small(entries: list[Entry]) -> None:
    text = write_baseline(entries)
    assert sorted(read_baseline(text), key=repr) == sorted(entries, key=repr)
    assert write_baseline(read_baseline(text)) == text
    assert write_baseline(reversed(entries)) == text


def test_an_entry_names_the_finding_and_holds_no_code() -> None:
    finding = replace(FINDING, fingerprint="0123456789abcdef", quote='password = "hunter2"')
    [row] = json.loads(write_baseline([entry_of(finding, "a reason", "2026-01-02")]))["entries"]
    assert row == {
        "fingerprint": "0123456789abcdef",
        "file": "src/a.py",
        "class": "command-injection",
        "cwe": "CWE-78",
        "reason": "a reason",
        "added": "2026-01-02",
        "origin": "rule",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1"),
        ("[" * 100_000, "JSON"),
        ("[]", "another kind"),
        ('{"entries": []}', "another kind"),
        ('{"audit8_baseline": 2, "entries": []}', "version"),
        ('{"audit8_baseline": 1}', "entries"),
        ('{"audit8_baseline": 1, "entries": {}}', "entries"),
        ('{"audit8_baseline": 1, "entries": [3]}', "Entry 1"),
    ],
)
def test_what_is_no_baseline_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        read_baseline(text)


@pytest.mark.parametrize(
    "change", [{"fingerprint": "xyz"}, {"fingerprint": 3}, {"file": None}, {"reason": 3}, {"class": []}]
)
def test_the_entry_at_fault_is_named(change: dict[str, Any]) -> None:
    good = {"fingerprint": "0" * 16, "file": "a.py", "later": "unknown fields are passed over"}
    text = json.dumps({"audit8_baseline": 1, "entries": [good, {**good, **change}]})
    with pytest.raises(BadRequest, match="Entry 2"):
        read_baseline(text)
    assert read_baseline(json.dumps({"audit8_baseline": 1, "entries": [good]})) == (Entry("0" * 16, "a.py"),)
