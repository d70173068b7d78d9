"""The dismissed findings of one audit as the baseline file that `audit8 scan --baseline` reads. Pure."""

import json
from typing import Any

from audit8.audit.classes import by_cwe
from audit8.store.queries import Entry

VERSION = 1
_DATE_CHARS = len("2026-01-02")


def baseline_of(entry: Entry) -> str:
    """The file's text. Each entry of it stands for one finding: a dismissal covers all that have its fingerprint."""
    findings = (entry.report or {}).get("findings", [])
    dismissed = {one.fingerprint: one for one in entry.dismissed}
    rows = [
        {
            "fingerprint": finding["fingerprint"],
            "file": finding["file"],
            "class": _class_of(finding),
            "cwe": finding["cwe"],
            "reason": dismissed[finding["fingerprint"]].reason,
            "added": dismissed[finding["fingerprint"]].at[:_DATE_CHARS],
            "origin": finding["origin"],
        }
        for finding in findings
        if finding["fingerprint"] in dismissed
    ]
    rows.sort(key=lambda row: (row["file"], row["class"], row["fingerprint"]))
    return json.dumps({"audit8_baseline": VERSION, "entries": rows}, ensure_ascii=False, indent=2) + "\n"


def _class_of(finding: dict[str, Any]) -> str:
    known = by_cwe(finding["cwe"])
    return known.id if known else str(finding["rule_id"])
