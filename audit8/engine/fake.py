"""A scripted engine: everything above the engine's seam is tested with it, in milliseconds and without a model.

Knows the Protocol and nothing of audits. Tests enqueue answers and read back what was asked for.
"""

import asyncio
import itertools
import json
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from audit8.engine.schema import read_schema
from audit8.errors import Audit8Error, EngineFailure, PromptTooLong
from audit8.types import EngineInfo, Finish, FinishReason, Memory, Message, Piece, Sampling, Usage

FAKE_INFO = EngineInfo(
    model="fake-7b",
    device="cpu",
    quantisation="8bit",
    arithmetic="scripted",
    context_tokens=8192,
)
_WORD = re.compile(r"\s*\S+|\s+$")
_TOKEN = re.compile(r"\w{1,6}|[^\w\s]|\n")
_THINK = re.compile(r"<think>(.*?)(?:</think>|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call of `stream` does. `fail_at` n raises `error` in the place of piece n (0: the first)."""

    pieces: tuple[Piece, ...]
    delay_s: float = 0.0
    endless: bool = False
    fail_at: int | None = None
    error: Audit8Error = field(default_factory=lambda: EngineFailure("the scripted engine failed"))
    reason: FinishReason = "stop"


@dataclass(slots=True)
class Call:
    """One call of `stream` as it was made. `cancelled`: it was closed before its `Finish` was taken."""

    messages: tuple[Message, ...]
    sampling: Sampling
    started: bool = False
    given: int = 0
    ended: bool = False
    cancelled: bool = False


class FakeEngine:
    """See protocol.Engine. Answers come in the order of `enqueue`; after the last one every answer is `default`.

    `opinion` gives the probabilities of a `score` from the text of its last message, where none are enqueued.
    """

    def __init__(self, info: EngineInfo = FAKE_INFO, *, default: str = "[]") -> None:
        self.calls: list[Call] = []
        self.closed = False
        self._info = info
        self._default = default
        self._answers: deque[Answer] = deque()
        self._scores: deque[list[float]] = deque()
        self.opinion: Callable[[str], list[float]] | None = None

    def enqueue(
        self,
        text: str | Sequence[str],
        *,
        delay_s: float = 0.0,
        endless: bool = False,
        fail_at: int | None = None,
        error: Audit8Error | None = None,
        reason: FinishReason = "stop",
    ) -> None:
        """The next answer: a text (given word by word; <think>...</think> is reasoning) or its exact pieces.

        `delay_s` is waited before each piece; `endless` repeats the pieces for ever.
        """
        pieces = tuple(_pieces(text)) if isinstance(text, str) else tuple(Piece(part) for part in text)
        failure = error or EngineFailure("the scripted engine failed")
        self._answers.append(Answer(pieces, delay_s, endless, fail_at, failure, reason))

    def enqueue_scores(self, scores: Sequence[float]) -> None:
        """The answer to the next call of `score`; without one all candidates are equally likely."""
        self._scores.append(list(scores))

    @property
    def info(self) -> EngineInfo:
        return self._info

    def memory(self) -> Memory:
        return Memory("ram", used_bytes=123_000_000, total_bytes=8_000_000_000)

    def count_tokens(self, text: str) -> int:
        """Pieces of up to six word characters, punctuation marks and line ends: cheap, and near a real tokeniser."""
        return len(_TOKEN.findall(text))

    async def check(self, sampling: Sampling) -> None:
        """Reads the schema; whether anything satisfies it only a real engine knows."""
        if sampling.schema is not None:
            read_schema(sampling.schema)

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece | Finish]:
        call = Call(tuple(messages), sampling)
        self.calls.append(call)
        answer = self._answers.popleft() if self._answers else Answer(tuple(_pieces(self._default)))
        prompt_tokens = sum(self.count_tokens(message.content) for message in messages)
        if prompt_tokens + sampling.max_tokens > self._info.context_tokens:
            raise PromptTooLong(f"the prompt has {prompt_tokens} tokens", prompt_tokens=prompt_tokens)
        if sampling.schema is not None:
            _check_document(answer)
        call.started = True
        try:
            async with aclosing(_played(answer, sampling.max_tokens)) as pieces:
                async for piece in pieces:
                    if self.closed:
                        raise EngineFailure("the scripted engine was stopped")
                    call.given += 1
                    yield piece
            cut = answer.endless or len(answer.pieces) > sampling.max_tokens
            reason: FinishReason = "length" if cut else answer.reason
            call.ended = True
            yield Finish(reason, Usage(prompt_tokens, call.given), prefill_s=0.01, decode_s=0.01 * call.given)
        finally:
            call.cancelled = not call.ended

    async def score(self, messages: Sequence[Message], candidates: Sequence[str]) -> list[float]:
        self.calls.append(Call(tuple(messages), Sampling(max_tokens=1), started=True, ended=True))
        if self._scores:
            return self._scores.popleft()
        return self.opinion(messages[-1].content) if self.opinion else [1.0 / len(candidates)] * len(candidates)

    async def aclose(self) -> None:
        self.closed = True


def _check_document(answer: Answer) -> None:
    """A scripted answer is played as it is: where a schema is asked for and it ends well, it has to be JSON."""
    if answer.endless or answer.fail_at is not None:
        return
    try:
        json.loads("".join(piece.text for piece in answer.pieces if not piece.reasoning))
    except ValueError:
        raise EngineFailure("the scripted answer is not JSON, but the call has a schema") from None


async def _played(answer: Answer, max_tokens: int) -> AsyncGenerator[Piece]:
    """The answer's pieces with its delays, cut at `max_tokens` as a real engine does; raises where it should fail."""
    pieces: Iterator[Piece] = itertools.cycle(answer.pieces) if answer.endless else iter(answer.pieces)
    for step, piece in enumerate(itertools.islice(pieces, max_tokens)):
        await asyncio.sleep(answer.delay_s)
        if step == answer.fail_at:
            raise answer.error
        yield piece
    if answer.fail_at is not None:
        raise answer.error


def _pieces(text: str) -> Iterator[Piece]:
    position = 0
    for thought in _THINK.finditer(text):
        yield from (Piece(word) for word in _WORD.findall(text[position : thought.start()]))
        yield from (Piece(word, reasoning=True) for word in _WORD.findall(thought[1]))
        position = thought.end()
    yield from (Piece(word) for word in _WORD.findall(text[position:]))
