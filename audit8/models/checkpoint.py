"""What is in a model folder: its config, its safetensors files and their headers, and whether it can be used at all.

Reads headers, never weights. Knows nothing of where the folder came from or whether it fits.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit8.errors import ModelNotFound

INDEX_NAME = "model.safetensors.index.json"
SINGLE_NAME = "model.safetensors"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
TOKENIZER_NAMES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
MAX_HEADER_BYTES = 100 * 1024 * 1024
LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One entry of a safetensors header. `dtype` is the format's own word: BF16, F32, I8 ..."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    stored_bytes: int


def read_config(folder: Path) -> dict[str, Any]:
    """config.json as a dict; raises ModelNotFound if it is absent or not a JSON object."""
    return _read_json(folder / "config.json")


def weight_names(folder: Path, present: Callable[[str], bool]) -> tuple[str, ...]:
    """The safetensors files that make up the model: the index's shards, or the single file.

    `present` says whether a file of that name exists where the model comes from. () means: no safetensors weights.
    """
    if (folder / INDEX_NAME).is_file():
        shards = _read_json(folder / INDEX_NAME).get("weight_map")
        if not isinstance(shards, dict) or not all(_plain_name(name) for name in shards.values()):
            raise ModelNotFound(f"{folder / INDEX_NAME} has no usable weight_map", hint="download the model again")
        return tuple(sorted(set(shards.values())))
    return (SINGLE_NAME,) if present(SINGLE_NAME) else ()


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The weight files of a folder on disk, all of them present; raises ModelNotFound in words otherwise."""
    names = weight_names(folder, lambda name: (folder / name).is_file())
    if not names:
        raise ModelNotFound(f"{folder} has no model.safetensors", hint=_hint_without_safetensors(folder))
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise ModelNotFound(
            f"{folder} is incomplete: {len(missing)} of {len(names)} weight files are missing ({missing[0]} ...)",
            hint="download the model again; what is there already is kept",
        )
    return tuple(folder / name for name in names)


def read_tensors(folder: Path) -> list[TensorInfo]:
    """Every tensor of the model, from the headers of its safetensors files."""
    return [tensor for path in weight_files(folder) for tensor in read_header(path)]


def read_header(path: Path) -> list[TensorInfo]:
    """The header of one safetensors file: 8 bytes of length (little-endian), then JSON."""
    with path.open("rb") as file:
        start = file.read(max(8, len(LFS_POINTER)))
        if start.startswith(LFS_POINTER):
            raise ModelNotFound(
                f"{path} is a Git LFS pointer, not the weights", hint="run `git lfs install && git lfs pull` there"
            )
        length = struct.unpack("<Q", start[:8])[0] if len(start) >= 8 else 0
        if not 2 <= length <= MAX_HEADER_BYTES:
            raise _broken(path)
        file.seek(8)
        try:
            header = json.loads(file.read(length))
            tensors = [
                TensorInfo(
                    name,
                    entry["dtype"],
                    tuple(int(size) for size in entry["shape"]),
                    int(entry["data_offsets"][1]) - int(entry["data_offsets"][0]),
                )
                for name, entry in header.items()
                if name != "__metadata__"
            ]
            data_bytes = max((entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise _broken(path) from error
    if path.stat().st_size < 8 + length + data_bytes:
        raise _broken(path)
    return tensors


def check_folder(folder: Path) -> None:
    """Raises ModelNotFound unless `folder` holds a whole model: config, tokenizer and readable safetensors weights."""
    read_config(folder)
    if not any((folder / name).is_file() for name in TOKENIZER_NAMES):
        raise ModelNotFound(
            f"{folder} has no tokenizer", hint=f"it needs one of {', '.join(TOKENIZER_NAMES)}; download the model again"
        )
    read_tensors(folder)


def is_complete(folder: Path) -> bool:
    """Whether `check_folder` has nothing against it."""
    try:
        check_folder(folder)
    except (ModelNotFound, OSError):
        return False
    return True


def remote_code(config: dict[str, Any]) -> bool:
    """Whether the model brings Python code of its own for the model or its config (`auto_map`)."""
    auto_map = config.get("auto_map")
    return isinstance(auto_map, dict) and any(name in auto_map for name in ("AutoConfig", "AutoModelForCausalLM"))


def _plain_name(name: object) -> bool:
    """Weights lie beside their index; a name with a path in it could point anywhere."""
    return isinstance(name, str) and name.endswith(".safetensors") and "/" not in name and "\\" not in name


def _broken(path: Path) -> ModelNotFound:
    return ModelNotFound(
        f"{path} is not a whole safetensors file", hint="it was cut short or damaged: delete it and download it again"
    )


def _hint_without_safetensors(folder: Path) -> str:
    files = [path.name for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    if any(name.endswith(PICKLE_SUFFIXES) for name in files):
        return (
            "it only has pickle weights, which can run any code when they are opened and are never loaded here; "
            "choose a model with *.safetensors, or convert it on a machine you can afford to lose"
        )
    if any(name.endswith(".gguf") for name in files):
        return "GGUF files are for llama.cpp; choose the original model, with config.json and *.safetensors"
    return "choose the folder that has config.json and *.safetensors in it"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelNotFound(
            f"there is no {path.name} in {path.parent}", hint="choose the folder that has config.json and *.safetensors"
        ) from error
    except (OSError, ValueError) as error:
        raise ModelNotFound(f"{path} cannot be read: {error}", hint="download the model again") from error
    if not isinstance(value, dict):
        raise ModelNotFound(f"{path} is not a JSON object", hint="download the model again")
    return value
