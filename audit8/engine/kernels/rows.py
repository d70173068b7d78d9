"""Triton kernels that work on rows: residual sum and RMS norm, rotary embedding and cache write."""

# ruff: noqa: PLR0917 - a kernel's arguments are its interface to the launch

import triton.language as tl

from audit8.engine.kernels.device import jit, wait_for_inputs


@jit
def norm_kernel(
    residual: tl.tensor,
    delta: tl.tensor,
    weight: tl.tensor,
    out: tl.tensor,
    rows: tl.tensor,
    width: tl.tensor,
    eps: tl.tensor,
    delta_scale: tl.tensor,
    PARTS: tl.constexpr,
    BLOCK: tl.constexpr,
    OVERLAP: tl.constexpr,
) -> None:
    """One row a program: residual += delta_scale * (sum of PARTS parts of delta); out = its RMS norm in fp16."""
    wait_for_inputs(OVERLAP)
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    inside = at < width
    value = tl.load(residual + row * width + at, mask=inside, other=0.0)
    scale = tl.load(weight + at, mask=inside, other=0.0).to(tl.float32)
    if PARTS > 0:
        change = tl.zeros((BLOCK,), tl.float32)
        for part in tl.static_range(PARTS):
            change += tl.load(delta + (part * rows + row) * width + at, mask=inside, other=0.0).to(tl.float32)
        value += change * delta_scale
        tl.store(residual + row * width + at, value, mask=inside)
    spread = tl.rsqrt(tl.sum(value * value) / width + eps)
    tl.store(out + row * width + at, (value * spread * scale).to(tl.float16), mask=inside)


@jit
def _half_head(
    qkv: tl.tensor,
    bias: tl.tensor,
    at: tl.tensor,
    rows: tl.tensor,
    row: tl.tensor,
    width: tl.tensor,
    PARTS: tl.constexpr,
    BIAS: tl.constexpr,
) -> tl.tensor:
    value = tl.zeros(at.shape, tl.float32)
    for part in tl.static_range(PARTS):
        value += tl.load(qkv + (part * rows + row) * width + at).to(tl.float32)
    if BIAS:
        value += tl.load(bias + at).to(tl.float32)
    return value


@jit
def rope_kernel(
    qkv: tl.tensor,
    bias: tl.tensor,
    q_norm: tl.tensor,
    k_norm: tl.tensor,
    eps: tl.tensor,
    cos: tl.tensor,
    sin: tl.tensor,
    positions: tl.tensor,
    table: tl.tensor,
    table_stride: tl.tensor,
    keys: tl.tensor,
    values: tl.tensor,
    out: tl.tensor,
    rows: tl.tensor,
    heads: tl.tensor,
    kv_heads: tl.tensor,
    PARTS: tl.constexpr,
    BIAS: tl.constexpr,
    NORM: tl.constexpr,
    HALF: tl.constexpr,
    PAGE: tl.constexpr,
    OVERLAP: tl.constexpr,
) -> None:
    """One head (program 1) of one row (program 0): q to `out`, k and v to the row's page, all fp16."""
    wait_for_inputs(OVERLAP)
    row = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1)
    width = (heads + 2 * kv_heads) * 2 * HALF
    at = tl.arange(0, HALF)
    position = tl.load(positions + row)
    first = _half_head(qkv, bias, head * 2 * HALF + at, rows, row, width, PARTS, BIAS)
    second = _half_head(qkv, bias, head * 2 * HALF + HALF + at, rows, row, width, PARTS, BIAS)
    place = tl.maximum(position, 0)
    if head < heads + kv_heads:
        if NORM:
            spread = tl.rsqrt((tl.sum(first * first) + tl.sum(second * second)) / (2 * HALF) + eps)
            norm = q_norm if head < heads else k_norm
            first = first * spread * tl.load(norm + at).to(tl.float32)
            second = second * spread * tl.load(norm + HALF + at).to(tl.float32)
        c = tl.load(cos + place * HALF + at)
        s = tl.load(sin + place * HALF + at)
        turned = first * c - second * s
        second = second * c + first * s
        first = turned
    if head < heads:
        where = out + (row * heads + head) * 2 * HALF
        tl.store(where + at, first.to(tl.float16))
        tl.store(where + HALF + at, second.to(tl.float16))
    elif position >= 0:
        page = tl.load(table + row * table_stride + place // PAGE).to(tl.int64)
        kv_head = (head - heads) % kv_heads
        offset = ((page * kv_heads + kv_head) * PAGE + place % PAGE) * 2 * HALF
        cache = keys if head < heads + kv_heads else values
        tl.store(cache + offset + at, first.to(tl.float16))
        tl.store(cache + offset + HALF + at, second.to(tl.float16))
