"""What is measured of each side, as frozen values, and as the JSON that they travel in. Measures nothing."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from audit8.figures import Closeness

SideName = Literal["original", "optimised"]
# Everything that can be missed, in the order it is shown.
MEASURES = ("weights_bytes", "peak_bytes", "gpu_percent", "audit_s", "tokens_per_s", "perplexity")


@dataclass(frozen=True, slots=True)
class Claim:
    """A finding, as far as two audits can agree on it; `by_model` False: a static rule found it."""

    file: str
    line: int
    cwe: str
    by_model: bool


@dataclass(frozen=True, slots=True)
class Side:
    """One side's figures; None is not measured, and `missed` says why, by field name.

    `weights_bytes` are in `memory` when the model is loaded, `peak_bytes` at most until the audit's end, cache and
    workspace included. `gpu_percent` is the mean while it generated. `failed`: why nothing at all was measured.
    """

    memory: Literal["vram", "ram"] = "ram"
    arithmetic: str = ""
    weights_bytes: int | None = None
    offloaded_bytes: int = 0
    peak_bytes: int | None = None
    gpu_percent: float | None = None
    audit_s: float | None = None
    tokens_per_s: float | None = None
    perplexity: float | None = None
    findings: tuple[Claim, ...] | None = None
    missed: dict[str, str] = field(default_factory=dict)
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """`same` of `all` different findings were made by both sides; `model_*` without those of the static rules."""

    same: int
    all: int
    model_same: int
    model_all: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """The model that both sides run, as the optimised side found it; `tokens` is the length of the reference text."""

    folder: str
    name: str
    pocket: bool
    device: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that is printed. `closeness` is of the optimised side against the original."""

    chosen: Chosen
    sample: str
    sample_lines: int
    text: str
    original: Side
    optimised: Side
    closeness: Closeness | None
    agreement: Agreement | None

    def as_json(self) -> dict[str, Any]:
        """For --json: the fields above, and `missed` and `failed` inside each side."""
        return asdict(self)


def agreement_of(original: Side, optimised: Side) -> Agreement | None:
    """Findings are the same when file, line and class are. None where one side has no report."""
    if original.findings is None or optimised.findings is None:
        return None
    everything = [{(claim.file, claim.line, claim.cwe) for claim in side} for side in _findings(original, optimised)]
    models = [
        {(claim.file, claim.line, claim.cwe) for claim in side if claim.by_model}
        for side in _findings(original, optimised)
    ]
    return Agreement(
        len(everything[0] & everything[1]),
        len(everything[0] | everything[1]),
        len(models[0] & models[1]),
        len(models[0] | models[1]),
    )


def _findings(*sides: Side) -> list[tuple[Claim, ...]]:
    return [side.findings or () for side in sides]
