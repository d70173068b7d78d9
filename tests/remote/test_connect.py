"""The start: what is found out about servers, what is said of it, and the one line when it cannot be."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit8.errors import ModelNotFound, StartupError
from audit8.remote.address import read_addresses
from audit8.remote.connect import common, connect, describe
from audit8.remote.probing import Abilities
from audit8.types import Lang, Message, Piece, Sampling
from tests.remote.conftest import connected, wanted
from tests.remote.scripted import Reply, Server, as_json, completion, error, scripted, streamed, top

AUDIT8 = {
    "state": "ready",
    "progress": {},
    "context_tokens": 2048,
    "parallel": 4,
    "pocket": True,
    "quantisation": "4bit",
    "arithmetic": "NF4",
    "sends_to": "",
}


def info_of(*servers: Server, **changed: Any) -> Any:
    engine = connected(*servers, **changed)
    asyncio.run(engine.aclose())
    return engine.info


def test_a_server_that_can_do_everything(server: Server) -> None:
    info = info_of(server)
    assert (info.model, info.context_tokens, info.parallel, info.sends_to) == ("coder-7b", 4096, 16, "")
    assert info.capabilities == ("schema=server", "probabilities=top 20", "tokens=counted", "context=server")
    assert info_of(server, context_tokens=1000).context_tokens == 1000
    assert info_of(server, parallel=3).parallel == 3


def test_a_server_that_can_do_nothing_but_chat(server: Server) -> None:
    server.context, server.schema, server.tokenize, server.logprobs = None, False, False, lambda _: None
    info = info_of(server)
    assert info.context_tokens == 8192
    assert info.capabilities == (
        "schema=asked and checked",
        "probabilities=votes",
        "tokens=estimated",
        "context=assumed",
    )


LIES: dict[str, Callable[[Server], None]] = {
    "logprobs that are all alike": lambda one: setattr(one, "logprobs", lambda _: top(("a", -1), ("b", -1))),
    "logprobs without alternatives": lambda one: setattr(one, "logprobs", lambda _: top(("a", -1.0))),
    "logprobs that are no numbers": lambda one: setattr(one, "logprobs", lambda _: top(("a", "x"), ("b", None))),  # type: ignore[arg-type]
    "logprobs that are text": lambda one: setattr(one, "logprobs", lambda _: "yes"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_about_probabilities_are_found_out(server: Server, lie: str) -> None:
    LIES[lie](server)
    assert "probabilities=votes" in info_of(server).capabilities


@pytest.mark.parametrize("answer", [{"count": 10**6}, {"count": "12"}, {"tokens": []}, {"count": True}, [12], "12"])
def test_lies_about_tokens_are_found_out(server: Server, answer: object) -> None:
    server.others["/tokenize"] = as_json(answer)
    assert "tokens=estimated" in info_of(server).capabilities


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/tokenize", {"tokens": list(range(12))}),
        ("/api/count", {"tokens": 12, "lines": 2}),
        ("/extras/tokenize/count", {"count": 12}),
    ],
)
def test_every_way_of_counting_is_known(server: Server, path: str, answer: object) -> None:
    server.tokenize = False
    server.others[path] = as_json(answer)
    engine = connected(server)
    assert engine.count_tokens("any text") == 12
    asyncio.run(engine.aclose())


def test_fewer_alternatives_are_asked_for_where_twenty_are_too_many(server: Server) -> None:
    def whole(body: dict[str, Any]) -> Reply:
        if body.get("top_logprobs", 0) > 5:
            return error(400, "top_logprobs must be at most 5")
        return as_json(completion('{"sea": "calm"}', top(("yes", -0.1), ("no", -2.0))))

    server.whole = whole
    assert "probabilities=top 5" in info_of(server).capabilities


async def test_a_schema_is_sent_in_the_form_that_the_server_holds_to(server: Server) -> None:
    def whole(body: dict[str, Any]) -> Reply:
        held = body.get("response_format", {}).get("type") == "json_object"
        return as_json(completion('{"sea": "calm"}' if held else "O mountains", top(("yes", -0.1), ("no", -2.0))))

    server.whole = whole
    engine = await asyncio.to_thread(connected, server)
    assert "schema=server" in engine.info.capabilities
    server.script.append(streamed("5"))
    schema = '{"type": "integer"}'
    items = [item async for item in engine.stream([Message("user", "x")], Sampling(max_tokens=5, schema=schema))]
    assert items[0] == Piece("5")
    assert server.chats[-1]["response_format"] == {"type": "json_object", "schema": {"type": "integer"}}
    await engine.aclose()


def test_the_server_of_llama_cpp_says_its_context_elsewhere(server: Server) -> None:
    server.others["/props"] = as_json({"default_generation_settings": {"n_ctx": 1536}, "total_slots": 3})
    info = info_of(server)
    assert (info.context_tokens, info.parallel) == (1536, 3)


def test_another_audit8_says_what_it_holds(server: Server) -> None:
    server.models = ["coder-7b", "audit8"]
    server.others["/health"] = as_json(AUDIT8)
    info = info_of(server)
    found = (info.model, info.context_tokens, info.parallel, info.pocket, info.quantisation, info.arithmetic)
    assert found == ("coder-7b", 2048, 4, True, "4bit", "NF4")
    with pytest.raises(StartupError, match="whole audit"):
        connected(server, model="audit8")


def test_a_server_that_is_loading_is_waited_for(server: Server) -> None:
    waits: list[str] = []
    server.others["/health"] = as_json({**AUDIT8, "state": "loading"})

    def heard(host: str) -> None:
        waits.append(host)
        if len(waits) == 2:
            del server.others["/health"]
            server.others["/v1/models"] = error(503, "loading", retry_after="0")
        if len(waits) == 4:
            del server.others["/v1/models"]

    engine = connect(wanted(server.url), heard)
    asyncio.run(engine.aclose())
    assert len(waits) == 4


def test_a_server_that_failed_to_load_is_not(server: Server) -> None:
    server.others["/health"] = as_json({**AUDIT8, "state": "failed", "error": {"message": "needs 7 GiB"}})
    with pytest.raises(StartupError, match="needs 7 GiB"):
        connected(server)


# ---- the one line ------------------------------------------------------------------------------------------------


def test_an_unreachable_server(server: Server) -> None:
    server.stop()  # type: ignore[attr-defined]
    with pytest.raises(StartupError, match=r"127\.0\.0\.1:\d+ cannot be reached") as refused:
        connected(server)
    assert "--engine-url" in refused.value.hint


def test_a_name_that_is_none() -> None:
    with pytest.raises(StartupError, match="cannot be reached"):
        connect(wanted("http://nobody.invalid:8000/v1"), lambda _: None)


def test_a_wrong_key(server: Server, tmp_path: Path) -> None:
    server.key = "sk-right"
    file = tmp_path / "key"
    file.write_text("sk-wrong")
    for changed in ({}, {"key_file": file}):
        with pytest.raises(StartupError, match="refused the key") as refused:
            connected(server, **changed)
        assert "sk-" not in str(refused.value.message)
    file.write_text("sk-right\n")
    assert info_of(server, key_file=file).model == "coder-7b"


def test_a_model_that_is_not_there_or_not_chosen(server: Server) -> None:
    with pytest.raises(ModelNotFound, match=r"no model 'llama'; it has: coder-7b"):
        connected(server, model="llama")
    server.models = ["a", "b"]
    with pytest.raises(ModelNotFound, match="2 models: a, b") as refused:
        connected(server)
    assert "--engine-model" in refused.value.hint
    assert info_of(server, model="b").model == "b"
    server.models = []
    with pytest.raises(ModelNotFound):
        connected(server)


@pytest.mark.parametrize(
    "reply",
    [
        as_json({"hello": 1}),
        as_json([1]),
        as_json({"data": ["x"]}),
        error(404, "Not Found"),
        Reply(portions=[b"<html>"], kind="text/html"),
        Reply(301, {"location": "/"}),
        streamed("x"),
    ],
)
def test_what_is_no_such_server(server: Server, reply: Reply) -> None:
    server.others["/v1/models"] = reply
    with pytest.raises(StartupError, match=r"127\.0\.0\.1") as refused:
        connected(server)
    assert "\n" not in refused.value.message


def test_a_server_that_lists_a_model_and_does_not_serve_it(server: Server) -> None:
    server.whole = lambda _: error(404, "model not loaded")
    with pytest.raises(StartupError, match="model not loaded"):
        connected(server)


# ---- several -----------------------------------------------------------------------------------------------------


def test_one_of_two_may_be_away_but_not_have_another_model(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with scripted() as second:
        assert info_of(server, second).parallel == 32
        second.models = ["other"]
        with pytest.raises(StartupError, match="different models: coder-7b, other"):
            connected(server, second)
    assert info_of(server, second).parallel == 16
    assert "left out" in caplog.text


def test_several_are_what_all_of_them_are() -> None:
    found = common(
        [Abilities("m", 4096, 2, 20, "json_schema", "/tokenize"), Abilities("m", 0, 0, 5, None, "", pocket=True)]
    )
    assert found == Abilities("m", 4096, 18, 5, None, tokenize="", pocket=True)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_that_code_leaves_the_machine_is_said(lang: Lang, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="audit8")
    with pytest.raises(StartupError):
        connect(wanted("http://gpu.invalid:8000/v1", lang=lang), lambda _: None)
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert ("LEAVES THIS MACHINE" if lang == "en" else "代码会离开本机") in warned[0]
    assert "http://gpu.invalid:8000/v1" in warned[0]
    assert ("not encrypted" if lang == "en" else "没有加密") in warned[1]
    caplog.clear()
    info_of(server, lang=lang)
    assert not any(record.levelno == logging.WARNING for record in caplog.records)
    assert server.url in caplog.text
    addresses = read_addresses(["https://a.example.org/v1", "http://localhost:1/v1", "http://b:2"])
    assert describe(Abilities("m"), addresses, 100, 0).sends_to == "a.example.org, b:2"
    assert describe(Abilities("m", sends_to="c:9"), addresses[1:2], 100, 0).sends_to == "c:9"
