"""Where a report goes: standard output or a file, whole or not at all.

Knows streams, files and Ctrl-C. A file is replaced in one step, so that nobody reads half a report.
"""

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import cast

from audit8.audit.formats import Format, render
from audit8.errors import BadRequest
from audit8.findings import Report
from audit8.scan.flags import Wish
from audit8.scan.text import to_text
from audit8.scan.words import say
from audit8.types import Lang


def put(report: Report, wish: Wish, lang: Lang) -> None:
    """Write the report in the form and to the place that were asked for. Raises BadRequest."""
    if wish.output is None:
        _print(report, wish.form)
        return
    text = to_text(report) if wish.form == "text" else render(report, cast(Format, wish.form))
    put_file(wish.output, text.encode("utf-8", "replace"))
    if not wish.quiet:
        print(f"audit8: {say('written', lang, path=str(wish.output))}", file=sys.stderr, flush=True)


def put_file(path: Path, data: bytes) -> None:
    """Make `data` the content of `path` in one step. Raises BadRequest."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(name, path.stat().st_mode if path.exists() else 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise _not_written(path, error) from error


def check_place(path: Path | None) -> None:
    """Raises BadRequest, before the work is done, for a path that nothing can be written to."""
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        what = "is a folder" if path.is_dir() else f"cannot be written: there is no folder {path.parent}"
        raise BadRequest(f"{path} {what}.", hint="Name a file in a folder that exists.")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C does not break off what is inside: it takes no time, and half of it is of no use."""
    with _handled(signal.SIGINT, signal.SIG_IGN), _handled(signal.SIGTERM, signal.SIG_IGN):
        yield


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Inside, the signal by which other programs end this one is Ctrl-C."""
    with _handled(signal.SIGTERM, signal.default_int_handler):
        yield


@contextmanager
def _handled(
    number: signal.Signals, handler: Callable[[int, FrameType | None], object] | signal.Handlers
) -> Iterator[None]:
    """`handler` for a signal; without effect on a thread that is not the main one, which gets no signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def _print(report: Report, form: str) -> None:
    """What programs read is UTF-8 whatever the terminal is; what people read is in the terminal's encoding."""
    try:
        if form == "text":
            sys.stdout.write(to_text(report, colour=_has_colour()))
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(render(report, cast(Format, form)).encode("utf-8"))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough; Python would complain once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _has_colour() -> bool:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    knows = sys.platform != "win32" or "WT_SESSION" in os.environ
    return knows and not plain and sys.stdout.isatty()


def _umask() -> int:
    """What new files may not be; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _not_written(path: Path, error: OSError) -> BadRequest:
    return BadRequest(f"{path} cannot be written: {error.strerror or type(error).__name__}.", hint="Name another file.")
