"""A model folder's safetensors by tensor name, read one at a time. Knows nothing of what they are for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

INDEX_NAME = "model.safetensors.index.json"
SINGLE_NAME = "model.safetensors"


class Checkpoint:
    """`progress(done, total)` is called for every tensor that is read."""

    def __init__(self, folder: Path, progress: Callable[[int, int], None]) -> None:
        index = folder / INDEX_NAME
        if index.is_file():
            shards = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
            files = {name: safe_open(folder / name, framework="pt") for name in sorted(set(shards.values()))}
            self._files: dict[str, Any] = {tensor: files[name] for tensor, name in shards.items()}
        else:
            file = safe_open(folder / SINGLE_NAME, framework="pt")
            self._files = dict.fromkeys(list(file.keys()), file)  # type: ignore[no-untyped-call]
        self._progress = progress
        self._read = 0

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def __len__(self) -> int:
        return len(self._files)

    def get(self, name: str) -> Tensor:
        """The tensor as stored, on the CPU; KeyError if the checkpoint has none of that name."""
        tensor: Tensor = self._files[name].get_tensor(name)
        self._read += 1
        self._progress(self._read, len(self))
        return tensor

    def find(self, name: str) -> Tensor | None:
        return self.get(name) if name in self else None

    def floats(self, name: str, device: torch.device) -> Tensor:
        """In float32 on `device`: what is small and not quantised."""
        return self.get(name).to(device, torch.float32)
