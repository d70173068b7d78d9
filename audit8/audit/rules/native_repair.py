"""Makes excerpts of C and C++ readable for the parser: a function whose type is missing gets one.

Functions are often quoted, and old ones written, without the line of their type: `close_all(struct list *l)\\n{`. The
grammars read that as a call and a block, so nothing in it would be looked at. Lines keep their numbers.
"""

import re
from collections.abc import Iterator

from audit8.audit.lexer import look

_MARKS = re.compile(r"[(){};]|^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"[ \t\r\n\x00]*^([A-Za-z_]\w*)[ \t]*\Z", re.MULTILINE)
_OLD_PARAMETERS = re.compile(r"[\w\s*,;#\[\]\x00]*")
_NO_NAMES = {"if", "while", "for", "switch", "return", "sizeof", "do", "else", "case", "catch", "asm", "defined"}
_MAX_OLD = 2_000  # Characters of the declarations between the brackets and the block of an old-style function.


def with_types(text: str, language: str) -> str:
    """`text` with `int` before every function at the top that has no type."""
    places = list(_untyped(look(text, language).code))
    ends = zip([0, *places], [*places, len(text)], strict=True)
    return "int ".join(text[begin:end] for begin, end in ends)


def _untyped(code: str) -> Iterator[int]:
    """Where the names of such functions begin, in one pass over the brackets.

    `begin` is where a declaration may begin; -1 after its first bracket.
    """
    begin, braces, brackets = 0, 0, 0
    name: re.Match[str] | None = None
    closed = -1
    for mark in _MARKS.finditer(code):
        sign = mark.group()[0]
        if sign == "(":
            if not brackets and not braces and begin >= 0:
                name, closed, begin = _NAME.fullmatch(code, begin, mark.start()), -1, -1
            brackets += 1
        elif sign == ")":
            brackets = max(0, brackets - 1)
            closed = mark.end() if not brackets and not braces else closed
        elif sign == "{":
            if not braces and name is not None and closed >= 0 and name.group(1) not in _NO_NAMES:
                between = code[closed : min(mark.start(), closed + _MAX_OLD + 1)]
                if len(between) <= _MAX_OLD and _OLD_PARAMETERS.fullmatch(between):
                    yield name.start(1)
            braces, brackets, name = braces + 1, 0, None
        elif sign == "}":
            braces, name, begin = max(0, braces - 1), None, mark.end()
        elif not braces and not brackets:
            begin = mark.end()
            name = name if closed >= 0 and sign == ";" else None
        elif not braces and sign == "#":
            begin = mark.end()
