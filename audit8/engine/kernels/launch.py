"""The operations of `ops` as Triton launches. Imports Triton; import it only where `ops.unusable` says nothing.

Every launch takes its configuration from `configs`; none reads a value back from the device.
"""

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor
from triton.tools.tensor_descriptor import TensorDescriptor

from audit8.engine.kernels import attention, configs, dense, masks, matrices, rows
from audit8.engine.kernels.types import (
    MAX_ROWS,
    PAGE_TOKENS,
    SPLIT_TOKENS,
    DecodeScratch,
    Int8Weight,
    Pages,
    QkvExtras,
    Rotary,
)


@cache
def _card(device: torch.device) -> tuple[int, int, bool]:
    """Compute capability, multiprocessors, and whether this is a card at all (else: Triton's interpreter)."""
    if device.type != "cuda":
        return 80, 4, False
    card = torch.cuda.get_device_properties(device)
    return card.major * 10 + card.minor, card.multi_processor_count, True


DESCRIBED = 8
"""A row of fp16 that a block load may begin in is a multiple of so many values, 16 bytes, long."""

_FUSED = {"enable_fp_fusion": True}
"""Multiply and add in one step: Triton's default is about to change, and the bits with it."""


def _overlap(device: torch.device) -> dict[str, Any]:
    """Arguments of programmatic dependent launch: the next kernel's start overlaps this one's end (sm_90 and up)."""
    capability, _, real = _card(device)
    return _FUSED | ({"OVERLAP": True, "launch_pdl": True} if real and capability >= 90 else {"OVERLAP": False})


def _block(n: int) -> int:
    return 1 << max(n - 1, 0).bit_length()


def embed(tokens: Tensor, weight: Int8Weight) -> Tensor:
    n_in = weight.codes.shape[1]
    out = torch.empty(len(tokens), n_in, dtype=torch.float32, device=tokens.device)
    matrices.embed_kernel[(len(tokens),)](
        tokens, weight.codes, weight.absmax, out, n_in, BLOCK=_block(n_in), num_warps=8, **_overlap(tokens.device)
    )
    return out


def norm(residual: Tensor, weight: Tensor, eps: float, delta: Tensor | None, delta_scale: float) -> Tensor:
    count, width = residual.shape
    out = torch.empty(count, width, dtype=torch.float16, device=residual.device)
    rows.norm_kernel[(count,)](
        residual,
        residual if delta is None else delta,
        weight,
        out,
        count,
        width,
        eps,
        delta_scale,
        PARTS=0 if delta is None else delta.shape[0],
        BLOCK=_block(width),
        num_warps=8 if width > 2048 else 4,
        **_overlap(residual.device),
    )
    return out


def _multiply(x: Tensor, weight: Int8Weight, kind: configs.Kind) -> Tensor:
    count, n_in = x.shape
    n_out = weight.codes.shape[0] // (2 if kind == "gated" else 1)
    capability, multiprocessors, real = _card(x.device)
    written_out = configs.dense_config(capability, kind, count)
    if written_out is not None and n_in % DESCRIBED == 0:
        return _multiply_written_out(x, weight, n_out, written_out)
    many = count > MAX_ROWS
    block, config = configs.linear_config(capability, kind, count)
    parts = configs.splits(capability, n_out, n_in, multiprocessors) if kind == "split" and not many else 1
    shape, dtype = ((count, n_out), torch.float16) if kind == "gated" else ((parts, count, n_out), torch.float32)
    out = torch.empty(shape, dtype=dtype, device=x.device)
    tile = config.out // 2 if kind == "gated" else config.out
    tiles, blocks = -(-n_out // tile), -(-count // block)
    grid = (tiles * blocks, parts, 1) if many else (tiles, parts, blocks)
    matrices.linear_kernel[grid](
        x,
        weight.codes,
        weight.absmax,
        out,
        count,
        n_out,
        n_in,
        ROWS=block,
        BLOCK_OUT=config.out,
        BLOCK_IN=config.in_,
        SPLITS=parts,
        UNIT=configs.SPLIT_UNIT,
        GATED=kind == "gated",
        GROUP=configs.GROUP_TILES if many else 0,
        EVEN_IN=n_in % config.in_ == 0,
        PREFETCH=config.prefetch if real else 0,
        HARDWARE=real,
        num_warps=config.warps,
        num_stages=config.stages,
        **_overlap(x.device),
    )
    return out


def _multiply_written_out(x: Tensor, weight: Int8Weight, n_out: int, config: configs.DenseConfig) -> Tensor:
    """The same as `_multiply`, for many rows: fp16 [rows, n_out] of gates and ups, else float32 [1, rows, n_out]."""
    count, n_in = x.shape
    gated = weight.codes.shape[0] != n_out
    tile = config.out // 2 if gated else config.out
    tiles, blocks = -(-n_out // tile), -(-count // config.rows)
    room = torch.empty(tiles * config.out if gated else n_out, n_in, dtype=torch.float16, device=x.device)
    dense.write_out_kernel[(room.shape[0],)](
        weight.codes,
        room,
        n_out,
        n_in,
        HALF=tile if gated else 0,
        BLOCK=min(4096, _block(n_in)),
        HARDWARE=_card(x.device)[2],
        num_warps=4,
        **_FUSED,
    )
    out = torch.empty(count, n_out, dtype=torch.float16 if gated else torch.float32, device=x.device)
    dense.dense_kernel[(tiles * blocks,)](
        _described(x, config.rows, config.in_),
        _described(room, config.out, config.in_),
        weight.absmax,
        out,
        count,
        n_out,
        n_in,
        ROWS=config.rows,
        BLOCK_OUT=config.out,
        BLOCK_IN=config.in_,
        GATED=gated,
        GROUP=configs.DENSE_GROUP,
        num_warps=config.warps,
        num_stages=config.stages,
        **_FUSED,
    )
    return out if gated else out.unsqueeze(0)


def _described(matrix: Tensor, rows: int, columns: int) -> TensorDescriptor:
    """`matrix` for loads of whole blocks; what lies outside of it reads as zero."""
    return TensorDescriptor(matrix, list(matrix.shape), list(matrix.stride()), [rows, columns])


def linear(x: Tensor, weight: Int8Weight) -> Tensor:
    return _multiply(x, weight, "split")


def gated(x: Tensor, weight: Int8Weight) -> Tensor:
    return _multiply(x, weight, "gated")


def logits(x: Tensor, weight: Int8Weight) -> Tensor:
    return _multiply(x, weight, "logits")[0]


MASK_BLOCK = 1024


def restricted(logits: Tensor, bits: Tensor) -> Tensor:
    count, vocab = logits.shape
    out = torch.empty(count, vocab, dtype=torch.float32, device=logits.device)
    masks.restrict_kernel[(count, -(-vocab // MASK_BLOCK))](
        logits, bits, out, vocab, bits.shape[1], BLOCK=MASK_BLOCK, num_warps=4, **_FUSED
    )
    return out


def rope(
    qkv: Tensor, extras: QkvExtras, rotary: Rotary, pages: Pages, positions: Tensor, block_table: Tensor
) -> Tensor:
    parts, count, width = qkv.shape
    _, kv_heads, _, head_dim = pages.keys.shape
    heads = width // head_dim - 2 * kv_heads
    out = torch.empty(count, heads, head_dim, dtype=torch.float16, device=qkv.device)
    normed = extras.q_norm is not None and extras.k_norm is not None
    rows.rope_kernel[(count, heads + 2 * kv_heads)](
        qkv,
        qkv if extras.bias is None else extras.bias,
        extras.q_norm if normed else qkv,
        extras.k_norm if normed else qkv,
        extras.eps,
        rotary.cos,
        rotary.sin,
        positions,
        block_table,
        block_table.stride(0),
        pages.keys,
        pages.values,
        out,
        count,
        heads,
        kv_heads,
        PARTS=parts,
        BIAS=extras.bias is not None,
        NORM=normed,
        HALF=head_dim // 2,
        PAGE=PAGE_TOKENS,
        num_warps=1,
        **_overlap(qkv.device),
    )
    return out


def attend_decode(
    q: Tensor, pages: Pages, block_table: Tensor, lengths: Tensor, scratch: DecodeScratch, window: int
) -> Tensor:
    count, heads, head_dim = q.shape
    kv_heads = pages.keys.shape[1]
    max_splits = scratch.sums.shape[2]
    out = torch.empty(count, heads * head_dim, dtype=torch.float16, device=q.device)
    workers = max(1, min(max_splits, configs.DECODE_PROGRAMS * _card(q.device)[1] // (count * kv_heads)))
    attention.decode_kernel[(count, kv_heads, workers)](
        q,
        pages.keys,
        pages.values,
        block_table,
        block_table.stride(0),
        lengths,
        scratch.sums,
        scratch.stats,
        scratch.counters,
        out,
        heads,
        kv_heads,
        max_splits,
        math.log2(math.e) / math.sqrt(head_dim),
        window,
        GROUP=heads // kv_heads,
        GROUP_BLOCK=max(16, _block(heads // kv_heads)),
        HEAD=head_dim,
        PAGE=PAGE_TOKENS,
        SPLIT=SPLIT_TOKENS,
        STAGES=2,
        num_warps=4,
        **_overlap(q.device),
    )
    return out


def attend_prefill(q: Tensor, pages: Pages, block_table: Tensor, positions: Tensor, window: int) -> Tensor:
    tokens, heads, head_dim = q.shape
    kv_heads = pages.keys.shape[1]
    config = configs.PREFILL[configs.known(_card(q.device)[0])]
    out = torch.empty(tokens, heads * head_dim, dtype=torch.float16, device=q.device)
    tiles = -(-(tokens + config.queries - 1) // config.queries)  # the chunk may start inside a tile
    page = [PAGE_TOKENS, head_dim]
    attention.prefill_kernel[(heads, tiles)](
        q,
        _described(pages.keys.view(-1, head_dim), *page),
        _described(pages.values.view(-1, head_dim), *page),
        block_table,
        out,
        tokens,
        positions,
        heads,
        kv_heads,
        math.log2(math.e) / math.sqrt(head_dim),
        window,
        GROUP=heads // kv_heads,
        HEAD=head_dim,
        PAGE=PAGE_TOKENS,
        BLOCK_Q=config.queries,
        STAGES=config.stages,
        num_warps=config.warps,
        **_FUSED,
    )
    return out
