"""Perplexity, KL divergence and top-1 agreement of two models over the same windows, one model at a time in memory.

The first model's distributions wait for the second in a file of float32 log-probabilities (in float16 the KL of two
close models would drown in rounding). Knows nothing of who the two are.
"""

from collections.abc import Callable, Iterator
from math import exp
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from audit8.engine.likelihood import Part
from audit8.errors import EngineFailure
from audit8.figures import Closeness

BLOCK_ROWS = 32  # in float64, with a vocabulary of 152,064: 39 MB
ITEM_BYTES = 4

Progress = Callable[[int, int], None]


class Tally:
    """Adds up, place by place, how far `other` is from `exact`."""

    def __init__(self) -> None:
        self._kl: list[Tensor] = []
        self._same: list[Tensor] = []
        self._exact: list[Tensor] = []
        self._other: list[Tensor] = []

    def add(self, exact: Tensor, other: Tensor, following: Tensor) -> None:
        """Log-probabilities [n, vocab] of either, any float dtype; `following` int64 [n], -1 where the text ends."""
        for first in range(0, len(exact), BLOCK_ROWS):
            block = slice(first, first + BLOCK_ROWS)
            ours, theirs, tokens = exact[block].double(), other[block].double(), following[block]
            self._kl.append((ours.exp() * (ours - theirs)).sum(-1))
            self._same.append(ours.argmax(-1) == theirs.argmax(-1))
            self._exact.append(chosen(ours, tokens))
            self._other.append(chosen(theirs, tokens))

    def result(self) -> Closeness:
        """Raises ValueError if less than two places with a following token were added."""
        kl, same = torch.cat(self._kl), torch.cat(self._same)
        exact, other = torch.cat(self._exact), torch.cat(self._other)
        if len(exact) < 2:
            raise ValueError("two places at least are needed")
        lost = exact - other  # nats a token, paired: the text's own ups and downs fall out
        ratio = float(lost.mean().exp())
        return Closeness(
            places=len(kl),
            perplexity=exp(-float(other.mean())),
            perplexity_change_percent=100 * (ratio - 1),
            perplexity_change_error=100 * ratio * float(lost.std()) / len(lost) ** 0.5,
            kl=float(kl.mean()),
            kl_error=float(kl.std()) / len(kl) ** 0.5,
            top1_same_percent=100 * float(same.double().mean()),
        )


def chosen(logs: Tensor, following: Tensor) -> Tensor:
    """The log-probabilities of the tokens that follow, float64 [places that have one]."""
    there = following >= 0
    return logs[there].gather(1, following[there, None])[:, 0].double()


def following_of(windows: Tensor) -> Tensor:
    """The token after each place, -1 after the last: int64, of the shape of `windows`."""
    return torch.cat([windows[:, 1:], torch.full_like(windows[:, :1], -1)], dim=1)


def keep(parts: Iterator[Part], windows: Tensor, path: Path, progress: Progress) -> float:
    """Write every distribution to `path`, [windows, tokens, vocab] float32; the perplexity of these parts.

    Raises OSError: the disk is full.
    """
    with path.open("wb") as file:
        return _read(parts, windows, progress, lambda part: _write(file, part, windows.shape[1]))


def compare(
    parts: Iterator[Part], windows: Tensor, kept: Path | None, progress: Progress
) -> tuple[float, Closeness | None]:
    """The perplexity of these parts, and how close what was `kept` is to them; None if nothing was.

    Raises EngineFailure: what was kept is not of these windows and this vocabulary.
    """
    if kept is None:
        return _read(parts, windows, progress, lambda part: None), None
    tally = Tally()
    following = following_of(windows)
    with kept.open("rb") as file:

        def add(part: Part) -> None:
            count, places, vocab = part.logs.shape
            for row in range(count):
                window = part.window + row
                other = _rows(file, (window * windows.shape[1] + part.place) * vocab, places, vocab)
                tally.add(part.logs[row], other, following[window, part.place : part.place + places])

        perplexity = _read(parts, windows, progress, add)
    return perplexity, tally.result()


def _read(parts: Iterator[Part], windows: Tensor, progress: Progress, take: Callable[[Part], None]) -> float:
    """Hand every part to `take`; the perplexity of all."""
    following = following_of(windows)
    logs: list[Tensor] = []
    done = 0
    for part in parts:
        take(part)
        count, places, vocab = part.logs.shape
        there = following[part.window : part.window + count, part.place : part.place + places]
        logs.append(chosen(part.logs.reshape(-1, vocab), there.reshape(-1)))
        done += count * places
        progress(done, windows.numel())
    return exp(-float(torch.cat(logs).mean()))


def _write(file: BinaryIO, part: Part, tokens: int) -> None:
    for row, logs in enumerate(part.logs):
        file.seek(((part.window + row) * tokens + part.place) * logs.shape[1] * ITEM_BYTES)
        file.write(logs.contiguous().numpy().tobytes())


def _rows(file: BinaryIO, start: int, places: int, vocab: int) -> Tensor:
    file.seek(start * ITEM_BYTES)
    read = bytearray(file.read(places * vocab * ITEM_BYTES))
    if len(read) != places * vocab * ITEM_BYTES:
        raise EngineFailure("what was kept of the other model is not of this text and vocabulary")
    return torch.frombuffer(read, dtype=torch.float32).view(places, vocab)
