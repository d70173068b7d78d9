"""Detection quality from findings alone: hits, false positives, pairs, precision, recall, with 95 % intervals.

Pure: knows no model, no rule and no file of the project. A *case* is one labelled file; a *claim* is a line and a CWE
that a finder gave for it. A vulnerable case is hit when a claim of its family lies within `NEAR_LINES` of a labelled
line (anywhere, where no line is labelled). Of a safe case only a claim of the same family is false: it is known to
be safe from that class and nothing else.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

NEAR_LINES = 3
_Z95 = 1.959964

# ---- families of weaknesses, as the records name them -----------------------------------------------------------
_FAMILIES: dict[str, str] = {
    "injection-sql": "89 564 943",
    "injection-command": "77 78 88",
    "injection-code": "94 95 96 470 913 1336",
    "injection-other": "74 75 90 91 93 113 117 444 611 643 776 827 917",
    "path-traversal": "22 23 24 35 36 59 73 98",
    "xss": "79 80 83 87 116",
    "open-redirect": "601",
    "ssrf": "918",
    "deserialization": "502",
    "auth-access": "250 264 266 269 276 277 280 284 285 287 290 306 345 346 347 352 384 425 471 613 614 639 732 862 "
    "863 915 942 1004 1275 1321",
    "crypto-weak": "261 295 296 297 299 310 322 323 325 326 327 328 329 330 331 334 335 336 337 338 347 350 354 757 "
    "759 760 780 916 1204 1240 1241",
    "secrets": "256 257 259 260 312 321 522 547 798",
    "info-exposure": "11 200 201 203 208 209 215 319 359 489 497 499 532 538 540 548",
    "memory-bounds": "118 119 120 121 122 123 124 125 126 127 129 131 170 193 242 676 786 787 788 805 806 822 823 824 "
    "843",
    "memory-lifetime": "401 415 416 562 590 672 761 763 825",
    "null-deref": "476 690",
    "integer": "128 190 191 192 194 195 196 197 369 680 681 682 839",
    "format-string": "134",
    "error-handling": "248 252 253 390 391 392 393 394 617 628 703 754 755",
    "resource": "400 403 404 405 409 459 667 674 770 771 772 775 789 834 835 1333 730",
    "race": "362 363 364 366 367 377 378 379 413 820 821 841 1265",
    "other": "20 456 457 610 665 668 749 778 829 908 909 1007 1284",
}
_OF_CWE: dict[str, str] = {}
for _family, _numbers in _FAMILIES.items():
    for _number in _numbers.split():
        _OF_CWE.setdefault(f"CWE-{_number}", _family)


def family_of(cwe: str) -> str:
    """The family that "CWE-89" belongs to; "other" for what is in no family."""
    return _OF_CWE.get(cwe, "other")


# ---- cases and claims -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled file. `lines` are 1-based and may be empty; `pair` is shared by a vulnerable file and its twin."""

    id: str
    set: str
    language: str
    family: str
    vulnerable: bool
    lines: tuple[int, ...]
    pair: str | None
    code: str

    @classmethod
    def of(cls, record: Mapping[str, object]) -> "Case":
        """From a record of the JSONL files; KeyError names a field that is missing."""
        lines = record["lines"]
        assert isinstance(lines, list)
        return cls(
            id=str(record["id"]),
            set=str(record["set"]),
            language=str(record["language"]),
            family=str(record["cwe_family"]),
            vulnerable=bool(record["vulnerable"]),
            lines=tuple(map(int, lines)),
            pair=None if record["pair"] is None else str(record["pair"]),
            code=str(record["code"]),
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """What a finder said: the line where a finding begins (1-based) and its CWE."""

    line: int
    cwe: str


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`, with Wilson's 95 % interval."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        return self.part / self.whole if self.whole else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.part, self.whole)

    def __str__(self) -> str:
        if not self.whole:
            return "-"
        low, high = self.interval
        return f"{self.part}/{self.whole} = {self.value:.0%} [{low:.0%}-{high:.0%}]"


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The 95 % interval of a share; (0, 1) where nothing was counted."""
    if not whole:
        return 0.0, 1.0
    share, square = part / whole, _Z95 * _Z95
    middle = (share + square / (2 * whole)) / (1 + square / whole)
    half = _Z95 / (1 + square / whole) * math.sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    return max(0.0, middle - half), min(1.0, middle + half)


def is_flagged(case: Case, claims: Iterable[Claim]) -> bool:
    """Whether a claim of the case's family is there; in a vulnerable file it must be near a labelled line."""
    same = [claim for claim in claims if family_of(claim.cwe) == case.family]
    if not case.vulnerable or not case.lines:
        return bool(same)
    return any(abs(claim.line - line) <= NEAR_LINES for claim in same for line in case.lines)


# ---- figures ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Figures:
    """Counts over some cases. Pairs: `both` right (P-C), both flagged (P-V), neither (P-B), reversed (P-R)."""

    hits: int = 0
    vulnerable: int = 0
    false: int = 0
    safe: int = 0
    both: int = 0
    both_flagged: int = 0
    neither: int = 0
    reversed: int = 0
    claims: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def pairs(self) -> int:
        return self.both + self.both_flagged + self.neither + self.reversed

    @property
    def recall(self) -> Share:
        return Share(self.hits, self.vulnerable)

    @property
    def false_rate(self) -> Share:
        return Share(self.false, self.safe)

    @property
    def precision(self) -> Share:
        return Share(self.hits, self.hits + self.false)

    @property
    def f1(self) -> float:
        found = 2 * self.hits + self.false + (self.vulnerable - self.hits)
        return 2 * self.hits / found if found else math.nan

    @property
    def pairs_right(self) -> Share:
        return Share(self.both, self.pairs)


def score(cases: Sequence[Case], claims: Mapping[str, Sequence[Claim]]) -> Figures:
    """The figures over `cases`; `claims` maps a case's id to what was said about it."""
    figures, pairs = Figures(), dict[str, dict[bool, bool]]()
    for case in cases:
        said = claims.get(case.id, ())
        flagged = is_flagged(case, said)
        figures.claims += len(said)
        if case.vulnerable:
            figures.vulnerable += 1
            figures.hits += flagged
        else:
            figures.safe += 1
            figures.false += flagged
        if flagged != case.vulnerable:
            (figures.missed if case.vulnerable else figures.wrong).append(case.id)
        if case.pair is not None:
            pairs.setdefault(case.pair, {})[case.vulnerable] = flagged
    for pair in pairs.values():
        if len(pair) == 2:
            _count_pair(figures, bad=pair[True], good=pair[False])
    return figures


def _count_pair(figures: Figures, bad: bool, good: bool) -> None:
    figures.both += bad and not good
    figures.both_flagged += bad and good
    figures.neither += not bad and not good
    figures.reversed += good and not bad


def by(key: Callable[[Case], str], cases: Iterable[Case]) -> dict[str, list[Case]]:
    """The cases grouped by `key`, in order of the keys."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(key(case), []).append(case)
    return dict(sorted(groups.items()))


def table(title: str, groups: Mapping[str, Sequence[Case]], claims: Mapping[str, Sequence[Claim]]) -> str:
    """A Markdown table, one row a group."""
    head = f"| {title} | pairs right | P-V | P-B | P-R | hit (recall) | false on safe | precision | F1 |"
    lines = [head, "| --- " * head.count(" | ") + "| --- |"]
    for name, cases in groups.items():
        figures = score(cases, claims)
        lines.append(
            f"| {name} | {figures.pairs_right} | {figures.both_flagged} | {figures.neither} | {figures.reversed} | "
            f"{figures.recall} | {figures.false_rate} | {figures.precision} | {figures.f1:.2f} |"
        )
    return "\n".join(lines)
