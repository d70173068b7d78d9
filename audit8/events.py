"""The events of a job: the one stream that the JSON and the SSE answers are both made of. Frozen values."""

from dataclasses import dataclass, field
from typing import Literal

from audit8.types import Finding, Report


@dataclass(frozen=True, slots=True)
class Accepted:
    id: str
    files: int
    queue_position: int


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` chunks are finished; `stage` is queued, rules, model or report."""

    stage: Literal["queued", "rules", "model", "report"]
    done: int
    total: int
    file: str = ""
    start_line: int = 0
    end_line: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    reasoning: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    finding: Finding


@dataclass(frozen=True, slots=True)
class Reported:
    report: Report


@dataclass(frozen=True, slots=True)
class Failed:
    """The other terminal event. `code` is one of errors.py's; a cancelled job ends with code `cancelled`."""

    code: str
    message: str
    hint: str = ""
    details: dict[str, str | int] = field(default_factory=dict)


Event = Accepted | Progress | Token | Found | Reported | Failed
