"""The safetensors format, and sealed files of it: what was written is what is read, or BrokenFile.

A sealed file carries in its own header a CRC-32 of every piece of its tensors and a digest of the header. It appears by
one rename, so it is whole or not there. Any safetensors reader can open it. Knows nothing of models.
"""

import contextlib
import hashlib
import json
import math
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor

from audit8.engine.lanes import PIECE_BYTES, BrokenFile, Lanes, Progress, Span

LENGTH_BYTES = 8  # in front of the header: its length, little-endian
MOST_HEADER_BYTES = 100_000_000  # the format's own limit
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
TEMPORARY = ".part-"
SPARE_BYTES = 200 * 1024**2  # a disk filled to the last byte breaks other things


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor: `dtype` in the format's word, `offset` of its first byte from the start of the file."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    size_bytes: int

    def empty(self, device: torch.device, rows: int | None = None) -> Tensor:
        """Room for it, or for `rows` of its rows; raises BrokenFile for a dtype that this module does not know."""
        if self.dtype not in DTYPES:
            raise BrokenFile(f"a tensor of type {self.dtype} cannot be read")
        shape = self.shape if rows is None else (rows, *self.shape[1:])
        return torch.empty(shape, dtype=DTYPES[self.dtype], device=device)


@dataclass(frozen=True, slots=True)
class Header:
    entries: dict[str, Entry]
    metadata: dict[str, str]
    digest: str


def read_header(path: Path) -> Header:
    """What the file holds; raises OSError, or BrokenFile if it is cut off or not in this format."""
    with path.open("rb") as file:
        size_bytes = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if not 0 < length <= min(MOST_HEADER_BYTES, size_bytes - LENGTH_BYTES):
            raise BrokenFile(f"{path.name} has no safetensors header")
        raw = file.read(length)
    try:
        found = json.loads(raw)
        metadata = {str(name): str(value) for name, value in found.pop("__metadata__", {}).items()}
        entries = {name: _entry(fields, LENGTH_BYTES + length) for name, fields in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenFile(f"{path.name} has a damaged safetensors header ({error})") from error
    end = max((entry.offset + entry.size_bytes for entry in entries.values()), default=LENGTH_BYTES + length)
    if end != size_bytes:
        raise BrokenFile(f"{path.name} has {size_bytes} bytes and should have {end}")
    return Header(entries, metadata, hashlib.sha256(raw).hexdigest())


def _entry(fields: dict[str, Any], base: int) -> Entry:
    begin, end = (int(number) for number in fields["data_offsets"])
    dtype, shape = str(fields["dtype"]), tuple(int(size) for size in fields["shape"])
    known = DTYPES.get(dtype)
    if begin < 0 or end < begin or (known and math.prod(shape) * known.itemsize != end - begin):
        raise BrokenFile("a tensor's offsets do not fit its shape")
    return Entry(dtype, shape, base + begin, end - begin)


# ---- sealed files ----------------------------------------------------------------------------------------------


def write_sealed(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], lanes: Lanes, progress: Progress
) -> None:
    """Write `tensors` (contiguous, on any device); `path` is replaced at the end, or left as it was.

    Raises OSError: no space, no permission. Whatever is raised, nothing is left behind.
    """
    ordered = dict(sorted(tensors.items(), key=lambda item: -item[1].element_size()))  # so that each is aligned
    pieces = sum(-(-tensor.nbytes // PIECE_BYTES) for tensor in ordered.values())
    blank = _header(ordered, metadata, [0] * pieces)
    total_bytes = len(blank) + sum(tensor.nbytes for tensor in ordered.values())
    check_space(path.parent, total_bytes)
    part = path.with_name(_temporary_name(path.name))
    try:
        with part.open("xb") as file:
            file.truncate(total_bytes)
        offset, spans = len(blank), []
        for tensor in ordered.values():
            spans.append(Span(part, offset, tensor))
            offset += tensor.nbytes
        sums = lanes.write_summed(spans, progress)
        with part.open("r+b") as file:
            file.write(_header(ordered, metadata, sums))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def check_sealed(header: Header, name: str) -> None:
    """Raises BrokenFile unless `header`, of the file called `name`, is as it was written."""
    if header.metadata.get("seal") != _seal(header.entries, header.metadata):
        raise BrokenFile(f"{name} has a damaged header")


def read_sealed(
    path: Path, header: Header, device: torch.device, lanes: Lanes, progress: Progress
) -> dict[str, Tensor]:
    """Every tensor of a file whose header is in order, checked; raises OSError, BrokenFile."""
    tensors = {name: entry.empty(device) for name, entry in header.entries.items()}
    spans = [Span(path, entry.offset, tensors[name]) for name, entry in header.entries.items()]
    sums = lanes.read_summed(spans, progress)
    if _hex(sums) != header.metadata.get("crc32"):
        raise BrokenFile(f"{path.name} is damaged: its checksums differ")
    return tensors


def check_space(folder: Path, needed_bytes: int) -> None:
    """Raises OSError, with both numbers, unless `needed_bytes` more fit on the disk of `folder`."""
    free_bytes = psutil.disk_usage(str(folder)).free
    if free_bytes < needed_bytes + SPARE_BYTES:
        raise OSError(f"{needed_bytes / 2**30:.2f} GiB are needed on the disk, {free_bytes / 2**30:.2f} GiB are free")


def sweep(folder: Path) -> None:
    """Remove what processes that have ended left half written."""
    for part in folder.glob(f"{TEMPORARY}*"):
        if not _is_written(part):
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def _temporary_name(name: str) -> str:
    """Says whose it is: the process, and when that was started, as numbers are given again."""
    process = psutil.Process()
    return f"{TEMPORARY}{process.pid}-{int(process.create_time())}-{secrets.token_hex(4)}-{name}"


def _is_written(part: Path) -> bool:
    try:
        pid, created = (int(word) for word in part.name.removeprefix(TEMPORARY).split("-")[:2])
        return int(psutil.Process(pid).create_time()) == created
    except (ValueError, OverflowError, psutil.Error):
        return False


def _header(tensors: Mapping[str, Tensor], metadata: Mapping[str, str], sums: list[int]) -> bytes:
    """Length and header, of the same length for the same tensors whatever the sums."""
    fields: dict[str, Any] = {}
    entries: dict[str, Entry] = {}
    at = 0
    for name, tensor in tensors.items():
        dtype, shape = NAMES[tensor.dtype], list(tensor.shape)
        fields[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + tensor.nbytes]}
        entries[name] = Entry(dtype, tuple(shape), at, tensor.nbytes)
        at += tensor.nbytes
    told = {**metadata, "crc32": _hex(sums)}
    told["seal"] = _seal(entries, told)
    text = json.dumps({"__metadata__": told, **fields}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)
    return len(text).to_bytes(LENGTH_BYTES, "little") + text


def _seal(entries: Mapping[str, Entry], metadata: Mapping[str, str]) -> str:
    """A digest of all that the header says; offsets count from the first tensor's byte."""
    base = min((entry.offset for entry in entries.values()), default=0)
    said = [[name, entry.dtype, entry.shape, entry.offset - base] for name, entry in entries.items()]
    told = {name: value for name, value in metadata.items() if name != "seal"}
    return hashlib.sha256(json.dumps([sorted(said), told], sort_keys=True).encode()).hexdigest()


def _hex(sums: list[int]) -> str:
    return "".join(f"{crc:08x}" for crc in sums)


def _sync_folder(folder: Path) -> None:
    """So that the rename outlives a power cut; Windows cannot open a folder and needs no such thing."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
