"""Whether a regular expression can take exponential time: what repeats is repeated, or choices overlap.

Knows the syntax that Python, JavaScript, Ruby and PHP share. What only takes quadratic time is not looked for; nor is a
repetition with nothing behind it, since it never has to try again.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_MAX_CHARS = 400
_MAX_DEPTH = 12
_SAMPLE = "axyZ09_ \t-./:;,@#%&=+'\"<>(){}[]!?*\\|~^$\n\u00e9"
_MANY = 10
_BOUNDS = re.compile(r"\{(\d{0,4})(,?)(\d{0,4})\}")
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)
_OPENING = re.compile(r"\(\?(?::|P?<\w+>|>)")
_LOOKING = re.compile(r"\(\?(?:[=!]|<[=!]|[a-z-]+\)|#)")


@dataclass(slots=True)
class _Item:
    """One atom (`chars`), or a group (`choices`), with how often it may come."""

    chars: str
    choices: "list[list[_Item]] | None"
    least: int = 1
    endless: bool = False

    def may_be_nothing(self) -> bool:
        if self.least == 0 or (not self.chars and self.choices is None):
            return True
        return any(all(one.may_be_nothing() for one in choice) for choice in self.choices or ())


def is_slow(pattern: str) -> bool:
    """Whether a text can make this pattern try exponentially many ways; False for what cannot be read."""
    pattern = pattern.strip("/")
    if len(pattern) > _MAX_CHARS or not re.search(r"\)(?:[*+]|\{\d*,)", pattern):
        return False
    choices, at = _choices(pattern, 0, 0)
    return at >= len(pattern) and any(_is_slow(choice, False) for choice in choices)


def _is_slow(sequence: list[_Item], followed: bool) -> bool:
    for at, item in enumerate(sequence):
        more = followed or any(not one.may_be_nothing() or one.chars == "$" for one in sequence[at + 1 :])
        if item.choices is None:
            continue
        if item.endless and more and (_repeats_twice(item.choices) or _overlaps(item.choices)):
            return True
        if any(_is_slow(choice, more) for choice in item.choices):
            return True
    return False


def _repeats_twice(choices: list[list[_Item]]) -> bool:
    """`(a+)+`, `(a+b?)*`, `(\\w+.)*`: what repeats can be cut in many ways."""
    for choice in choices:
        solid = [one for one in choice if not one.may_be_nothing()]
        endless = [one for one in choice if one.endless and one.chars]
        if any(all(one is each or _taken(one.chars) & _taken(each.chars) for one in solid) for each in endless):
            return True
    return False


def _overlaps(choices: list[list[_Item]]) -> bool:
    """`(\\w|\\d)*`: two choices that take the same character."""
    single = [choice[0].chars for choice in choices if len(choice) == 1 and choice[0].chars and not choice[0].endless]
    seen: set[str] = set()
    for chars in single[:20]:
        taken = _taken(chars)
        if taken & seen:
            return True
        seen |= taken
    return False


@lru_cache(512)
def _taken(chars: str) -> frozenset[str]:
    if len(chars) == 1 and chars != ".":
        return frozenset(chars)
    try:
        return frozenset(one for one in _SAMPLE if re.fullmatch(chars, one))
    except re.error:
        return frozenset()


def _choices(text: str, at: int, depth: int) -> tuple[list[list[_Item]], int]:
    """The choices up to the bracket that closes them; past the end of the text where it cannot be read."""
    found: list[list[_Item]] = [[]]
    while at < len(text) and text[at] != ")":
        if text[at] == "|":
            found.append([])
            at += 1
            continue
        item, at = _item(text, at, depth)
        if item is None:
            return [], -1
        found[-1].append(_counted(text, at, item))
        at = _behind_count(text, at)
    return found, at


def _item(text: str, at: int, depth: int) -> tuple[_Item | None, int]:
    one = text[at]
    if one == "(":
        opening = _OPENING.match(text, at)
        if depth >= _MAX_DEPTH or (opening is None and _LOOKING.match(text, at)):
            return None, at
        choices, end = _choices(text, opening.end() if opening else at + 1, depth + 1)
        return (_Item("", choices), end + 1) if 0 <= end < len(text) else (None, at)
    if one == "[":
        found = _CLASS.match(text, at)
        return (_Item(found.group(), None), found.end()) if found else (None, at)
    if one == "\\" and at + 1 < len(text):
        edge = text[at + 1] in "bBAzZG"
        return _Item("$" if text[at + 1] in "zZ" else "" if edge else text[at : at + 2], None), at + 2
    return _Item("" if one == "^" else one, None), at + 1


def _counted(text: str, at: int, item: _Item) -> _Item:
    sign = text[at : at + 1]
    bounds = _BOUNDS.match(text, at)
    if sign in ("*", "?"):
        item.least = 0
    elif bounds:
        item.least = int(bounds.group(1) or 0)
    most = int(bounds.group(3) or 0) if bounds else 0
    item.endless = sign in ("*", "+") or (bounds is not None and bounds.group(2) == "," and (most == 0 or most > _MANY))
    return item


def _behind_count(text: str, at: int) -> int:
    bounds = _BOUNDS.match(text, at)
    if bounds:
        at = bounds.end()
    elif text[at : at + 1] in ("*", "+", "?"):
        at += 1
    else:
        return at
    return at + 1 if text[at : at + 1] in ("?", "+") else at
