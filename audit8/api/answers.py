"""What the routes answer where that is no value of another module, for the OpenAPI document; and how it is sent.

A field with a default is not always there. `tests/api/test_openapi.py` holds the routes to what is said here.
"""

from dataclasses import dataclass
from typing import Any, Literal

from starlette.responses import Response

from audit8.api import sse
from audit8.api.readiness import State
from audit8.findings import Report
from audit8.store import history
from audit8.store.queries import Dismissal
from audit8.store.rows import Item
from audit8.types import FinishReason, LoadProgress, Memory, Quant


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What went wrong. Further fields hold numbers for programs, as `limit_bytes` or `position`."""

    code: str
    type: str
    message: str
    hint: str
    param: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Every error has this shape."""

    error: ErrorBody


@dataclass(frozen=True, slots=True)
class JobCounts:
    running: int
    waiting: int


@dataclass(frozen=True, slots=True)
class HealthInBrief:
    """What a caller without a key is told where other machines reach the server."""

    status: Literal["ok", "failed"]
    state: State


@dataclass(frozen=True, slots=True)
class Health:
    """How the process is, and what it holds; `error`: why it failed."""

    status: Literal["ok", "failed"]
    state: State
    model: str | None
    device: str | None
    quantisation: Quant | None
    memory: Memory | None
    progress: LoadProgress
    jobs: JobCounts
    history: history.State
    version: str
    arithmetic: str = ""
    context_tokens: int = 0
    pocket: bool = False
    parallel: int = 1
    reasoning: bool = False
    sends_to: str = ""
    capabilities: tuple[str, ...] = ()
    error: ErrorBody | None = None


@dataclass(frozen=True, slots=True)
class ReadyInBrief:
    """What a caller without a key is told where other machines reach the server."""

    status: Literal["ready"]


@dataclass(frozen=True, slots=True)
class Ready:
    status: Literal["ready"]
    model: str
    device: str
    sends_to: str
    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cancelled:
    id: str
    status: Literal["cancelled"]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Newest first. `next` is the `before` of the part that follows, null where there is none."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class HistorySource:
    name: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One audit as it was. `report` is null and `error` a sentence where it failed."""

    report: Report | None
    sources: tuple[HistorySource, ...]
    dismissed: tuple[Dismissal, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many."""

    deleted: int


@dataclass(frozen=True, slots=True)
class MachineSample:
    """`at` is UTC in ISO 8601; null is what is not known."""

    at: str
    utilisation_percent: int | None
    memory_used_bytes: int | None
    tokens_per_s: float


@dataclass(frozen=True, slots=True)
class MachineNow:
    """Null is what is not known."""

    device: str | None
    model: str | None
    memory: Memory | None
    utilisation_percent: int | None
    tokens_per_s: float
    running: int
    waiting: int
    samples: tuple[MachineSample, ...]


@dataclass(frozen=True, slots=True)
class Count:
    tokens: int
    lines: int
    bytes: int
    language: str
    max_body_bytes: int
    budget_s: float


@dataclass(frozen=True, slots=True)
class Model:
    id: str
    object: Literal["model"]
    created: int
    owned_by: str


@dataclass(frozen=True, slots=True)
class Models:
    object: Literal["list"]
    data: tuple[Model, ...]


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """`reasoning_content`: what the model thought, where it did."""

    role: Literal["assistant"]
    content: str
    refusal: None
    reasoning_content: str = ""


@dataclass(frozen=True, slots=True)
class ChatChoice:
    index: int
    message: ChatAnswer
    logprobs: dict[str, Any] | None
    finish_reason: FinishReason


@dataclass(frozen=True, slots=True)
class ChatUsage:
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


@dataclass(frozen=True, slots=True)
class ChatCompletion:
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: tuple[ChatChoice, ...]
    usage: ChatUsage


def as_json(data: object) -> Response:
    """An answer in JSON. Half of a surrogate pair, which a file's name may hold, becomes a question mark."""
    return Response(sse.to_json(data), media_type="application/json")
