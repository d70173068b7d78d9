"""`response_format` on the chat route: what reaches the engine, and what is refused before a place is taken."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jsonschema
import pytest

from audit8.api.answer_format import OBJECT_DEPTH, any_object, schema_of
from audit8.engine.fake import FakeEngine
from audit8.engine.grammar import Grammars
from tests.api.serving import ready
from tests.engine.tiny_tokenizer import make_tokenizer, vocabulary

CHAT = "/v1/chat/completions"
SCHEMA = {"type": "object", "properties": {"é": {"type": "integer"}}, "required": ["é"]}


def held_to(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def body(form: Any, **more: Any) -> dict[str, Any]:
    return {"model": "x", "messages": [{"role": "user", "content": "hi"}], "response_format": form, **more}


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def client(engine: FakeEngine) -> AsyncIterator[httpx.AsyncClient]:
    async with ready(engine) as one:
        yield one


async def test_the_schema_reaches_the_engine(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.enqueue('{"é": 1}')
    answer = await client.post(CHAT, json=body(held_to(SCHEMA)))
    assert json.loads(answer.json()["choices"][0]["message"]["content"]) == {"é": 1}
    assert json.loads(engine.calls[0].sampling.schema or "") == SCHEMA


async def test_any_object_and_plain_text(client: httpx.AsyncClient, engine: FakeEngine) -> None:
    for form, text in (({"type": "json_object"}, "{}"), ({"type": "text"}, "hi"), (None, "hi")):
        engine.enqueue(text)
        assert (await client.post(CHAT, json=body(form))).status_code == 200
    assert [call.sampling.schema for call in engine.calls] == [any_object(), None, None]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("form", "param", "words"),
    [
        ({"type": "xml"}, "response_format.type", "json_schema"),
        ({}, "response_format.type", "text"),
        ({"type": "json_schema"}, "response_format.json_schema", "schema"),
        ({"type": "json_schema", "json_schema": {"name": "x"}}, "response_format.json_schema", "schema"),
        ("json", "response_format", "dict"),
        (held_to(3), "response_format", "object, not int"),
        (held_to({"items": {"minProperties": 2}}), "response_format", "at /items"),
    ],
)
async def test_what_is_no_schema_is_a_400_that_names_the_place(
    client: httpx.AsyncClient, engine: FakeEngine, form: Any, param: str, words: str, *, stream: bool
) -> None:
    answer = await client.post(CHAT, json=body(form, stream=stream))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["type"]) == (400, "bad_request", "invalid_request_error")
    assert error["param"] == param
    assert words in error["message"]
    assert engine.calls == []


async def test_ten_thousand_levels_are_a_400_that_names_the_place(client: httpx.AsyncClient) -> None:
    deep = '{"items":' * 10_000 + "{}" + "}" * 10_000
    text = json.dumps(body(held_to("HERE"))).replace('"HERE"', deep)
    answer = await client.post(CHAT, content=text, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "nested more than 100 deep at character" in answer.json()["error"]["message"]
    assert answer.json()["error"]["param"] == "response_format"


async def test_an_audit_is_not_held_to_a_schema(client: httpx.AsyncClient) -> None:
    answer = await client.post(CHAT, json={**body({"type": "json_object"}), "model": "audit8"})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "response_format"
    assert "/audit" in answer.json()["error"]["hint"]


def test_any_object_is_an_object_and_goes_no_deeper_than_it_says() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schema_of({"type": "json_object"}) or ""))
    nested: Any = 1
    for _ in range(OBJECT_DEPTH - 1):
        nested = [nested]
    validator.validate({"a": nested, "b": {"c": None}})
    too_deep: list[Any] = [{"a": [nested]}, [], 1]
    for wrong in too_deep:
        assert not validator.is_valid(wrong)
    Grammars(make_tokenizer(), vocabulary(), frozenset({int(make_tokenizer().eos_token_id)})).compile(any_object())
