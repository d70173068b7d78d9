"""The progress bar on standard error: one line that is redrawn in a terminal, one line a stage elsewhere."""

import time
from typing import TextIO

from audit8.compare.measures import SideName
from audit8.compare.words import say
from audit8.terminal import RedrawnLine
from audit8.types import Lang

CELLS = 24


class Bar:
    """Draws to `out`, which may be anything that text can be written to."""

    def __init__(self, out: TextIO, lang: Lang) -> None:
        self._out = out
        self._lang = lang
        self._stage: tuple[str, str] = ("", "")
        self._began_s = 0.0
        self._redrawn = RedrawnLine(out)

    def show(self, side: SideName, stage: str, done: int, total: int) -> None:
        """`done` of `total`; 0 of 0 where it is not known how much there is to do."""
        if (side, stage) != self._stage:
            self._stage, self._began_s = (side, stage), time.monotonic()
            if not self._out.isatty():
                print(f"{say(self._lang, side)}: {say(self._lang, stage)}", file=self._out, flush=True)
        if self._out.isatty():
            self._redrawn.show(self._line(side, stage, done, total))

    def clear(self) -> None:
        self._redrawn.clear()

    def _line(self, side: SideName, stage: str, done: int, total: int) -> str:
        filled = min(CELLS, CELLS * done // total) if total else 0
        share = f"{100 * done // total:3d} %" if total else "     "
        cells = "#" * filled + "." * (CELLS - filled)
        elapsed = f"{time.monotonic() - self._began_s:.0f} s"
        return f"{say(self._lang, side)} [{cells}] {share} {say(self._lang, stage)} {elapsed}"
