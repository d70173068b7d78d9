"""The metered engine: it changes nothing of what passes, and its counts are those of what passed."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from audit8.engine.fake import FakeEngine
from audit8.engine.protocol import Engine
from audit8.errors import EngineFailure
from audit8.metered import WINDOW_S, MeteredEngine, Rate
from audit8.types import Finish, Message, Piece, Sampling, Usage

QUESTION = [Message("user", "one two three")]
SHORT = Sampling(max_tokens=100)


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


async def taken(engine: Engine) -> list[Piece | Finish]:
    async with aclosing(engine.stream(QUESTION, SHORT)) as stream:
        return [item async for item in stream]


async def test_what_passes_is_what_the_engine_says() -> None:
    bare, inner = FakeEngine(), FakeEngine()
    engine = MeteredEngine(inner)
    for one in (bare, inner):
        one.enqueue("<think>let me see</think>an answer of words")
        one.enqueue_scores([0.25, 0.75])
    assert await taken(engine) == await taken(bare)
    assert await engine.score(QUESTION, ["a", "b"]) == [0.25, 0.75]
    assert (engine.info, engine.memory(), engine.count_tokens("a b")) == (bare.info, bare.memory(), 2)
    await engine.aclose()
    assert inner.closed


async def test_tokens_of_streams_and_scores_add_up() -> None:
    inner = FakeEngine()
    engine = MeteredEngine(inner)
    inner.enqueue("an answer of words")
    await taken(engine)
    assert engine.usage == Usage(3, 4)
    await engine.score(QUESTION, ["a", "b"])
    assert engine.usage == Usage(6, 5)


async def test_a_stream_that_is_closed_early_is_cancelled_and_counts_what_was_seen() -> None:
    inner = FakeEngine()
    engine = MeteredEngine(inner)
    inner.enqueue("word ", endless=True)
    async with aclosing(engine.stream(QUESTION, SHORT)) as stream:
        async for _ in stream:
            if inner.calls[0].given == 3:
                break
    assert inner.calls[0].cancelled
    assert engine.usage == Usage(3, 3)


async def test_a_failing_stream_fails_alike_and_counts_what_was_seen() -> None:
    inner = FakeEngine()
    engine = MeteredEngine(inner)
    inner.enqueue("an answer of words", fail_at=2)
    with pytest.raises(EngineFailure):
        await taken(engine)
    assert engine.usage == Usage(3, 2)


async def test_the_rate_is_of_the_last_seconds() -> None:
    clock, inner = Clock(), FakeEngine()
    engine = MeteredEngine(inner, clock)
    assert engine.tokens_per_s() == 0.0
    inner.enqueue("a b c d e f g h i j")
    await taken(engine)
    assert engine.tokens_per_s() == 10.0
    clock.now_s += 2
    assert engine.tokens_per_s() == 5.0
    clock.now_s += WINDOW_S
    assert engine.tokens_per_s() == 0.0


class Blocks(FakeEngine):
    """An engine whose pieces are of several tokens, as another machine's are."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece | Finish]:
        for _ in range(4):
            yield Piece("several tokens at once")
            self._clock.now_s += 1
        yield Finish("stop", Usage(7, 40))


async def test_tokens_without_a_piece_of_their_own_are_spread_over_the_stream() -> None:
    clock = Clock()
    engine = MeteredEngine(Blocks(clock), clock)
    await taken(engine)
    assert engine.usage == Usage(7, 40)
    assert engine.tokens_per_s() == pytest.approx(10.0, rel=0.01)


@pytest.mark.parametrize("lasted_s", [2.0, 60.0])
def test_a_steady_stream_has_its_own_rate(lasted_s: float) -> None:
    clock = Clock()
    rate = Rate(clock)
    for _ in range(int(lasted_s * 100)):
        rate.add(1)
        clock.now_s += 0.01
    assert rate.now() == pytest.approx(100, rel=0.06)
