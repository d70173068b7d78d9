"""The log's form: text or JSON, safe to show in a terminal, and without what users sent.

Knows records and characters, nothing of what is logged. What comes in a message is hostile: a control character in it
could redraw the terminal, a line end could forge a line. An exception's message may quote code, so it stays out.
"""

import asyncio
import json
import logging
import sys
import threading
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

from audit8.audit.hidden import make_visible

REQUEST: ContextVar[str] = ContextVar("audit8_request", default="")  # the id of the request that is being served
FIELDS = "audit8_fields"  # the attribute of a record that holds its numbers and ids for programs
_DEVICE_WORDS = ("CUDA", "cuBLAS", "cuDNN", "NCCL", "Triton")

log = logging.getLogger("audit8")


def prepare_log(level: str, form: Literal["text", "json"] = "text") -> None:
    """Set up the process's log on standard error. Libraries are heard from WARNING on: what they debug is our data."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    log.setLevel(level.upper())
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns with bytes of what came
    threading.excepthook = _thread_failed


class TextFormatter(logging.Formatter):
    """A time and the message; lines after the first are indented, so that none can pass for a record of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return make_visible(super().format(record)).replace("\n", "\n    ")

    def formatException(self, ei: Any) -> str:
        return told(ei[1]) if ei[1] else ""


class JsonFormatter(logging.Formatter):
    """One object a line: time (UTC), level, logger, message, request_id, and the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": make_visible(record.getMessage()),
        }
        if request_id := REQUEST.get():
            line["request_id"] = request_id
        line |= getattr(record, FIELDS, {})
        if record.exc_info and record.exc_info[1]:
            line["exception"] = told(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str).encode(errors="replace").decode()


def told(error: BaseException) -> str:
    """Where an exception came from. Its message only where a device driver wrote it: any other may quote code."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    message = str(error)
    known = type(error).__module__.startswith("torch") or message.startswith(_DEVICE_WORDS)
    return f"{frames}{type(error).__name__}{': ' + make_visible(message[:2000]) if known else ''}"


def log_loop_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An event loop's exception handler: asyncio's own prints the exception with its message."""
    error = context.get("exception")
    log.error("event loop: %s\n%s", context.get("message", ""), told(error) if error else "")


def _thread_failed(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "a thread"
    log.critical("%s ended unexpectedly\n%s", name, told(args.exc_value) if args.exc_value else "")


def prepare_streams() -> None:
    """Chinese lines must not fail on a console or pipe in another encoding, as on Windows."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
