"""The tensors that the kernels work on, under the names the engine uses. Knows nothing of how they are computed."""

from dataclasses import dataclass

import torch
from torch import Tensor

PAGE_TOKENS = 64
"""Tokens in one page of the key-value cache."""

SPLIT_TOKENS = 128
"""Keys that one program of the decode attention reduces; a boundary is a position, whatever else runs."""

MAX_ROWS = 64
"""Most rows of a decode step. More rows, a prefill's, go through larger tiles: with other bits than these, but the same
for any number of them."""

CHUNK_UNIT = 2 * MAX_ROWS
"""A prompt is cut at multiples of this many tokens only: every whole piece is then more than MAX_ROWS rows."""

PRODUCT_SCALE = 2.0**-4
"""silu(gate) * up is stored times this in fp16, and divided out again, exactly, where the down projection is added."""


@dataclass(frozen=True, slots=True)
class Int8Weight:
    """bitsandbytes' own storage of a matrix: w[o, i] = codes[o, i] * absmax[o] / 127.

    `codes` int8 [out, in], contiguous; `absmax` float32 [out].
    """

    codes: Tensor
    absmax: Tensor


@dataclass(frozen=True, slots=True)
class Pages:
    """One layer's key-value cache: `keys` and `values` fp16 [pages, kv_heads, PAGE_TOKENS, head_dim], contiguous."""

    keys: Tensor
    values: Tensor


@dataclass(frozen=True, slots=True)
class Rotary:
    """Tables of the rotary embedding: `cos` and `sin` float32 [max_positions, head_dim / 2], contiguous.

    The attention scaling of long-context variants, if any, is already multiplied in.
    """

    cos: Tensor
    sin: Tensor


@dataclass(frozen=True, slots=True)
class QkvExtras:
    """What a family of models does to q, k, v before the rotation; None where it does nothing.

    `bias` [heads * head_dim + 2 * kv_heads * head_dim]; `q_norm`, `k_norm` [head_dim] weights of an RMS norm over each
    head, both or neither; any float dtype. `eps` belongs to the norms.
    """

    bias: Tensor | None = None
    q_norm: Tensor | None = None
    k_norm: Tensor | None = None
    eps: float = 1e-6


class DecodeScratch:
    """Room for the decode attention's partial results, made once and shared by all layers and graphs of one stream.

    Never share it between streams: `counters` must be all zero whenever a step starts, and each step leaves it so.
    """

    def __init__(
        self, rows: int, heads: int, kv_heads: int, head_dim: int, max_pages: int, device: torch.device
    ) -> None:
        splits = -(-max_pages * PAGE_TOKENS // SPLIT_TOKENS)
        self.sums = torch.empty(rows, heads, splits, head_dim, dtype=torch.float32, device=device)
        self.stats = torch.empty(rows, heads, splits, 2, dtype=torch.float32, device=device)
        self.counters = torch.zeros(rows, kv_heads, dtype=torch.int32, device=device)
