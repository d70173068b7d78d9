"""Comments by which a user accepts a finding at its line: `audit8: ignore[CWE-89] reason`.

Knows what such a comment says and which line it speaks of. Only a comment counts, not a string that holds the same
words; where no lexer knows a language's comments there are none. Whether a comment may count at all is suppress.py's.
"""

import re
from dataclasses import dataclass

from audit8.audit.lexer import look
from audit8.types import Source

MAX_COMMENTS = 1000  # of one file
_IGNORE = re.compile(r"audit8:[ \t]*ignore\b(?:[ \t]*\[([^\]\n]{0,200})\])?([^\n]{0,500})")
_CLOSING = re.compile(r"[\s*#]*(?:\*/|-->|--%>|#\}|=end)?\s*$")
_LEADING = re.compile(r"^[\s:,;\-–—]+")


@dataclass(frozen=True, slots=True)
class Comment:
    """`line` is its own, `target` the line it speaks of: its own, or, if nothing else is on it, the next one
    that is no comment.

    `names` as they were written: CWE numbers, ids of classes or of rules.
    """

    file: str
    line: int
    target: int
    names: tuple[str, ...]
    reason: str


def comments_of(source: Source) -> tuple[Comment, ...]:
    """Every such comment in `source`, by line."""
    if "audit8:" not in source.text:
        return ()
    views = look(source.text, source.language)
    comments: list[Comment] = []
    targets = _targets(views.text.split("\n"), views.plain.split("\n"))
    for number, line in enumerate(_comments_only(views.text, views.plain).split("\n"), 1):
        match = _IGNORE.search(line)
        if match and len(comments) < MAX_COMMENTS:
            names = tuple(name.strip() for name in (match[1] or "").split(",") if name.strip())
            comments.append(Comment(source.name, number, targets[number - 1], names, _reason(match[2])))
    return tuple(comments)


def _targets(lines: list[str], plain: list[str]) -> list[int]:
    """For each line its own number, or, if it holds nothing but a comment, that of the first line after it that does
    not; a blank line is such a line."""
    targets = list(range(1, len(lines) + 1))
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].strip() and not plain[index].strip():
            targets[index] = targets[index + 1] if index + 1 < len(lines) else index + 2
    return targets


def _comments_only(text: str, plain: str) -> str:
    """`text` with all that is no comment blanked. `plain` has a blank where `text` has a comment."""
    return "".join(char if char == "\n" or (char != bare) else " " for char, bare in zip(text, plain, strict=True))


def _reason(text: str) -> str:
    return _LEADING.sub("", _CLOSING.sub("", text)).strip()
