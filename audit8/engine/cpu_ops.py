"""The operations of kernels.ops on a CPU: torch's packed int8 product to decode, float32 products to prefill.

A row's bits depend on that row alone for up to PACKED_ROWS rows. The packed product is a private operation of torch
and is only fast with bf16 activations; where it is missing, the plain one is used.
"""

import torch
from torch import Tensor
from torch.nn.functional import linear as dense_linear

from audit8.engine.kernels import reference
from audit8.engine.kernels.reference import embed, rope
from audit8.engine.kernels.types import DecodeScratch, Int8Weight, Pages

PACKED_ROWS = 16
HAS_PACKED = hasattr(torch, "_weight_int8pack_mm")

__all__ = ["attend_decode", "attend_prefill", "embed", "gated", "linear", "logits", "norm", "rope"]


def norm(residual: Tensor, weight: Tensor, eps: float, delta: Tensor | None = None, delta_scale: float = 1.0) -> Tensor:
    return reference.norm(residual, weight, eps, delta, delta_scale)


def linear(x: Tensor, weight: Int8Weight) -> Tensor:
    """float32 [1, rows, out]."""
    if HAS_PACKED and x.shape[0] <= PACKED_ROWS:
        return _packed(x, weight).unsqueeze(0)
    return dense_linear(x, reference.dense(weight)).unsqueeze(0)


def gated(x: Tensor, weight: Int8Weight) -> Tensor:
    return reference.silu_product(linear(x, weight)[0])


def logits(x: Tensor, weight: Int8Weight) -> Tensor:
    return linear(x, weight)[0]


def attend_decode(
    q: Tensor, pages: Pages, block_table: Tensor, lengths: Tensor, scratch: DecodeScratch, window: int = 0
) -> Tensor:
    del scratch  # the reduction is not split here
    out = torch.zeros(q.shape[0], q.shape[1] * q.shape[2])
    for row, length in enumerate(lengths.tolist()):
        if length:
            out[row] = attend_prefill(q[row : row + 1], pages, block_table[row], length - 1, window)[0]
    return out


def attend_prefill(q: Tensor, pages: Pages, block_table: Tensor, start: int, window: int = 0) -> Tensor:
    return reference.attend_prefill(q, pages, block_table, start, window)


def _packed(x: Tensor, weight: Int8Weight) -> Tensor:
    """Scales of one inside, the real ones in float32 outside: bf16 scales would cost a row up to 0.4 %."""
    ones = torch.ones(weight.codes.shape[0], dtype=torch.bfloat16)
    product: Tensor = torch._weight_int8pack_mm(x.bfloat16(), weight.codes, ones)
    return product.float() * (weight.absmax / 127)
