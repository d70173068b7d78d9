"""What is known of a job so far: findings, what was filtered out, what was read, what was left out; then the report.

Changed on the event loop only. Knows no engine and no time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from audit8.audit.change import keep_changed
from audit8.audit.classes import CLASSES
from audit8.audit.ground import ground, merge, same_place
from audit8.audit.judging import Evidence
from audit8.audit.shown import join_ranges, lines_of, read_ranges
from audit8.audit.texts import words
from audit8.events import Found, Withdrawn
from audit8.findings import Candidate, FileCoverage, Finding, Rejected, Verdict
from audit8.pipeline.sizes import Sizes
from audit8.types import Chunk, Job, Lang, LineRange, Source

MAX_PLACES_NAMED = 5
ADDRESSED = CLASSES["prompt-injection"].cwe


@dataclass(frozen=True, slots=True)
class Step:
    """One chunk to be read; `index` is its source's among the job's."""

    index: int
    chunk: Chunk
    sizes: Sizes


@dataclass(slots=True)
class Open:
    """A candidate that is being looked into: the finding it would be, and what was said about it.

    `shown`: the user has seen it already, as a static rule's finding.
    """

    finding: Finding
    evidence: Evidence
    shown: bool


@dataclass(frozen=True, slots=True)
class Grounded:
    """What grounding made of some claims."""

    findings: list[Finding]
    rejected: list[Rejected]


def grounded(claims: Iterable[Candidate], place: Chunk | Source, lang: Lang, *, origin_counts: bool) -> Grounded:
    """Claims tied to the lines of `place`, and to the changed ones where only a change is audited. Slow, and pure."""
    found, rejected = ground(claims, place, origin_counts=origin_counts, lang=lang)
    found, outside = keep_changed(found, place.source if isinstance(place, Chunk) else place, lang)
    return Grounded(found, [*rejected, *outside])


@dataclass(slots=True)
class Record:
    """`of[i]`: the findings of the job's source i as they stand."""

    job: Job
    of: list[list[Finding]] = field(init=False)
    filtered: list[Rejected] = field(default_factory=list)
    left_out: list[Step] = field(default_factory=list)
    judged: list[Open] = field(default_factory=list)
    too_small: bool = False
    unjudged: int = 0
    unexplained: int = 0
    _read: list[list[LineRange]] = field(init=False)
    _shown: list[list[LineRange]] = field(init=False)
    _cut_off: list[Chunk] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.of = [[] for _ in self.job.sources]
        self._read = [[] for _ in self.job.sources]
        self._shown = [[] for _ in self.job.sources]

    @property
    def findings(self) -> list[Finding]:
        return [finding for findings in self.of for finding in findings]

    def is_addressed(self, index: int) -> bool:
        """Whether text in this source speaks to whoever audits it: the judge may have listened."""
        return any(finding.cwe == ADDRESSED for finding in self.of[index])

    # ---- findings ----------------------------------------------------------------------------------------------

    def take(self, index: int, what: Grounded) -> list[Found]:
        """Add findings; those that are new, or that changed an earlier one, are told."""
        self.filtered += what.rejected
        before = set(self.of[index])
        self.of[index] = merge([*self.of[index], *what.findings])
        return [Found(finding) for finding in self.of[index] if finding not in before]

    def open(self, step: Step, listed: Iterable[Finding] = ()) -> list[Open]:
        """The candidates of a chunk: what static rules found in it, joined with what the model listed."""
        first, last = step.chunk.start_line, step.chunk.end_line
        opened = [
            Open(finding, Evidence(rule=finding.confidence), shown=True)
            for finding in self.of[step.index]
            if first <= finding.start_line <= last and finding.origin == "rule"
        ]
        for finding in listed:
            twins = [one for one in opened if same_place(one.finding, finding)]
            for twin in twins:
                twin.evidence = replace(twin.evidence, listed=True)
            if not twins:
                opened.append(Open(finding, Evidence(listed=True), shown=False))
        return opened

    def settle(self, step: Step, one: Open, confidence: float, verdict: Verdict | None) -> list[Found | Withdrawn]:
        """The judge has spoken: the candidate becomes, stays or is no longer a finding."""
        finding = one.finding
        self.judged.append(one)
        if verdict is not None:
            judged = replace(finding, confidence=round(confidence, 3), verdict=verdict)
            if one.shown:
                return [self.replace(step.index, finding, judged)]
            return list(self.take(step.index, Grounded([judged], [])))
        reason = words("judged_safe", self.job.lang, percent=round(confidence * 100))
        self._reject(finding, reason, round(confidence, 3))
        if not one.shown:
            return []
        self.of[step.index] = [other for other in self.of[step.index] if other != finding]
        return [Withdrawn(finding.file, finding.fingerprint, finding.start_line, reason)]

    def disbelieve(self, finding: Finding) -> None:
        """A model that is too small to judge has named a place where no static rule fired."""
        self.too_small = True
        self._reject(finding, words("too_small_alone", self.job.lang))

    def _reject(self, finding: Finding, reason: str, confidence: float | None = None) -> None:
        place = (finding.title, finding.file, finding.start_line)
        self.filtered.append(Rejected(*place, reason, finding.origin, finding.cwe, confidence))

    def replace(self, index: int, old: Finding, new: Finding) -> Found:
        self.of[index] = [new if finding == old else finding for finding in self.of[index]]
        return Found(new)

    # ---- what was read -----------------------------------------------------------------------------------------

    def was_read(self, step: Step, *, cut_off: bool) -> None:
        self._shown[step.index].append(LineRange(step.chunk.start_line, step.chunk.end_line))
        self._read[step.index] += read_ranges(step.chunk, step.sizes.chunk_tokens)
        if cut_off:
            self._cut_off.append(step.chunk)

    def interrupted(self, step: Step, *, unread: bool, unjudged: int) -> None:
        """The seconds were not enough for all of a chunk."""
        self.unjudged += unjudged
        if unread:
            self.left_out.append(step)

    def coverage(self) -> list[FileCoverage]:
        return [
            FileCoverage(source.name, source.language, source.encoding, len(source.lines), join_ranges(read))
            for source, read in zip(self.job.sources, self._read, strict=True)
        ]

    def warnings(self) -> list[str]:
        """Lines that the model saw only the ends of (shown, and yet not read), and answers that were cut off."""
        lang = self.job.lang
        unread = []
        for source, shown, read in zip(self.job.sources, self._shown, self._read, strict=True):
            unread += [(source, line) for line in sorted(lines_of(shown) - lines_of(read))]
        warnings = [
            words("long_line", lang, line=line, name=self._name(source)) for source, line in unread[:MAX_PLACES_NAMED]
        ]
        if self.too_small:
            warnings.append(words("too_small", lang))
        if self._cut_off:
            warnings.append(words("cut_off", lang, places=self._places(self._cut_off)))
        return warnings

    def budget_words(self) -> list[str]:
        """What the seconds were not enough for, in words."""
        lang, said = self.job.lang, []
        if self.left_out:
            chunks = sorted(self.left_out, key=lambda step: (step.index, step.chunk.start_line))
            said.append(words("left_unread", lang, places=self._places([step.chunk for step in chunks])))
        if self.unjudged:
            said.append(words("left_unjudged", lang, count=self.unjudged))
        if self.unexplained:
            said.append(words("left_unexplained", lang, count=self.unexplained))
        return said

    def _places(self, chunks: Sequence[Chunk]) -> str:
        places = [f"{self._name(chunk.source)}:{chunk.start_line}-{chunk.end_line}" for chunk in chunks]
        return ", ".join(places[:MAX_PLACES_NAMED]) + (", …" if len(places) > MAX_PLACES_NAMED else "")

    def _name(self, source: Source) -> str:
        return source.name or words("pasted", self.job.lang)
