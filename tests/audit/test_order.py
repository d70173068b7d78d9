"""What is read first: severity times confidence, and what does not count comes last."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.order import SCORES, risk_weight, sorted_findings
from audit8.findings import Finding
from audit8.types import Severity
from tests.audit.test_report import FINDING

FINDINGS = st.builds(
    lambda severity, confidence, counts, line: replace(
        FINDING, severity=severity, confidence=confidence, counts=counts, start_line=line, end_line=line
    ),
    st.sampled_from(list(Severity)),
    st.floats(0, 1),
    st.booleans(),
    st.integers(1, 99),
)


@given(st.lists(FINDINGS))
def test_the_weight_falls_and_what_does_not_count_is_last(findings: list[Finding]) -> None:
    ordered = sorted_findings(findings)
    assert sorted(map(repr, ordered)) == sorted(map(repr, findings))
    for one, other in pairwise(ordered):
        assert (one.counts, risk_weight(one)) >= (other.counts, risk_weight(other))


def test_an_unsure_critical_comes_after_a_sure_high_one() -> None:
    unsure = replace(FINDING, severity=Severity.CRITICAL, confidence=0.2)
    sure = replace(FINDING, severity=Severity.HIGH, confidence=0.9)
    assert sorted_findings([unsure, sure]) == [sure, unsure]


def test_scores_fall_with_the_severity() -> None:
    assert sorted(SCORES.values(), reverse=True) == [SCORES[severity] for severity in Severity]
