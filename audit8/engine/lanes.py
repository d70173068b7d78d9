"""Bytes between files and tensors, on several threads at once. Knows offsets and devices, nothing of what they hold.

A tensor is cut into pieces; a thread reads a piece, sums it and copies it to the GPU while others wait for the disk.
All copies are on the default stream and waited for, so a tensor is whole when the call returns.
"""

import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import BinaryIO, Self

import torch
from torch import Tensor

PIECE_BYTES = 2 * 1024**2
MOST_LANES = 16
Progress = Callable[[int, int], None]


class BrokenFile(ValueError):
    """A file that is not what its header says, or has no readable header."""


@dataclass(frozen=True, slots=True)
class Span:
    """A contiguous tensor and where its bytes stand in `path`."""

    path: Path
    offset: int
    tensor: Tensor


@dataclass(frozen=True, slots=True)
class _Piece:
    """`part`: uint8 [at most PIECE_BYTES], a view of the tensor."""

    path: Path
    offset: int
    part: Tensor


class Lanes:
    """The threads, and for a GPU one page-locked buffer for each; leaving the `with` block ends them."""

    def __init__(self, device: torch.device) -> None:
        count = min(MOST_LANES, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="audit8-lane")
        self._staging: SimpleQueue[Tensor] | None = None
        if device.type != "cpu":
            self._staging = SimpleQueue()
            for _ in range(count):
                self._staging.put(torch.empty(PIECE_BYTES, dtype=torch.uint8, pin_memory=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def read(self, spans: Sequence[Span]) -> None:
        """Fill every tensor from its file; raises OSError, or BrokenFile where a file ends early."""
        self._run(lambda piece: self._read(piece, summed=False), spans, lambda done, total: None)

    def read_summed(self, spans: Sequence[Span], progress: Progress) -> list[int]:
        """As `read`, and the CRC-32 of every piece, in order; `progress(done_bytes, total_bytes)`."""
        return self._run(lambda piece: self._read(piece, summed=True), spans, progress)

    def write_summed(self, spans: Sequence[Span], progress: Progress) -> list[int]:
        """Write every tensor into its file, which must exist; the CRC-32 of every piece, in order; raises OSError."""
        return self._run(self._write, spans, progress)

    def _run(self, work: Callable[[_Piece], int], spans: Sequence[Span], progress: Progress) -> list[int]:
        pieces = [piece for span in spans for piece in _cut(span)]
        total = sum(piece.part.numel() for piece in pieces)
        futures = [self._pool.submit(work, piece) for piece in pieces]
        sums: list[int] = []
        done = 0
        try:
            for index, piece in enumerate(pieces):
                sums.append(futures[index].result())
                done += piece.part.numel()
                progress(done, total)
        finally:
            _stop(futures)
        return sums

    def _read(self, piece: _Piece, *, summed: bool) -> int:
        if self._staging is None:
            return _fill(piece, piece.part, summed)
        buffer = self._staging.get()
        try:
            host = buffer[: piece.part.numel()]
            crc = _fill(piece, host, summed)
            piece.part.copy_(host)
        finally:
            self._staging.put(buffer)
        return crc

    def _write(self, piece: _Piece) -> int:
        if self._staging is None:
            return _store(piece, piece.part)
        buffer = self._staging.get()
        try:
            host = buffer[: piece.part.numel()]
            host.copy_(piece.part)
            return _store(piece, host)
        finally:
            self._staging.put(buffer)


def _stop(futures: list[Future[int]]) -> None:
    """Whatever was raised: nothing touches the tensors or the file after this.

    A failed future holds its error, whose traceback holds the frame that holds the futures: that circle would keep the
    tensors until a garbage collection.
    """
    for future in futures:
        future.cancel()
    wait(futures)
    futures.clear()


def _cut(span: Span) -> Iterator[_Piece]:
    flat = span.tensor.view(-1).view(torch.uint8)
    for start in range(0, flat.numel(), PIECE_BYTES):
        yield _Piece(span.path, span.offset + start, flat[start : start + PIECE_BYTES])


def _fill(piece: _Piece, host: Tensor, summed: bool) -> int:
    view = host.numpy().data
    with piece.path.open("rb", buffering=0) as file:
        file.seek(piece.offset)
        _read_whole(file, view, piece.path)
    return zlib.crc32(view) if summed else 0


def _read_whole(file: BinaryIO, view: memoryview, path: Path) -> None:
    done = 0
    while done < len(view):
        count = file.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            raise BrokenFile(f"{path.name} ends early")
        done += count


def _store(piece: _Piece, host: Tensor) -> int:
    view = host.numpy().data
    with piece.path.open("r+b") as file:
        file.seek(piece.offset)
        file.write(view)
    return zlib.crc32(view)
