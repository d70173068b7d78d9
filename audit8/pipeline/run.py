"""One job from its sources to its report: rules, the model chunk by chunk, texts. Here audit/ and an engine meet.

Knows the order of the work and what the seconds of a job are spent on. Knows nothing of queues (service.py) or HTTP.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import UTC, datetime
from typing import Any, Literal

from audit8.audit.chunks import cut
from audit8.audit.classes import for_language, is_asked
from audit8.audit.judging import calibration_for
from audit8.audit.questions import Shown, overhead_text
from audit8.audit.report import build_report
from audit8.engine.protocol import Engine
from audit8.events import Event, Progress, Reported
from audit8.findings import Finding, Report, Timings
from audit8.pipeline.calls import Calls, OutOfTime, together
from audit8.pipeline.reading import MAX_CLASSES, Reading, Stages
from audit8.pipeline.record import Record, Step
from audit8.pipeline.rules_only import apply_rules
from audit8.pipeline.sizes import sizes_for
from audit8.pipeline.texts import MAX_EXPLAINED, explained
from audit8.types import Job

Turn = Callable[[], AbstractAsyncContextManager[None]]

CHUNKS_AT_ONCE = 2  # one is read while another's questions are answered; more would push prefixes out of the cache
READING_SHARE = 0.8  # of the seconds; the rest is for texts
ALL_STAGES = Stages()
POCKET_STAGES = Stages(sweep=False, judge=False, texts=False)  # it cannot judge: its list is a demonstration


class Run:
    """The state of one job while it runs. `turn` is entered for as long as the model is needed."""

    def __init__(self, job: Job, engine: Engine, turn: Turn, stages: Stages = ALL_STAGES) -> None:
        self._job = job
        self._engine = engine
        self._turn = turn
        self._stages = POCKET_STAGES if engine.info.pocket else stages
        self._calibration = calibration_for(engine.info.model)
        self._started_at = time.monotonic()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._tell = self._events.put_nowait
        self._calls = Calls(engine, self._tell, job.budget_s)
        self._shown: list[list[Shown]] = [[] for _ in job.sources]
        self._done = 0
        self.record = Record(job)

    async def events(self) -> AsyncGenerator[Event]:
        """Progress, findings and tokens, and last the report. Raises what the engine raises."""
        for done, source in enumerate(self._job.sources if self._stages.rules else ()):
            yield Progress("rules", done, len(self._job.sources), source.name)
            for found in self.record.take(done, await asyncio.to_thread(apply_rules, source, self._job)):
                yield found
        plan = await asyncio.to_thread(self._plan)
        yield Progress("queued", 0, len(plan))
        asked_at = time.monotonic()
        async with self._turn():
            self._calls.begin(time.monotonic() - asked_at)
            async with aclosing(self._while(self._work(plan))) as events:
                async for event in events:
                    yield event
        yield Progress("report", len(plan), len(plan), spent_s=self._calls.spent_s)
        yield Reported(await asyncio.to_thread(self._report))

    def _plan(self) -> list[Step]:
        """The chunks, those with the most severe findings of the static rules first."""
        steps = []
        for index, source in enumerate(self._job.sources):
            classes = for_language(source.language)[:MAX_CLASSES]
            sizes = sizes_for(self._engine.info, self._engine.count_tokens(overhead_text(source, classes)))
            chunks = cut(source, sizes.chunk_tokens, self._engine.count_tokens)
            steps += [Step(index, chunk, sizes) for chunk in chunks]
        return sorted(steps, key=self._rank)

    def _rank(self, step: Step) -> int:
        first, last = step.chunk.start_line, step.chunk.end_line
        found = self.record.of[step.index]
        return min((one.severity.rank for one in found if first <= one.start_line <= last), default=99)

    async def _while(self, work: Coroutine[Any, Any, None]) -> AsyncGenerator[Event]:
        """The events that `work` tells, until it ends; it is cancelled when nobody listens any more."""
        task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._events.put_nowait(None))
        try:
            while (event := await self._events.get()) is not None:
                yield event
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # ---- the model's part --------------------------------------------------------------------------------------

    async def _work(self, plan: list[Step]) -> None:
        waiting = iter(plan)
        readers = min(CHUNKS_AT_ONCE, self._engine.info.parallel, len(plan))
        await together(self._read_on(waiting, len(plan)) for _ in range(readers))
        if self._stages.texts:
            await self._explain()

    async def _read_on(self, waiting: Iterator[Step], total: int) -> None:
        """Read one chunk after another; what the seconds are not enough for is left out."""
        for step in waiting:
            self._say_progress("model", self._done, total, step)
            reading = Reading(step, self._calls, self.record, self._stages, self._calibration, self._tell)
            self._shown[step.index].append(reading.shown)
            try:
                await self._calls.within(reading.run(), READING_SHARE)
            except OutOfTime:
                self.record.interrupted(step, unread=not reading.listed, unjudged=len(reading.open))
            self._done += 1

    async def _explain(self) -> None:
        """Texts for what stands, the worst first."""
        wanted = [
            (index, finding, shown)
            for index, findings in enumerate(self.record.of)
            for finding in findings
            if self._worth_texts(finding) and (shown := self._chunk_of(index, finding))
        ]
        wanted.sort(key=lambda item: (item[1].severity.rank, -item[1].confidence))
        self.record.unexplained = max(0, len(wanted) - MAX_EXPLAINED)
        todo = iter(list(enumerate(wanted[:MAX_EXPLAINED])))
        total = min(len(wanted), MAX_EXPLAINED)
        await together(self._explain_on(todo, total) for _ in range(min(total, self._engine.info.parallel)))

    async def _explain_on(self, todo: Iterator[tuple[int, tuple[int, Finding, Shown]]], total: int) -> None:
        for done, (index, finding, shown) in todo:
            self._say_progress("texts", done, total)
            try:
                better = await self._calls.within(explained(finding, shown, self._calls, self._job.lang))
            except OutOfTime:
                self.record.unexplained += 1
                continue
            if better != finding:
                self._tell(self.record.replace(index, finding, better))

    def _worth_texts(self, finding: Finding) -> bool:
        """A rule has texts of its own, which a model that cannot judge does not better."""
        return finding.counts and is_asked(finding.cwe) and (finding.origin == "model" or self._calibration.judges)

    def _chunk_of(self, index: int, finding: Finding) -> Shown | None:
        for shown in self._shown[index]:
            if shown.chunk.start_line <= finding.start_line <= shown.chunk.end_line:
                return shown
        return None

    def _say_progress(self, stage: Literal["model", "texts"], done: int, total: int, step: Step | None = None) -> None:
        place = (step.chunk.source.name, step.chunk.start_line, step.chunk.end_line) if step else ("", 0, 0)
        self._tell(Progress(stage, done, total, *place, spent_s=self._calls.spent_s))

    # ---- the end -----------------------------------------------------------------------------------------------

    def _report(self) -> Report:
        spent = self._calls.spent
        tokens_per_s = spent.usage.completion_tokens / spent.decode_s if spent.decode_s > 0 else 0.0
        total_s = time.monotonic() - self._started_at
        return build_report(
            self._job,
            self._engine.info,
            findings=self.record.findings,
            filtered=self.record.filtered,
            coverage=self.record.coverage(),
            usage=spent.usage,
            timings=Timings(spent.queued_s, spent.prefill_s, spent.decode_s, total_s, tokens_per_s),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            reasoning="".join(self._calls.reasoning).strip(),
            warnings=self.record.warnings(),
            left_out=self.record.budget_words(),
        )
