"""The async engine over a scripted executor: order, cancel, failure, and a thread that never dies of an error."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from audit8.engine.device import classify
from audit8.engine.generation import Generation, Guessed
from audit8.engine.local import LocalEngine
from audit8.errors import Audit8Error, BadRequest, DeviceLost, EngineFailure, EngineLost, OutOfMemory, PromptTooLong
from audit8.types import EngineInfo, Finish, Memory, Message, Piece, Sampling

INFO = EngineInfo("scripted", "cpu", "8bit", "none", context_tokens=100)


class Bytes:
    """A tokenizer of one token a byte; the template opens a <think> block when asked to."""

    chat_template: str | None = "yes"

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        return {"input_ids": list(text.encode())}

    def decode(self, ids: Sequence[int], **_: Any) -> str:
        return bytes(ids).decode(errors="replace")

    def apply_chat_template(self, turns: list[dict[str, str]], **_: Any) -> str:
        return "".join(turn["content"] for turn in turns)


class Echo:
    """Answers with the prompt, a byte a step; the byte 0 raises, 1 runs out of memory."""

    def __init__(self) -> None:
        self.running: list[Generation] = []
        self.steps = 0

    @property
    def guessed(self) -> Guessed:
        return Guessed(7, 5)

    @property
    def busy(self) -> bool:
        return bool(self.running)

    def add(self, generation: Generation) -> None:
        self.running.append(generation)

    def step(self) -> None:
        self.steps += 1
        self.running = [generation for generation in self.running if not generation.cancelled]
        for generation in list(self.running):
            if generation.candidates:
                generation.scored([0.25] * len(generation.candidates))
                self.running.remove(generation)
                continue
            token = generation.prompt_ids[len(generation.token_ids) % len(generation.prompt_ids)]
            if token == 0:
                raise ValueError("on purpose")
            if token == 1:
                raise MemoryError
            if generation.accept(token):
                self.running.remove(generation)

    def drop_all(self, error: Audit8Error) -> None:
        for generation in self.running:
            generation.fail(error)
        self.running.clear()


class Slow(Echo):
    """Half a second for what Echo writes in an instant."""

    def step(self) -> None:
        time.sleep(0.005)
        super().step()


async def drain(stream: AsyncIterator[Piece | Finish]) -> None:
    async for _ in stream:
        pass


@pytest.fixture
async def echo() -> AsyncIterator[tuple[LocalEngine, Echo]]:
    executor = Echo()
    engine = LocalEngine(
        tokenizer=Bytes(),
        executor=executor,
        info=INFO,
        eos_ids=frozenset({3}),
        memory=lambda: Memory("ram", 1, 2),
        classify=classify,
    )
    yield engine, executor
    await engine.aclose()


async def answer(engine: LocalEngine, text: str, sampling: Sampling) -> tuple[list[Piece], Finish]:
    items = [item async for item in engine.stream([Message("user", text)], sampling)]
    assert isinstance(items[-1], Finish)
    return [item for item in items if isinstance(item, Piece)], items[-1]


async def test_pieces_then_one_finish(echo: tuple[LocalEngine, Echo]) -> None:
    pieces, finish = await answer(echo[0], "审计é", Sampling(max_tokens=8))
    assert "".join(piece.text for piece in pieces) == "审计é"
    assert finish.reason == "length"
    assert (finish.usage.prompt_tokens, finish.usage.completion_tokens) == (8, 8)


async def test_an_end_token_stops_and_is_not_shown(echo: tuple[LocalEngine, Echo]) -> None:
    pieces, finish = await answer(echo[0], "ab\x03", Sampling(max_tokens=50))
    assert "".join(piece.text for piece in pieces) == "ab"
    assert finish.reason == "stop"


async def test_a_stop_string_stops(echo: tuple[LocalEngine, Echo]) -> None:
    pieces, finish = await answer(echo[0], "abcdef", Sampling(max_tokens=50, stop=("de",)))
    assert "".join(piece.text for piece in pieces) == "abc"
    assert finish.reason == "stop"


async def test_many_at_once_each_get_their_own(echo: tuple[LocalEngine, Echo]) -> None:
    texts = [chr(97 + n) * 3 for n in range(20)]
    answers = await asyncio.gather(*[answer(echo[0], text, Sampling(max_tokens=30)) for text in texts])
    assert [pieces[0].text[0] for pieces, _ in answers] == [text[0] for text in texts]


async def test_leaving_the_stream_cancels_within_a_step(echo: tuple[LocalEngine, Echo]) -> None:
    engine, executor = echo
    async with aclosing(engine.stream([Message("user", "a")], Sampling(max_tokens=99))) as stream:
        assert isinstance(await anext(stream), Piece)
        generation = executor.running[0] if executor.running else None
    for _ in range(100):
        if not executor.busy:
            break
        await asyncio.sleep(0.01)
    assert not executor.busy
    assert generation is None or generation.cancelled


async def test_a_failure_fails_those_who_run_and_the_next_one_is_served(echo: tuple[LocalEngine, Echo]) -> None:
    with pytest.raises(EngineFailure, match="ValueError"):
        await answer(echo[0], "\x00", Sampling(max_tokens=5))
    with pytest.raises(OutOfMemory):
        await answer(echo[0], "\x01", Sampling(max_tokens=5))
    assert (await answer(echo[0], "x", Sampling(max_tokens=2)))[1].reason == "length"


async def test_bad_requests_never_reach_the_executor(echo: tuple[LocalEngine, Echo]) -> None:
    engine, executor = echo
    with pytest.raises(PromptTooLong, match="100 tokens"):
        await answer(engine, "a" * 60, Sampling(max_tokens=41))
    with pytest.raises(BadRequest, match="max_tokens"):
        await answer(engine, "a", Sampling(max_tokens=0))
    with pytest.raises(BadRequest, match="empty"):
        await answer(engine, "", Sampling(max_tokens=1))
    with pytest.raises(BadRequest, match="different"):
        await engine.score([Message("user", "a")], ["yes", "yet"])
    assert executor.steps == 0


async def test_a_score_is_answered_in_the_candidates_order(echo: tuple[LocalEngine, Echo]) -> None:
    assert await echo[0].score([Message("user", "a")], ["yes", "no"]) == [0.25, 0.25]


async def test_what_came_of_guesses_is_the_executors(echo: tuple[LocalEngine, Echo]) -> None:
    assert echo[0].guessed == Guessed(7, 5)


async def test_under_a_schema_guesses_know_what_the_prompt_is_inside_a_string(
    echo: tuple[LocalEngine, Echo], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, executor = echo
    asked: list[Generation] = []
    add = executor.add

    def kept(generation: Generation) -> None:
        asked.append(generation)
        add(generation)

    monkeypatch.setattr(executor, "add", kept)
    held = SimpleNamespace(complete=False, valid=True)
    monkeypatch.setattr(engine, "_constrain", lambda sampling: held if sampling.schema else None)
    plain = Sampling(max_tokens=2)
    for sampling in (replace(plain, schema="{}"), plain, replace(plain, schema="{}", temperature=1.0)):
        await answer(engine, 'x = "a"\n', sampling)
    assert [bytes(generation.echoes) for generation in asked] == [rb"x = \"a\"\n", b"", b""]


async def test_an_open_think_block_of_the_template_is_reasoning(echo: tuple[LocalEngine, Echo]) -> None:
    pieces, _ = await answer(echo[0], "</think>a<think>", Sampling(max_tokens=9))
    assert [(piece.text, piece.reasoning) for piece in pieces] == [("a", False)]


async def test_a_model_without_a_chat_template_is_served(echo: tuple[LocalEngine, Echo], monkeypatch: Any) -> None:
    monkeypatch.setattr(Bytes, "chat_template", None)
    pieces, _ = await answer(echo[0], "x", Sampling(max_tokens=4))
    assert "".join(piece.text for piece in pieces) == "user"


async def test_closing_fails_what_still_runs_and_refuses_what_comes_later() -> None:
    engine = LocalEngine(
        tokenizer=Bytes(),
        executor=Slow(),
        info=INFO,
        eos_ids=frozenset(),
        memory=lambda: Memory("ram", 1, 2),
        classify=classify,
    )
    stream = engine.stream([Message("user", "a")], Sampling(max_tokens=99))
    await anext(stream)
    await engine.aclose()
    with pytest.raises(EngineFailure, match="stopped"):
        await drain(stream)
    with pytest.raises(EngineFailure, match="has stopped"):
        await engine.score([Message("user", "a")], ["x", "y"])


class Gone(Echo):
    """A device that is lost: the step fails, and so does cleaning up after everyone was told."""

    def drop_all(self, error: Audit8Error) -> None:
        super().drop_all(error)
        raise RuntimeError("the device is gone")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_lost_device_leaves_nobody_waiting() -> None:
    engine = LocalEngine(
        tokenizer=Bytes(),
        executor=Gone(),
        info=INFO,
        eos_ids=frozenset(),
        memory=lambda: Memory("ram", 1, 2),
        classify=classify,
    )
    with pytest.raises(EngineFailure, match="ValueError"):
        await answer(engine, "\x00", Sampling(max_tokens=5))
    await engine.aclose()
    with pytest.raises(EngineLost, match="has stopped"):
        await answer(engine, "x", Sampling(max_tokens=2))


async def test_a_poisoned_device_ends_the_thread_and_everybody_is_told_why(
    echo: tuple[LocalEngine, Echo], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, _ = echo
    lost = DeviceLost("the GPU cannot be used by this process any more")
    monkeypatch.setattr(engine, "_classify", lambda _: lost)
    running = [asyncio.create_task(answer(engine, "abc\x00", Sampling(max_tokens=9))) for _ in range(3)]
    assert await asyncio.gather(*running, return_exceptions=True) == [lost] * 3
    engine._thread.join(5)
    assert not engine._thread.is_alive()
    with pytest.raises(DeviceLost):
        await engine.score([Message("user", "x")], ["a", "b"])
