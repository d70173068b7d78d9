"""The int8 weights kept on disk, so that the next start reads half the bytes and quantises nothing.

A file's name and contents say what it was made from; anything that differs, down to one bit, means that it is made
again from the checkpoint. Only what comes from the checkpoint is kept: the rotary tables follow from the configuration.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audit8.engine import tensorfile
from audit8.engine.checkpoint import tensor_files
from audit8.engine.kernels.types import Int8Weight, QkvExtras
from audit8.engine.lanes import BrokenFile, Lanes
from audit8.engine.tensorfile import NAMES, Entry
from audit8.engine.weights import (
    DecoderWeights,
    HeadKind,
    LayerWeights,
    assemble,
    head_dim_of,
    vocabulary_dtype,
    window_of,
)
from audit8.types import LoadProgress

FORMAT = 1  # of what is kept; a new number makes it again
FOLDER = "int8"  # below the cache folder
MATRICES = ("qkv", "o", "gate_up", "down")
EXTRAS = ("bias", "q_norm", "k_norm")
GIB = 2**30
Progress = Callable[[LoadProgress], None]
Shapes = dict[str, tuple[str, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which weights, and where they are to be: what a file must have been made from and for."""

    cache_dir: Path
    folder: Path
    config: Any
    head: HeadKind
    device: torch.device
    context_tokens: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the weights of one model and one way to quantise it are, or will be; `model` begins all of the model's."""

    path: Path
    model: str
    key: str


def obtain(
    wanted: Wanted, make: Callable[[], DecoderWeights], progress: Progress, say: Callable[[str], None]
) -> DecoderWeights:
    """The weights from the disk, or else from `make`, and then kept for the next time.

    `say` takes a note for the log. Nothing about the cache makes a start fail; what `make` and `progress` raise passes.
    """
    try:
        place = place_of(wanted)
    except (OSError, ValueError, KeyError):  # the model itself is broken: `make` says it better
        return make()
    if (found := _try_load(place, wanted, progress, say)) is not None:
        return found
    made = make()
    try:
        if place_of(wanted) != place:
            say("the 8-bit weights are not kept on disk: the model's files changed while they were read")
            return made
        save(made, place, wanted.device, progress)
    except OSError as error:
        say(f"the 8-bit weights could not be kept on disk for a quick start: {error}")
    else:
        kept_bytes = sum(path.stat().st_size for path in place.path.parent.glob("*.safetensors"))
        say(f"the 8-bit weights are kept on disk for a quick start: {place.path}; in all {kept_bytes / GIB:.2f} GiB")
    return made


def place_of(wanted: Wanted) -> Place:
    """Reads the headers of the model's files, no tensors; raises OSError, ValueError, KeyError if it cannot."""
    folder = wanted.folder.resolve()
    root = folder.parent.parent if folder.parent.name == "snapshots" else folder  # the Hub's: a folder a revision
    files = [(path, path.resolve()) for path in tensor_files(folder)]
    made_from = {
        "format": FORMAT,
        "quantiser": _quantiser(),
        "vocabulary": str(vocabulary_dtype(wanted.head, wanted.device)),
        "folder": str(folder),
        "config": hashlib.sha256((folder / "config.json").read_bytes()).hexdigest(),
        "files": [
            [path.name, real.name, real.stat().st_size, real.stat().st_mtime_ns, tensorfile.read_header(real).digest]
            for path, real in files
        ],
    }
    key = _digest(json.dumps(made_from, sort_keys=True))
    model = f"{re.sub(r'[^A-Za-z0-9._-]', '-', root.name)[:60]}-{_digest(str(root))[:8]}-"
    return Place(wanted.cache_dir / FOLDER / f"{model}{key[:16]}.safetensors", model, key)


def load(place: Place, wanted: Wanted, progress: Progress) -> DecoderWeights:
    """Read and check everything, straight into its place on the device.

    Raises FileNotFoundError if it was not kept, OSError, BrokenFile: it is not what was kept.
    """
    header = tensorfile.read_header(place.path)
    tensorfile.check_sealed(header, place.path.name)
    if header.metadata.get("key") != place.key:
        raise BrokenFile(f"{place.path.name} was made from something else")
    _check_shapes(header.entries, wanted)
    with Lanes(wanted.device) as lanes:
        tensors = tensorfile.read_sealed(
            place.path,
            header,
            wanted.device,
            lanes,
            lambda done, total: progress(LoadProgress("loading", done, total, "bytes")),
        )
    return _assembled(tensors, wanted)


def save(weights: DecoderWeights, place: Place, device: torch.device, progress: Progress) -> None:
    """Keep `weights` at `place` and remove what was kept of the same model; raises OSError, leaving nothing behind."""
    folder = place.path.parent
    folder.mkdir(parents=True, exist_ok=True)
    tensorfile.sweep(folder)
    for old in folder.glob(f"{place.model}*.safetensors"):
        with contextlib.suppress(OSError):  # another process has it open, on Windows
            old.unlink()
    with Lanes(device) as lanes:
        tensorfile.write_sealed(
            place.path,
            named(weights),
            {"format": "pt", "key": place.key},
            lanes,
            lambda done, total: progress(LoadProgress("loading", done, total, "bytes", place.path.name)),
        )


def named(weights: DecoderWeights) -> dict[str, Tensor]:
    """Every tensor of the checkpoint's, by the name it is kept under; a tied head has none of its own."""
    parts: dict[str, Int8Weight | Tensor | None] = {"embedding": weights.embedding, "final_norm": weights.final_norm}
    if weights.head is not weights.embedding:
        parts["head"] = weights.head
    for index, layer in enumerate(weights.layers):
        prefix = f"layers.{index}."
        parts |= {prefix + name: getattr(layer, name) for name in ("input_norm", "post_norm", *MATRICES)}
        parts |= {prefix + name: getattr(layer.extras, name) for name in EXTRAS}
    tensors: dict[str, Tensor] = {}
    for name, part in parts.items():
        if isinstance(part, Int8Weight):
            tensors |= {f"{name}.codes": part.codes, f"{name}.absmax": part.absmax}
        elif part is not None:
            tensors[name] = part
    return tensors


def _try_load(place: Place, wanted: Wanted, progress: Progress, say: Callable[[str], None]) -> DecoderWeights | None:
    try:
        return load(place, wanted, progress)
    except FileNotFoundError:
        return None
    except (OSError, BrokenFile) as error:
        say(f"the 8-bit weights on disk cannot be used and are made again: {error}")
    return None


# ---- between tensors and weights -------------------------------------------------------------------------------


def _assembled(tensors: Mapping[str, Tensor], wanted: Wanted) -> DecoderWeights:
    def part(name: str) -> Int8Weight | Tensor:
        return tensors[name] if name in tensors else matrix(name)

    def matrix(name: str) -> Int8Weight:
        return Int8Weight(tensors[f"{name}.codes"], tensors[f"{name}.absmax"])

    def layer(index: int) -> LayerWeights:
        prefix = f"layers.{index}."
        return LayerWeights(
            input_norm=tensors[prefix + "input_norm"],
            post_norm=tensors[prefix + "post_norm"],
            extras=QkvExtras(
                **{name: tensors.get(prefix + name) for name in EXTRAS}, eps=float(wanted.config.rms_norm_eps)
            ),
            window=window_of(wanted.config, index),
            **{name: matrix(prefix + name) for name in MATRICES},
        )

    embedding = part("embedding")
    return assemble(
        [layer(index) for index in range(wanted.config.num_hidden_layers)],
        embedding,
        head=part("head") if {"head", "head.codes"} & tensors.keys() else embedding,
        final_norm=tensors["final_norm"],
        config=wanted.config,
        context_tokens=wanted.context_tokens,
    )


def _check_shapes(entries: Mapping[str, Entry], wanted: Wanted) -> None:
    """Raises BrokenFile unless the tensors are those that the configuration promises."""
    needed, possible = _promised(wanted)
    there: Shapes = {name: (entry.dtype, entry.shape) for name, entry in entries.items()}
    known = needed | possible
    for name in needed.keys() - there.keys():
        raise BrokenFile(f"{name} is missing")
    for name, found in there.items():
        if known.get(name) != found:
            raise BrokenFile(f"{name} is {found[0]} {list(found[1])}, which the model's configuration does not promise")


def _promised(wanted: Wanted) -> tuple[Shapes, Shapes]:
    """What a model of this configuration must have, and what it may have beside."""
    config = wanted.config
    hidden, middle, head_dim = int(config.hidden_size), int(config.intermediate_size), head_dim_of(config)
    queries = int(config.num_attention_heads) * head_dim
    stacked = queries + 2 * int(config.num_key_value_heads) * head_dim
    dtype = vocabulary_dtype(wanted.head, wanted.device)
    floats = NAMES[torch.float32]

    def matrix(name: str, rows: int, columns: int, kind: torch.dtype = torch.int8) -> Shapes:
        if kind != torch.int8:
            return {name: (NAMES[kind], (rows, columns))}
        return {f"{name}.codes": (NAMES[kind], (rows, columns)), f"{name}.absmax": (floats, (rows,))}

    needed = {"final_norm": (floats, (hidden,)), **matrix("embedding", int(config.vocab_size), hidden, dtype)}
    possible = {} if config.tie_word_embeddings else matrix("head", int(config.vocab_size), hidden, dtype)
    for index in range(config.num_hidden_layers):
        prefix = f"layers.{index}."
        needed |= {f"{prefix}{name}_norm": (floats, (hidden,)) for name in ("input", "post")}
        needed |= matrix(prefix + "qkv", stacked, hidden) | matrix(prefix + "o", hidden, queries)
        needed |= matrix(prefix + "gate_up", 2 * middle, hidden) | matrix(prefix + "down", hidden, middle)
        possible |= {f"{prefix}{name}_norm": (floats, (head_dim,)) for name in "qk"}
        possible[prefix + "bias"] = (floats, (stacked,))
    return needed, possible


def _quantiser() -> str:
    try:
        return f"bitsandbytes {version('bitsandbytes')}"
    except PackageNotFoundError:  # `make` says how to install it
        return "none"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
