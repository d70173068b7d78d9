"""What a side's process is told and what it says: one order as JSON, then one JSON object a line. Knows no model."""

import json
import time
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from audit8.compare.measures import Chosen, SideName

PROGRESS_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class SideOrder:
    """`kept`: the file of the first side's distributions. `chosen` None: this is the first side, and it chooses.

    `tokens` 0: as many as this machine reads in a bearable time. `minutes`: after them an audit is given up.
    """

    side: SideName
    settings: dict[str, Any]
    source: dict[str, str]
    tokens: int
    minutes: int
    kept: str
    chosen: Chosen | None

    def as_json(self) -> str:
        return json.dumps(asdict(self))


def order_of(text: str) -> SideOrder:
    order: dict[str, Any] = json.loads(text)
    chosen = order.pop("chosen")
    return SideOrder(**order, chosen=Chosen(**chosen) if chosen else None)


class Speaker:
    """Writes the lines. Progress at a bearable rate, but always where a stage begins."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._stage = ""
        self._said_at_s = 0.0

    def line(self, what: str, **values: Any) -> None:
        self._out.write(json.dumps({"say": what, **values}) + "\n")
        self._out.flush()

    def progress(self, stage: str, done: int = 0, total: int = 0) -> None:
        now_s = time.monotonic()
        if stage != self._stage or now_s - self._said_at_s >= PROGRESS_EVERY_S:
            self._stage, self._said_at_s = stage, now_s
            self.line("progress", stage=stage, done=done, total=total)
