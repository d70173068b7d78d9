"""The operations of kernels.ops on a CPU: torch's packed int8 product to decode, float32 products to prefill.

A row's bits depend on that row alone for up to PACKED_ROWS rows. The packed product is a private operation of torch
and is only fast with bf16 activations; where it is missing, the plain one is used.
"""

import torch
from torch import Tensor

from audit8.engine.kernels import reference
from audit8.engine.kernels.types import PAGE_TOKENS, DecodeScratch, Int8Weight, Pages, QkvExtras, Rotary

PACKED_ROWS = 16
BLOCK_ELEMENTS = 1024 * 1024
HAS_PACKED = hasattr(torch, "_weight_int8pack_mm")


class CpuOperations:
    """One owner thread's operations: they share the room in which a matrix is written out for a prefill.

    New room for every product would cost more than the product: the system hands out zeroed pages.
    """

    def __init__(self) -> None:
        self._room = torch.empty(0)

    def embed(self, tokens: Tensor, weight: Int8Weight) -> Tensor:
        return reference.embed(tokens, weight)

    def norm(
        self, residual: Tensor, weight: Tensor, eps: float, delta: Tensor | None = None, delta_scale: float = 1.0
    ) -> Tensor:
        return reference.norm(residual, weight, eps, delta, delta_scale)

    def linear(self, x: Tensor, weight: Int8Weight) -> Tensor:
        """float32 [1, rows, out]. The row scales are applied to the product: they commute with the sum."""
        packed = HAS_PACKED and x.shape[0] <= PACKED_ROWS
        product = _packed(x, weight.codes) if packed else self._dense(x, weight.codes)
        return product.mul_(weight.absmax / 127).unsqueeze(0)

    def gated(self, x: Tensor, weight: Int8Weight) -> Tensor:
        return reference.silu_product(self.linear(x, weight)[0])

    def logits(self, x: Tensor, weight: Int8Weight) -> Tensor:
        return self.linear(x, weight)[0]

    def rope(
        self, qkv: Tensor, extras: QkvExtras, rotary: Rotary, pages: Pages, positions: Tensor, block_table: Tensor
    ) -> Tensor:
        return reference.rope(qkv, extras, rotary, pages, positions, block_table)

    def attend_decode(
        self,
        q: Tensor,
        pages: Pages,
        block_table: Tensor,
        lengths: Tensor,
        scratch: DecodeScratch,
        window: int = 0,
    ) -> Tensor:
        del scratch  # the reduction is not split here
        out = torch.zeros(q.shape[0], q.shape[1] * q.shape[2])
        for row, length in enumerate(lengths.tolist()):
            if length:
                out[row] = self._attend(q[row : row + 1], pages, block_table[row], length - 1, window)[0]
        return out

    def attend_prefill(
        self, q: Tensor, pages: Pages, block_table: Tensor, positions: Tensor, window: int = 0
    ) -> Tensor:
        return self._attend(q, pages, block_table, int(positions[0]), window)

    def _attend(self, q: Tensor, pages: Pages, block_table: Tensor, start: int, window: int) -> Tensor:
        tokens, heads, head_dim = q.shape
        kv_heads, length = pages.keys.shape[1], start + tokens
        first = max(0, start - window + 1) // PAGE_TOKENS if window else 0
        used = block_table[first : -(-length // PAGE_TOKENS)]
        at = first * PAGE_TOKENS  # the position of the first key
        keys, values = (
            cache[used].transpose(0, 1).reshape(kv_heads, -1, head_dim)[:, : length - at].float()
            for cache in (pages.keys, pages.values)
        )
        # The query heads that share a key head are rows of one product: no key is repeated.
        grouped = q.view(tokens, kv_heads, -1, head_dim).permute(1, 2, 0, 3).reshape(kv_heads, -1, head_dim)
        scores = torch.bmm(grouped, keys.transpose(1, 2)).mul_(head_dim**-0.5).view(heads, tokens, -1)
        if tokens > 1 or window:
            behind = torch.arange(start, length).unsqueeze(1) - torch.arange(at, length)
            hidden = (behind < 0) | (behind >= window) if window else behind < 0
            scores.masked_fill_(hidden, -torch.inf)
        weights = scores.softmax(-1).view(kv_heads, -1, length - at)
        attended = torch.bmm(weights, values).view(heads, tokens, head_dim)
        return attended.transpose(0, 1).reshape(tokens, -1)

    def _dense(self, x: Tensor, codes: Tensor) -> Tensor:
        """x @ codes^T in float32. A tall matrix is written out in blocks that stay in the cache, a wide one whole."""
        n_out, n_in = codes.shape
        step = -(-BLOCK_ELEMENTS // n_in) if n_out > 2 * n_in else n_out
        out = torch.empty(x.shape[0], n_out)
        for first in range(0, n_out, step):
            block = codes[first : first + step]
            torch.mm(x, self._written_out(block).T, out=out[:, first : first + step])
        return out

    def _written_out(self, codes: Tensor) -> Tensor:
        if self._room.numel() < codes.numel():
            self._room = torch.empty(codes.numel())
        return self._room[: codes.numel()].view(codes.shape).copy_(codes)


def _packed(x: Tensor, codes: Tensor) -> Tensor:
    """Scales of one inside, the real ones in float32 outside: bf16 scales would cost a row up to 0.4 %."""
    ones = torch.ones(codes.shape[0], dtype=torch.bfloat16)
    product: Tensor = torch._weight_int8pack_mm(x.bfloat16(), codes, ones)
    return product.float()
