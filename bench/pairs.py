"""Labelled cases from TOML files of pairs: a vulnerable text, its fixed twin and a CWE, one file a language.

The lines of a vulnerable text are those that its twin has changed; where the twin only adds lines, the ones around the
gap. Knows no rule and no model.
"""

import difflib
import tomllib
from collections.abc import Iterator
from pathlib import Path

from bench.scoring import Case, family_of


def pairs_in(path: Path) -> list[Case]:
    """Both cases of every pair; the file's name is the language, its folder's the set. KeyError: a part is missing."""
    cases: list[Case] = []
    for number, pair in enumerate(tomllib.loads(path.read_text("utf-8"))["pairs"], 1):
        name = f"{path.parent.name}-{path.stem}-{number}"
        for code, vulnerable in ((pair["bad"], True), (pair["good"], False)):
            lines = tuple(changed(pair["bad"], pair["good"])) if vulnerable else ()
            family, case_id = family_of(pair["cwe"]), f"{name}-{'bad' if vulnerable else 'good'}"
            cases.append(Case(case_id, path.parent.name, path.stem, family, vulnerable, lines, name, code))
    return cases


def changed(bad: str, good: str) -> Iterator[int]:
    """The lines of `bad`, from 1, that differ from `good`."""
    old, new = bad.splitlines(), good.splitlines()
    for tag, start, end, _, _ in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "insert":
            yield from (line for line in (start, start + 1) if 0 < line <= len(old))
        elif tag != "equal":
            yield from range(start + 1, end + 1)
