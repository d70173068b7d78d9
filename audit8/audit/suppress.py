"""Findings that the user has accepted, by a baseline or by comments, moved aside and listed; the risk is what is left.

Knows what a suppression matches, and says of each that matches nothing that it is stale. Only the command line calls
this with comments: code that is pasted, posted or added by a change must not silence its own audit.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from audit8.audit.baseline import Entry, entry_of
from audit8.audit.change import touches
from audit8.audit.classes import CLASSES, by_cwe, normalise_cwe
from audit8.audit.inline import Comment, comments_of
from audit8.audit.report import risk_level
from audit8.audit.report_facts import place_of
from audit8.audit.report_text import to_markdown
from audit8.audit.rules import RULES
from audit8.audit.texts import words
from audit8.findings import Finding, Report, Suppressed
from audit8.types import Lang, Source

_MAX_STALE = 20


@dataclass(frozen=True, slots=True)
class Comments:
    """The comments that count, and a sentence for each that does not."""

    counting: tuple[Comment, ...] = ()
    refused: tuple[str, ...] = ()


def read_comments(sources: Iterable[Source], lang: Lang) -> Comments:
    """The comments in `sources`. One without a reason, without a known name, or in a changed line does not count."""
    counting: list[Comment] = []
    refused: list[str] = []
    for source in sources:
        for comment in comments_of(source):
            if problem := _problem(comment, source):
                refused.append(_say(problem, comment, lang))
            else:
                counting.append(comment)
    return Comments(tuple(counting), tuple(refused))


def apply(
    report: Report,
    baseline: Sequence[Entry] = (),
    comments: Comments | None = None,
    *,
    unseen: Collection[str] = (),
) -> Report:
    """`report` with the accepted findings in `suppressed`, its risk and its text made anew.

    An entry of the baseline stands for one finding with its fingerprint in its file, wherever the line has moved to.
    What matches nothing is named in the warnings; `unseen` are files of which not every line was judged, whose entries
    and comments may match next time.
    """
    comments = comments or Comments()
    kept, suppressed = [], list(report.suppressed)
    left = _Entries(baseline)
    used: set[Comment] = set()
    for finding in report.findings:
        # The baseline first: a comment then shows as stale only if nothing at its line is new.
        here = [comment for comment in comments.counting if _speaks_of(comment, finding)]
        used.update(here)
        entry = left.take(finding)
        if entry is not None:
            suppressed.append(Suppressed(finding, "baseline", entry.reason))
        elif here:
            suppressed.append(Suppressed(finding, "comment", here[0].reason))
        else:
            kept.append(finding)
    unused = [one for one in comments.counting if one not in used and one.file not in unseen]
    warnings = [
        *comments.refused,
        *(_say("stale_comment", one, report.lang) for one in unused),
        *_stale([entry for entry in left.rest() if not _may_return(entry, report, unseen)], report.lang),
    ]
    changed = replace(
        report,
        findings=tuple(kept),
        suppressed=tuple(suppressed),
        risk_level=risk_level(kept),
        warnings=(*report.warnings, *warnings),
    )
    return replace(changed, result=to_markdown(changed))


def renew(
    report: Report, baseline: Sequence[Entry] = (), *, reason: str, added: str, unseen: Collection[str] = ()
) -> tuple[Entry, ...]:
    """The baseline that accepts what `report` (after `apply`) found: matched entries stay as they were, stale ones go.

    New ones get `reason` and `added`, a date. Entries that this run could not have matched stay. What a comment
    accepts needs none.
    """
    left = _Entries(baseline)
    found = [one.finding for one in report.suppressed if one.by == "baseline"]
    found += [finding for finding in report.findings if finding.counts]
    kept = [left.take(finding) or entry_of(finding, reason, added) for finding in found]
    return (*kept, *(entry for entry in left.rest() if _may_return(entry, report, unseen)))


class _Entries:
    """The entries of a baseline that have not been used up, by what they match."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_key: dict[tuple[str, str], list[Entry]] = {}
        for entry in entries:
            self._by_key.setdefault((entry.file, entry.fingerprint), []).append(entry)

    def take(self, finding: Finding) -> Entry | None:
        """An entry for `finding`, used up by it: a copy of an accepted line is a new finding."""
        entries = self._by_key.get((finding.file, finding.fingerprint))
        return entries.pop(0) if entries else None

    def rest(self) -> list[Entry]:
        return [entry for entries in self._by_key.values() for entry in entries]


def _may_return(entry: Entry, report: Report, unseen: Collection[str]) -> bool:
    """Whether an entry matches nothing for the reason alone that its file, or its finder, was not part of this run."""
    return entry.file in unseen or (entry.origin == "model" and not report.model)


def _problem(comment: Comment, source: Source) -> str:
    """The key of the sentence that says why a comment does not count, or ""."""
    if touches(comment.line, comment.line, source.focus):
        return "comment_in_change"
    if not any(_known(name) for name in comment.names):
        return "comment_unknown"
    return "" if comment.reason else "comment_no_reason"


def _known(name: str) -> bool:
    return name.lower() in CLASSES or name.lower() in RULES or normalise_cwe(name) == name.upper()


def _speaks_of(comment: Comment, finding: Finding) -> bool:
    """Whether a comment names this finding: by its CWE, the CWE that its class is known by, its class or its rule."""
    if comment.file != finding.file or comment.target != finding.start_line:
        return False
    known = by_cwe(finding.cwe)
    names = {finding.cwe.lower(), finding.rule_id}
    names |= {known.id, known.cwe.lower()} if known else set()
    return any(name.lower() in names for name in comment.names)


def _say(key: str, comment: Comment, lang: Lang) -> str:
    return words(key, lang, names=", ".join(comment.names), place=place_of(comment.file, comment.line, lang))


def _stale(entries: Sequence[Entry], lang: Lang) -> list[str]:
    said = [
        words("stale_entry", lang, fingerprint=one.fingerprint, name=one.class_id or one.cwe, file=one.file)
        for one in entries[:_MAX_STALE]
    ]
    more = len(entries) - _MAX_STALE
    return [*said, words("stale_more", lang, count=more)] if more > 0 else said
