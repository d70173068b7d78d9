"""Every way in which a server may fail, refuse or fall silent, and what comes of it: one more try, or one error."""

import asyncio
from contextlib import aclosing

import pytest

from audit8.errors import Audit8Error, BadRequest, EngineFailure, PromptTooLong
from audit8.remote.engine import RemoteEngine
from audit8.types import Finish, Message, Piece, Sampling
from tests.remote.asking import HELLO, collect, drained
from tests.remote.scripted import (
    Reply,
    Server,
    chunk,
    error,
    frame,
    stream_of,
    streamed,
)

BROKEN = {
    "no answer": stream_of(None),
    "in the middle of a line": stream_of(b'data: {"choi', None),
    "without an end": stream_of(frame(chunk("")), frame(chunk(None))),
    "no JSON": stream_of(b"data: <html>\n\n"),
    "no chunk": stream_of(frame({"hello": 1})),
    "not even an object": stream_of(frame([1])),
    "a text of another type": stream_of(frame({"choices": [{"delta": {"content": 5}}]})),
    "status 500": error(500, "out of memory"),
    "an HTML page": Reply(portions=[b"<html>"], kind="text/html"),
    "an error in the stream": stream_of(frame({"error": {"message": "CUDA error", "code": 500}})),
    "silence": stream_of(frame(chunk("")), 5.0),
    "an endless comment": stream_of(b": x" * 100, None),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_a_failure_before_the_first_word_is_tried_again(server: Server, engine: RemoteEngine, how: str) -> None:
    server.script.append(BROKEN[how])
    assert (await drained(engine))[0] == "good day"
    assert len(server.chats) == 2


@pytest.mark.parametrize("how", BROKEN)
async def test_a_failure_that_stays_is_one_error(server: Server, engine: RemoteEngine, how: str) -> None:
    server.default = lambda _: BROKEN[how]
    with pytest.raises(EngineFailure, match=r"127\.0\.0\.1"):
        await drained(engine)
    assert len(server.chats) == 2


@pytest.mark.parametrize("how", set(BROKEN) - {"an HTML page", "status 500"})
async def test_a_failure_after_the_first_word_is_not_tried_again(
    server: Server, engine: RemoteEngine, how: str
) -> None:
    server.script.append(stream_of(frame(chunk("good")), *BROKEN[how].portions))
    pieces: list[Piece | Finish] = []
    with pytest.raises(EngineFailure, match=r"127\.0\.0\.1"):
        await collect(engine, pieces)
    assert pieces == [Piece("good")]
    assert len(server.chats) == 1


async def test_a_busy_server_is_waited_for(server: Server, engine: RemoteEngine) -> None:
    server.script += [error(429, "slow down", retry_after="0"), error(503, "loading"), error(429, "x", retry_after="?")]
    assert (await drained(engine))[0] == "good day"
    assert len(server.chats) == 4


async def test_a_server_that_stays_busy_is_an_error_in_the_end(server: Server, engine: RemoteEngine) -> None:
    server.default = lambda _: error(429, "the queue is full", retry_after="1")
    with pytest.raises(EngineFailure, match="the queue is full"):
        await drained(engine)


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (error(400, "This model's maximum context length is 4096 tokens"), PromptTooLong, "4096"),
        (error(400, "request (9 tokens) exceeds it", "exceed_context_size_error"), PromptTooLong, "9 tokens"),
        (error(413, "too big"), PromptTooLong, "too big"),
        (error(400, "seed: not known"), BadRequest, "seed"),
        (error(422, "temperature"), BadRequest, "temperature"),
        (error(401, "no such key"), EngineFailure, "no such key"),
        (error(404, "no such model"), EngineFailure, "no such model"),
        (Reply(307, {"location": "http://example.org/"}), EngineFailure, "307"),
        (Reply(400, portions=[b"<html>\x00\nBad\x1b[31m"]), BadRequest, "Bad"),
    ],
)
async def test_a_refusal_is_not_tried_again(
    server: Server, engine: RemoteEngine, reply: Reply, kind: type[Audit8Error], words: str
) -> None:
    server.script.append(reply)
    with pytest.raises(kind, match=words) as refused:
        await drained(engine)
    assert refused.value.message.isprintable()
    assert len(server.chats) == 1
    assert (await drained(engine))[0] == "good day"


async def test_a_filtered_answer_is_an_error(server: Server, engine: RemoteEngine) -> None:
    server.script.append(streamed("I", reason="content_filter"))
    with pytest.raises(EngineFailure, match="filtered"):
        await drained(engine)


async def test_a_server_that_does_not_stop_is_stopped(server: Server, engine: RemoteEngine) -> None:
    server.script.append(stream_of(*[frame(chunk("and "))] * 5000))
    text, _, finish = await drained(engine, max_tokens=10)
    assert finish.reason == "length"
    assert len(text) < 1000


async def test_leaving_the_stream_closes_the_connection(server: Server, engine: RemoteEngine) -> None:
    server.script.append(stream_of(frame(chunk("good")), *((0.01, b": beat\n\n") * 400)))
    async with aclosing(engine.stream(HELLO, Sampling(max_tokens=9))) as stream:
        await anext(stream)
    await asyncio.sleep(0.1)
    assert server.answered < 20
    assert [replica.running for replica in engine._pool.replicas] == [0]


async def test_closing_the_engine_ends_what_runs(server: Server, engine: RemoteEngine) -> None:
    server.script.append(stream_of(frame(chunk("good")), 5.0))
    async with aclosing(engine.stream(HELLO, Sampling(max_tokens=9))) as stream:
        await anext(stream)
        coming = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.01)
        await engine.aclose()
        with pytest.raises(EngineFailure, match="stopped"):
            await coming
    with pytest.raises(EngineFailure, match="stopped"):
        await drained(engine)


async def test_what_cannot_be_asked_is_refused_here(server: Server, engine: RemoteEngine) -> None:
    for sampling in ({"max_tokens": 0}, {"temperature": -1}, {"schema": "{"}, {"schema": '{"type": 5}'}):
        with pytest.raises(BadRequest):
            await drained(engine, **sampling)
    with pytest.raises(BadRequest, match="empty"):
        await drained(engine, [Message("user", "")])
    assert server.chats == []
