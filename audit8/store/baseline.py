"""The dismissed findings of one audit as the baseline file that `audit8 scan --baseline` reads. Pure."""

from audit8.audit.baseline import Entry as Accepted
from audit8.audit.baseline import class_of, write_baseline
from audit8.store.queries import Entry

_DATE_CHARS = len("2026-01-02")


def baseline_of(entry: Entry) -> str:
    """The file's text. Each entry of it stands for one finding: a dismissal covers all that have its fingerprint."""
    dismissed = {one.fingerprint: one for one in entry.dismissed}
    return write_baseline(
        Accepted(
            fingerprint=finding["fingerprint"],
            file=finding["file"],
            class_id=class_of(finding["cwe"], finding["rule_id"]),
            cwe=finding["cwe"],
            reason=dismissed[finding["fingerprint"]].reason,
            added=dismissed[finding["fingerprint"]].at[:_DATE_CHARS],
            origin=finding["origin"],
        )
        for finding in (entry.report or {}).get("findings", [])
        if finding["fingerprint"] in dismissed
    )
