"""What the routes take and give, for the OpenAPI document and for checking chat requests.

The audit's own answer is types.Report; only what has no dataclass is described here.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, WithJsonSchema, field_validator

from audit8.api.answers import Problem
from audit8.api.callers import TIMEOUT_HEADER
from audit8.api.chat_fields import REFUSED
from audit8.audit.formats import FORMATS, FORMS

CODE_FIELDS = ("code", "source", "content", "text", "input")
MAX_FILES = 1000
MAX_REASON_CHARS = 1000
_FILLED = {"type": "string", "pattern": r"\S"}
_NAME = {"type": ["string", "null"]}
_CODE: dict[str, Any] = {
    "code": {**_NAME, "description": "The code. Of several such fields the first that is filled counts."},
    **{name: {**_NAME, "description": "The same as code."} for name in CODE_FIELDS if name != "code"},
    "filename": {**_NAME, "description": "What the code is called. Also ?filename=."},
    "name": {**_NAME, "description": "The same as filename."},
    "language": {**_NAME, "description": "Of the code; default: detected. Also ?language=."},
}
_HAS_CODE = [{"required": [name], "properties": {name: _FILLED}} for name in CODE_FIELDS]
_FILE = {"type": "object", "properties": _CODE, "anyOf": _HAS_CODE}
_LANG = {"description": "Language of the report: zh or en, also zh-CN and the like. Also ?lang=."}
_BINARY = {"type": "string", "format": "binary"}
AUDIT_BODY: dict[str, Any] = {
    "required": True,
    "description": (
        "JSON, the raw source or diff, a zip archive, or multipart with files, archives and diffs. Unknown fields are "
        "accepted and named in the answer's warnings. Any other type is read as source; of a form type (`curl -d`) a "
        "JSON object, or fields of the names below, too."
    ),
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    **_CODE,
                    "files": {
                        "type": ["array", "null"],
                        "items": _FILE,
                        "maxItems": MAX_FILES,
                        "description": "Several files; one that is empty is named in the warnings.",
                    },
                    "lang": {**_NAME, **_LANG},
                },
                "anyOf": [
                    *_HAS_CODE,
                    {"required": ["files"], "properties": {"files": {"type": "array", "minItems": 1}}},
                ],
            },
            "example": {"code": "eval(input())", "filename": "demo.py"},
        },
        "text/plain": {"schema": _FILLED, "example": "eval(input())"},
        "text/x-diff": {"schema": {**_FILLED, "description": "Changed lines only are judged."}},
        "application/zip": {"schema": _BINARY},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "array", "minItems": 1, "maxItems": MAX_FILES, "items": _BINARY},
                    "language": {"type": "string"},
                    "lang": {"type": "string", **_LANG},
                },
            }
        },
    },
}
COUNT_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"type": "object", "properties": {"code": _NAME, "filename": _NAME}},
            "example": {"code": "eval(input())", "filename": "demo.py"},
        }
    },
}
REASON_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"reason": {"type": "string", "maxLength": MAX_REASON_CHARS}},
            }
        }
    },
}


def problem_response(description: str) -> dict[str, Any]:
    return {"description": description, "model": Problem}


OBJECT_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: problem_response("Not a JSON object, or a value of the wrong kind."),
    415: problem_response("Binary, or in an encoding that is not read."),
    422: problem_response("The body is empty."),
}
FORMAT_PARAMETER: dict[str, Any] = {
    "name": "format",
    "in": "query",
    "description": "The form of the report; also by the Accept header. An event stream carries JSON.",
    "schema": {"enum": list(FORMATS), "default": "json"},
}


def timeout_parameters(longest_s: float) -> list[dict[str, Any]]:
    """The two ways to ask for less time than the server's --job-timeout, which is `longest_s`."""
    said = {
        "description": "Seconds that the job may take, waiting included.",
        "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": longest_s},
    }
    return [{"name": TIMEOUT_HEADER.title(), "in": "header", **said}, {"name": "timeout_s", "in": "query", **said}]


AUDIT_PARAMETERS: list[dict[str, Any]] = [
    FORMAT_PARAMETER,
    *(
        {"name": name, "in": "query", "description": "Where the body does not say.", "schema": {"type": "string"}}
        for name in ("filename", "language", "lang")
    ),
]
EVENT_NAMES = ("accepted", "progress", "token", "finding", "withdrawn", "report", "error")


def _events(names: Sequence[str]) -> dict[str, Any]:
    """Of a stream each event is described, as a reader of event streams sees it."""
    data = {"type": "string", "description": "JSON; of a chat's stream the last one is [DONE]."}
    event = {"type": "object", "required": ["event", "data"], "properties": {"event": {"enum": [*names]}, "data": data}}
    return {"itemSchema": event}


_TEXT = {"schema": {"type": "string"}}
_SARIF = {"schema": {"type": "object", "required": ["version", "runs"]}}
_OTHER_FORMS = {
    media: _SARIF if name == "sarif" else _TEXT
    for name, form in FORMS.items()
    if name != "json"
    for media in form.accepts
}
EXPORT_BODY: dict[str, Any] = {
    "required": True,
    "description": "A report as POST /audit answers it.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Report"}}},
}
EXPORT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The report in that form.", "content": _OTHER_FORMS},
    400: problem_response("Not a report, or an unknown format."),
}
JOB_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: problem_response("Malformed, or too long for the model."),
    415: problem_response("Binary, or in an encoding that is not read."),
    422: problem_response("There is no code."),
    429: problem_response("The queue is full; see Retry-After."),
    499: problem_response("The job was stopped, by DELETE /audits/{name}."),
    503: problem_response("The model is loading, was lost, or the server stops; see Retry-After."),
    504: problem_response("The job took longer than it may."),
}
AUDIT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "The report. As text/event-stream: the events accepted, progress, token, finding, withdrawn, and exactly "
            "one of report (the same report) and error (what `error` holds in a JSON answer)."
        ),
        "content": {"text/event-stream": _events(EVENT_NAMES), **_OTHER_FORMS},
    },
    **JOB_RESPONSES,
}
CHAT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; with `stream` as text/event-stream: chunks of that form, then [DONE].",
        "content": {"text/event-stream": _events(("message",))},
    },
    **JOB_RESPONSES,
}


_TEXT_PART = {
    "type": "object",
    "required": ["text"],
    "properties": {"type": {"type": "string"}, "text": {"type": "string"}},
}
_CONTENT = {"anyOf": [{"type": "string"}, {"type": "array", "items": _TEXT_PART}, {"type": "null"}]}
_STOP_TEXT = {"type": "string", "minLength": 1}
_STOP = {"anyOf": [_STOP_TEXT, {"type": "array", "items": _STOP_TEXT, "maxItems": 16}, {"type": "null"}]}
_PLAIN = {"required": ["type"], "properties": {"type": {"enum": ["text", "json_object"]}}}
_SCHEMA = {
    "required": ["type", "json_schema"],
    "properties": {
        "type": {"const": "json_schema"},
        "json_schema": {
            "type": "object",
            "required": ["schema"],
            "properties": {"schema": {"type": "object", "description": "What it may hold: docs/openai.md."}},
        },
    },
}
_ANSWER_FORMAT = {"anyOf": [{"type": "object", **_PLAIN}, {"type": "object", **_SCHEMA}, {"type": "null"}]}


class ChatMessage(BaseModel):
    """`content` is a string or a list of text parts; it is a string from here on."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str, WithJsonSchema(_CONTENT)] = ""

    @field_validator("content", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        if value is None:
            return ""
        if not isinstance(value, list):
            return value
        if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in value):
            raise ValueError("only text parts can be read: {'type': 'text', 'text': ...}")
        return "".join(part["text"] for part in value)


class StreamOptions(BaseModel):
    include_usage: bool | None = None


class ChatRequest(BaseModel):
    """What is honoured of an OpenAI chat request; of other fields see chat_fields.py."""

    messages: list[ChatMessage] = Field(min_length=1)
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    seed: int | None = None
    stop: Annotated[tuple[str, ...], WithJsonSchema(_STOP)] = Field((), max_length=16)
    n: Literal[1, None] = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    top_k: int | None = Field(None, ge=-1)
    repetition_penalty: float | None = Field(None, gt=0, le=5)
    response_format: Annotated[dict[str, Any] | None, WithJsonSchema(_ANSWER_FORMAT)] = None

    @field_validator("stop", mode="before")
    @classmethod
    def _as_tuple(cls, value: object) -> object:
        if value is None:
            return ()
        values = (value,) if isinstance(value, str) else value
        if isinstance(values, list | tuple) and "" in values:
            raise ValueError("a stop string cannot be empty")
        return values


def _chat_schemas() -> dict[str, Any]:
    """ChatRequest and what it is made of, by name; fields that are refused are there with what they may still be."""
    whole = ChatRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: dict[str, Any] = whole.pop("$defs")
    for name, nothing in REFUSED.items():
        whole["properties"][name] = {"enum": [None, *nothing], "description": "Not supported here."}
    asked = {"required": ["top_logprobs"], "properties": {"top_logprobs": {"type": "integer"}}}
    whole |= {"if": asked, "then": {"required": ["logprobs"], "properties": {"logprobs": {"const": True}}}}
    return {"ChatRequest": whole, **parts}


CHAT_SCHEMAS = _chat_schemas()
CHAT_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/ChatRequest"},
            "example": {"messages": [{"role": "user", "content": "Is eval(input()) safe?"}]},
        }
    },
}
