"""From a model's answer to candidates. Never raises: a model may say anything.

Knows JSON as models write it: fenced, in prose, cut off in the middle, with trailing commas, fields of wrong types.
Does not know the code: whether a claimed line exists is for ground.py to say.
"""

import json
import math
import re
from collections.abc import Iterator

from audit8.audit.classes import by_cwe, by_name, normalise_cwe
from audit8.audit.hidden import one_line
from audit8.findings import Candidate
from audit8.types import Lang, Severity

MAX_CANDIDATES = 50
_MAX_ANSWER_CHARS = 100_000
_MAX_FAILURES = 500  # Each costs up to the whole rest of the answer.
_MAX_NESTING = 50
_MAX_TITLE_CHARS = 120
_MAX_TEXT_CHARS = 600
_MAX_QUOTE_CHARS = 400
_MAX_LINE = 10**9
# A model's own number would mean nothing: small models say "high" to everything.
_MODEL_CONFIDENCE = 0.5

_DECODER = json.JSONDecoder(strict=False)  # Line ends inside strings are a common mistake.
_OBJECT_BEGINS = re.compile(r"\{(?=\s{0,200}\")")
_OPEN_TO_BRACE = re.compile(r"\{[^{}]{0,4000}\}")
_TRAILING_COMMA = re.compile(r",\s{0,20}([}\]])")
_DIGITS = re.compile(r"[0-9]{1,10}")
_CLASS_FIELDS = ("class", "type", "category", "vulnerability", "title", "name", "cwe")
_LINE_FIELDS = ("line", "start_line", "line_number", "lineno", "lines")
_WHY_FIELDS = ("why", "reason", "description", "explanation", "message")
_FIX_FIELDS = ("fix", "recommendation", "remediation", "suggestion")
_NO_CLAIM = ("none", "n/a", "na", "no", "safe", "null", "no vulnerability", "no issue", "no vulnerabilities")
_QUOTE_FIELDS = ("quote", "code", "snippet")


def parse_candidates(text: str, lang: Lang = "en") -> list[Candidate]:
    """The claims in a model's answer, titles in `lang`; an answer without any gives [].

    A known class brings its title, CWE and severity; an unknown one is kept under the name that the model gave it.
    `line` is 0 when the model named none.
    """
    found: list[Candidate] = []
    for item in _objects(text[:_MAX_ANSWER_CHARS]):
        candidate = _candidate(item, lang)
        if candidate is not None and candidate not in found:
            found.append(candidate)
        if len(found) >= MAX_CANDIDATES:
            break
    return found


def _objects(text: str) -> Iterator[dict[str, object]]:
    """Every JSON object that is complete, outermost first; objects inside lists and wrappers come out singly."""
    failures = 0
    start = _OBJECT_BEGINS.search(text)
    while start is not None and failures < _MAX_FAILURES:
        value, end = _object_at(text, start.start())
        failures += value is None
        yield from _flatten(value)
        start = _OBJECT_BEGINS.search(text, end)


def _object_at(text: str, position: int) -> tuple[object, int]:
    """The object that begins at `position` and where it ends, or None and the next character."""
    try:
        return _DECODER.raw_decode(text, position)
    except (ValueError, RecursionError):  # ValueError also for integers of more than 4,300 digits.
        pass
    flat = _OPEN_TO_BRACE.match(text, position)
    if flat is not None:
        try:
            return _DECODER.decode(_TRAILING_COMMA.sub(r"\1", flat.group())), flat.end()
        except (ValueError, RecursionError):
            pass
    return None, position + 1


def _flatten(value: object) -> Iterator[dict[str, object]]:
    """The innermost dictionaries that make a claim, however they are wrapped."""
    pending: list[tuple[object, int]] = [(value, 0)]
    while pending:
        one, depth = pending.pop(0)
        if depth > _MAX_NESTING:
            continue
        if isinstance(one, dict):
            if _first(one, _CLASS_FIELDS) is not None:
                yield one
            else:
                pending += [(inner, depth + 1) for inner in one.values()]
        elif isinstance(one, list):
            pending += [(inner, depth + 1) for inner in one[: MAX_CANDIDATES * 4]]


def _candidate(item: dict[str, object], lang: Lang) -> Candidate | None:
    name = _text(_first(item, _CLASS_FIELDS), _MAX_TITLE_CHARS)
    why = _text(_first(item, _WHY_FIELDS), _MAX_TEXT_CHARS)
    if not name or name.strip(" .!").lower() in _NO_CLAIM:
        return None
    said_cwe = normalise_cwe(_text(item.get("cwe"), 40))
    known = by_name(name) or by_cwe(said_cwe)
    line, end_line = _lines(_first(item, _LINE_FIELDS), item.get("end_line"))
    return Candidate(
        title=known.title(lang) if known else name,
        severity=known.severity if known else _severity(item.get("severity")),
        cwe=known.cwe if known else said_cwe,
        line=line,
        end_line=end_line,
        quote=_text(_first(item, _QUOTE_FIELDS), _MAX_QUOTE_CHARS),
        why=why,
        fix=_text(_first(item, _FIX_FIELDS), _MAX_TEXT_CHARS),
        confidence=_MODEL_CONFIDENCE,
    )


def _first(item: dict[str, object], names: tuple[str, ...]) -> object:
    """The first of the fields that says something, or None."""
    return next((item[name] for name in names if item.get(name) not in (None, "", [], {})), None)


def _text(value: object, limit: int) -> str:
    """A field as one short line; numbers as digits, lists joined, anything else as nothing."""
    if isinstance(value, list):
        value = " ".join(part for part in value[:20] if isinstance(part, str))
    return one_line(value, limit) if isinstance(value, str) else ""


def _lines(start: object, end: object) -> tuple[int, int]:
    """First and last line as ints; 0, 0 when there is no usable number ("12", "L12-14", [12, 14], 12.0)."""
    numbers = _numbers(start)
    if not numbers:
        return 0, 0
    first = numbers[0]
    last = (_numbers(end) or numbers[1:2] or [first])[0]
    return first, last if first <= last else first


def _numbers(value: object) -> list[int]:
    if isinstance(value, list):
        return [number for part in value[:2] if not isinstance(part, list) for number in _numbers(part)[:1]]
    if isinstance(value, str):
        return [int(digits) for digits in _DIGITS.findall(value[:100])[:2] if 0 < int(digits) <= _MAX_LINE]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return []
    whole = value if isinstance(value, int) else (int(value) if math.isfinite(value) else 0)
    return [whole] if 0 < whole <= _MAX_LINE else []


def _severity(value: object) -> Severity:
    said = _text(value, 20).lower()
    return Severity(said) if said in list(Severity) else Severity.MEDIUM
