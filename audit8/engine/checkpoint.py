"""A model folder's safetensors by tensor name, read one at a time onto a device. Knows nothing of what they are for."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from audit8.engine.lanes import Lanes, Span
from audit8.engine.tensorfile import Entry, Header, read_header

INDEX_NAME = "model.safetensors.index.json"
SINGLE_NAME = "model.safetensors"
BLOCK_BYTES = 32 * 1024**2  # on the device at a time: a 7B's widest matrix is 136 MB in 16 bit


def tensor_files(folder: Path) -> list[Path]:
    """The files that hold the folder's tensors, by name; raises OSError, ValueError, KeyError for a broken index."""
    index = folder / INDEX_NAME
    if not index.is_file():
        return [folder / SINGLE_NAME]
    shards = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    return [folder / name for name in sorted(set(shards.values()))]


class Checkpoint:
    """`progress(done, total)` is called for every tensor that is read.

    Raises OSError and BrokenFile from its making: a file is missing, cut off or not safetensors.
    """

    def __init__(self, folder: Path, lanes: Lanes, device: torch.device, progress: Callable[[int, int], None]) -> None:
        headers: list[tuple[Path, Header]] = [(path, read_header(path)) for path in tensor_files(folder)]
        self._entries: dict[str, tuple[Path, Entry]] = {
            name: (path, entry) for path, header in headers for name, entry in header.entries.items()
        }
        self._lanes = lanes
        self._device = device
        self._progress = progress
        self._read = 0

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def shape(self, name: str) -> tuple[int, ...]:
        """KeyError if the checkpoint has no tensor of that name; so do the others."""
        return self._entries[name][1].shape

    def blocks(self, name: str) -> Iterator[Tensor]:
        """A matrix as stored, as many rows at a time as BLOCK_BYTES hold, at least one."""
        path, entry = self._entries[name]
        rows = entry.shape[0]
        row_bytes = entry.size_bytes // rows
        step = max(1, BLOCK_BYTES // row_bytes)
        for start in range(0, rows, step):
            block = entry.empty(self._device, min(step, rows - start))
            self._lanes.read([Span(path, entry.offset + start * row_bytes, block)])
            yield block
        self._count()

    def floats(self, name: str) -> Tensor:
        """A whole tensor in float32: what is small and not quantised."""
        path, entry = self._entries[name]
        tensor = entry.empty(self._device)
        self._lanes.read([Span(path, entry.offset, tensor)])
        self._count()
        return tensor.float()

    def find_floats(self, name: str) -> Tensor | None:
        return self.floats(name) if name in self else None

    def _count(self) -> None:
        self._read += 1
        self._progress(self._read, len(self))
