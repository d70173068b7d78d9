"""The forward pass of Llama-, Qwen- and Mistral-like models over int8 weights and a paged key-value cache.

Written in the operations of kernels.ops (or their CPU twins); knows nothing of requests, sampling or graphs.
"""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor
from torch.nn.functional import linear

from audit8.engine.kernels.types import PRODUCT_SCALE, DecodeScratch, Int8Weight, Pages, QkvExtras, Rotary
from audit8.engine.weights import DecoderWeights


class Operations(Protocol):
    """What kernels.ops and cpu_ops both offer; shapes and dtypes are in kernels.ops."""

    def embed(self, tokens: Tensor, weight: Int8Weight) -> Tensor: ...

    def norm(
        self, residual: Tensor, weight: Tensor, eps: float, delta: Tensor | None = None, delta_scale: float = 1.0
    ) -> Tensor: ...

    def linear(self, x: Tensor, weight: Int8Weight) -> Tensor: ...

    def gated(self, x: Tensor, weight: Int8Weight) -> Tensor: ...

    def logits(self, x: Tensor, weight: Int8Weight) -> Tensor: ...

    def restricted(self, logits: Tensor, masks: Tensor) -> Tensor: ...

    def rope(
        self,
        qkv: Tensor,
        extras: QkvExtras,
        rotary: Rotary,
        pages: Pages,
        positions: Tensor,
        block_table: Tensor,
    ) -> Tensor: ...

    def attend_decode(
        self,
        q: Tensor,
        pages: Pages,
        block_table: Tensor,
        lengths: Tensor,
        scratch: DecodeScratch,
        window: int = 0,
    ) -> Tensor: ...

    def attend_prefill(
        self, q: Tensor, pages: Pages, block_table: Tensor, positions: Tensor, window: int = 0
    ) -> Tensor: ...


Attend = Callable[[Tensor, Pages, int], Tensor]


class Decoder:
    """`cache` holds one `Pages` a layer."""

    def __init__(self, weights: DecoderWeights, ops: Operations, cache: list[Pages]) -> None:
        self.weights = weights
        self._ops = ops
        self._cache = cache

    def prefill(self, tokens: Tensor, positions: Tensor, table: Tensor, last: Tensor) -> Tensor:
        """Compute a chunk of one sequence, storing its keys and values; float32 [1, vocab] of its token `last`.

        `tokens` int64 [n]; `positions` int32 [n], one after the other, -1 for idle tokens at the end;
        `table` int32 [max_pages]; `last` int64 [1].
        """
        ops = self._ops

        def attend(q: Tensor, pages: Pages, window: int) -> Tensor:
            return ops.attend_prefill(q, pages, table, positions, window)

        x = self._layers(tokens, positions, table.expand(tokens.shape[0], -1), attend)
        return self._logits(x.index_select(0, last))

    def decode(
        self, tokens: Tensor, positions: Tensor, lengths: Tensor, block_table: Tensor, scratch: DecodeScratch
    ) -> Tensor:
        """One token of each row's sequence: float32 [rows, vocab]. Idle rows have position -1 and length 0.

        `tokens` int64 [rows]; `positions`, `lengths` int32 [rows]; `block_table` int32 [rows, max_pages].
        """
        ops = self._ops

        def attend(q: Tensor, pages: Pages, window: int) -> Tensor:
            return ops.attend_decode(q, pages, block_table, lengths, scratch, window)

        return self._logits(self._layers(tokens, positions, block_table, attend))

    def _logits(self, x: Tensor) -> Tensor:
        head = self.weights.head
        if isinstance(head, Tensor):  # a library's product: the only one whose bits may change with the batch
            return linear(x.to(head.dtype), head).float()
        return self._ops.logits(x, head)

    def _layers(self, tokens: Tensor, positions: Tensor, block_table: Tensor, attend: Attend) -> Tensor:
        """Normed hidden states of every row, [rows, hidden]."""
        ops, weights = self._ops, self.weights
        table = weights.embedding
        residual = table[tokens].float() if isinstance(table, Tensor) else ops.embed(tokens, table)
        delta: Tensor | None = None
        scale = 1.0
        for layer, pages in zip(weights.layers, self._cache, strict=True):
            x = ops.norm(residual, layer.input_norm, weights.eps, delta, scale)
            q = ops.rope(ops.linear(x, layer.qkv), layer.extras, weights.rotary, pages, positions, block_table)
            attended = attend(q, pages, layer.window)
            x = ops.norm(residual, layer.post_norm, weights.eps, ops.linear(attended, layer.o))
            delta, scale = ops.linear(ops.gated(x, layer.gate_up), layer.down), 1 / PRODUCT_SCALE
        return ops.norm(residual, weights.final_norm, weights.eps, delta, scale)
