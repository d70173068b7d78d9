"""A finding stands on a line that exists and quotes it verbatim; everything else is rejected with a reason."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.classes import by_cwe
from audit8.audit.ground import fingerprint, ground, merge
from audit8.findings import Candidate
from audit8.types import Chunk, Severity, Source

TEXT = (
    "import os\n\n# a comment\ndef f(name):\n    os.system('ls ' + name)  # run\n"
    "    '''\n    text\n    '''\n    return 1\n"
)
SOURCE = Source("a.py", TEXT, "python")
CHUNK = Chunk(SOURCE, 4, 9)
CLAIM = Candidate("Command injection", Severity.CRITICAL, "CWE-78", 5, 5, "", "why", "fix", 0.5)

CLAIMS = st.lists(
    st.builds(
        Candidate,
        title=st.sampled_from(["SQL injection", "Odd thing", ""]),
        severity=st.sampled_from(list(Severity)),
        cwe=st.sampled_from(["CWE-89", "CWE-564", "CWE-78", "CWE-99999", ""]),
        line=st.integers(-5, 20),
        end_line=st.integers(-5, 10**9),
        quote=st.sampled_from(["", "os.system('ls ' + name)", "5| os.system('ls '+name)", "}", "nowhere to be found"]),
        why=st.text(max_size=5),
        fix=st.text(max_size=5),
        confidence=st.floats(-1, 2),
        rule_id=st.sampled_from(["", "a-rule"]),
    ),
    max_size=12,
)


@given(CLAIMS, st.booleans(), st.booleans())
def test_every_quote_is_the_line_and_every_claim_is_accounted_for(
    claims: list[Candidate], whole: bool, counts: bool
) -> None:
    place = SOURCE if whole else CHUNK
    first, last = (1, 9) if whole else (4, 9)
    findings, rejected = ground(claims, place, origin_counts=counts)
    for finding in findings:
        assert finding.quote == SOURCE.lines[finding.start_line - 1]
        assert first <= finding.start_line <= finding.end_line <= last
        assert finding.quote.strip()
        assert 0 <= finding.confidence <= 1
        assert finding.counts is (counts or finding.origin == "rule")
    assert len(findings) + len(rejected) <= len(claims)
    assert all(one.reason for one in rejected)


@given(CLAIMS)
def test_merged_findings_do_not_overlap_within_a_class_and_merging_again_changes_nothing(
    claims: list[Candidate],
) -> None:
    findings, _ = ground(claims, SOURCE, origin_counts=True)
    assert merge(findings) == findings
    lines = Counter(
        (getattr(by_cwe(one.cwe), "id", one.cwe or one.title), line)
        for one in findings
        for line in range(one.start_line, one.end_line + 1)
    )
    assert all(count == 1 for count in lines.values())


@given(CLAIMS)
def test_what_does_not_count_never_raises_what_does(claims: list[Candidate]) -> None:
    rules, _ = ground([one for one in claims if one.rule_id], SOURCE, origin_counts=True)
    model, _ = ground([one for one in claims if not one.rule_id], SOURCE, origin_counts=False)
    worst = min((one.severity.rank for one in rules), default=9)
    assert min((one.severity.rank for one in merge([*rules, *model]) if one.counts), default=9) == worst


@pytest.mark.parametrize("line", [2, 3])
def test_blank_and_comment_lines_hold_no_flaw(line: int) -> None:
    findings, rejected = ground([replace(CLAIM, line=line, end_line=line)], SOURCE, origin_counts=True, lang="zh")
    assert findings == []
    assert str(line) in rejected[0].reason


@pytest.mark.parametrize("line", [-1, 0, 3, 10, 10**12])
def test_a_line_outside_the_chunk_is_rejected(line: int) -> None:
    assert ground([replace(CLAIM, line=line, end_line=line)], CHUNK, origin_counts=True)[0] == []


@pytest.mark.parametrize(
    "quote", ["os.system('ls ' + name)", "5| os.system('ls '+name)", "  os.system( 'ls ' + name )"]
)
def test_a_claim_moves_to_where_its_quote_stands(quote: str) -> None:
    findings, _ = ground([replace(CLAIM, line=9, end_line=9, quote=quote)], CHUNK, origin_counts=True)
    assert findings[0].start_line == 5


def test_the_nearest_of_equal_lines_is_taken() -> None:
    source = Source("", "run(a)\nx = 1\nrun(a)\ny = 2\n", "python")
    findings, _ = ground([replace(CLAIM, line=4, end_line=4, quote="run(a)")], source, origin_counts=True)
    assert findings[0].start_line == 3


def test_a_rule_wins_over_the_model_and_the_worse_severity_stays() -> None:
    rule = replace(CLAIM, title="Shell", rule_id="shell-command", severity=Severity.HIGH)
    for order in ([rule, CLAIM], [CLAIM, rule]):
        findings, _ = ground(order, SOURCE, origin_counts=True)
        assert [(one.origin, one.title, one.severity) for one in findings] == [("rule", "Shell", Severity.CRITICAL)]


def test_a_fingerprint_survives_a_move_and_a_change_of_spacing_but_not_of_code() -> None:
    moved = Source("a.py", "\n\n" + TEXT.replace("    os.system(", "\tos.system( "), "python")
    before, _ = ground([CLAIM], SOURCE, origin_counts=True)
    after, _ = ground([replace(CLAIM, line=7, end_line=7)], moved, origin_counts=True)
    assert before[0].fingerprint == after[0].fingerprint
    assert fingerprint("a", "x = 1") != fingerprint("b", "x = 1")
    assert fingerprint("a", "x = 1") != fingerprint("a", "x = 2")


def test_ten_thousand_findings_merge_in_linear_time() -> None:
    source = Source("", "run(a)\n" * 10_000, "python")
    claims = [replace(CLAIM, line=number, end_line=number) for number in range(1, 10_001)]
    findings, _ = ground(claims, source, origin_counts=True)
    assert len(findings) == 10_000
    assert all(one.start_line < other.start_line for one, other in pairwise(findings))
