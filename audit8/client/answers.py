"""What a server answers, read: events, what it runs, and its errors as ours.

What it says is checked before it is believed, and what it writes is shown in one short line. Knows nothing of HTTP.
"""

import json
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from audit8 import errors
from audit8.audit.report_json import read_finding, read_report
from audit8.errors import Audit8Error, Unavailable
from audit8.events import Accepted, Event, Failed, Found, Progress, Reported, Token, Withdrawn
from audit8.remote.refusals import one_line
from audit8.types import EngineInfo, Quant

_QUANTS: tuple[Quant, ...] = get_args(Quant)


def event_of(name: str, data: str) -> Event | None:
    """One event of the stream; None for what only a newer server says: it tells how far things are, not what was found.

    Raises BadRequest for what cannot be a report or a finding.
    """
    if name == "report":
        return Reported(read_report(data))
    if name == "finding":
        return Found(read_finding(data))
    adapter = _small_events().get(name)
    try:
        return adapter.validate_json(data) if adapter else None
    except ValidationError:
        return None


def engine_of(health: dict[str, Any]) -> EngineInfo:
    """The engine that GET /health tells of; what it does not tell, or not in our words, is left at "", 0 or 1."""

    def text(name: str) -> str:
        value = health.get(name)
        return one_line(value) if isinstance(value, str) else ""

    def number(name: str, least: int) -> int:
        value = health.get(name)
        return max(least, value) if type(value) is int else least

    named = health.get("capabilities")
    return EngineInfo(
        model=text("model"),
        device=text("device"),
        quantisation=next((one for one in _QUANTS if one == health.get("quantisation")), "none"),
        arithmetic=text("arithmetic"),
        context_tokens=number("context_tokens", 0),
        pocket=health.get("pocket") is True,
        parallel=number("parallel", 1),
        reasoning=health.get("reasoning") is True,
        sends_to=text("sends_to"),
        capabilities=tuple(one_line(one) for one in named if isinstance(one, str)) if isinstance(named, list) else (),
    )


def error_of(code: str, message: str, hint: str, *, retry_after_s: int = 10) -> Audit8Error:
    """The exception of a code; Audit8Error itself for a code that this version does not know."""
    kind = _kinds().get(code, Audit8Error)
    message, hint = one_line(message) or "no reason was given", one_line(hint)
    if issubclass(kind, Unavailable):
        return kind(message, hint=hint, retry_after_s=retry_after_s)
    return kind(message, hint=hint)


def object_of(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; an empty one where there is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


@cache
def _kinds() -> dict[str, type[Audit8Error]]:
    """Every exception of errors.py by its code; where two share one, the more general."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Audit8Error)]
    return {kind.code: kind for kind in sorted(kinds, key=lambda kind: -len(kind.__mro__))}


@cache
def _small_events() -> dict[str, TypeAdapter[Event]]:
    return {
        "accepted": TypeAdapter(Accepted),
        "progress": TypeAdapter(Progress),
        "token": TypeAdapter(Token),
        "withdrawn": TypeAdapter(Withdrawn),
        "error": TypeAdapter(Failed),
    }
