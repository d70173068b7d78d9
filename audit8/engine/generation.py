"""One answer in the making: its prompt, its limits, its text so far, and where its pieces go.

Made on the caller's side, then owned by the owner thread. Knows nothing of tensors; the executors below the
`Executor` seam decide which token comes next.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from audit8.engine.constraint import Constraint
from audit8.engine.text import Detokeniser, StopMatcher, ThinkSplitter
from audit8.errors import Audit8Error
from audit8.types import Finish, FinishReason, Piece, Sampling, TokenLogprob, Usage


@dataclass(frozen=True, slots=True)
class Scores:
    """The answer to a `score` call: probabilities in the candidates' order."""

    probabilities: list[float]


@dataclass(frozen=True, slots=True)
class Logprobs:
    """Of one chosen token: its own log-probability and the best alternatives as (token id, log-probability)."""

    chosen: float
    top: tuple[tuple[int, float], ...]


Item = Piece | Finish | Scores | Audit8Error


class Generation:
    """The state of one request inside the engine.

    `echoes`: tokens that the answer is likely to say, beside the prompt's; speculation tries them.
    `candidates` non-empty means a score: one forward pass, no tokens. `cancelled` is set by the caller's thread and
    read by the owner thread once per step.
    """

    def __init__(
        self,
        prompt_ids: Sequence[int],
        sampling: Sampling,
        *,
        deliver: Callable[[Item], None],
        decode: Callable[[Sequence[int]], str],
        eos_ids: frozenset[int],
        thinking: bool = False,
        candidates: Sequence[int] = (),
        constraint: Constraint | None = None,
        echoes: Sequence[int] = (),
    ) -> None:
        self.prompt_ids = tuple(prompt_ids)
        self.echoes = tuple(echoes)
        self.sampling = sampling
        self.candidates = tuple(candidates)
        self.constraint = constraint
        self.token_ids: list[int] = []
        self.cancelled = False
        self.finished = False
        self._deliver = deliver
        self._eos_ids = eos_ids
        self._decode = decode
        self._logprobs: list[TokenLogprob] = []
        self._detokeniser = Detokeniser(decode)
        self._stop = StopMatcher(sampling.stop)
        self._think = ThinkSplitter(inside=thinking)
        self._queued_at = time.monotonic()
        self._started_at = self._first_token_at = self._queued_at

    def start(self) -> None:
        """The prefill begins now."""
        self._started_at = time.monotonic()

    def accept(self, token_id: int, logprobs: Logprobs | None = None) -> bool:
        """Take the next token; True when it was the last one (the `Finish` is then delivered)."""
        if not self.token_ids:
            self._first_token_at = time.monotonic()
        self.token_ids.append(token_id)
        if logprobs is not None and token_id not in self._eos_ids:
            top = tuple((self._decode([other]), value) for other, value in logprobs.top)
            self._logprobs.append(TokenLogprob(self._decode([token_id]), logprobs.chosen, top))
        if token_id in self._eos_ids:
            return self._end("stop")
        self._show(self._stop.push(self._detokeniser.push(token_id)))
        if self._stop.hit:
            return self._end("stop")
        if len(self.token_ids) >= self.sampling.max_tokens:
            return self._end("length")
        return False

    def scored(self, probabilities: list[float]) -> None:
        self.finished = True
        self._deliver(Scores(probabilities))

    def fail(self, error: Audit8Error) -> None:
        if not self.finished:
            self.finished = True
            self._deliver(error)

    def _show(self, text: str) -> None:
        if text:
            # A document may hold the very tags in a string: they are then part of it.
            for piece in [Piece(text)] if self.constraint else self._think.push(text):
                self._send(piece)

    def _send(self, piece: Piece) -> None:
        if self._logprobs:
            piece = replace(piece, logprobs=tuple(self._logprobs))
            self._logprobs.clear()
        self._deliver(piece)

    def _end(self, reason: FinishReason) -> bool:
        self.finished = True
        if not self._stop.hit:
            self._show(self._stop.push(self._detokeniser.finish()))
            self._show(self._stop.finish())
        for piece in self._think.finish():
            self._send(piece)
        if self._logprobs:  # of tokens that showed no text
            self._send(Piece(""))
        self._deliver(
            Finish(
                reason="stop" if self._stop.hit else reason,
                usage=Usage(len(self.prompt_ids), len(self.token_ids)),
                queued_s=self._started_at - self._queued_at,
                prefill_s=self._first_token_at - self._started_at,
                decode_s=time.monotonic() - self._first_token_at,
            )
        )
        return True


@dataclass(frozen=True, slots=True)
class Guessed:
    """Tokens that were guessed and tried since the start, and how many of them were right."""

    tried: int = 0
    right: int = 0

    def plus(self, tried: int, right: int) -> "Guessed":
        return Guessed(self.tried + tried, self.right + right) if tried else self


class Executor(Protocol):
    """Runs generations. Every method is called on the owner thread only; `guessed` may be read on any."""

    @property
    def guessed(self) -> Guessed: ...

    def add(self, generation: Generation) -> None: ...

    @property
    def busy(self) -> bool:
        """Whether `step` has anything to do."""
        ...

    def step(self) -> None:
        """Advance: at least one token for somebody. Drops cancelled generations and frees what they held."""
        ...

    def drop_all(self, error: Audit8Error) -> None:
        """Fail everything that waits or runs, and free it; the executor must be usable afterwards."""
        ...
