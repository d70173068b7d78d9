"""The events of a job: the one stream that the JSON and the SSE answers are both made of. Frozen values."""

from dataclasses import dataclass, field
from typing import Literal

from audit8.findings import Finding, Report
from audit8.types import TokenLogprob


@dataclass(frozen=True, slots=True)
class Accepted:
    id: str
    files: int
    queue_position: int


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` steps of a stage are finished.

    rules: the static rules, by file; queued: waiting for the model; model: its finders, by chunk; judge: by candidate;
    texts: explanations and fixes, by finding; report: the end. `spent_s`: seconds of the job's budget used so far.
    """

    stage: Literal["rules", "queued", "model", "judge", "texts", "report"]
    done: int
    total: int
    file: str = ""
    start_line: int = 0
    end_line: int = 0
    spent_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Token:
    """`logprobs`, where a chat asked for them: of the tokens since the one before."""

    text: str
    reasoning: bool = False
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as it stands now; one with the same file, fingerprint and first line replaces the earlier one."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The judge has filtered out what was found: the place that `Found` named, and why."""

    file: str
    fingerprint: str
    start_line: int
    reason: str


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


Event = Accepted | Progress | Token | Found | Withdrawn | Reported | Failed
