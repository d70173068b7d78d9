"""Claims tied to lines that exist: the program sets the line and the quote, or says why the claim was filtered out.

Knows the source and where its comments are. Does not know whether a claim is true.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace

from audit8.audit.classes import by_cwe
from audit8.audit.lexer import look
from audit8.audit.texts import words
from audit8.findings import Candidate, Finding, Rejected
from audit8.types import Chunk, Lang, Source

_SPACES = re.compile(r"\s+")
_NUMBER_PREFIX = re.compile(r"^\s*\d+\s*[|:]\s?")
_MIN_QUOTE_CHARS = 4  # A shorter quote ("}", "x") is found anywhere and proves nothing.
_MAX_SPAN_LINES = 30


def ground(
    candidates: Iterable[Candidate], place: Chunk | Source, *, origin_counts: bool, lang: Lang = "en"
) -> tuple[list[Finding], list[Rejected]]:
    """Findings about lines of `place`, and the claims that were filtered out with the reason in `lang`.

    `origin_counts` False (the pocket model) marks what the model claims as not counting; rules always count. A claim
    with a quote that stands elsewhere in `place` is moved there. Findings of one class about overlapping lines are
    one (`merge`). Every finding's quote is `source.lines[start_line - 1]`.
    """
    pending = list(candidates)
    if not pending:
        return [], []
    grounder = _Grounder(place, origin_counts, lang)
    findings: list[Finding] = []
    rejected: list[Rejected] = []
    for candidate in pending:
        outcome = grounder.settle(candidate)
        if isinstance(outcome, Finding):
            findings.append(outcome)
        else:
            rejected.append(outcome)
    return merge(findings), rejected


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """Findings of the same file and class whose lines overlap made one; the order of the first ones is kept.

    A rule's finding wins over the model's, then the more severe one. The survivor takes the higher severity, but
    never from a finding that does not count into one that does: the pocket model cannot raise the risk level.
    """
    before = list(findings)
    while len(after := _merge_once(before)) < len(before):
        before = after  # A survivor may reach a third finding that the loser did not.
    return after


def _merge_once(findings: list[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    covered: dict[tuple[str, str, int], int] = {}  # By line, so that ten thousand findings do not meet pairwise.
    for finding in findings:
        keys = [(finding.file, _class_key(finding), line) for line in range(finding.start_line, finding.end_line + 1)]
        twin = next((covered[key] for key in keys if key in covered), len(kept))
        if twin == len(kept):
            kept.append(finding)
        else:
            kept[twin] = _join(kept[twin], finding)
        covered.update((key, twin) for key in keys)
    return kept


def same_place(one: Finding, other: Finding) -> bool:
    """Whether two findings are of one class and their lines overlap: then they are one."""
    overlap = one.start_line <= other.end_line and other.start_line <= one.end_line
    return overlap and one.file == other.file and _class_key(one) == _class_key(other)


def fingerprint(class_key: str, quote: str) -> str:
    """16 hex digits of class and quote without its spacing: the same after lines above have moved it."""
    return hashlib.sha256(f"{class_key}\0{_squeeze(quote)}".encode("utf-8", "replace")).hexdigest()[:16]


class _Grounder:
    """One place's lines, those of them that hold code, and where each quote stands."""

    def __init__(self, place: Chunk | Source, origin_counts: bool, lang: Lang) -> None:
        self._source = place.source if isinstance(place, Chunk) else place
        self._all = self._source.lines
        self._code = look(self._source.text, self._source.language).plain.split("\n")
        self._first = place.start_line if isinstance(place, Chunk) else 1
        self._last = min(place.end_line, len(self._all)) if isinstance(place, Chunk) else len(self._all)
        self._origin_counts = origin_counts
        self._lang = lang

    def settle(self, candidate: Candidate) -> Finding | Rejected:
        line = self._find(candidate)
        if not self._first <= line <= self._last:
            reason = words("no_such_line", self._lang, line=line, first=self._first, last=self._last)
            return self._reject(candidate, reason)
        lines = self._all if candidate.rule_id else self._code  # a rule may speak of a comment, and knows it
        if not lines[line - 1].strip():
            return self._reject(candidate, words("no_code_there", self._lang, line=line))
        span = max(0, candidate.end_line - candidate.line)
        end_line = min(line + (span if span <= _MAX_SPAN_LINES else 0), self._last)
        rule = bool(candidate.rule_id)
        quote = self._all[line - 1]
        return Finding(
            title=candidate.title,
            severity=candidate.severity,
            cwe=candidate.cwe,
            file=self._source.name,
            start_line=line,
            end_line=end_line,
            quote=quote,
            why=candidate.why,
            fix=candidate.fix,
            confidence=min(1.0, max(0.0, candidate.confidence)),
            origin="rule" if rule else "model",
            rule_id=candidate.rule_id,
            counts=rule or self._origin_counts,
            fingerprint=fingerprint(_class_key(candidate), quote),
        )

    def _find(self, candidate: Candidate) -> int:
        """The claimed line, or the nearest one that the claim's quote stands on."""
        quote = _squeeze(_NUMBER_PREFIX.sub("", candidate.quote))
        if len(quote) < _MIN_QUOTE_CHARS:
            return candidate.line
        hits = [
            number
            for number in range(self._first, self._last + 1)
            if quote in _squeeze(self._all[number - 1]) and self._has_code(number)
        ]
        return min(hits, key=lambda number: abs(number - candidate.line), default=candidate.line)

    def _has_code(self, line: int) -> bool:
        return bool(self._code[line - 1].strip())

    def _reject(self, candidate: Candidate, reason: str) -> Rejected:
        return Rejected(
            title=candidate.title,
            file=self._source.name,
            line=candidate.line,
            reason=reason,
            origin="rule" if candidate.rule_id else "model",
        )


def _squeeze(text: str) -> str:
    return _SPACES.sub("", text)


def _class_key(claim: Candidate | Finding) -> str:
    """What makes two claims the same kind: the class of the CWE, else the CWE, else the title."""
    known = by_cwe(claim.cwe)
    return known.id if known else claim.cwe or _squeeze(claim.title).lower()


def _join(one: Finding, other: Finding) -> Finding:
    winner = min(one, other, key=lambda item: (not item.counts, item.origin != "rule", item.severity.rank))
    loser = other if winner is one else one
    if loser.severity.rank < winner.severity.rank and loser.counts >= winner.counts:
        return replace(winner, severity=loser.severity)
    return winner
