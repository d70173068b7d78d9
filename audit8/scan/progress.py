"""How far a scan is, on standard error: one line that is redrawn in a terminal, now and then a plain line elsewhere.

Knows events. File names are not shown: they are hostile text, and the counts say enough.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

from audit8.events import Event, Found, Progress, Token, Withdrawn
from audit8.scan.words import say
from audit8.terminal import RedrawnLine
from audit8.types import Lang, LoadProgress

CELLS = 20
REDRAW_S = 0.1
LOG_S = 5.0
_SPEED_FROM_S, _SPEED_OVER_S = 0.5, 5.0  # a speed over less is noise


class Display:
    """Draws to `out`; `quiet` draws nothing. `clock` gives seconds."""

    def __init__(
        self, out: TextIO, lang: Lang, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out
        self._lang = lang
        self._quiet = quiet
        self._clock = clock
        self._redrawn = RedrawnLine(out) if out.isatty() else None
        self._began_s = clock()
        self._drawn_s = float("-inf")
        self._stage = ""
        self._stages: set[str] = {""}
        self._line = ""
        self._found: set[tuple[str, str, int]] = set()
        self._tokens: deque[float] = deque()

    def take(self, event: Event) -> None:
        if isinstance(event, Token):
            self._tokens.append(self._clock())
        elif isinstance(event, Found):
            one = event.finding
            self._found.add((one.file, one.fingerprint, one.start_line))
        elif isinstance(event, Withdrawn):
            self._found.discard((event.file, event.fingerprint, event.start_line))
        elif isinstance(event, Progress):
            self._line = self._progress(event)
        else:
            return
        stage = event.stage if isinstance(event, Progress) else self._stage
        self._draw(stage)

    def loading(self, progress: LoadProgress) -> None:
        share = f" {100 * progress.done // progress.total} %" if progress.total else ""
        if progress.stage != "failed":  # the error says so
            self._line = say(progress.stage, self._lang) + share
            self._draw(f"loading {progress.stage}")

    def clear(self) -> None:
        if self._redrawn:
            self._redrawn.clear()

    def _progress(self, at: Progress) -> str:
        filled = min(CELLS, CELLS * at.done // at.total) if at.total else CELLS
        cells = "#" * filled + "." * (CELLS - filled)
        return f"[{cells}] {at.done}/{at.total} {say(at.stage, self._lang)}"

    def _draw(self, stage: str) -> None:
        """A new stage at once, else no more often than an eye or a log needs."""
        now_s = self._clock()
        every_s = REDRAW_S if self._redrawn else LOG_S
        new = stage not in self._stages  # two stages may take turns
        if self._quiet or (not new and now_s - self._drawn_s < every_s):
            return
        self._stages.add(stage)
        self._stage, self._drawn_s = stage, now_s
        parts = [self._line, say("findings", self._lang, count=len(self._found))]
        if speed := self._tokens_per_s(now_s):
            parts.append(say("speed", self._lang, count=f"{speed:.0f}"))
        parts.append(say("elapsed", self._lang, count=f"{now_s - self._began_s:.0f}"))
        line = "  ".join(part for part in parts if part)
        if self._redrawn:
            self._redrawn.show(line)
        else:
            print(f"audit8: {line}", file=self._out, flush=True)

    def _tokens_per_s(self, now_s: float) -> float:
        while self._tokens and now_s - self._tokens[0] > _SPEED_OVER_S:
            self._tokens.popleft()
        over_s = now_s - self._tokens[0] if self._tokens else 0.0
        return len(self._tokens) / over_s if over_s >= _SPEED_FROM_S else 0.0
