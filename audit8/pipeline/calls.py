"""The calls of one job to the engine: what they cost, when its seconds are spent, and how thoughts come first.

Knows the engine's Protocol. Does not know what is asked (audit/questions.py) or what follows from an answer.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from audit8.audit.questions import LETTERS, Choice
from audit8.engine.protocol import Engine
from audit8.errors import BadRequest, OffSchema
from audit8.events import Token
from audit8.types import Finish, Message, Piece, Sampling, Usage

MIN_MASS = 0.05
"""Below this share of the probability the model did not answer in the form asked for, and its answer says nothing."""

T = TypeVar("T")
THINK_OPEN, THINK_CLOSE = "<think>", "</think>"


class OutOfTime(Exception):
    """The seconds of the job are spent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model wrote; `cut_off` where it had more to say."""

    text: str
    cut_off: bool


class Calls:
    """All calls of one job. `say` is given the tokens of one call at a time, so that they can be read as they come."""

    def __init__(self, engine: Engine, say: Callable[[Token], None], budget_s: float) -> None:
        self._engine = engine
        self._say = say
        self._budget_s = budget_s
        self._began_at: float | None = None
        self._speaker: object = None
        self._schemas = True
        self._slots = asyncio.Semaphore(max(1, engine.info.parallel))
        self.spent = Finish("stop", Usage())
        self.reasoning: list[str] = []

    @property
    def counts(self) -> bool:
        """Whether what the model says counts: not the pocket model's."""
        return not self._engine.info.pocket

    def count(self, text: str) -> int:
        return self._engine.count_tokens(text)

    # ---- time --------------------------------------------------------------------------------------------------

    def begin(self, queued_s: float) -> None:
        """The model's time begins now, after `queued_s` seconds of waiting for it."""
        self._began_at = time.monotonic()
        self._spend(Finish("stop", Usage(), queued_s=queued_s))

    @property
    def spent_s(self) -> float:
        return 0.0 if self._began_at is None else time.monotonic() - self._began_at

    def left_s(self, share: float = 1.0) -> float | None:
        """Seconds left of this share of the budget, 0 or less when it is spent; None: no limit."""
        return self._budget_s * share - self.spent_s if self._budget_s else None

    async def within(self, work: Awaitable[T], share: float = 1.0) -> T:
        """The result of `work`; raises OutOfTime where this share of the budget is spent first, and cancels it."""
        try:
            async with asyncio.timeout(self.left_s(share)) as timeout:
                return await work
        except TimeoutError:
            if timeout.expired():
                raise OutOfTime from None
            raise

    # ---- calls -------------------------------------------------------------------------------------------------

    async def thoughtful(self, messages: list[Message], reasoning_tokens: int) -> list[Message]:
        """`messages` with the model's thoughts about them, closed, as the beginning of its answer.

        With 0 tokens for thoughts they are what they were.
        """
        if not reasoning_tokens:
            return messages
        thoughts: list[str] = []
        async with aclosing(self._stream(messages, Sampling(reasoning_tokens, stop=(THINK_CLOSE,)))) as pieces:
            async for piece in pieces:
                if piece.reasoning:
                    thoughts.append(piece.text)
        self.reasoning += [*thoughts, "\n\n"]
        closed = f"{THINK_OPEN}\n{''.join(thoughts).strip()}\n{THINK_CLOSE}\n\n"
        return [*messages, Message("assistant", closed)]

    async def write(self, messages: list[Message], schema: str, answer_tokens: int) -> Answer:
        """The model's answer under `schema`, or without one where the engine cannot keep to it.

        An engine that only asks its server to keep to it may find that it did not: that is an answer that says nothing.
        """
        sampling = Sampling(answer_tokens, schema=schema if await self._keeps(schema) else None)
        parts: list[str] = []
        cut_off = [False]
        try:
            async with aclosing(self._stream(messages, sampling, cut_off)) as pieces:
                async for piece in pieces:
                    (self.reasoning if piece.reasoning else parts).append(piece.text)
        except OffSchema:
            return Answer("", cut_off=True)
        return Answer("".join(parts), cut_off[0])

    async def vote(self, messages: list[Message], choice: Choice, prompt_tokens: int) -> float | None:
        """The probability of the choice's `yes` among A and B; None where the model answered something else."""
        async with self._slots:
            asked_at = time.monotonic()
            try:
                scores = await self._engine.score(messages, LETTERS)
            except OffSchema:
                return None
        self._spend(Finish("stop", Usage(prompt_tokens), prefill_s=time.monotonic() - asked_at))
        mass = sum(scores)
        return scores[choice.yes] / mass if mass >= MIN_MASS else None

    async def _keeps(self, schema: str) -> bool:
        if self._schemas:
            try:
                await self._engine.check(Sampling(1, schema=schema))
            except BadRequest:
                self._schemas = False  # the audit's own schemas are plain: this engine has none
        return self._schemas

    async def _stream(
        self, messages: Sequence[Message], sampling: Sampling, cut_off: list[bool] | None = None
    ) -> AsyncGenerator[Piece]:
        """The pieces of one call, which is paid for also when it is left early."""
        clock = _Clock()
        me = object()
        self._speaker = self._speaker or me
        finish: Finish | None = None
        try:
            async with self._slots, aclosing(self._engine.stream(messages, sampling)) as stream:
                async for item in stream:
                    if isinstance(item, Finish):
                        finish = item
                        break
                    clock.tick()
                    if self._speaker is me:
                        self._say(Token(item.text, item.reasoning))
                    yield item
        finally:
            self._speaker = None if self._speaker is me else self._speaker
            self._spend(finish or clock.finish())
        if finish and finish.reason == "length" and cut_off is not None:
            cut_off[0] = True

    def _spend(self, more: Finish) -> None:
        self.spent = replace(
            self.spent,
            usage=self.spent.usage + more.usage,
            queued_s=self.spent.queued_s + more.queued_s,
            prefill_s=self.spent.prefill_s + more.prefill_s,
            decode_s=self.spent.decode_s + more.decode_s,
        )


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of `works`, run at the same time; the first failure is raised when the others have been cancelled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Clock:
    """Times an answer that is left before its Finish."""

    def __init__(self) -> None:
        self._asked_at = self._first_at = time.monotonic()
        self._pieces = 0

    def tick(self) -> None:
        if not self._pieces:
            self._first_at = time.monotonic()
        self._pieces += 1

    def finish(self) -> Finish:
        decode_s = time.monotonic() - self._first_at
        return Finish("length", Usage(0, self._pieces), prefill_s=self._first_at - self._asked_at, decode_s=decode_s)
