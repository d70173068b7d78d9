"""The scorer's laws: near lines, families, pairs, intervals."""

import pytest

from audit8.audit.classes import CLASSES
from bench.scoring import Case, Claim, family_of, is_flagged, score, table, wilson


def case(name: str, vulnerable: bool, pair: str | None = "p", lines: tuple[int, ...] = (10,)) -> Case:
    return Case(name, "s", "go", "xss", vulnerable, lines if vulnerable else (), pair, "")


BAD, GOOD = case("bad", True), case("good", False)
HIT, OTHER = Claim(10, "CWE-79"), Claim(10, "CWE-89")


@pytest.mark.parametrize(("line", "hit"), [(6, False), (7, True), (13, True), (14, False)])
def test_a_hit_is_near_a_labelled_line(line: int, hit: bool) -> None:
    assert is_flagged(BAD, [Claim(line, "CWE-79")]) is hit


def test_without_labelled_lines_any_line_counts() -> None:
    assert is_flagged(case("bad", True, lines=()), [Claim(99, "CWE-80")])


def test_only_the_same_family_counts() -> None:
    assert not is_flagged(BAD, [OTHER])
    assert not is_flagged(GOOD, [OTHER])
    assert is_flagged(GOOD, [Claim(999, "CWE-79")])


@pytest.mark.parametrize(
    ("bad", "good", "field"),
    [
        ([HIT], [], "both"),
        ([HIT], [HIT], "both_flagged"),
        ([OTHER], [OTHER], "neither"),
        ([], [HIT], "reversed"),
    ],
)
def test_a_pair_is_one_of_four(bad: list[Claim], good: list[Claim], field: str) -> None:
    figures = score([BAD, GOOD], {"bad": bad, "good": good})
    assert figures.pairs == 1
    assert getattr(figures, field) == 1


def test_the_shares() -> None:
    cases = [BAD, GOOD, case("b2", True, None), case("g2", False, None)]
    figures = score(cases, {"bad": [HIT], "g2": [HIT]})
    assert (figures.recall.part, figures.recall.whole) == (1, 2)
    assert (figures.false_rate.part, figures.false_rate.whole) == (1, 2)
    assert figures.precision.value == 0.5
    assert figures.f1 == 0.5
    assert (figures.missed, figures.wrong) == (["b2"], ["g2"])
    assert "1/1 = 100%" in table("set", {"all": cases}, {"bad": [HIT]})


def test_the_interval_holds_the_share_and_shrinks() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(5, 10)
    assert 0.2 < low < 0.5 < high < 0.8
    assert wilson(500, 1000)[0] > low
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == pytest.approx(1.0)


def test_every_class_of_ours_is_in_a_family() -> None:
    unplaced = {one.id for one in CLASSES.values() if family_of(one.cwe) == "other"}
    assert unplaced == {
        "uninitialized",
        "arbitrary-call",
        "hidden-text",
        "prompt-injection",
        "missing-event",
        "input-validation",
    }
