"""The scripted engine keeps the engine's contract, so that what is tested with it holds for a real one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from audit8.engine.fake import FakeEngine
from audit8.engine.protocol import Engine
from audit8.errors import BadRequest, EngineFailure, OutOfMemory, PromptTooLong
from audit8.types import Finish, Message, Piece, Sampling

PROMPT = [Message("user", "Is this safe?")]
SAMPLING = Sampling(max_tokens=50)


async def taken(stream: AsyncGenerator[Piece | Finish]) -> list[Piece | Finish]:
    async with aclosing(stream):
        return [item async for item in stream]


async def test_answers_come_in_order_and_end_with_one_finish() -> None:
    engine = FakeEngine(default="the default")
    engine.enqueue("the first answer")
    engine.enqueue(["ex", "act", " pieces"])
    texts = []
    for _ in range(3):
        *pieces, finish = await taken(engine.stream(PROMPT, SAMPLING))
        assert isinstance(finish, Finish)
        assert finish.usage.completion_tokens == len(pieces)
        texts.append([piece.text for piece in pieces if isinstance(piece, Piece)])
    assert texts == [["the", " first", " answer"], ["ex", "act", " pieces"], ["the", " default"]]


async def test_thoughts_are_reasoning_and_the_tags_are_gone() -> None:
    engine = FakeEngine()
    engine.enqueue("<think>let me see</think>yes indeed")
    items = await taken(engine.stream(PROMPT, SAMPLING))
    pieces = [item for item in items if isinstance(item, Piece)]
    assert "".join(piece.text for piece in pieces if piece.reasoning) == "let me see"
    assert "".join(piece.text for piece in pieces if not piece.reasoning) == "yes indeed"


@pytest.mark.parametrize("fail_at", [0, 1, 2, 3])
async def test_it_fails_where_it_should(fail_at: int) -> None:
    engine = FakeEngine()
    engine.enqueue("one two three", fail_at=fail_at, error=OutOfMemory("no room"))
    stream = engine.stream(PROMPT, SAMPLING)
    got = [await anext(stream) for _ in range(fail_at)]
    assert len(got) == fail_at
    with pytest.raises(OutOfMemory):
        await anext(stream)


async def test_an_endless_answer_stops_at_max_tokens() -> None:
    engine = FakeEngine()
    engine.enqueue("again", endless=True)
    *pieces, finish = await taken(engine.stream(PROMPT, Sampling(max_tokens=7)))
    assert len(pieces) == 7
    assert isinstance(finish, Finish)
    assert finish.reason == "length"


async def test_closing_early_is_recorded_as_cancelled() -> None:
    engine = FakeEngine()
    engine.enqueue("one two three")
    async with aclosing(engine.stream(PROMPT, SAMPLING)) as stream:
        await anext(stream)
    await taken(engine.stream(PROMPT, SAMPLING))
    assert [(call.cancelled, call.ended) for call in engine.calls] == [(True, False), (False, True)]
    assert engine.calls[0].messages == tuple(PROMPT)


async def test_a_cancelled_task_cancels_the_stream() -> None:
    engine = FakeEngine()
    engine.enqueue("slow", delay_s=60)
    task = asyncio.create_task(taken(engine.stream(PROMPT, SAMPLING)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.calls[0].cancelled


async def test_what_does_not_fit_is_refused_before_anything_is_generated() -> None:
    engine = FakeEngine()
    with pytest.raises(PromptTooLong):
        await taken(engine.stream(PROMPT, Sampling(max_tokens=8192)))
    assert not engine.calls[0].started


async def test_scores_are_scripted_or_equal() -> None:
    engine: Engine = FakeEngine()
    assert await engine.score(PROMPT, ["yes", "no"]) == [0.5, 0.5]
    scripted = FakeEngine()
    scripted.enqueue_scores([0.9, 0.1])
    assert await scripted.score(PROMPT, ["yes", "no"]) == [0.9, 0.1]


async def test_a_schema_is_not_ignored() -> None:
    engine = FakeEngine()
    with pytest.raises(BadRequest, match="not JSON"):
        await engine.check(Sampling(max_tokens=9, schema="{"))
    engine.enqueue('<think>hm</think>{"a": 1}')
    engine.enqueue("no JSON")
    asked = Sampling(max_tokens=50, schema='{"type": "object"}')
    await engine.check(asked)
    assert len(await taken(engine.stream(PROMPT, asked))) > 1
    with pytest.raises(EngineFailure, match="not JSON"):
        await taken(engine.stream(PROMPT, asked))


def test_the_default_failure_is_an_engine_failure() -> None:
    engine = FakeEngine()
    engine.enqueue("x", fail_at=0)
    with pytest.raises(EngineFailure):
        asyncio.run(taken(engine.stream(PROMPT, SAMPLING)))
