"""The model reads one chunk: it lists flaws, is asked about each candidate, and about the classes not yet thought of.

Knows the order of these questions and the record of the job. Does not know when time is up: it is cancelled then.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from audit8.audit.classes import VulnClass, by_cwe, for_language, is_asked
from audit8.audit.judging import Calibration, Evidence, confidence, logit, mean_logit, verdict
from audit8.audit.parse import parse_candidates
from audit8.audit.questions import (
    Choice,
    class_questions,
    judge_questions,
    line_question,
    line_schema,
    list_question,
    list_schema,
    show,
)
from audit8.events import Event, Progress
from audit8.findings import Candidate, Finding
from audit8.pipeline.calls import Calls, together
from audit8.pipeline.record import Grounded, Open, Record, Step, grounded
from audit8.types import Lang, Message

MAX_CLASSES = 20  # The most severe ones of a language are listed in a prompt: a longer list is answered worse.
MAX_SWEPT = 3  # So many classes of a sweep, the most probable ones, are worth a place and a judge in one chunk.
LINE_TOKENS = 12
MAX_DIGITS = 9
JUDGED_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Stages:
    """What the model is asked. Measuring switches stages off one by one (bench/quality.py)."""

    rules: bool = True
    listing: bool = True
    sweep: bool = True
    judge: bool = True
    texts: bool = True


class Reading:
    """One chunk's questions and answers."""

    def __init__(
        self,
        step: Step,
        calls: Calls,
        record: Record,
        stages: Stages,
        calibration: Calibration,
        tell: Callable[[Event], None],
    ) -> None:
        self._step = step
        self._calls = calls
        self._record = record
        self._stages = stages
        self._calibration = calibration
        self._tell = tell
        self.shown = show(step.chunk, step.sizes.chunk_tokens)
        self._code_tokens = 0
        self._asked: dict[str, tuple[float, ...]] = {}
        self.listed = False
        self.open: list[Open] = []

    async def run(self) -> None:
        """Findings are told as they are judged; rejected candidates are in the record."""
        self._code_tokens = await asyncio.to_thread(self._calls.count, self.shown.code)
        listed = await self._list() if self._stages.listing else []
        self.listed = True
        await self._settle(self._record.open(self._step, listed))
        if self._stages.sweep and self._calibration.judges:
            await self._settle(await self._sweep())

    # ---- finders -----------------------------------------------------------------------------------------------

    async def _list(self) -> list[Finding]:
        """What the model names when it is given the classes of the language."""
        chunk, sizes = self._step.chunk, self._step.sizes
        classes = for_language(chunk.source.language)[:MAX_CLASSES]
        messages = await self._calls.thoughtful(self.shown.ask(list_question(chunk, classes)), sizes.reasoning_tokens)
        answer = await self._calls.write(messages, list_schema(chunk, classes), sizes.answer_tokens)
        self._record.was_read(self._step, cut_off=answer.cut_off)
        return await self._ground(parse_candidates(answer.text, self._lang))

    async def _sweep(self) -> list[Open]:
        """Every other class of the language by a closed question; the likely ones get a line."""
        classes = [one for one in for_language(self._step.chunk.source.language) if one.id not in self._asked]
        await together(self._about_class(one) for one in classes)
        odds = {one: mean_logit(self._asked[one.id]) for one in classes if self._asked[one.id]}
        least = logit(self._calibration.sweep)
        likely = sorted((one for one in odds if odds[one] >= least), key=lambda one: -odds[one])
        found = await together(self._locate(one) for one in likely[:MAX_SWEPT])
        return [opened for some in found for opened in some]

    async def _locate(self, one: VulnClass) -> list[Open]:
        """The line of a flaw that the chunk seems to have."""
        question = self.shown.ask(line_question(one))
        answer = await self._calls.write(question, line_schema(self._step.chunk), LINE_TOKENS)
        digits = answer.text.strip()
        if not digits.isdecimal() or len(digits) > MAX_DIGITS:
            return []
        line = int(digits)
        claim = Candidate(one.title(self._lang), one.severity, one.cwe, line, line, "", "", "", 0.5)
        findings = await self._ground([claim])
        return [Open(finding, Evidence(), shown=False) for finding in findings]

    async def _ground(self, claims: Sequence[Candidate]) -> list[Finding]:
        outcome = await asyncio.to_thread(
            lambda: grounded(claims, self._step.chunk, self._lang, origin_counts=self._calls.counts)
        )
        self._record.filtered += outcome.rejected
        return outcome.findings

    # ---- the judge ---------------------------------------------------------------------------------------------

    async def _settle(self, candidates: Sequence[Open]) -> None:
        """Each candidate, the most severe first, becomes a finding, stays one or is filtered out."""
        self.open = sorted(candidates, key=lambda one: one.finding.severity.rank)
        if not self._stages.judge:
            for one in self.open:
                if not one.shown:
                    self._tell_all(self._record.take(self._step.index, Grounded([one.finding], [])))
        elif self._calibration.judges:
            await self._judge_all()
        else:
            for one in self.open:
                if not one.shown:
                    self._record.disbelieve(one.finding)
        self.open = []

    async def _judge_all(self) -> None:
        """Text that addresses the auditor is nothing to ask it about, and where there is some no rule is overruled."""
        self.open = [one for one in self.open if is_asked(one.finding.cwe)]
        addressed = self._record.is_addressed(self._step.index)
        total = len(self.open)
        chunk = self._step.chunk
        while batch := self.open[:JUDGED_AT_ONCE]:
            place = (chunk.source.name, chunk.start_line, chunk.end_line)
            self._tell(Progress("judge", total - len(self.open), total, *place, spent_s=self._calls.spent_s))
            await together(self._judge(one) for one in batch)
            for one in batch:
                value = confidence(one.evidence, self._calibration)
                meaning = verdict(value, self._calibration)
                if meaning is None and one.shown and addressed:
                    meaning = "uncertain"
                self._tell_all(self._record.settle(self._step, one, value, meaning))
                self.open.remove(one)

    def _tell_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self._tell(event)

    async def _judge(self, one: Open) -> None:
        """Ask about the candidate's class in the chunk, and about its very place."""
        known = by_cwe(one.finding.cwe)
        chunk = await self._about_class(known) if known else ()
        finding = one.finding
        questions = judge_questions(
            known.en if known else finding.title, finding.cwe, finding.start_line, finding.quote, self._claim(finding)
        )
        place = await self._votes(questions, thoughtful=True)
        one.evidence = replace(one.evidence, chunk=chunk, place=place)

    async def _about_class(self, one: VulnClass) -> tuple[float, ...]:
        if one.id not in self._asked:
            self._asked[one.id] = await self._votes(class_questions(self._step.chunk, one))
        return self._asked[one.id]

    async def _votes(self, choices: Sequence[Choice], *, thoughtful: bool = False) -> tuple[float, ...]:
        reasoning_tokens = self._step.sizes.reasoning_tokens if thoughtful else 0
        votes = await together(self._vote(choice, reasoning_tokens) for choice in choices)
        return tuple(vote for vote in votes if vote is not None)

    async def _vote(self, choice: Choice, reasoning_tokens: int) -> float | None:
        messages: list[Message] = self.shown.ask(choice.text)
        messages = await self._calls.thoughtful(messages, reasoning_tokens)
        return await self._calls.vote(messages, choice, self._code_tokens + self._calls.count(choice.text))

    def _claim(self, finding: Finding) -> str:
        """What is claimed, in English as all questions are: the class's own question, answered."""
        known = by_cwe(finding.cwe)
        return known.question if known else ""

    @property
    def _lang(self) -> Lang:
        return self._record.job.lang
