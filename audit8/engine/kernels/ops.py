"""The operations of a transformer over bitsandbytes' int8 weights: the engine's forward pass is written in these.

On a CUDA device each is one Triton kernel; elsewhere it is its twin in `reference`. One call works for one new token
of each of up to MAX_ROWS sequences (decode) as well as for a chunk of tokens of one sequence (prefill): a *row* is one
token. The bits of a row's result depend on that row alone, not on the other rows nor on how many there are, among calls
of up to MAX_ROWS rows, and among calls of more.

A layer is:

    h = norm(residual, input_norm, eps, delta, scale)          # delta, scale: of the layer before; None at the first
    q = rope(linear(h, qkv), extras, rotary, pages, positions, block_table)
    a = attend_decode(q, pages, block_table, lengths, scratch)
    h = norm(residual, post_norm, eps, linear(a, o))
    delta, scale = linear(gated(h, gate_up), down), 1 / PRODUCT_SCALE

No function waits for the device, reads a length on the host or allocates anything but its result, so all can be
captured in a CUDA graph.
"""

import importlib
import importlib.util
import os
from typing import Any

import torch
from torch import Tensor

from audit8.engine.kernels import reference
from audit8.engine.kernels.types import DecodeScratch, Int8Weight, Pages, QkvExtras, Rotary


def unusable(device: torch.device) -> str:
    """Why the Triton kernels cannot run on `device`, in words for the log; "" if they can."""
    if device.type != "cuda":
        return f"the fused kernels need a CUDA device, not {device.type}"
    if importlib.util.find_spec("triton") is None:
        package = "triton-windows" if os.name == "nt" else "triton"
        return f"Triton is not installed (pip install {package})"
    if torch.cuda.get_device_capability(device) < (7, 5):
        return (
            f"the fused kernels need compute capability 7.5 or newer, as {torch.cuda.get_device_name(device)} has not"
        )
    return ""


def _kernels(tensor: Tensor) -> Any:
    """The Triton launches, or None where the reference must do: off CUDA, unless Triton interprets (the tests)."""
    if tensor.is_cuda or os.environ.get("TRITON_INTERPRET") == "1":
        return importlib.import_module("audit8.engine.kernels.launch")
    return None


def embed(tokens: Tensor, weight: Int8Weight) -> Tensor:
    """The residual stream of `tokens` (int64 or int32 [rows]): float32 [rows, hidden]. `weight` is [vocab, hidden]."""
    if fast := _kernels(tokens):
        return fast.embed(tokens, weight)  # type: ignore[no-any-return]
    return reference.embed(tokens, weight)


def norm(residual: Tensor, weight: Tensor, eps: float, delta: Tensor | None = None, delta_scale: float = 1.0) -> Tensor:
    """Add `delta` to the residual in place, then the RMS norm of each row: fp16 [rows, hidden].

    `residual` float32 [rows, hidden]; `weight` [hidden] of any float dtype; `delta` float32 or fp16
    [parts, rows, hidden] as `linear` returns it: the sum of its parts times `delta_scale` is added.
    """
    if fast := _kernels(residual):
        return fast.norm(residual, weight, eps, delta, delta_scale)  # type: ignore[no-any-return]
    return reference.norm(residual, weight, eps, delta, delta_scale).half()


def linear(x: Tensor, weight: Int8Weight) -> Tensor:
    """x @ w^T in parts whose sum is the result: float32 [parts, rows, out], one part for rows > MAX_ROWS.

    `x` fp16 [rows, in], contiguous. The parts go to `norm` or `rope`, which sum them in a fixed order.
    """
    if fast := _kernels(x):
        return fast.linear(x, weight)  # type: ignore[no-any-return]
    return reference.linear(x, weight)


def gated(x: Tensor, weight: Int8Weight) -> Tensor:
    """silu(gate) * up * PRODUCT_SCALE: fp16 [rows, ffn]. `x` fp16 [rows, in]; `weight` [2 * ffn, in], gate first."""
    if fast := _kernels(x):
        return fast.gated(x, weight)  # type: ignore[no-any-return]
    return reference.gated(x, weight).half()


def logits(x: Tensor, weight: Int8Weight) -> Tensor:
    """x @ w^T: float32 [rows, vocab], rows <= MAX_ROWS. `x` fp16 [rows, in]; `weight` [vocab, in]."""
    if fast := _kernels(x):
        return fast.logits(x, weight)  # type: ignore[no-any-return]
    return reference.linear(x, weight)[0]


def restricted(logits: Tensor, masks: Tensor) -> Tensor:
    """`logits`, float32 [rows, vocab], contiguous, with -inf for every token whose bit is not set in its row's mask.

    `masks` int32 [rows, ceil(vocab / 32)], contiguous: words of 32 tokens, the lowest bit first.
    """
    if fast := _kernels(logits):
        return fast.restricted(logits, masks)  # type: ignore[no-any-return]
    return reference.restricted(logits, masks)


def rope(
    qkv: Tensor, extras: QkvExtras, rotary: Rotary, pages: Pages, positions: Tensor, block_table: Tensor
) -> Tensor:
    """Finish q, k, v of each row: store k and v into its page, return q: fp16 [rows, heads, head_dim].

    `qkv` [parts, rows, (heads + 2 * kv_heads) * head_dim] as `linear` returns it; `positions` int32 [rows], where each
    row stands in its sequence (negative: an idle row, nothing is stored); `block_table` int32 [rows, max_pages], the
    page of each 64 positions; for a chunk of one sequence, its own table `expand`ed over the rows.
    """
    if fast := _kernels(qkv):
        return fast.rope(qkv, extras, rotary, pages, positions, block_table)  # type: ignore[no-any-return]
    return reference.rope(qkv.float(), extras, rotary, pages, positions, block_table).half()


def attend_decode(
    q: Tensor, pages: Pages, block_table: Tensor, lengths: Tensor, scratch: DecodeScratch, window: int = 0
) -> Tensor:
    """Attention of one token a row over its own pages: fp16 [rows, heads * head_dim].

    `q` fp16 [rows, heads, head_dim]; `block_table` int32 [rows, max_pages]; `lengths` int32 [rows], keys including the
    token's own (0: an idle row, whose result is zero). `window` > 0: only that many last keys are seen, own included.
    """
    if fast := _kernels(q):
        return fast.attend_decode(q, pages, block_table, lengths, scratch, window)  # type: ignore[no-any-return]
    return reference.attend_decode(q, pages, block_table, lengths, window).half()


def attend_prefill(q: Tensor, pages: Pages, block_table: Tensor, positions: Tensor, window: int = 0) -> Tensor:
    """Causal attention of a chunk of one sequence over its pages: fp16 [tokens, heads * head_dim].

    `q` fp16 [tokens, heads, head_dim], of the tokens at `positions` (int32 [tokens], one after the other); their keys
    are already stored (`rope`). `block_table` int32 [max_pages] of the sequence. A token's bits do not depend on the
    chunk's length.
    """
    if fast := _kernels(q):
        return fast.attend_prefill(q, pages, block_table, positions, window)  # type: ignore[no-any-return]
    return reference.attend_prefill(q, pages, block_table, int(positions[0]), window).half()
