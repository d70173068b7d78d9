"""Which fields of a chat request mean what: the document, the code and the official client say the same."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import openai
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsBase, CompletionCreateParamsStreaming

from audit8.api.chat_fields import IGNORED, REFUSED
from audit8.api.openai import AUDIT_MODEL
from audit8.api.schemas import ChatRequest
from audit8.engine.fake import FakeEngine
from audit8.types import Piece, TokenLogprob
from tests.api.serving import Served, ready, served

CHAT = "/v1/chat/completions"
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openai.md"
MESSAGES: Any = [{"role": "user", "content": "hi"}]
BEYOND = {"top_k", "repetition_penalty"}  # honoured, and not of that form


def documented() -> dict[str, str]:
    rows = re.findall(r"(?m)^\| `(\w+)` \| (\w+) \|", DOCUMENT.read_text(encoding="utf-8"))
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def test_the_document_says_what_the_code_does() -> None:
    said = documented()
    assert {name for name, how in said.items() if how == "honoured"} == set(ChatRequest.model_fields)
    assert {name for name, how in said.items() if how == "refused"} == set(REFUSED)
    assert {name for name, how in said.items() if how == "ignored"} == set(IGNORED)


def test_every_field_of_the_official_client_is_known() -> None:
    fields = {*get_type_hints(CompletionCreateParamsBase), *get_type_hints(CompletionCreateParamsStreaming)}
    assert fields == documented().keys() - BEYOND


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served(FakeEngine()) as running:
        yield running


@pytest.fixture
def client(server: Served) -> Iterator[openai.OpenAI]:
    server.engine.calls.clear()
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as one:
        yield one


ASKED: dict[str, Any] = {
    "audio": {"voice": "alloy", "format": "wav"},
    "frequency_penalty": 0.5,
    "function_call": {"name": "f"},
    "functions": [{"name": "f"}],
    "logit_bias": {"50": -100},
    "modalities": ["text", "audio"],
    "moderation": {"model": "omni"},
    "prediction": {"type": "content", "content": "x"},
    "presence_penalty": -1.5,
    "tool_choice": "required",
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "web_search_options": {},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_missing_is_refused_by_name(server: Served, client: openai.OpenAI, name: str) -> None:
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model="x", messages=MESSAGES, stream=stream, extra_body={name: ASKED[name]})
        assert (refused.value.code, refused.value.param, refused.value.type) == (
            "bad_request",
            name,
            "invalid_request_error",
        )
    assert server.engine.calls == []


async def test_the_same_fields_that_ask_for_nothing_are_accepted() -> None:
    async with ready(FakeEngine(default="fine")) as one:
        for name, values in REFUSED.items():
            for value in (None, *values):
                answer = await one.post(CHAT, json={"messages": MESSAGES, name: value})
                assert answer.status_code == 200, (name, value)
        nulls = dict.fromkeys(set(ChatRequest.model_fields) - {"messages"})
        assert (await one.post(CHAT, json={"messages": MESSAGES, **nulls})).status_code == 200
        ignored = await one.post(CHAT, json={"messages": MESSAGES, **dict.fromkeys(IGNORED, "anything"), "new": 1})
        assert ignored.status_code == 200


def test_the_newer_limit_wins_and_fields_beyond_the_form_are_honoured(server: Served, client: openai.OpenAI) -> None:
    client.chat.completions.create(
        model="x",
        messages=MESSAGES,
        max_tokens=9,
        max_completion_tokens=5,
        extra_body={"top_k": 7, "repetition_penalty": 1.2},
    )
    client.chat.completions.create(model="x", messages=MESSAGES, extra_body={"top_k": -1})
    first, second = (call.sampling for call in server.engine.calls)
    assert (first.max_tokens, first.top_k, first.repetition_penalty) == (5, 7, 1.2)
    assert (second.top_k, second.repetition_penalty, second.top_logprobs) == (0, 1.0, None)


# ---- log-probabilities -------------------------------------------------------------------------------------------

TOKENS = (
    Piece("gr", logprobs=(TokenLogprob("gr", -0.25, (("gr", -0.25), ("x", float("-inf")))),)),
    Piece("\u00fc", logprobs=(TokenLogprob("\ufffd", -1.0, ()), TokenLogprob("\u00fc", -0.5, (("\u00fc", -0.5),)))),
)


class Telling(FakeEngine):
    """Gives TOKENS."""

    async def stream(self, messages: Any, sampling: Any) -> Any:
        async for item in super().stream(messages, sampling):
            yield item if not isinstance(item, Piece) else TOKENS[self.calls[-1].given - 1]


@pytest.mark.parametrize("stream", [False, True])
def test_log_probabilities_reach_the_client(*, stream: bool) -> None:
    engine = Telling(default="one two")
    with served(engine) as running, openai.OpenAI(base_url=f"{running.url}/v1", api_key="none") as client:
        answer: Any = client.chat.completions.create(
            model="x", messages=MESSAGES, logprobs=True, top_logprobs=2, stream=stream
        )
        choices = [part.choices[0] for part in answer] if stream else answer.choices
    entries = [entry for choice in choices if choice.logprobs for entry in choice.logprobs.content]
    assert [(entry.token, entry.logprob) for entry in entries] == [("gr", -0.25), ("\ufffd", -1.0), ("\u00fc", -0.5)]
    assert [(one.token, one.logprob) for one in entries[0].top_logprobs] == [("gr", -0.25), ("x", -9999.0)]
    assert entries[2].bytes == list("\u00fc".encode())
    assert engine.calls[0].sampling.top_logprobs == 2


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"top_logprobs": 3, "logprobs": False}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": -1}, "top_logprobs"),
        ({"logprobs": "maybe"}, "logprobs"),
        ({"logprobs": True, "model": AUDIT_MODEL}, "logprobs"),
        ({"repetition_penalty": 0}, "repetition_penalty"),
        ({"top_k": -2}, "top_k"),
    ],
)
async def test_what_does_not_go_together_is_refused(changed: dict[str, Any], param: str) -> None:
    async with ready(FakeEngine()) as one:
        answer = await one.post(CHAT, content=json.dumps({"model": "x", "messages": MESSAGES, **changed}))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_without_being_asked_no_log_probabilities_are_sent(server: Served, client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="x", messages=MESSAGES)
    assert answer.choices[0].logprobs is None
    assert server.engine.calls[0].sampling.top_logprobs is None


def test_documents_under_a_schema_by_the_official_client(server: Served, client: openai.OpenAI) -> None:
    from pydantic import BaseModel

    class Verdict(BaseModel):
        safe: bool
        why: str

    server.engine.enqueue('{"safe": false, "why": "eval"}')
    parsed = (
        client.chat.completions.parse(model="x", messages=MESSAGES, response_format=Verdict).choices[0].message.parsed
    )
    assert parsed == Verdict(safe=False, why="eval")
    server.engine.enqueue('{"any": 1}')
    answer = client.chat.completions.create(model="x", messages=MESSAGES, response_format={"type": "json_object"})
    assert json.loads(answer.choices[0].message.content or "") == {"any": 1}


async def test_the_official_asynchronous_client(server: Served) -> None:
    server.engine.enqueue("good day")
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
        stream = await client.chat.completions.create(model="x", messages=MESSAGES, stream=True)
        texts = [part.choices[0].delta.content or "" async for part in stream]
    assert "".join(texts) == "good day"


def test_a_full_queue_is_the_clients_own_error_with_a_time_to_wait() -> None:
    engine = FakeEngine()
    engine.enqueue("and", endless=True, delay_s=0.01)
    with (
        served(engine, max_jobs=1) as running,
        openai.OpenAI(base_url=f"{running.url}/v1", api_key="x", max_retries=0) as one,
    ):
        held = one.chat.completions.create(model="x", messages=MESSAGES, stream=True)
        next(iter(held))
        with pytest.raises(openai.RateLimitError) as refused:
            one.chat.completions.create(model="x", messages=MESSAGES)
        held.close()
    assert refused.value.response.headers["retry-after"].isdecimal()
    assert (refused.value.code, refused.value.type) == ("queue_full", "rate_limit_error")
