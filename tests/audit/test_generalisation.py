"""Pairs of a mistake and its mending, in the manner of public collections but our own: which the rules tell apart.

Every batch was written before the rules had seen it (bench/results/rules-generalisation.md has what they showed).
`known = "missed"` and `known = "wrong"` mark what the rules still get wrong: a change for the better takes a mark away.
"""

import tomllib
from pathlib import Path

import pytest

from bench.pairs import pairs_in
from bench.rules import claims_of
from bench.scoring import Case, is_flagged

FOLDER = Path(__file__).parent / "generalisation"
FILES = sorted(FOLDER.glob("*/*.toml"))


def marked(path: Path) -> list[tuple[Case, bool]]:
    """Every case with whether the rules should flag it."""
    known = [pair.get("known", "") for pair in tomllib.loads(path.read_text("utf-8"))["pairs"]]
    cases = pairs_in(path)
    wrong = {True: "missed", False: "wrong"}
    return [(case, case.vulnerable is not (wrong[case.vulnerable] in known[at // 2])) for at, case in enumerate(cases)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_rules_tell_a_mistake_from_its_mending(path: Path) -> None:
    told = {case.id: is_flagged(case, claims_of(case)) for case, _ in marked(path)}
    assert told == {case.id: expected for case, expected in marked(path)}


def test_the_batches_hold_what_they_say() -> None:
    assert len(FILES) >= 18
    for path in FILES:
        for pair in tomllib.loads(path.read_text("utf-8"))["pairs"]:
            assert set(pair) <= {"cwe", "bad", "good", "known"}
            assert pair["bad"] != pair["good"]
            assert set(pair.get("known", "missed").split()) <= {"missed", "wrong"}
