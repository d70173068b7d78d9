"""The engine over a server that does as it is told: answers, schemas, scores, counts."""

import asyncio
import json
import math
from contextlib import aclosing

import pytest

from audit8.errors import BadRequest, EngineFailure
from audit8.remote.engine import RemoteEngine
from audit8.types import Piece, Sampling, TokenLogprob, Usage
from tests.remote.asking import HELLO, drained
from tests.remote.conftest import connected
from tests.remote.scripted import (
    Server,
    as_json,
    chunk,
    completion,
    frame,
    scripted,
    stream_of,
    streamed,
    top,
)

SCHEMA = json.dumps({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})


async def test_an_answer(server: Server, engine: RemoteEngine) -> None:
    text, thoughts, finish = await drained(engine, temperature=0.5, seed=7, stop=("END",), top_p=0.9)
    assert (text, thoughts, finish.reason, finish.usage) == ("good day", "", "stop", Usage(5, 2))
    sent = server.chats[0]
    assert sent["messages"] == [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]
    assert sent["stream_options"] == {"include_usage": True}
    wanted = {"model": "coder-7b", "max_tokens": 50, "temperature": 0.5, "seed": 7, "stop": ["END"], "top_p": 0.9}
    assert {name: sent[name] for name in wanted} == wanted


async def test_a_plain_request_has_no_field_that_a_strict_server_refuses(server: Server, engine: RemoteEngine) -> None:
    await drained(engine)
    fields = {"model", "messages", "max_tokens", "temperature", "stream", "stream_options"}
    assert set(server.chats[0]) == fields


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_thoughts_of_a_field(server: Server, engine: RemoteEngine, name: str) -> None:
    frames = [frame(chunk(None, **{name: "hm, "})), frame(chunk(None, **{name: "so"})), frame(chunk("yes", "stop"))]
    server.script.append(stream_of(*frames, frame(b"[DONE]")))
    assert (await drained(engine))[:2] == ("yes", "hm, so")


async def test_thoughts_between_tags_cut_anywhere(server: Server, engine: RemoteEngine) -> None:
    said = "<think>a < b</think>é, <b>"
    for size in (1, 2, 5):
        server.script.append(streamed(*(said[at : at + size] for at in range(0, len(said), size))))
        assert (await drained(engine))[:2] == ("é, <b>", "a < b")


async def test_thoughts_that_the_template_opens_are_known_from_the_second_answer_on(
    server: Server, engine: RemoteEngine
) -> None:
    for _ in range(2):
        server.script.append(streamed("hm", "</think>", "yes"))
    await drained(engine)
    assert (await drained(engine))[:2] == ("yes", "hm")
    server.script.append(stream_of(frame(chunk(None, reasoning_content="hm")), frame(chunk("yes", "stop"))))
    assert (await drained(engine))[:2] == ("yes", "hm")


async def test_the_stream_may_be_cut_into_bytes(server: Server, engine: RemoteEngine) -> None:
    whole = b"".join(
        part for part in streamed("gr\u00fc\u00df", "\u2028\u4f60", "\r\n").portions if isinstance(part, bytes)
    )
    server.script.append(stream_of(*(whole[at : at + 1] for at in range(len(whole)))))
    assert (await drained(engine))[0] == "gr\u00fc\u00df\u2028\u4f60\r\n"


async def test_a_server_that_does_not_stream_is_read_whole(server: Server, engine: RemoteEngine) -> None:
    server.script.append(as_json(completion("<think>x</think>all at once")))
    text, thoughts, finish = await drained(engine)
    assert (text, thoughts, finish.usage) == ("all at once", "x", Usage(3, 1))


async def test_without_usage_it_is_counted_here(server: Server, engine: RemoteEngine) -> None:
    server.script.append(streamed("a", "b", "c", usage=None))
    usage = (await drained(engine))[2].usage
    assert usage.completion_tokens == 3
    assert usage.prompt_tokens > 0


async def test_log_probabilities_come_with_their_pieces(server: Server, engine: RemoteEngine) -> None:
    one = {**chunk("yes"), "choices": [{"delta": {"content": "yes"}, "logprobs": top(("yes", -0.1), ("no", -3.0))}]}
    server.script.append(stream_of(frame(one), frame(chunk(None, "stop")), frame(b"[DONE]")))
    async with aclosing(engine.stream(HELLO, Sampling(max_tokens=5, top_logprobs=2))) as stream:
        first = await anext(stream)
    assert first == Piece("yes", logprobs=(TokenLogprob("yes", -0.1, (("yes", -0.1), ("no", -3.0))),))
    assert (server.chats[0]["logprobs"], server.chats[0]["top_logprobs"]) == (True, 2)


# ---- schemas -----------------------------------------------------------------------------------------------------


async def test_a_server_that_can_is_held_to_the_schema(server: Server, engine: RemoteEngine) -> None:
    server.script.append(streamed('{"n": 1, ', '"s": "<think>"}'))
    assert (await drained(engine, schema=SCHEMA))[0] == '{"n": 1, "s": "<think>"}'
    assert server.chats[0]["response_format"]["json_schema"]["schema"] == json.loads(SCHEMA)


async def test_a_server_that_lied_about_schemas_is_found_out(server: Server, engine: RemoteEngine) -> None:
    for text in ("sure!", '{"n": "one"}', '{"n": 1} and more'):
        server.script.append(streamed(text))
        with pytest.raises(EngineFailure, match="does not satisfy"):
            await drained(engine, schema=SCHEMA)
    server.script.append(streamed('{"n": ', reason="length"))
    assert (await drained(engine, schema=SCHEMA))[2].reason == "length"


async def test_a_server_that_cannot_is_asked_in_words_until_it_fits() -> None:
    with scripted() as server:
        server.schema = False
        engine = await asyncio.to_thread(connected, server)
        server.script += [streamed("Sure: {n: 1}"), streamed("<think>{}</think>Here:\n```json\n", '{"n": 1}', "\n```")]
        text, thoughts, finish = await drained(engine, schema=SCHEMA)
        assert (text, thoughts, finish.usage) == ('{"n": 1}', "", Usage(10, 4))
        sent = server.chats[0]
        assert "response_format" not in sent
        assert SCHEMA in sent["messages"][-1]["content"]
        server.default = lambda _: streamed("no")
        with pytest.raises(EngineFailure, match="3 tries"):
            await drained(engine, schema=SCHEMA)
        await engine.aclose()


# ---- scores ------------------------------------------------------------------------------------------------------


async def test_scores_are_the_servers_probabilities(server: Server, engine: RemoteEngine) -> None:
    server.logprobs = lambda _: top(("y", -4.0), ("yes", -0.5), ("no", -1.5))
    assert await engine.score(HELLO, ["no", "yes"]) == pytest.approx([math.exp(-1.5), math.exp(-0.5)])
    body = server.seen[-1][1]
    assert (body["max_tokens"], body["top_logprobs"], body["temperature"]) == (1, 20, 0)


async def test_votes_where_there_are_no_probabilities() -> None:
    with scripted() as server:
        server.logprobs = lambda _: None
        engine = await asyncio.to_thread(connected, server)
        assert "probabilities=votes" in engine.info.capabilities
        server.script.append(streamed('{"answer": ', '"no"}'))
        assert await engine.score(HELLO, ["yes", "no"]) == [0.0, 1.0]
        schema = server.chats[-1]["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["answer"]["enum"] == ["yes", "no"]
        with pytest.raises(BadRequest, match="log-probabilities"):
            await drained(engine, top_logprobs=1)
        await engine.aclose()


async def test_probabilities_that_stop_coming_become_votes(server: Server, engine: RemoteEngine) -> None:
    server.logprobs = lambda _: None
    server.script.append(streamed('{"answer": "yes"}'))
    assert await engine.score(HELLO, ["yes", "no"]) == [1.0, 0.0]


async def test_an_answer_that_is_empty_does_not_end_the_probabilities(server: Server, engine: RemoteEngine) -> None:
    server.whole = lambda _: as_json(completion("", {"content": []}))
    server.script.append(streamed('{"answer": "yes"}'))
    assert await engine.score(HELLO, ["yes", "no"]) == [1.0, 0.0]
    server.whole = None
    assert await engine.score(HELLO, ["yes", "no"]) == pytest.approx([math.exp(-0.1), math.exp(-2.5)])


async def test_a_completion_without_choices_is_tried_again(server: Server, engine: RemoteEngine) -> None:
    replies = [as_json({}), as_json(completion("yes", top(("yes", -0.1), ("no", -2.0))))]
    server.whole = lambda _: replies.pop(0)
    assert await engine.score(HELLO, ["yes", "no"]) == pytest.approx([math.exp(-0.1), math.exp(-2.0)])


# ---- counting ----------------------------------------------------------------------------------------------------


async def test_tokens_are_counted_by_the_server_but_never_on_the_loop(server: Server, engine: RemoteEngine) -> None:
    text = "x" * 1000
    estimated = engine.count_tokens(text)
    assert server.seen == []
    assert await asyncio.to_thread(engine.count_tokens, text) == 500
    assert estimated != 500 == engine.count_tokens(text)
    assert len(server.seen) == 1
    server.tokenize = False
    assert await asyncio.to_thread(engine.count_tokens, "y" * 1000) == estimated
