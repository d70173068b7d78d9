"""Which model to load, decided in this order:

1. `--model` (or MODEL_PATH): an existing folder, else a Hub id. If it cannot be had that is an error with what to do;
   nothing else is loaded in its place.
2. A folder under ./model/ (at most two levels down, as `org/name`). If there are several usable ones: the largest that
   fits, and `why` names the others.
3. By hardware. With a CUDA GPU the 7B coder in the wanted quantisation if it fits, else in NF4 (when 8 bit was
   wanted), else the 1.5B; if not even that fits, DoesNotFit: other programs hold the GPU. Without a GPU the 1.5B, for a
   7B on a CPU takes many minutes for one audit; if that does not fit in memory, the pocket model. A model that was
   downloaded before is used without asking the network. If neither the Hub nor ModelScope can be reached: a smaller
   one of these that was downloaded before, else the pocket model, saying what it is for.

Knows nothing of how models are loaded.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from audit8.errors import ModelNotFound
from audit8.models import fit, pocket
from audit8.models.checkpoint import check_folder, is_complete, read_config, remote_code
from audit8.models.hub import HubOrigin
from audit8.models.known import CODER_1_5B, CODER_7B, KnownModel
from audit8.models.machine import Machine
from audit8.models.modelscope import ModelScopeOrigin
from audit8.models.origin import Origin, Unreachable, download
from audit8.models.words import joined, why
from audit8.types import Lang, LoadProgress, Quant

Progress = Callable[[LoadProgress], None]
MODEL_FOLDER = Path("model")
MODEL_ID = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)?")
PROBE_S = 5.0  # with somewhere else to go
PATIENT_S = 30.0  # without


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for. `model` None: choose. `int8_vocabulary`: the fused engine will run an 8-bit model."""

    model: str | None
    source: Literal["auto", "hub", "modelscope"]
    quant: Quant
    cache_dir: Path
    context_tokens: int
    lang: Lang
    trust_remote_code: bool = False
    int8_vocabulary: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A whole model on this disk. `quant` may differ from the wish (an 8 GB GPU); `why` says so in words."""

    folder: Path
    name: str
    quant: Quant
    pocket: bool
    why: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    model: KnownModel
    quant: Quant
    why: str


def find_model(wish: Wish, machine: Machine, progress: Progress) -> Choice:
    """The model to load, downloaded if need be. Blocking, from seconds to hours; if `progress` raises, it stops.

    Raises:
        ModelNotFound: what was asked for cannot be had.
        DoesNotFit: too little memory or disk, found out before anything large is downloaded.
    """
    progress(LoadProgress("choosing"))
    if wish.model:
        return _asked(wish, wish.model, machine, progress)
    return _in_model_folder(wish, machine) or _by_hardware(wish, machine, progress)


# ---- 1: asked for by name --------------------------------------------------------------------------------------


def _asked(wish: Wish, model: str, machine: Machine, progress: Progress) -> Choice:
    path = Path(model).expanduser()
    if path.is_dir():
        check_folder(path)
        _check_code(path, wish)
        return Choice(path.resolve(), path.resolve().name, wish.quant, False, why(wish.lang, "folder"))
    if path.exists():
        raise ModelNotFound(f"{model} is a file", hint="give the folder that has config.json and *.safetensors in it")
    if not MODEL_ID.fullmatch(model) or model.startswith("."):
        raise ModelNotFound(
            f"there is no folder {model}", hint="check the path, or give a model id such as " + CODER_7B.id
        )
    origins = _origins(wish)
    if cached := _cached(origins, model, wish):
        folder, label = cached
        return Choice(folder, model, wish.quant, False, why(wish.lang, "cached", origin=label))
    reasons = []
    for origin in origins:
        try:
            folder = _fetch(origin, model, wish.quant, wish, machine, progress, last=origin is origins[-1])
        except Unreachable as error:
            reasons.append(f"{origin.label}: {error}")
        else:
            return Choice(folder, model, wish.quant, False, why(wish.lang, "fetched", origin=origin.label))
    raise ModelNotFound(
        f"{model} is not a folder here and cannot be downloaded ({'; '.join(reasons)})",
        hint="check the network or proxy, set HF_ENDPOINT to a mirror, or give a folder with --model PATH",
    )


# ---- 2: a folder under ./model/ --------------------------------------------------------------------------------


def _in_model_folder(wish: Wish, machine: Machine) -> Choice | None:
    usable: list[tuple[Path, fit.Need]] = []
    refused: list[tuple[Path, ModelNotFound]] = []
    for folder in model_folders():
        try:
            check_folder(folder)
            _check_code(folder, wish)
            need = fit.measure_need(
                folder,
                wish.quant,
                wish.context_tokens,
                on_gpu=machine.has_gpu,
                int8_vocabulary=_small_vocabulary(wish, wish.quant),
            )
            usable.append((folder, need))
        except ModelNotFound as error:
            refused.append((folder, error))
    if not usable:
        if refused:
            raise refused[0][1]
        return None
    usable.sort(key=lambda pair: pair[1].total_bytes, reverse=True)
    folder = next((folder for folder, need in usable if fit.shortfall_bytes(need, machine) <= 0), usable[-1][0])
    others = ", ".join(str(other) for other, _ in usable if other != folder)
    reason = why(wish.lang, "found_of", others=others) if others else why(wish.lang, "found")
    skipped = why(wish.lang, "skipped", skipped=", ".join(error.message for _, error in refused)) if refused else ""
    return Choice(folder.resolve(), folder.resolve().name, wish.quant, False, joined(wish.lang, reason, skipped))


def model_folders() -> list[Path]:
    """Folders with a config.json: ./model itself, ./model/NAME, ./model/ORG/NAME."""
    configs = [path for pattern in ("", "*/", "*/*/") for path in MODEL_FOLDER.glob(f"{pattern}config.json")]
    return sorted({path.parent for path in configs})


# ---- 3: by hardware --------------------------------------------------------------------------------------------


def _by_hardware(wish: Wish, machine: Machine, progress: Progress) -> Choice:
    candidates = _candidates(wish, machine)
    if not candidates:
        need = _need(CODER_1_5B, wish.quant, wish, machine)
        values = {"free": _gib(machine.ram_free_bytes), "needed": _gib(need.model_bytes)}
        return _pocket(wish, progress, why(wish.lang, "pocket_ram", **values))
    best = candidates[0]
    origins = _origins(wish)
    if cached := _cached(origins, best.model.id, wish):
        folder, label = cached
        return _chosen(best, folder, wish, label)
    reasons = []
    for origin in origins:
        try:
            folder = _fetch(origin, best.model.id, best.quant, wish, machine, progress, last=origin is origins[-1])
            return _chosen(best, folder, wish, origin.label)
        except Unreachable as error:
            reasons.append(f"{origin.label}: {error}")
    because = ", ".join(reasons)
    for other in candidates[1:]:
        if cached := _cached(origins, other.model.id, wish):
            reason = why(wish.lang, "earlier", wanted=best.model.id, reasons=because)
            return Choice(cached[0], other.model.id, other.quant, False, reason)
    return _pocket(wish, progress, why(wish.lang, "pocket", reasons=because))


def _candidates(wish: Wish, machine: Machine) -> list[_Candidate]:
    """What fits, best first. Empty only without a GPU; with one DoesNotFit is raised."""
    lang, free = wish.lang, _gib(machine.gpu_free_bytes)
    if not machine.has_gpu:
        small = _Candidate(CODER_1_5B, wish.quant, why(lang, "cpu"))
        return [small] if _fits(small, wish, machine) else []
    rungs: list[Quant] = ["8bit", "4bit"] if wish.quant == "8bit" else [wish.quant]
    needed = {quant: _gib(_need(CODER_7B, quant, wish, machine).total_bytes) for quant in rungs}
    all_of_them = [
        _Candidate(CODER_7B, wish.quant, why(lang, f"gpu_{wish.quant}", free=free)),
        *(_Candidate(CODER_7B, quant, why(lang, "gpu_nf4", free=free, needed=needed["8bit"])) for quant in rungs[1:]),
        _Candidate(CODER_1_5B, wish.quant, why(lang, "gpu_small", free=free, needed=needed[rungs[-1]])),
    ]
    fitting = [candidate for candidate in all_of_them if _fits(candidate, wish, machine)]
    if not fitting:
        fit.check_fit(_need(CODER_1_5B, wish.quant, wish, machine), machine)
    return fitting


def _fits(candidate: _Candidate, wish: Wish, machine: Machine) -> bool:
    return fit.shortfall_bytes(_need(candidate.model, candidate.quant, wish, machine), machine) <= 0


def _need(model: KnownModel, quant: Quant, wish: Wish, machine: Machine) -> fit.Need:
    return _need_of_config(model.config, quant, wish, machine)


def _need_of_config(config: dict[str, Any], quant: Quant, wish: Wish, machine: Machine) -> fit.Need:
    return fit.need_of_config(
        config,
        quant,
        wish.context_tokens,
        on_gpu=machine.has_gpu,
        int8_vocabulary=_small_vocabulary(wish, quant),
    )


def _small_vocabulary(wish: Wish, quant: Quant) -> bool:
    return wish.int8_vocabulary and quant == "8bit"


def _chosen(candidate: _Candidate, folder: Path, wish: Wish, label: str) -> Choice:
    reason = joined(wish.lang, candidate.why, why(wish.lang, "from", origin=label))
    return Choice(folder, candidate.model.id, candidate.quant, False, reason)


def _pocket(wish: Wish, progress: Progress, reason: str) -> Choice:
    return Choice(pocket.pocket_model(wish.cache_dir, progress), pocket.NAME, wish.quant, True, reason)


# ---- what they share -------------------------------------------------------------------------------------------


def _origins(wish: Wish) -> Sequence[Origin]:
    if wish.source == "hub":
        return [HubOrigin()]
    if wish.source == "modelscope":
        return [ModelScopeOrigin()]
    return [HubOrigin(), ModelScopeOrigin()]


def _cached(origins: Sequence[Origin], model_id: str, wish: Wish) -> tuple[Path, str] | None:
    for origin in origins:
        folder = origin.cached(model_id)
        if folder is not None and is_complete(folder):
            _check_code(folder, wish)
            return folder, origin.label
    return None


def _fetch(
    origin: Origin, model_id: str, quant: Quant, wish: Wish, machine: Machine, progress: Progress, *, last: bool
) -> Path:
    """Download; before the weights, refuse a model that brings code or does not fit."""

    def check(folder: Path) -> None:
        _check_code(folder, wish)
        try:
            need = _need_of_config(read_config(folder), quant, wish, machine)
        except ModelNotFound:
            return  # an unusual shape: measured when the weights are here
        fit.check_fit(need, machine)

    return download(
        origin,
        model_id,
        check=check,
        progress=progress,
        with_code=wish.trust_remote_code,
        timeout_s=PATIENT_S if last and wish.source != "auto" else PROBE_S,
    )


def _check_code(folder: Path, wish: Wish) -> None:
    """Raises ModelNotFound if the model only works with Python code of its own and the user did not allow that."""
    config = read_config(folder)
    if wish.trust_remote_code or not remote_code(config):
        return
    from audit8.models.convert import needs_remote_code  # noqa: PLC0415 - transformers takes seconds to import

    if needs_remote_code(str(config.get("model_type", ""))):
        raise ModelNotFound(
            f"{folder} needs Python code that comes with the model, and that could do anything",
            hint="choose another model, or add --trust-remote-code if you have read that code and trust it",
        )


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / fit.GIB:.2f}"
