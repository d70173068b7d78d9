"""The values that travel between the parts. Frozen, no behaviour beyond derived properties.

Each word has one meaning everywhere: a *job* is one audit request; it has *sources* (files); a source is cut into
*chunks*; a chunk becomes a *prompt*; the engine answers with *tokens*; a grounded claim is a *finding*.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Lang = Literal["zh", "en"]
Quant = Literal["8bit", "4bit", "none"]
Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length"]


class Severity(StrEnum):
    """How bad a finding is if it is true; ordered by `rank` (0 is worst)."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class LineRange:
    """Lines `start_line`..`end_line`, 1-based, both included."""

    start_line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Source:
    """One file to audit. `text` has `\\n` line ends; `name` is what the user called it, or "" for pasted code.

    `focus`: the changed lines of a diff; empty: all. `given`: where only a diff was sent, the lines in it, the others
    being blank in `text`; empty: all. Both are in order and do not overlap.
    """

    name: str
    text: str
    language: str
    encoding: str = "utf-8"
    focus: tuple[LineRange, ...] = ()
    given: tuple[LineRange, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The lines without their ends; line n of the report is `lines[n - 1]`. Only `\\n` ends a line."""
        lines = self.text.split("\n")
        return lines[:-1] if lines and lines[-1] == "" else lines


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines `start_line`..`end_line` (absolute) of a source, small enough for one prompt.

    `context`: the numbers of lines outside it that are shown with it (imports, signatures) and do not count as read.
    """

    source: Source
    start_line: int
    end_line: int
    context: tuple[int, ...] = ()

    @property
    def lines(self) -> list[str]:
        return self.source.lines[self.start_line - 1 : self.end_line]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that is not audited: `code` says why for programs, `reason` in words of the job's language."""

    file: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Job:
    """One audit request. `budget_s`: seconds that the model may spend on it; 0 means as long as it takes."""

    id: str
    sources: tuple[Source, ...]
    lang: Lang
    warnings: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    budget_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose tokens. `temperature` 0 is greedy; `top_k` 0 means all; `seed` None means a fresh one.

    `top_logprobs` asks for each token's log-probability and that many alternatives. `schema`: of JSON, as text.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int | None = None
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """The natural log of a chosen token's probability, and of the most probable tokens at that place, best first."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A decoded, complete bit of text; `reasoning` inside <think>...</think> (the tags themselves are dropped).

    `logprobs`, where asked for: the tokens accepted since the piece before.
    """

    text: str
    reasoning: bool = False
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens)


@dataclass(frozen=True, slots=True)
class Finish:
    """The last item of a token stream: why it ended and what it cost (seconds)."""

    reason: FinishReason
    usage: Usage
    queued_s: float = 0.0
    prefill_s: float = 0.0
    decode_s: float = 0.0


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What is loaded, for the log, `/health` and reports. `parallel`: how many answers it can write at once.

    `reasoning`: it thinks in a <think> block before it answers. `sends_to`: the address of another machine that does
    the work and is sent the code; "" for this one.
    """

    model: str
    device: str
    quantisation: Quant
    arithmetic: str
    context_tokens: int
    pocket: bool = False
    parallel: int = 1
    reasoning: bool = False
    sends_to: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in use by this process on the model's device and the device's total; `kind` says which memory."""

    kind: Literal["vram", "ram"]
    used_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far the start-up is. `total` 0 means not known yet."""

    stage: Literal["choosing", "downloading", "converting", "loading", "warming", "ready", "failed"]
    done: int = 0
    total: int = 0
    unit: Literal["bytes", "tensors", "steps"] = "bytes"
    detail: str = ""
