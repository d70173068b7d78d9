"""Python 2 as the Python 3 that says the same, line for line, so that the syntax tree's checks can read it.

Knows the statements and literals that Python 3 refuses. What is left wrong is refused by the parser, as before.
"""

import re

_MAX_LINE_CHARS = 300  # Longer lines stay as they are: no pattern meets a text that it could linger on.
_PRINT = re.compile(r"^([ \t]*(?:(?:if|else|for|while|elif)\b[^'\"#]*:[ \t]*)?)print\b[ \t]*(?![(=.\w])(.*)$")
_REWRITES = (
    (re.compile(r"^([ \t]*except\b[^:]*),[ \t]*(\w+)[ \t]*:"), r"\1 as \2:"),
    (re.compile(r"^([ \t]*)exec[ \t]+([^(].*)$"), r"\1exec(\2)"),
    (re.compile(r"^([ \t]*raise[ \t]+[\w.]+)[ \t]*,[ \t]*(.*)$"), r"\1(\2)"),
    (re.compile(r"(?<![\w.])0([0-7]{1,6})(?![\w.])"), r"0o\1"),
    (re.compile(r"(?<![\w.])(\d{1,20})[lL]\b"), r"\1"),
    (re.compile(r"\bur(['\"])"), r"r\1"),
    (re.compile(r"<>"), "!="),
    (re.compile(r"`([^`]+)`"), r"repr(\1)"),
)


def as_python_three(text: str) -> str:
    """`text` with the same number of lines."""
    return "\n".join(_line(line) if len(line) <= _MAX_LINE_CHARS else line for line in text.split("\n"))


def _line(line: str) -> str:
    if "print" in line:
        line = _PRINT.sub(_called, line)
    for pattern, new in _REWRITES:
        line = pattern.sub(new, line)
    return line


def _called(match: re.Match[str]) -> str:
    """`print >>out, x` and `print x,` as calls; a statement that goes on on the next line keeps its brackets open."""
    shown = match.group(2).strip()
    if shown.startswith(">>"):
        shown = shown[2:].partition(",")[2].strip()
    if shown.endswith(("\\", "(", "[", "{")):
        return f"{match.group(1)}print, {match.group(2)}"
    return f"{match.group(1)}print({shown.rstrip(',')})"
