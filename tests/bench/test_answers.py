"""A stored answer is the answer: the same pieces, scores and figures, without asking the engine again."""

from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from audit8.engine.fake import FakeEngine
from audit8.engine.protocol import Engine
from audit8.types import Finish, Message, Piece, Sampling
from bench.answers import StoredEngine

HELLO = [Message("user", "hello")]


async def answer(engine: Engine, messages: Sequence[Message] = HELLO, max_tokens: int = 9) -> list[Piece | Finish]:
    async with aclosing(engine.stream(messages, Sampling(max_tokens, schema="{}"))) as stream:
        return [item async for item in stream]


def refuse() -> Engine:
    raise AssertionError("the engine was asked again")


async def test_what_was_asked_once_is_not_asked_again(tmp_path: Path) -> None:
    real = FakeEngine()
    real.enqueue('{"a": 1}')
    real.enqueue_scores([0.9, 0.1])
    first = StoredEngine(tmp_path / "answers.jsonl", lambda: real, len)
    pieces, scores = await answer(first), await first.score(HELLO, ("A", "B"))
    again = StoredEngine(tmp_path / "answers.jsonl", refuse, len)
    assert await answer(again) == pieces
    assert await again.score(HELLO, ("A", "B")) == scores == [0.9, 0.1]
    assert (again.documents, again.valid, again.asked) == (1, 1, 2)
    assert again.seconds == pytest.approx(first.seconds)
    assert again.info == real.info


async def test_another_question_or_sampling_is_another_answer(tmp_path: Path) -> None:
    real = FakeEngine()
    for text in ("1", "2", "3"):
        real.enqueue(text)
    engine = StoredEngine(tmp_path / "answers.jsonl", lambda: real, len)
    texts = [(await answer(engine))[0], (await answer(engine, max_tokens=8))[0]]
    texts.append((await answer(engine, [Message("user", "bye")]))[0])
    assert texts == [Piece("1"), Piece("2"), Piece("3")]


async def test_a_model_can_be_called_by_another_name_and_keeps_its_answers(tmp_path: Path) -> None:
    real = FakeEngine()
    real.enqueue("7")
    first = StoredEngine(tmp_path / "answers.jsonl", lambda: real, len)
    pieces = await answer(first)
    named = StoredEngine(tmp_path / "answers.jsonl", refuse, len, "some-1.5b")
    assert named.info.model == "some-1.5b"
    assert await answer(named) == pieces
