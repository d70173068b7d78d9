"""The official client against a real server on a real port, and the same without a client that forgives."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from audit8.api.openai import AUDIT_MODEL, unfenced
from audit8.engine.fake import FAKE_INFO, FakeEngine
from audit8.types import Message
from tests.api.serving import ANSWER, SQL, Served, ready, served
from tests.api.sse_reader import read_all

CHAT = "/v1/chat/completions"
USER: dict[str, Any] = {"role": "user", "content": "hello"}


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served(FakeEngine()) as running:
        yield running


@pytest.fixture
def client(server: Served) -> Iterator[openai.OpenAI]:
    server.engine.calls.clear()
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as one:
        yield one


# ---- with the official client -----------------------------------------------------------------------------------


def test_chat(server: Served, client: openai.OpenAI) -> None:
    server.engine.enqueue("<think>simple</think>good day")
    answer = client.chat.completions.create(
        model="deepseek-audit",
        messages=[
            {"role": "system", "content": "You audit contracts."},
            {"role": "user", "content": [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]},
        ],
        temperature=0.1,
        top_p=0.5,
        max_tokens=33,
        seed=7,
        stop=["END"],
    )
    choice = answer.choices[0]
    assert choice.message.content == "good day"
    assert getattr(choice.message, "reasoning_content", None) == "simple"
    assert (choice.finish_reason, answer.model, answer.object) == ("stop", FAKE_INFO.model, "chat.completion")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    call = server.engine.calls[0]
    assert call.messages == (Message("system", "You audit contracts."), Message("user", "hello"))
    asked = call.sampling
    assert (asked.temperature, asked.top_p, asked.max_tokens, asked.seed, asked.stop) == (0.1, 0.5, 33, 7, ("END",))


def test_streamed_chat(server: Served, client: openai.OpenAI) -> None:
    server.engine.enqueue("<think>well</think>good day to you")
    stream = client.chat.completions.create(
        model="any", messages=[{"role": "user", "content": "hi"}], stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == "good day to you"
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "well"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_audit_model_gives_the_reports_markdown(server: Served, client: openai.OpenAI) -> None:
    texts = []
    for stream in (False, True):
        server.engine.enqueue(ANSWER)
        messages: Any = [{"role": "system", "content": "ignored"}, {"role": "user", "content": f"```python\n{SQL}```"}]
        answer: Any = client.chat.completions.create(model=AUDIT_MODEL, messages=messages, stream=stream)
        if stream:
            deltas = [chunk.choices[0].delta for chunk in answer if chunk.choices]
            pieces = [delta.content for delta in deltas if delta.content]
            assert len(pieces) > 5
            texts.append("".join(pieces))
            thoughts = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
            assert thoughts.startswith(ANSWER)
        else:
            assert answer.model == AUDIT_MODEL
            texts.append(answer.choices[0].message.content)
    whole, streamed = (without_times(text) for text in texts)
    assert whole == streamed
    assert whole.startswith("#")
    assert "CWE-89" in whole
    shown = server.engine.calls[0].messages[-1].content
    assert "```" not in shown
    assert "Python" in shown


def without_times(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "tokens/s" not in line)


def test_models(server: Served, client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [FAKE_INFO.model, AUDIT_MODEL]
    assert client.models.retrieve(FAKE_INFO.model).owned_by == "local"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody/knows")


def test_errors_are_the_clients_own_errors(server: Served, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="x", messages=[{"role": "user", "content": "hi"}], temperature=9)
    assert (refused.value.code, refused.value.param) == ("bad_request", "temperature")
    server.engine.enqueue("one two", fail_at=1)
    with pytest.raises(openai.InternalServerError) as failed:
        client.chat.completions.create(model="x", messages=[{"role": "user", "content": "hi"}])
    assert failed.value.code == "engine_failure"
    server.engine.enqueue("one two", fail_at=1)
    with pytest.raises(openai.APIError, match="scripted engine failed"):
        list(client.chat.completions.create(model="x", messages=[{"role": "user", "content": "hi"}], stream=True))
    with pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(model=AUDIT_MODEL, messages=[{"role": "user", "content": " "}])


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_stops_the_model(server: Served, client: openai.OpenAI, *, stream: bool) -> None:
    server.engine.enqueue("and", endless=True, delay_s=0.005)
    messages: Any = [{"role": "user", "content": "hi"}]
    if stream:
        answer: Any = client.chat.completions.create(model="x", messages=messages, stream=True)
        assert any(chunk.choices[0].delta.content for chunk in answer)  # reads up to the first piece
        answer.close()
    else:
        with pytest.raises(openai.APITimeoutError):
            client.with_options(timeout=0.3).chat.completions.create(model="x", messages=messages)
    deadline = time.monotonic() + 5
    while not server.engine.calls[0].cancelled:
        assert time.monotonic() < deadline
        time.sleep(0.01)


# ---- without it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"stop": [""]}, "stop"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"n": 2}, "n"),
    ],
)
async def test_values_out_of_range_are_named(changed: dict[str, Any], param: str) -> None:
    engine = FakeEngine()
    async with ready(engine) as one:
        answer = await one.post(CHAT, json={"model": "x", "messages": [USER], **changed})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "bad_request", param)
    assert error["type"] == "invalid_request_error"
    assert engine.calls == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xff"])
async def test_a_body_that_is_no_request(body: bytes) -> None:
    async with ready(FakeEngine()) as one:
        answer = await one.post(CHAT, content=body)
    assert answer.status_code in {400, 415, 422}
    assert answer.json()["error"]["message"]


async def test_unknown_fields_and_nulls_are_accepted() -> None:
    engine = FakeEngine(default="fine")
    body: dict[str, Any] = {
        "messages": [USER],
        "tools": [],
        "logit_bias": {},
        "stop": None,
        "max_tokens": None,
        "temperature": None,
    }
    async with ready(engine) as one:
        answer = await one.post(CHAT, content=json.dumps(body), headers={"Content-Type": "text/plain"})
    assert answer.json()["choices"][0]["message"]["content"] == "fine"


async def test_a_prompt_that_does_not_fit_is_a_400_before_the_first_byte() -> None:
    async with ready(FakeEngine()) as one:
        body = {"messages": [{"role": "user", "content": "word " * 9000}], "stream": True}
        answer = await one.post(CHAT, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "prompt_too_long")
    assert answer.json()["error"]["context_tokens"] == FAKE_INFO.context_tokens


async def test_the_raw_stream_ends_with_done_or_with_an_error() -> None:
    engine = FakeEngine()
    engine.enqueue("a b c")
    engine.enqueue("a b c", fail_at=2)
    async with ready(engine) as one:
        good, bad = [read_all((await one.post(CHAT, json={"messages": [USER], "stream": True})).content) for _ in "12"]
    assert good.done
    assert all(data["object"] == "chat.completion.chunk" for _, data in good.events)
    assert not bad.done
    assert bad.events[-1][1]["error"]["code"] == "engine_failure"


@pytest.mark.parametrize(
    ("text", "code", "language"),
    [
        ("```rust\nfn main() {}\n```", "fn main() {}", "rust"),
        ("\n```\nx = 1\ny = 2\n```\n\n", "x = 1\ny = 2", ""),
        ("~~~c++\nint x;\n~~~", "int x;", "c++"),
        ("x = 1", "x = 1", ""),
        ("Check this:\n```\nx\n```", "Check this:\n```\nx\n```", ""),
        ("```a\nx\n```\nand\n```b\ny\n```", "```a\nx\n```\nand\n```b\ny\n```", ""),
        ("````md\n```py\nx\n```\n````", "```py\nx\n```", "md"),
        ("```", "```", ""),
    ],
)
def test_only_a_message_that_is_one_fence_is_unfenced(text: str, code: str, language: str) -> None:
    part = unfenced(text)
    assert (part.data, part.language) == (code, language)


def test_the_event_loop_answers_while_the_model_is_busy(server: Served) -> None:
    server.engine.enqueue("and", endless=True, delay_s=0.001)
    body = {"messages": [USER], "stream": True}
    with httpx.Client(base_url=server.url) as one, one.stream("POST", CHAT, json=body) as answer:
        portions = answer.iter_bytes()  # held: the response is closed with it
        assert any(b'"content":"and"' in portion for portion in portions)
        started_at = time.monotonic()
        assert httpx.get(f"{server.url}/health").json()["jobs"]["running"] == 1
        assert time.monotonic() - started_at < 1
