"""What the routes take and give, for the OpenAPI document and for checking chat requests.

The audit's own answer is types.Report; only what has no dataclass is described here.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

from audit8.audit.formats import FORMATS, FORMS

_FILE = {
    "type": "object",
    "required": ["code"],
    "properties": {
        "name": {"type": "string", "description": "Also: filename."},
        "code": {"type": "string", "description": "Also: source, content, text, input."},
        "language": {"type": "string"},
    },
}
AUDIT_BODY: dict[str, Any] = {
    "required": True,
    "description": (
        "JSON, the raw source or diff, a zip archive, or multipart with files, archives and diffs. Unknown fields are "
        "accepted and named in the answer's warnings."
    ),
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "code": {"type": "string", "description": "The code. Also: source, content, text, input."},
                    "files": {"type": "array", "items": _FILE, "description": "Several files."},
                    "filename": {"type": "string", "description": "Also: name, and ?filename=."},
                    "language": {"type": "string", "description": "Default: detected. Also ?language=."},
                    "lang": {"enum": ["zh", "en"], "description": "Language of the report. Also ?lang=."},
                },
                "example": {"code": "eval(input())", "filename": "demo.py"},
            }
        },
        "text/plain": {"schema": {"type": "string"}},
        "text/x-diff": {"schema": {"type": "string", "description": "Changed lines only are judged."}},
        "application/zip": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    "language": {"type": "string"},
                    "lang": {"enum": ["zh", "en"]},
                },
            }
        },
    },
}
COUNT_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"code": {"type": "string"}, "filename": {"type": "string"}},
            }
        }
    },
}
REASON_BODY: dict[str, Any] = {
    "content": {"application/json": {"schema": {"type": "object", "properties": {"reason": {"type": "string"}}}}},
}
_PROBLEM = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "type", "message", "hint", "param", "request_id"],
            "properties": {
                "code": {"type": "string"},
                "type": {"type": "string"},
                "message": {"type": "string"},
                "hint": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "request_id": {"type": "string"},
            },
            "additionalProperties": True,
        }
    },
}


def problem_response(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _PROBLEM}}}


FORMAT_PARAMETER: dict[str, Any] = {
    "name": "format",
    "in": "query",
    "description": "The form of the report; also by the Accept header. An event stream carries JSON.",
    "schema": {"enum": list(FORMATS), "default": "json"},
}
EXPORT_BODY: dict[str, Any] = {
    "required": True,
    "description": "A report as POST /audit answers it.",
    "content": {"application/json": {"schema": {"type": "object"}}},
}
EXPORT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report in that form.",
        "content": {media: {"schema": {"type": "string"}} for form in FORMS.values() for media in form.accepts},
    },
    400: problem_response("Not a report, or an unknown format."),
    403: problem_response("A page of another origin."),
    413: problem_response("Larger than limit_bytes."),
}
AUDIT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "The report. As text/event-stream: the events accepted, progress, token, finding, and exactly one of "
            "report (the same report) and error (what `error` holds in a JSON answer)."
        ),
        "content": {
            "text/event-stream": {"schema": {"type": "string"}},
            **{
                media: {"schema": {"type": "string"}}
                for name, form in FORMS.items()
                if name != "json"
                for media in form.accepts
            },
        },
    },
    400: problem_response("Malformed."),
    403: problem_response("This Host or Origin may not call the server."),
    413: problem_response("Larger than limit_bytes."),
    415: problem_response("Binary, or in an encoding that is not read."),
    422: problem_response("There is no code."),
    429: problem_response("The queue is full; see Retry-After."),
    500: problem_response("The model or the server failed."),
    503: problem_response("The model is still loading; see Retry-After."),
}


class ChatMessage(BaseModel):
    """`content` is a string or a list of text parts; it is a string from here on."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str = ""

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
    include_usage: bool = False


class ChatRequest(BaseModel):
    """What is honoured of an OpenAI chat request. Other fields are ignored, as /docs says."""

    messages: list[ChatMessage] = Field(min_length=1)
    model: str = ""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    seed: int | None = None
    stop: tuple[str, ...] = Field((), max_length=16)
    n: Literal[1, None] = None
    response_format: dict[str, Any] | None = None

    @field_validator("stop", mode="before")
    @classmethod
    def _as_tuple(cls, value: object) -> object:
        if value is None:
            return ()
        values = (value,) if isinstance(value, str) else value
        if isinstance(values, list | tuple) and "" in values:
            raise ValueError("a stop string cannot be empty")
        return values
