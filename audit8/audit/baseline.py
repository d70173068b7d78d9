"""The baseline file: findings that the user has decided to live with, so that only new ones count.

Knows its JSON. An entry names a finding by its fingerprint (class and quoted line, never the line number) and its file:
it holds no code. Several entries may be alike: each stands for one finding. Opens no file; has no clock.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from audit8.audit.classes import by_cwe
from audit8.errors import BadRequest
from audit8.findings import Finding

VERSION = 1
MAX_ENTRIES = 100_000
_VERSION_FIELD = "audit8_baseline"
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")
_HINT = "Write it anew with audit8 scan --write-baseline."
_NAMES = {"class_id": "class"}  # as the file calls it: a word of Python's


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted finding. `class_id` and `cwe` are for the reader; `added` is a date, YYYY-MM-DD.

    `origin` "model": only a model can find it again, so that a run without one does not call it stale.
    """

    fingerprint: str
    file: str
    class_id: str = ""
    cwe: str = ""
    reason: str = ""
    added: str = ""
    origin: str = ""


def entry_of(finding: Finding, reason: str, added: str) -> Entry:
    class_id = class_of(finding.cwe, finding.rule_id)
    return Entry(finding.fingerprint, finding.file, class_id, finding.cwe, reason, added, finding.origin)


def class_of(cwe: str, rule_id: str) -> str:
    """What an entry calls the kind of a finding: its class, or its rule where the CWE is of no known class."""
    known = by_cwe(cwe)
    return known.id if known else rule_id


def write_baseline(entries: Iterable[Entry]) -> str:
    """The file's text, one entry a line of its own block, in an order that makes diffs small."""
    ordered = sorted(entries, key=lambda one: (one.file, one.class_id, one.fingerprint, *asdict(one).values()))
    rows = [{_NAMES.get(name, name): text for name, text in asdict(one).items()} for one in ordered]
    return json.dumps({_VERSION_FIELD: VERSION, "entries": rows}, ensure_ascii=False, indent=2) + "\n"


def read_baseline(text: str) -> tuple[Entry, ...]:
    """The entries of a baseline file; unknown fields are passed over. Raises BadRequest that says what is wrong."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadRequest(f"The baseline is not valid JSON{place}.", hint=_HINT) from error
    if not isinstance(value, dict) or _VERSION_FIELD not in value:
        raise BadRequest(f'The baseline has no "{_VERSION_FIELD}": it is another kind of file.', hint=_HINT)
    if value[_VERSION_FIELD] != VERSION:
        raise BadRequest(f"The baseline's version is not {VERSION}, which is what is read here.", hint=_HINT)
    rows = value.get("entries")
    if not isinstance(rows, list) or len(rows) > MAX_ENTRIES:
        raise BadRequest(f"The baseline's entries must be a list of at most {MAX_ENTRIES}.", hint=_HINT)
    return tuple(_entry(row, number) for number, row in enumerate(rows, 1))


def _entry(row: object, number: int) -> Entry:
    if not isinstance(row, dict):
        raise BadRequest(f"Entry {number} of the baseline is not an object.", hint=_HINT)
    values = {field.name: _string(row, _NAMES.get(field.name, field.name), number) for field in fields(Entry)}
    if not _FINGERPRINT.fullmatch(values["fingerprint"]) or not isinstance(row.get("file"), str):
        raise BadRequest(f"Entry {number} of the baseline has no fingerprint of 16 hex digits, or no file.", hint=_HINT)
    return Entry(**values)


def _string(row: dict[str, Any], name: str, number: int) -> str:
    value = row.get(name, "")
    if not isinstance(value, str):
        raise BadRequest(f"Entry {number} of the baseline: {name} must be a string.", hint=_HINT)
    return value
