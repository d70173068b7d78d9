"""The operations of kernels.ops on a CPU.

Matrices that cpu_products has packed are multiplied exactly, whatever the number of rows. Plain ones, where the CPU
cannot do that, go through another private operation of torch to decode, which is only fast with bf16 activations, and
through float32 products to prefill: a row's bits then depend on that row alone for up to PACKED_ROWS rows.
"""

import itertools
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import rms_norm

from audit8.engine.cpu_products import PackedWeight, product
from audit8.engine.kernels import reference
from audit8.engine.kernels.types import PAGE_TOKENS, DecodeScratch, Int8Weight, Pages, QkvExtras, Rotary

PACKED_ROWS = 16
VECTOR = 32  # torch's private product reads past the end of a row that is no multiple of its vectors: it crashes
BLOCK_ELEMENTS = 1024 * 1024
HAS_PACKED = hasattr(torch, "_weight_int8pack_mm")


@dataclass(slots=True)
class Places:
    """Where a pass's tokens stand, the same in all layers; `served`: the layers' caches that have used it.

    `live` bool [rows], None where every row is; `page` and `slot` int64 [live rows]; `cos` and `sin` float32
    [rows, 1, head_dim / 2].
    """

    positions: Tensor
    block_table: Tensor
    cos: Tensor
    sin: Tensor
    live: Tensor | None
    page: Tensor
    slot: Tensor
    served: set[int] = field(default_factory=set)


class CpuOperations:
    """One owner thread's operations: they share the room in which a matrix is written out for a prefill.

    New room for every product would cost more than the product: the system hands out zeroed pages.
    """

    def __init__(self) -> None:
        self._room = torch.empty(0)
        self._places: Places | None = None

    def embed(self, tokens: Tensor, weight: Int8Weight) -> Tensor:
        return reference.embed(tokens, weight)

    def norm(
        self, residual: Tensor, weight: Tensor, eps: float, delta: Tensor | None = None, delta_scale: float = 1.0
    ) -> Tensor:
        if delta is not None:
            residual.add_(delta[0], alpha=delta_scale)
        return rms_norm(residual, weight.shape, weight, eps)

    def linear(self, x: Tensor, weight: Int8Weight) -> Tensor:
        """float32 [1, rows, out]. The row scales are applied to the product: they commute with the sum."""
        if isinstance(weight, PackedWeight):
            return product(x, weight).unsqueeze(0)
        narrow = HAS_PACKED and x.shape[0] <= PACKED_ROWS and x.shape[1] % VECTOR == 0
        unscaled = _bf16_product(x, weight.codes) if narrow else self._dense(x, weight.codes)
        return unscaled.mul_(weight.absmax / 127).unsqueeze(0)

    def gated(self, x: Tensor, weight: Int8Weight) -> Tensor:
        return reference.silu_product(self.linear(x, weight)[0])

    def logits(self, x: Tensor, weight: Int8Weight) -> Tensor:
        return self.linear(x, weight)[0]

    def restricted(self, logits: Tensor, masks: Tensor) -> Tensor:
        return reference.restricted(logits, masks)

    def rope(
        self, qkv: Tensor, extras: QkvExtras, rotary: Rotary, pages: Pages, positions: Tensor, block_table: Tensor
    ) -> Tensor:
        kv_heads, head_dim = pages.keys.shape[1], pages.keys.shape[3]
        x = qkv[0] if extras.bias is None else qkv[0] + extras.bias
        x = x.view(x.shape[0], -1, head_dim)
        turned, v = x[:, :-kv_heads], x[:, -kv_heads:]
        if extras.q_norm is not None and extras.k_norm is not None:
            q, k = turned[:, :-kv_heads], turned[:, -kv_heads:]
            normed = (
                rms_norm(q, (head_dim,), extras.q_norm, extras.eps),
                rms_norm(k, (head_dim,), extras.k_norm, extras.eps),
            )
            turned = torch.cat(normed, dim=1)
        at = self._standing(rotary, pages, positions, block_table)
        turned = _turn(turned, at)
        k = turned[:, -kv_heads:]
        if at.live is not None:
            k, v = k[at.live], v[at.live]
        pages.keys[at.page, :, at.slot] = k.to(pages.keys.dtype)
        pages.values[at.page, :, at.slot] = v.to(pages.values.dtype)
        return turned[:, :-kv_heads]

    def _standing(self, rotary: Rotary, pages: Pages, positions: Tensor, block_table: Tensor) -> Places:
        """Computed at a pass's first layer: other tensors than the last call's, or a cache that was served by them."""
        last = self._places
        if (
            last is None
            or last.positions is not positions
            or last.block_table is not block_table
            or id(pages) in last.served
        ):
            last = self._places = _stand(rotary, positions, block_table)
        last.served.add(id(pages))
        return last

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
        idle = torch.zeros(1, q.shape[1] * q.shape[2])
        rows = [
            self._attend(q[row : row + 1], pages, block_table[row], length - 1, window) if length else idle
            for row, length in enumerate(lengths.tolist())
        ]
        return rows[0] if len(rows) == 1 else torch.cat(rows)

    def attend_prefill(
        self, q: Tensor, pages: Pages, block_table: Tensor, positions: Tensor, window: int = 0
    ) -> Tensor:
        return self._attend(q, pages, block_table, int(positions[0]), window)

    def _attend(self, q: Tensor, pages: Pages, block_table: Tensor, start: int, window: int) -> Tensor:
        tokens, heads, head_dim = q.shape
        kv_heads, length = pages.keys.shape[1], start + tokens
        first = max(0, start - window + 1) // PAGE_TOKENS if window else 0
        used = block_table[first : -(-length // PAGE_TOKENS)].tolist()
        at = first * PAGE_TOKENS  # the position of the first key
        keys, values = (_written_out(cache, used)[:, : length - at] for cache in (pages.keys, pages.values))
        # The query heads that share a key head are rows of one product: no key is repeated.
        grouped = q.reshape(tokens, kv_heads, -1, head_dim).permute(1, 2, 0, 3).reshape(kv_heads, -1, head_dim)
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
            torch.mm(x, self._as_floats(block).T, out=out[:, first : first + step])
        return out

    def _as_floats(self, codes: Tensor) -> Tensor:
        if self._room.numel() < codes.numel():
            self._room = torch.empty(codes.numel())
        return self._room[: codes.numel()].view(codes.shape).copy_(codes)


def _bf16_product(x: Tensor, codes: Tensor) -> Tensor:
    """Scales of one inside, the real ones in float32 outside: bf16 scales would cost a row up to 0.4 %."""
    ones = torch.ones(codes.shape[0], dtype=torch.bfloat16)
    result: Tensor = torch._weight_int8pack_mm(x.bfloat16(), codes, ones)
    return result.float()


def _written_out(cache: Tensor, pages: list[int]) -> Tensor:
    """float32 [kv_heads, tokens of the pages, head_dim]. Pages that stand side by side, as most do, are not copied."""
    if pages[-1] - pages[0] == len(pages) - 1 and all(b - a == 1 for a, b in itertools.pairwise(pages)):
        some = cache[pages[0] : pages[-1] + 1]
    else:
        some = cache[pages]
    return some.transpose(0, 1).to(torch.float32, memory_format=torch.contiguous_format).flatten(1, 2)


def _stand(rotary: Rotary, positions: Tensor, block_table: Tensor) -> Places:
    live = positions >= 0
    some = None if bool(live.all()) else live
    at = positions.clamp(min=0).long()
    page, slot = block_table.gather(1, (at // PAGE_TOKENS).unsqueeze(1)).squeeze(1).long(), at % PAGE_TOKENS
    if some is not None:
        page, slot = page[some], slot[some]
    return Places(positions, block_table, rotary.cos[at].unsqueeze(1), rotary.sin[at].unsqueeze(1), some, page, slot)


def _turn(x: Tensor, at: Places) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat(
        (
            torch.addcmul(first * at.cos, second, at.sin, value=-1),
            torch.addcmul(second * at.cos, first, at.sin),
        ),
        dim=-1,
    )
