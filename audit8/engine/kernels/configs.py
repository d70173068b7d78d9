"""Which tile sizes each generation of cards gets. Chosen by measurement or by its shared memory; never at run time.

Knows nothing of tensors. `bench/kernels.py` measures them; a test compiles every entry for every card listed here.
Two warps a program is no accident: with four, Triton takes Hopper's wgmma, which waits after each step when its left
operand is made in registers, as ours is. And one instruction for all row blocks keeps the bits the same.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gated", "split", "logits"]
"""The three linear maps: gate and up with their product; a sum left in parts; the head."""

SHARED_KIB = {75: 64, 80: 163, 86: 99, 89: 99, 90: 227, 120: 99}
"""Shared memory one program may use, by compute capability."""

ROW_BLOCKS = (16, 32, 64)
"""Rows a program takes at once: the smallest that holds all of them."""

SPLIT_UNIT = 256
"""A sum over inputs is cut at multiples of this many."""

SPLIT_TILE = 32
"""Outputs a program is taken to have when the number of splits is chosen, whatever it has."""

DECODE_PROGRAMS = 4
"""Programs a multiprocessor that the decode attention aims at; decides nothing about the bits."""


@dataclass(frozen=True, slots=True)
class LinearConfig:
    """`out` x `in_` weights a step (`in_` divides SPLIT_UNIT), `warps` a program, `stages` steps in flight.

    `prefetch` bytes of each weight row are asked for before the inputs are there (a multiple of 128; 0: none).
    """

    out: int
    in_: int
    warps: int
    stages: int
    prefetch: int = 0


@dataclass(frozen=True, slots=True)
class DenseConfig:
    """`rows` x `out` sums a program, `in_` inputs a step, `warps` a program, `stages` steps in flight."""

    rows: int
    out: int
    in_: int
    warps: int
    stages: int


@dataclass(frozen=True, slots=True)
class PrefillConfig:
    """`queries` x one page of keys a step, `warps` a program, `stages` steps in flight."""

    queries: int
    warps: int
    stages: int


GROUP_TILES = 16
"""Tiles of weights that go through all the rows of a prefill before the next ones."""

_MANY = LinearConfig(128, 64, 8, 3)
MANY: dict[int, dict[int, LinearConfig]] = {
    75: {64: LinearConfig(64, 32, 4, 2)},
    80: {128: _MANY},
    86: {128: _MANY},
    89: {128: _MANY},
    90: {128: LinearConfig(128, 64, 8, 4), 256: _MANY},
    120: {128: _MANY},
}
"""A prefill's tiles, by the rows a program takes at once. `out` and `in_` are one card's own: they decide the bits."""

# Measured on an H200 with the shapes of a 7B Qwen2.5.
_LARGE: dict[tuple[Kind, int], LinearConfig] = {
    ("gated", 16): LinearConfig(32, 128, 2, 6, 512),
    ("gated", 32): LinearConfig(64, 128, 2, 3, 512),
    ("gated", 64): LinearConfig(64, 64, 2, 3),
    ("split", 16): LinearConfig(32, 256, 2, 4, 512),
    ("split", 32): LinearConfig(64, 256, 2, 4),
    ("split", 64): LinearConfig(32, 256, 2, 2, 512),
    ("logits", 16): LinearConfig(64, 256, 2, 3),
    ("logits", 32): LinearConfig(64, 256, 2, 3),
    ("logits", 64): LinearConfig(64, 128, 2, 3),
}
# Not measured: smaller, so that two programs or more fit the shared memory of a multiprocessor.
_SMALL: dict[tuple[Kind, int], LinearConfig] = {
    (kind, rows): LinearConfig(32, 128 if rows < 64 else 64, 2, 4)
    for kind in ("gated", "split", "logits")
    for rows in ROW_BLOCKS
}
_TURING: dict[tuple[Kind, int], LinearConfig] = {
    (kind, rows): LinearConfig(32, 64, 2, 2) for kind in ("gated", "split", "logits") for rows in ROW_BLOCKS
}
LINEAR = {75: _TURING, 80: _LARGE, 86: _SMALL, 89: _SMALL, 90: _LARGE, 120: _SMALL}

SPLIT_FILL = {75: 4, 80: 4, 86: 4, 89: 4, 90: 4, 120: 4}
"""Programs of SPLIT_TILE outputs a multiprocessor that the splits aim at."""

DENSE: dict[int, dict[Kind, DenseConfig]] = {
    90: {"gated": DenseConfig(128, 256, 64, 8, 3), "split": DenseConfig(128, 256, 64, 8, 4)},
}
"""Where both operands come fastest from shared memory: for so many rows the codes are written out in fp16 first."""

DENSE_ROWS = 1024
"""Up to so many rows, writing a matrix out costs more than the faster product saves."""

DENSE_GROUP = 8
"""GROUP_TILES of the written-out matrix."""

PREFILL = {
    75: PrefillConfig(16, 4, 1),  # Triton has no tensor cores there: small, or it compiles for long
    80: PrefillConfig(128, 8, 3),
    86: PrefillConfig(64, 4, 2),
    89: PrefillConfig(64, 4, 2),
    90: PrefillConfig(128, 4, 2),
    120: PrefillConfig(64, 4, 2),
}


def known(capability: int) -> int:
    """The entry of the tables for `capability`: the newest that is not newer (86 serves 87, 90 serves 100)."""
    return max((known for known in SHARED_KIB if known <= capability), default=75)


def linear_config(capability: int, kind: Kind, rows: int) -> tuple[int, LinearConfig]:
    """The row block and the configuration for `rows` rows."""
    if rows > ROW_BLOCKS[-1]:
        tiles = MANY[known(capability)]
        block = max(tiles) if kind == "gated" and rows > min(tiles) else min(tiles)
        return block, tiles[block]
    block = next(block for block in ROW_BLOCKS if rows <= block)
    return block, LINEAR[known(capability)][kind, block]


def dense_config(capability: int, kind: Kind, rows: int) -> DenseConfig | None:
    """How to multiply `rows` rows by a matrix that is written out first; None where that does not pay."""
    return DENSE.get(known(capability), {}).get(kind) if rows > DENSE_ROWS else None


def splits(capability: int, n_out: int, n_in: int, multiprocessors: int) -> int:
    """Into how many parts the sum over the inputs is cut, for every multiprocessor to have work; rows are not asked."""
    tiles = -(-n_out // SPLIT_TILE)
    units = -(-n_in // SPLIT_UNIT)
    return max(1, min(8, units, SPLIT_FILL[known(capability)] * multiprocessors // tiles))
