"""Runs a rule's finders over the views of one text.

Knows what the fields of a `Finder` mean (rule.py says it in words). Knows no single rule.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache

from audit8.audit.lexer import FILL, Views
from audit8.audit.rules.rule import Finder, Hit, Rule
from audit8.audit.rules.values import Values, split_terms

_FLAGS = re.MULTILINE
_NEAR_CHARS = 400
_MAX_SPAN_LINES = 8  # A pattern may run on; what is reported is where it begins.


class Text:
    """One source as the finders need it: its views, its line starts and what is known about its expressions."""

    def __init__(self, views: Views, language: str) -> None:
        self.views = views
        self.language = language
        self.values = Values(views, language)
        self._starts = [0, *(match.end() for match in re.finditer(r"\n", views.text))]

    def line_at(self, offset: int) -> int:
        """The 1-based line that holds `offset`."""
        return bisect_right(self._starts, offset)

    def lines_around(self, start: int, end: int) -> str:
        """The lines that `start`..`end` touch, without comments; of very long lines only what is near."""
        first = max(self._starts[self.line_at(start) - 1], start - _NEAR_CHARS)
        last = self.views.plain.find("\n", end, end + _NEAR_CHARS)
        return self.views.plain[first : last if last >= 0 else end + _NEAR_CHARS]


def hits(rule: Rule, text: Text) -> Iterator[Hit]:
    """Where `rule`'s finders for the text's language fire, each line once."""
    seen: set[int] = set()
    for finder in rule.finders:
        if finder.languages and text.language not in finder.languages:
            continue
        for start, end in _spans(finder, text):
            line = text.line_at(start)
            if line not in seen:
                seen.add(line)
                yield Hit(rule.id, line, min(text.line_at(max(start, end - 1)), line + _MAX_SPAN_LINES))


def _spans(finder: Finder, text: Text) -> Iterator[tuple[int, int]]:
    plain = text.views.plain
    if finder.needs and not _compiled(finder.needs).search(plain):
        return
    if finder.lacks and not finder.window and _compiled(finder.lacks).search(plain):
        return
    for match in _compiled(finder.pattern).finditer(getattr(text.views, finder.on)):
        if _holds(finder, text, match):
            at = _span(match, "at")
            yield (at if at != (0, 0) else match.span())


def _holds(finder: Finder, text: Text, match: re.Match[str]) -> bool:
    """Everything that a finder asks beyond its pattern, the cheapest first."""
    literal = text.views.text[slice(*_span(match, "s"))]
    if not _fits(finder, text.views, match, literal) or _is_silenced(finder, text, match):
        return False
    if not finder.vary or _span(match, "at") != (0, 0):
        return True
    ask = text.values.varies if finder.vary == "varies" else text.values.from_request
    expressions = _compiled(finder.holes).findall(literal) if finder.holes else []
    expressions += split_terms(text.views.plain[slice(*_span(match, "v"))])
    return any(ask(one, match.start(), finder.safe) for one in expressions)


def _fits(finder: Finder, views: Views, match: re.Match[str], literal: str) -> bool:
    """Whether the literal is one, and says what the finder looks for."""
    if finder.literal and not _compiled(finder.literal).search(literal):
        return False
    if finder.on == "plain" and _in_other_literal(views, _span(match, "s")[0]):
        return False
    return finder.judge is None or finder.judge(literal.strip("\"'`"))


def _is_silenced(finder: Finder, text: Text, match: re.Match[str]) -> bool:
    if finder.unless and _compiled(finder.unless).search(text.lines_around(*match.span())):
        return True
    if not finder.lacks or not finder.window:
        return False
    near = text.views.plain[max(0, match.start() - finder.window) : match.end() + finder.window]
    return bool(_compiled(finder.lacks).search(near))


def _in_other_literal(views: Views, start: int) -> bool:
    """Whether the quote just before `start` is not one that opens a literal, but text inside another (a docstring)."""
    return start > 0 and views.plain[start - 1] in "\"'`" and views.code[start - 1] == FILL


def _span(match: re.Match[str], name: str) -> tuple[int, int]:
    """Where the group `name`, or its other form `name2`, matched; 0, 0 when neither did."""
    spans = (match.span(group) for group in (name, name + "2") if group in match.re.groupindex)
    return next((span for span in spans if span[0] >= 0), (0, 0))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, _FLAGS)
