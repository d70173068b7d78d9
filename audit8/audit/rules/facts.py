"""What one pass over a text says about each name in it: what is assigned to it, whether it is a number, is checked, is
filled from outside. Patterns instead of a parser, and each text is read once however many questions follow.
"""

import re
from bisect import bisect_left
from collections import defaultdict

from audit8.audit.lexer import Views

_WINDOW_CHARS = 6000  # About a long function: what lies further up is not looked at.
_MAX_VALUES = 8
_NAME = re.compile(r"[$@]?[A-Za-z_]\w*")
_VALUE = r"(?=(?P<value>(?:[^;\n]|(?<=[(+,.=?:{\[])\n){0,300}))"
_ASSIGNED = re.compile(
    r"(?<![\w.$>@])(?P<names>[$@]?[A-Za-z_]\w{0,80}+(?:\[[^\]\n]{0,30}\])?(?:\s{0,3},\s{0,3}[$@]?\w{1,80}+){0,4})"
    r"(?:\s{0,3}:\s{0,3}[\w<>\[\]. |?]{1,40})?\s{0,10}(?::=|\+=|\.=|<<|=(?![=>~]))\s{0,20}" + _VALUE
)
_UNPACKED = re.compile(r"\{(?P<names>[\w\s,:$]{1,200})\}\s{0,10}=\s{0,20}" + _VALUE)
_NUMBER = re.compile(
    r"\b(?:int|long|short|float|double|boolean|bool|byte|Integer|Long|size_t|u?int\d{1,2}(?:_t)?|UUID|Guid)\s{1,4}(?P<typed>\w{1,80})"
    r"|(?<!\w)(?P<declared>\w{1,80}+)\s{0,3}\??:\s{0,3}(?:number|boolean|[ui]\d{1,3}|usize|Int|Long|Boolean)\b"
    r"|(?<!\w)(?P<go>\w{1,80}+(?:\s{0,3},\s{0,3}\w{1,80}+){0,4})\s{1,3}(?:u?int\d{0,2}|float\d{2}|bool)\b"
)
_CHECK = re.compile(
    r"(?:\b(?:includes|contains|containsKey|has|in_array|indexOf|test|matches|MatchString|array_key_exists|preg_match)|"
    r"\b(?:include|key)\?)\s{0,3}\((?P<tested>[^\n]{0,80})"
    r"|(?<![\w.])(?P<matched>[$@]?\w{1,80}+)(?:\.(?:matches|match\??|test)\s{0,3}\(|\s{1,3}(?:not\s{1,3})?in\s)"
    r"|\bswitch\s{0,3}\(?\s{0,3}(?P<switched>[$@]?\w{1,80}+)\s{0,3}[){]|\bcase\s{1,3}(?P<cased>[$@]?\w{1,80}+)\s{0,3}\n"
)
_CONDITION = re.compile(r"\b(?:if|unless|switch|when|case|assert|require|return|filter)\b|\?")
_FILLED = re.compile(
    r"\b(?:fgets|gets|scanf|fscanf|sscanf|recv|recvfrom|read|fread|getline)\s{0,3}\((?P<into>[^;]{0,120})|"
    r"\bcin\s{0,3}>>\s{0,3}(?P<name>\w{1,80}+)"
)


class Facts:
    """Answers about a name at an offset, from the text shortly before that offset."""

    def __init__(self, views: Views) -> None:
        self._plain = views.plain
        self._values: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        self._numbers: dict[str, list[int]] = defaultdict(list)
        self._checks: dict[str, list[int]] = defaultdict(list)
        self._filled: dict[str, list[int]] = defaultdict(list)
        self._read_values(views.code)
        self._note(_NUMBER, views.code, self._numbers)
        self._note(_FILLED, views.code, self._filled)
        self._read_checks(views.plain)

    def values(self, name: str, at: int) -> list[str]:
        """The original text of what was last assigned to `name` before `at`, at most a few."""
        places = self._values.get(name, ())
        last = bisect_left(places, (at, 0, 0)) if places else 0
        near = [place for place in places[max(0, last - _MAX_VALUES) : last] if place[0] >= at - _WINDOW_CHARS]
        return [self._plain[start:end] for _, start, end in near]

    def is_number(self, name: str, at: int) -> bool:
        return _before(self._numbers.get(name), at)

    def is_checked(self, name: str, at: int) -> bool:
        """Whether a condition tests `name` against a list or a pattern."""
        return _before(self._checks.get(name), at)

    def is_filled(self, name: str, at: int) -> bool:
        """Whether a call reads input into `name` (C)."""
        return _before(self._filled.get(name), at)

    def _read_values(self, code: str) -> None:
        for pattern in (_ASSIGNED, _UNPACKED):
            for match in pattern.finditer(code):
                for name in _NAME.findall(match.group("names")):
                    self._values[name].append((match.start(), *match.span("value")))
        for places in self._values.values():
            places.sort()

    def _read_checks(self, plain: str) -> None:
        found: dict[str, list[int]] = defaultdict(list)
        self._note(_CHECK, plain, found)
        for name, offsets in found.items():
            self._checks[name] = [offset for offset in offsets if self._in_condition(offset)]

    def _in_condition(self, offset: int) -> bool:
        begin = max(self._plain.rfind("\n", 0, offset) + 1, offset - 120)
        return bool(_CONDITION.search(self._plain, begin, offset + 8))

    def _note(self, pattern: re.Pattern[str], text: str, into: dict[str, list[int]]) -> None:
        for match in pattern.finditer(text):
            for group in match.groups():
                for name in _NAME.findall(group or ""):
                    into[name].append(match.start())


def _before(offsets: list[int] | None, at: int) -> bool:
    """Whether one of the sorted offsets lies in the window before `at`."""
    if not offsets:
        return False
    last = bisect_left(offsets, at)
    return last > 0 and offsets[last - 1] >= at - _WINDOW_CHARS
