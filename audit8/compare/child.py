"""Runs one side in a child process and reads its lines into a `Side`. However the child ends, it has ended afterwards.

Knows the protocol of side.py; knows nothing of models. A separate process: memory of one side never counts for the
other, and a child that the system kills takes only its own figures along.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import audit8
from audit8.audit.hidden import one_line
from audit8.compare.measures import Chosen, Claim, Side
from audit8.compare.words import say
from audit8.figures import Closeness
from audit8.types import Lang

COMMAND = (sys.executable, "-m", "audit8.compare.side")
LAST_WORDS_BYTES = 4096
REASON_CHARS = 400

OnProgress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Heard:
    """What a child said so far."""

    side: Side = field(default_factory=Side)
    chosen: Chosen | None = None
    closeness: Closeness | None = None
    ended: bool = False

    def take(self, line: dict[str, Any], progress: OnProgress) -> None:
        what = line.pop("say")
        if what == "progress":
            progress(line["stage"], line["done"], line["total"])
        elif what == "chosen":
            self.chosen = Chosen(**line)
        elif what == "measured":
            if "findings" in line:
                line["findings"] = tuple(Claim(**claim) for claim in line["findings"])
            self.side = replace(self.side, **line)
        elif what == "close":
            self.closeness = Closeness(**line)
        elif what == "missed":
            self.side = replace(self.side, missed={**self.side.missed, **dict.fromkeys(line["names"], line["why"])})
        elif what == "failed":
            self.side = replace(self.side, failed=line["why"])
        self.ended = self.ended or what in {"end", "failed"}


def run_side(order: str, lang: Lang, progress: OnProgress, command: Sequence[str] = COMMAND) -> Heard:
    """Give `order` to a child and wait for its end. `progress(stage, done, total)` is called for what it reports.

    What the child measured before it died is kept, and `failed` says how it died.
    """
    heard = Heard()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, with arguments of our own
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            encoding="utf-8",
            errors="replace",
            env=_environment(),
        )
        try:
            _converse(process, order, heard, progress)
            code = process.wait()
        finally:  # Ctrl-C included
            if process.poll() is None:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _close(pipe)
        if not heard.ended:
            heard.side = replace(heard.side, failed=_reason(code, said, lang))
    return heard


def _converse(process: "subprocess.Popen[str]", order: str, heard: Heard, progress: OnProgress) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(order)
        process.stdin.close()
    except OSError:  # it died before it read: the exit code says more
        return
    for line in process.stdout:
        try:
            said = json.loads(line)
        except ValueError:  # cut short by its death
            continue
        heard.take(said, progress)


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:  # what could not be written to a dead child
        return


def _environment() -> dict[str, str]:
    """The package must be found where this one was, wherever the user stands."""
    home = str(Path(audit8.__file__).parents[1])
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}


def _reason(code: int, said: BinaryIO, lang: Lang) -> str:
    if code < 0:
        return say(lang, "killed", signal=-code)
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - LAST_WORDS_BYTES))
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    last = one_line(lines[-1], REASON_CHARS) if lines else ""
    return say(lang, "crashed", code=code, said=f": {last}" if last else "")
