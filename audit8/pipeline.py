"""One job from its sources to its report: rules, then the model chunk by chunk. Here audit/ and an engine meet.

Knows the order of events and the budget of tokens. Knows nothing of queues (service.py) or HTTP.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from audit8.audit.change import keep_changed
from audit8.audit.chunks import MIN_BUDGET_TOKENS, cut
from audit8.audit.ground import ground, merge
from audit8.audit.parse import parse_candidates
from audit8.audit.prompts import finder_prompt, overhead_text
from audit8.audit.report import build_report
from audit8.audit.rules import run_rules
from audit8.audit.shown import join_ranges, lines_of, read_ranges
from audit8.audit.texts import words
from audit8.engine.protocol import Engine
from audit8.errors import PromptTooLong
from audit8.events import Event, Found, Progress, Reported, Token
from audit8.findings import Candidate, FileCoverage, Finding, Rejected, Report, Timings
from audit8.types import Chunk, EngineInfo, Finish, Job, Lang, LineRange, Sampling, Source, Usage

Turn = Callable[[], AbstractAsyncContextManager[None]]

CHUNK_TOKENS = 4096  # a model that reads more at once overlooks more
ANSWER_TOKENS = 768
REASONING_TOKENS = 3072
POCKET_CHUNK_TOKENS = 2048  # 100 lines in one chunk: two CPU cores then take about 20 s
POCKET_ANSWER_TOKENS = 128
TEMPLATE_TOKENS = 64  # what a chat template adds to a prompt, at most
MAX_PLACES_NAMED = 5
CUT_OFF: dict[Lang, str] = {
    "en": "The model's answer was cut off at its token limit for {places}; it may have had more to say.",
    "zh": "以下位置的模型输出达到 token 上限而被截断，可能尚未说完：{places}。",
}


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens of one call: the code of a chunk, what the model may think, and what it may answer."""

    chunk_tokens: int
    reasoning_tokens: int
    answer_tokens: int


def budget_for(info: EngineInfo, overhead_tokens: int) -> Budget:
    """The budget beside `overhead_tokens` of prompt; raises PromptTooLong if the context has no room for code."""
    context_tokens = info.context_tokens
    most_tokens = POCKET_CHUNK_TOKENS if info.pocket else CHUNK_TOKENS
    answer_tokens = min(POCKET_ANSWER_TOKENS if info.pocket else ANSWER_TOKENS, context_tokens // 4)
    reasoning_tokens = 0 if info.pocket else min(REASONING_TOKENS, context_tokens // 3)
    left_tokens = context_tokens - overhead_tokens - TEMPLATE_TOKENS - answer_tokens - reasoning_tokens
    if left_tokens < MIN_BUDGET_TOKENS:
        raise PromptTooLong(
            f"A context of {context_tokens} tokens has no room for code beside the questions of an audit.",
            hint="Start the server with a larger --context-tokens.",
            context_tokens=context_tokens,
        )
    return Budget(min(most_tokens, left_tokens), reasoning_tokens, answer_tokens)


@dataclass(frozen=True, slots=True)
class Step:
    """One chunk to be read; `index` is its source's among the job's."""

    index: int
    chunk: Chunk
    budget: Budget


class Run:
    """The state of one job while it runs. `turn` is entered for as long as the model is needed."""

    def __init__(self, job: Job, engine: Engine, turn: Turn) -> None:
        self._job = job
        self._engine = engine
        self._turn = turn
        self._started_at = time.monotonic()
        self._findings: list[Finding] = []
        self._filtered: list[Rejected] = []
        self._read: list[list[LineRange]] = [[] for _ in job.sources]
        self._shown: list[list[LineRange]] = [[] for _ in job.sources]
        self._cut_off: list[Chunk] = []
        self._reasoning: list[str] = []
        self._answer: list[str] = []
        self._spent = Finish("stop", Usage())

    async def events(self) -> AsyncGenerator[Event]:
        """Progress, findings and tokens, and last the report. Raises what the engine raises."""
        for done, source in enumerate(self._job.sources):
            yield Progress("rules", done, len(self._job.sources), source.name)
            for finding in await asyncio.to_thread(self._apply_rules, source):
                yield Found(finding)
        plan = await asyncio.to_thread(self._plan)
        yield Progress("queued", 0, len(plan))
        asked_at = time.monotonic()
        async with self._turn():
            self._spend(Finish("stop", Usage(), queued_s=time.monotonic() - asked_at))
            for done, step in enumerate(plan):
                chunk = step.chunk
                yield Progress("model", done, len(plan), chunk.source.name, chunk.start_line, chunk.end_line)
                async with aclosing(self._ask(step)) as tokens:
                    async for token in tokens:
                        yield token
                for finding in await asyncio.to_thread(self._take_answer, step):
                    yield Found(finding)
        yield Progress("report", len(plan), len(plan))
        yield Reported(await asyncio.to_thread(self._report))

    def _apply_rules(self, source: Source) -> list[Finding]:
        return self._ground(run_rules(source, self._job.lang), source, origin_counts=True)

    def _plan(self) -> list[Step]:
        steps = []
        for index, source in enumerate(self._job.sources):
            overhead_tokens = self._engine.count_tokens(overhead_text(source, self._job.lang))
            budget = budget_for(self._engine.info, overhead_tokens)
            chunks = cut(source, budget.chunk_tokens, self._engine.count_tokens)
            steps += [Step(index, chunk, budget) for chunk in chunks]
        return steps

    async def _ask(self, step: Step) -> AsyncGenerator[Token]:
        """What the model writes about one chunk. It is stopped when its answer, thoughts apart, is long enough."""
        budget = step.budget
        prompt = await asyncio.to_thread(finder_prompt, step.chunk, self._job.lang, budget.chunk_tokens)
        sampling = Sampling(max_tokens=budget.reasoning_tokens + budget.answer_tokens)
        self._answer = []
        clock = _Clock()
        async with aclosing(self._engine.stream(prompt, sampling)) as stream:
            async for item in stream:
                if isinstance(item, Finish):
                    self._end(step, item)
                    return
                clock.tick()
                (self._reasoning if item.reasoning else self._answer).append(item.text)
                yield Token(item.text, item.reasoning)
                if len(self._answer) > budget.answer_tokens:
                    break
        prompt_tokens = sum(self._engine.count_tokens(message.content) for message in prompt)
        self._end(step, clock.finish(prompt_tokens))

    def _end(self, step: Step, finish: Finish) -> None:
        self._spend(finish)
        self._shown[step.index].append(LineRange(step.chunk.start_line, step.chunk.end_line))
        self._read[step.index] += read_ranges(step.chunk, step.budget.chunk_tokens)
        if finish.reason == "length":
            self._cut_off.append(step.chunk)

    def _spend(self, more: Finish) -> None:
        self._spent = Finish(
            "stop",
            self._spent.usage + more.usage,
            self._spent.queued_s + more.queued_s,
            self._spent.prefill_s + more.prefill_s,
            self._spent.decode_s + more.decode_s,
        )

    def _take_answer(self, step: Step) -> list[Finding]:
        claims = parse_candidates("".join(self._answer), self._job.lang)
        return self._ground(claims, step.chunk, origin_counts=not self._engine.info.pocket)

    def _ground(self, claims: Iterable[Candidate], place: Chunk | Source, *, origin_counts: bool) -> list[Finding]:
        """The findings that are new, or that replace an earlier one; what is not grounded is kept apart."""
        found, rejected = ground(claims, place, origin_counts=origin_counts, lang=self._job.lang)
        found, outside = keep_changed(found, place.source if isinstance(place, Chunk) else place, self._job.lang)
        self._filtered += [*rejected, *outside]
        before = set(self._findings)
        self._findings = merge([*self._findings, *found])
        return [finding for finding in self._findings if finding not in before]

    def _report(self) -> Report:
        spent = self._spent
        tokens_per_s = spent.usage.completion_tokens / spent.decode_s if spent.decode_s > 0 else 0.0
        total_s = time.monotonic() - self._started_at
        return build_report(
            self._job,
            self._engine.info,
            findings=self._findings,
            filtered=self._filtered,
            coverage=[self._coverage(index) for index in range(len(self._job.sources))],
            usage=spent.usage,
            timings=Timings(spent.queued_s, spent.prefill_s, spent.decode_s, total_s, tokens_per_s),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            reasoning="".join(self._reasoning),
            warnings=[*self._long_lines(), *self._cut_offs()],
        )

    def _coverage(self, index: int) -> FileCoverage:
        source = self._job.sources[index]
        read = join_ranges(self._read[index])
        return FileCoverage(source.name, source.language, source.encoding, len(source.lines), read)

    def _long_lines(self) -> list[str]:
        """A warning for each line that the model saw only the ends of: shown, and yet not read."""
        unread = []
        for source, shown, read in zip(self._job.sources, self._shown, self._read, strict=True):
            unread += [(source, line) for line in sorted(lines_of(shown) - lines_of(read))]
        return [
            words("long_line", self._job.lang, line=line, name=self._name(source))
            for source, line in unread[:MAX_PLACES_NAMED]
        ]

    def _cut_offs(self) -> list[str]:
        places = [f"{self._name(chunk.source)}:{chunk.start_line}-{chunk.end_line}" for chunk in self._cut_off]
        if not places:
            return []
        named = ", ".join(places[:MAX_PLACES_NAMED]) + (", …" if len(places) > MAX_PLACES_NAMED else "")
        return [CUT_OFF[self._job.lang].format(places=named)]

    def _name(self, source: Source) -> str:
        return source.name or words("pasted", self._job.lang)


class _Clock:
    """Times an answer that we stop ourselves, for which the engine gives no Finish."""

    def __init__(self) -> None:
        self._asked_at = self._first_at = time.monotonic()
        self._pieces = 0

    def tick(self) -> None:
        if not self._pieces:
            self._first_at = time.monotonic()
        self._pieces += 1

    def finish(self, prompt_tokens: int) -> Finish:
        prefill_s = self._first_at - self._asked_at
        decode_s = time.monotonic() - self._first_at
        return Finish("length", Usage(prompt_tokens, self._pieces), prefill_s=prefill_s, decode_s=decode_s)
