"""An engine that counts what passes through another one: tokens so far, and tokens a second now.

Knows the engine's seam alone: nothing of jobs, HTTP or devices. Used from one event loop, so it needs no lock.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from audit8.engine.protocol import Engine
from audit8.types import EngineInfo, Finish, Memory, Message, Piece, Sampling, Usage

WINDOW_S = 5.0
STEP_S = 0.25  # tokens are remembered by the quarter of a second that they came in
LEAST_S = 1.0  # a rate over less than this would jump


class Rate:
    """Tokens a second over the last WINDOW_S seconds, or since the first of them if that is less."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._steps: dict[int, float] = {}  # number of the quarter second -> tokens that came in it

    def add(self, tokens: float, since_s: float | None = None) -> None:
        """`tokens` came now, or evenly from `since_s` (by the clock) until now."""
        now_s = self._clock()
        last = _step(now_s)
        first = last if since_s is None else _step(since_s)
        share = tokens / (last - first + 1)
        if last not in self._steps:
            self._forget(_oldest(last))
        for step in range(max(first, _oldest(last)), last + 1):
            self._steps[step] = self._steps.get(step, 0.0) + share

    def now(self) -> float:
        now_s = self._clock()
        self._forget(_oldest(_step(now_s)))
        if not self._steps:
            return 0.0
        lasted_s = now_s - min(self._steps) * STEP_S
        return sum(self._steps.values()) / min(WINDOW_S, max(LEAST_S, lasted_s))

    def _forget(self, oldest: int) -> None:
        self._steps = {step: tokens for step, tokens in self._steps.items() if step >= oldest}


def _step(at_s: float) -> int:
    return int(at_s / STEP_S)


def _oldest(step: int) -> int:
    return step + 1 - _step(WINDOW_S)


class MeteredEngine:
    """See protocol.Engine. `usage` is what all streams and scores have used since the start.

    A stream tells its tokens when it ends; until then each piece counts as one. A score is its prompt (without the
    chat template) and one token. A stream that fails or is closed early counts what was seen of it.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self.usage = Usage()
        self._engine = engine
        self._clock = clock
        self._rate = Rate(clock)

    @property
    def inner(self) -> Engine:
        """The engine that is counted."""
        return self._engine

    @property
    def info(self) -> EngineInfo:
        return self._engine.info

    def memory(self) -> Memory:
        return self._engine.memory()

    def count_tokens(self, text: str) -> int:
        return self._engine.count_tokens(text)

    async def check(self, sampling: Sampling) -> None:
        await self._engine.check(sampling)

    def tokens_per_s(self) -> float:
        """Completion tokens a second over the last WINDOW_S seconds, all streams together."""
        return self._rate.now()

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece | Finish]:
        pieces, first_at_s, used = 0, self._clock(), None
        try:
            async with aclosing(self._engine.stream(messages, sampling)) as stream:
                async for item in stream:
                    if isinstance(item, Finish):
                        used = item.usage
                        self._correct(used.completion_tokens - pieces, first_at_s)
                    else:
                        first_at_s = first_at_s if pieces else self._clock()
                        pieces += 1
                        self._rate.add(1)
                    yield item
        finally:
            if used is None and pieces:
                used = Usage(self._prompt_tokens(messages), pieces)
            self.usage += used or Usage()

    async def score(self, messages: Sequence[Message], candidates: Sequence[str]) -> list[float]:
        probabilities, prompt_tokens = await asyncio.gather(
            self._engine.score(messages, candidates), asyncio.to_thread(self._prompt_tokens, messages)
        )
        self.usage += Usage(prompt_tokens, 1)
        self._rate.add(1)
        return probabilities

    async def aclose(self) -> None:
        await self._engine.aclose()

    def _correct(self, missed_tokens: int, first_at_s: float) -> None:
        """Tokens that came without a piece of their own are spread over the time that the stream took."""
        if missed_tokens > 0:
            self._rate.add(missed_tokens, first_at_s)

    def _prompt_tokens(self, messages: Sequence[Message]) -> int:
        return sum(self._engine.count_tokens(message.content) for message in messages)
