"""Whether an expression can hold something from outside, judged from the lines before it, without a parser.

Knows assignments, literals, conversions to numbers and checks against a list, each by a pattern over a window of
text. It follows a name back a few steps and no further; Python source that parses gets a better answer from
python_scope.py.
"""

import re

from audit8.audit.lexer import Views
from audit8.audit.rules.facts import Facts
from audit8.audit.rules.outside import OUTSIDE

_MAX_STEPS = 4
_MAX_NAMES = 40
_LITERAL = re.compile(
    r"""(?:[bBrRuUfL@$]{0,2}(?:"[^"]*"|'[^']*'|`[^`]*`)|[\d.]+\w{0,3}|0x\w+|true|false|null|nil|None|NULL)\s*"""
)
_ALL_LITERAL = re.compile(
    r"""(?:"[\x00\n]*"|'[\x00\n]*'|`[\x00\n]*`|\b\d[\w.]*|\b(?:true|false|null|nil|NULL|new|"""
    r"""String|array|Array|of|List|Set|Map|asList|vec!|Arrays|const|var|let|"""
    r"""freeze)\b|\b[A-Z][A-Z0-9_]{2,}\b|[\s+.()\[\]{},:!&*%=>-])+"""
)
_HOLE = re.compile(r"\$\{|#\{|\{\$|[\"'`][^\"'`]*\$[A-Za-z_]")
_CONSTANT_NAME = re.compile(r"[&*]?(?:\w+(?:\.|::|->))*[A-Z][A-Z0-9_]*[A-Z0-9](?:\[[^\]]*\])?")
_SETTLED_NAME = re.compile(
    r"\$wpdb->\w+|(?:\$this->|self::\$?|static::\$?|this\.|self\.|@)_?(?:table|schema|prefix|column|"
    r"tbl)\w*|\w*placeholders?\w*"
    r"|process\.(?:pid|cwd\(\)|execPath)|__dirname|__DIR__|__FILE__|__filename",
    re.IGNORECASE,
)
_NUMERIC = re.compile(
    r"(?:^|[\s(!])(?:\(\s*(?:int|integer|long|float|double|unsigned|size_t)\s*\)|(?:int|float|bool|"
    r"Number|parseInt|parseFloat|"
    r"intval|floatval|strconv\.(?:Itoa|FormatInt|FormatUint)|Integer\.(?:parseInt|valueOf|toString)|"
    r"Long\.(?:parseLong|valueOf)|"
    r"Int|Int32\.Parse|int\.Parse|Convert\.ToInt32|UUID\.fromString|Guid\.Parse|len|strlen|count|"
    r"sizeof|time|Date\.now)\s*\()"
    r"|\.(?:to_i|to_f|length|size|count|toInt\(\)|toLong\(\)|getTime\(\)|toFixed\(\w*\))\s*$"
)
_CHOICE = re.compile(rf"\?\s*{_LITERAL.pattern}:\s*{_LITERAL.pattern}\)?\s*$")
_NAME = re.compile(r"[$@]?[A-Za-z_]\w*")

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
_NEVER = re.compile(r"(?!)")


def split_terms(text: str) -> list[str]:
    """The operands of a chain joined by `+`, `.` between spaces, or `,`, brackets and quotes respected."""
    terms, depth, quote, begin = [], 0, "", 0
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote and text[index - 1] != "\\" else quote
        elif char in "\"'`":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth = max(0, depth - 1)
        elif depth == 0 and (char in "+," or (char == "." and _joins(text, index))):
            terms.append(text[begin:index])
            begin = index + 1
    terms.append(text[begin:])
    return [term.strip() for term in terms if term.strip()]


def _joins(text: str, index: int) -> bool:
    """Whether the dot at `index` joins strings (PHP) rather than naming a member."""
    before, after = text[index - 1 : index], text[index + 1 : index + 2]
    return before in (" ", "'", '"', "]") or after in (" ", "'", '"', "$")


class Values:
    """Answers about expressions in one text. `safe` patterns name calls that make an expression harmless."""

    def __init__(self, views: Views, language: str) -> None:
        self._facts = Facts(views)
        self._reads_into_arguments = language in ("c", "cpp")
        self._outside = OUTSIDE.get(language, _NEVER)

    def varies(self, expression: str, at: int, safe: str = "") -> bool:
        """Whether `expression`, used at offset `at`, may hold something that this file does not fix."""
        return self._varies(expression, at, safe, _MAX_STEPS)

    def from_request(self, expression: str, at: int, safe: str = "") -> bool:
        """Whether `expression` visibly comes from a request, the command line or another outside input."""
        return self._from_outside(expression, at, safe, set())

    def _varies(self, expression: str, at: int, safe: str, steps: int) -> bool:
        text = expression.strip().strip("()").strip()
        if _is_harmless(text, safe) or _CONSTANT_NAME.fullmatch(text) or _SETTLED_NAME.fullmatch(text):
            return False
        if not _NAME.fullmatch(text):
            return True
        if self._facts.is_number(text, at) or self._facts.is_checked(text, at):
            return False
        values = self._facts.values(text, at)
        return not values or any(self._value_varies(value, at, safe, steps - 1) for value in values)

    def _value_varies(self, value: str, at: int, safe: str, steps: int) -> bool:
        if _is_harmless(value.strip(), safe):
            return False
        if _ALL_LITERAL.fullmatch(_QUOTED.sub(_emptied, value)) and not _HOLE.search(value):
            return False
        return steps <= 0 or not _NAME.fullmatch(value.strip()) or self._varies(value, at, safe, steps)

    def _from_outside(self, expression: str, at: int, safe: str, seen: set[str]) -> bool:
        """`seen` names are not followed again; a few dozen answer every honest question."""
        if _is_harmless(expression.strip(), safe):
            return False
        if self._outside.search(expression):
            return True
        for name in dict.fromkeys(_NAME.findall(expression)):
            if name in seen or len(seen) >= _MAX_NAMES:
                continue
            seen.add(name)
            if self._facts.is_checked(name, at):
                continue
            if self._reads_into_arguments and self._facts.is_filled(name, at):
                return True
            if any(self._from_outside(value, at, safe, seen) for value in self._facts.values(name, at)):
                return True
        return False


def _is_harmless(text: str, safe: str) -> bool:
    if not text or (_LITERAL.fullmatch(text) and not _HOLE.search(text)):
        return True
    return bool(_NUMERIC.search(text) or _CHOICE.search(text) or (safe and re.search(safe, text)))


def _emptied(literal: re.Match[str]) -> str:
    return literal.group()[0] + literal.group()[-1]
