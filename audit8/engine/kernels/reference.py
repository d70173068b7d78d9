"""Every operation of this folder in plain torch: the oracle of the tests, and what runs where Triton does not.

`dtype` is what the sums are made in; float64 gives the reference that the kernels are compared with.
Shapes and meanings are those of the functions of the same name in `ops`.
"""

import torch
from torch import Tensor

from audit8.engine.kernels.types import PAGE_TOKENS, PRODUCT_SCALE, Int8Weight, Pages, QkvExtras, Rotary

FP32 = torch.float32


def dense(weight: Int8Weight, dtype: torch.dtype = FP32) -> Tensor:
    """The matrix itself, [out, in]."""
    return weight.codes.to(dtype) * (weight.absmax.to(dtype) / 127).unsqueeze(1)


def embed(tokens: Tensor, weight: Int8Weight, dtype: torch.dtype = FP32) -> Tensor:
    return weight.codes[tokens].to(dtype) * (weight.absmax[tokens].to(dtype) / 127).unsqueeze(1)


def norm(residual: Tensor, weight: Tensor, eps: float, delta: Tensor | None, delta_scale: float) -> Tensor:
    """Computes in the residual's dtype, which it updates in place; returns that dtype."""
    if delta is not None:
        residual += delta.to(residual.dtype).sum(0) * delta_scale
    return _rms(residual, weight, eps)


def _rms(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight.to(x.dtype)


def linear(x: Tensor, weight: Int8Weight, dtype: torch.dtype = FP32) -> Tensor:
    return (x.to(dtype) @ weight.codes.to(dtype).T * (weight.absmax.to(dtype) / 127)).unsqueeze(0)


def silu_product(gate_up: Tensor) -> Tensor:
    gate, up = gate_up.chunk(2, dim=-1)
    return torch.nn.functional.silu(gate) * up * PRODUCT_SCALE


def gated(x: Tensor, weight: Int8Weight, dtype: torch.dtype = FP32) -> Tensor:
    return silu_product(linear(x, weight, dtype)[0])


def restricted(logits: Tensor, masks: Tensor) -> Tensor:
    bits = torch.arange(32, dtype=torch.int32, device=masks.device)
    allowed = (masks.unsqueeze(-1) >> bits & 1).bool().flatten(1)
    return logits.masked_fill(~allowed[:, : logits.shape[1]], -torch.inf)


def rope(
    qkv: Tensor, extras: QkvExtras, rotary: Rotary, pages: Pages, positions: Tensor, block_table: Tensor
) -> Tensor:
    """Computes in qkv's dtype; `pages` may be of any float dtype."""
    kv_heads, head_dim = pages.keys.shape[1], pages.keys.shape[3]
    x = qkv.sum(0)
    if extras.bias is not None:
        x = x + extras.bias.to(x.dtype)
    x = x.view(x.shape[0], -1, head_dim)
    q, k, v = torch.split(x, [x.shape[1] - 2 * kv_heads, kv_heads, kv_heads], dim=1)
    if extras.q_norm is not None and extras.k_norm is not None:
        q, k = _rms(q, extras.q_norm, extras.eps), _rms(k, extras.k_norm, extras.eps)
    at = positions.clamp(min=0).long()
    cos, sin = (table[at].to(x.dtype).unsqueeze(1) for table in (rotary.cos, rotary.sin))
    live = positions >= 0
    page, slot = block_table.gather(1, (at // PAGE_TOKENS).unsqueeze(1)).squeeze(1).long(), at % PAGE_TOKENS
    pages.keys[page[live], :, slot[live]] = _rotate(k, cos, sin)[live].to(pages.keys.dtype)
    pages.values[page[live], :, slot[live]] = v[live].to(pages.values.dtype)
    return _rotate(q, cos, sin)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def attend_decode(
    q: Tensor, pages: Pages, block_table: Tensor, lengths: Tensor, window: int = 0, dtype: torch.dtype = FP32
) -> Tensor:
    out = torch.zeros(q.shape[0], q.shape[1] * q.shape[2], dtype=dtype, device=q.device)
    for row, length in enumerate(lengths.tolist()):
        if length:
            out[row] = attend_prefill(q[row : row + 1], pages, block_table[row], length - 1, window, dtype)[0]
    return out


def attend_prefill(
    q: Tensor, pages: Pages, block_table: Tensor, start: int, window: int = 0, dtype: torch.dtype = FP32
) -> Tensor:
    tokens, heads, head_dim = q.shape
    length = start + tokens
    used = block_table[: -(-length // PAGE_TOKENS)].long()
    group = heads // pages.keys.shape[1]
    keys, values = (
        cache[used].transpose(0, 1).flatten(1, 2)[:, :length].to(dtype).repeat_interleave(group, dim=0)
        for cache in (pages.keys, pages.values)
    )
    scores = q.to(dtype).transpose(0, 1) @ keys.transpose(1, 2) * head_dim**-0.5
    behind = torch.arange(start, length, device=q.device).unsqueeze(1) - torch.arange(length, device=q.device)
    hidden = (behind < 0) | ((behind >= window) if window else torch.zeros_like(behind, dtype=torch.bool))
    out: Tensor = scores.masked_fill(hidden, -torch.inf).softmax(-1) @ values
    return out.transpose(0, 1).flatten(1)
