"""A server's refusals in our words: which are worth another try, and which error the others are.

Knows status codes and the error object of the chat form. What a server writes is shown in one short line.
"""

import json
import math
import unicodedata
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from audit8.errors import Audit8Error, BadRequest, EngineFailure, PromptTooLong

SHOWN_CHARS = 300
MAX_WAIT_S = 60.0  # a longer Retry-After is not believed
_TOO_LONG_CODES = ("context_length_exceeded", "prompt_too_long", "exceed_context_size_error")
_TOO_LONG_WORDS = ("context length", "context window", "context size", "maximum context", "too many tokens")


@dataclass(frozen=True, slots=True)
class Said:
    """What an error object says: all in one line each, "" where it does not."""

    message: str
    code: str = ""
    param: str = ""


class Busy(Exception):
    """The server takes nothing now; `wait_s` until it may, None where it does not say."""

    def __init__(self, wait_s: float | None, said: str) -> None:
        super().__init__(said)
        self.wait_s = wait_s


class Broken(Exception):
    """The server failed at this request or is gone; another one may not be."""


def read_error(body: bytes) -> Said:
    """The error object of an answer; of another body its first line."""
    text = body[:20_000].decode(errors="replace")
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return Said(one_line(text))
    return said_of(value)


def said_of(value: Any) -> Said:
    """`{"error": {...}}`, `{"error": "..."}`, `{"message": ...}` and `{"detail": ...}`, as servers write them."""
    inner = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(inner, dict):
        return Said(one_line(str(inner)))
    message = inner.get("message") or inner.get("detail") or inner.get("code") or "no reason given"
    return Said(
        one_line(message if isinstance(message, str) else json.dumps(message)),
        one_line(str(inner.get("code") or inner.get("type") or "")),
        one_line(str(inner.get("param") or "")),
    )


def refusal(host: str, status: int, said: Said, retry_after: str = "") -> Exception:
    """What to raise for an answer that is not 200: Busy or Broken, which another server may cure, or our error."""
    where = f"{host} answered {status}: {said.message}"
    if status in {429, 503}:
        return Busy(wait_of(retry_after), where)
    if status >= 500 or status in {408, 409, 425}:
        return Broken(where)
    return lasting(host, status, said)


def lasting(host: str, status: int, said: Said) -> Audit8Error:
    """The error for what every other try would meet again."""
    low = said.message.lower()
    if status == 413 or said.code in _TOO_LONG_CODES or any(words in low for words in _TOO_LONG_WORDS):
        return PromptTooLong(
            f"{host} says that the prompt is too long: {said.message}",
            hint="Start this server with a smaller --context-tokens, or that one with a larger context.",
        )
    if status == 401:
        return EngineFailure(f"{host} refused the key: {said.message}", hint="Check --engine-key-file.")
    if status == 403:
        return EngineFailure(
            f"{host} answered 403: {said.message}", hint="Check --engine-key-file, and whom that server answers."
        )
    if status in {404, 405}:
        return EngineFailure(f"{host} answered {status}: {said.message}", hint="Check --engine-url and --engine-model.")
    if status in {400, 422}:
        details = {"param": said.param} if said.param else {}
        return BadRequest(f"{host} refused the request: {said.message}", **details)
    return EngineFailure(f"{host} answered {status}: {said.message}", hint="Check --engine-url.")


def wait_of(retry_after: str) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date; None for anything else."""
    try:
        wait_s = float(retry_after)
    except ValueError:
        try:
            wait_s = parsedate_to_datetime(retry_after).timestamp() - time()
        except (ValueError, TypeError, OverflowError):
            return None
    return None if math.isnan(wait_s) else min(max(0.0, wait_s), MAX_WAIT_S)


def one_line(text: str) -> str:
    """`text` without line ends and control characters, and short."""
    shown = "".join(" " if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} else char for char in text[:4000])
    short = " ".join(shown.split())
    return short if len(short) <= SHOWN_CHARS else short[: SHOWN_CHARS - 1] + "…"
