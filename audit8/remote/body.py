"""What is sent: a chat request in the form that OpenAI-compatible servers read. Only what differs from a server's own
default is sent beyond the common fields, for a strict server refuses fields that it does not know.
"""

import json
from collections.abc import Sequence
from typing import Any, Literal, get_args

from audit8.types import Message, Sampling

Body = dict[str, Any]
SchemaForm = Literal["json_schema", "json_object"]
FORMS: tuple[SchemaForm, ...] = get_args(SchemaForm)


def chat_body(model: str, messages: Sequence[Message], sampling: Sampling) -> Body:
    """A streamed request with its usage at the end; the schema, if any, is the caller's to add."""
    body: Body = {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in messages],
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    optional: Body = {
        "top_p": sampling.top_p if sampling.top_p < 1 else None,
        "top_k": sampling.top_k or None,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
        "repetition_penalty": sampling.repetition_penalty if sampling.repetition_penalty != 1 else None,
    }
    body |= {name: value for name, value in optional.items() if value is not None}
    if sampling.top_logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": sampling.top_logprobs}
    return body


def with_schema(body: Body, schema: str, form: SchemaForm) -> Body:
    """The same, held to a JSON schema by the server, in the form that it knows."""
    value = json.loads(schema)
    if form == "json_object":
        return {**body, "response_format": {"type": "json_object", "schema": value}}
    described = {"name": "answer", "strict": True, "schema": value}
    return {**body, "response_format": {"type": "json_schema", "json_schema": described}}


def asking_for(messages: Sequence[Message], schema: str) -> list[Message]:
    """The messages with the schema put into words, for a server that cannot hold an answer to it."""
    asked = (
        "Answer with one JSON document and nothing else: no explanation, no Markdown fence. "
        f"It must satisfy this JSON Schema:\n{schema}"
    )
    *before, last = messages
    if last.role != "user":
        return [*messages, Message("user", asked)]
    return [*before, Message("user", f"{last.content}\n\n{asked}")]


def first_token_body(model: str, messages: Sequence[Message], top: int) -> Body:
    """One token, with the probabilities of its rivals; not streamed."""
    sampling = Sampling(max_tokens=1, top_logprobs=top)
    return whole(chat_body(model, messages, sampling))


def whole(body: Body) -> Body:
    """The same request, answered in one piece."""
    return {name: value for name, value in body.items() if name != "stream_options"} | {"stream": False}
