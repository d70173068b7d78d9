"""Log lines are safe in a terminal, cannot be forged, and quote nobody's code."""

import asyncio
import json
import logging
import threading
from typing import Literal

import pytest
import torch

from audit8 import logs
from audit8.logs import FIELDS, REQUEST, JsonFormatter, TextFormatter, log_loop_error, prepare_log, told

CANARY = "canary_4b1d"
HOSTILE = "\x1b[2J\x1b]0;owned\x07 \r overwritten \u202e reversed \x9b31m \ud800"


def record_of(message: str, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("audit8.test", logging.INFO, __file__, 1, message, None, exc_info)


def raised(error: Exception) -> Exception:
    secret_of_the_frame = CANARY  # noqa: F841 - a local must not be shown either
    try:
        raise error
    except type(error) as caught:
        return caught


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_nothing_in_a_line_can_move_the_cursor_or_hide(formatter: logging.Formatter) -> None:
    line = formatter.format(record_of(f"name: {HOSTILE}"))
    assert line.isprintable()
    assert "001b" in line
    assert "202e" in line
    line.encode()


def test_a_line_end_cannot_forge_a_record() -> None:
    forged = "x\n12:00:00 r-1 GET /health 200 in=0 out=0 1 ms"
    lines = TextFormatter().format(record_of(forged)).split("\n")
    assert len(lines) == 2
    assert lines[1].startswith("    ")
    assert "\n" not in JsonFormatter().format(record_of(forged))


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_an_exception_is_its_type_and_place_without_its_message(formatter: logging.Formatter) -> None:
    text = formatter.format(record_of("it failed", raised(ValueError(f"cannot read {CANARY}"))))
    assert "ValueError" in text
    assert "raised" in text
    assert CANARY not in text.replace("secret_of_the_frame = CANARY", "")


@pytest.mark.parametrize("error", [RuntimeError("CUDA error: illegal address"), torch.OutOfMemoryError("tried 2 GiB")])
def test_what_a_device_says_is_kept(error: Exception) -> None:
    assert str(error) in told(raised(error))


def test_json_lines_have_the_request_and_its_numbers() -> None:
    record = record_of("done")
    setattr(record, FIELDS, {"status": 200, "ms": 12})
    token = REQUEST.set("req-1")
    try:
        line = json.loads(JsonFormatter().format(record))
    finally:
        REQUEST.reset(token)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "audit8.test",
        "message": "done",
        "request_id": "req-1",
        "status": 200,
        "ms": 12,
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_at_debug_only_we_are_heard(form: Literal["text", "json"], capsys: pytest.CaptureFixture[str]) -> None:
    prepare_log("debug", form)
    logging.getLogger("some.library").debug("a body: %s", CANARY)
    logging.getLogger("some.library").info("a body: %s", CANARY)
    logging.getLogger("audit8.part").debug("ours")
    said = capsys.readouterr().err
    assert "ours" in said
    assert CANARY not in said


def test_a_thread_and_an_event_loop_that_fail_quote_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    prepare_log("info")

    def fails() -> None:
        raise ValueError(CANARY)

    thread = threading.Thread(target=fails, name="some-thread")
    thread.start()
    thread.join()
    loop = asyncio.new_event_loop()
    log_loop_error(loop, {"message": "a task failed", "exception": raised(KeyError(CANARY)), "future": CANARY})
    log_loop_error(loop, {"message": "without an exception"})
    loop.close()
    said = capsys.readouterr().err
    assert "some-thread" in said
    assert "ValueError" in said
    assert "KeyError" in said
    assert CANARY not in said.replace("raise ValueError(CANARY)", "")
    assert logs.log.name == "audit8"
