"""Triton kernels over int8 matrices: the linear map, and the embedding.

The weight is the tensor core's left operand (y^T = W x^T), so that 1, 16 and 64 rows go through the same instruction
in the same order and a row's bits never depend on how many others there are; nor do those of more rows than that,
which all go through one other instruction.
"""

# ruff: noqa: PLR0917, PLR0915 - a kernel's arguments are its interface to the launch, and it is one piece of code

import triton.language as tl

from audit8.engine.kernels.device import jit, prefetch, settled, to_half, wait_for_inputs


@jit
def linear_kernel(
    x: tl.tensor,
    codes: tl.tensor,
    absmax: tl.tensor,
    out: tl.tensor,
    rows: tl.tensor,
    n_out: tl.tensor,
    n_in: tl.tensor,
    ROWS: tl.constexpr,
    BLOCK_OUT: tl.constexpr,
    BLOCK_IN: tl.constexpr,
    SPLITS: tl.constexpr,
    UNIT: tl.constexpr,
    GATED: tl.constexpr,
    GROUP: tl.constexpr,
    EVEN_IN: tl.constexpr,
    PREFETCH: tl.constexpr,
    HARDWARE: tl.constexpr,
    OVERLAP: tl.constexpr,
) -> None:
    """Tile (program 0) of BLOCK_OUT weight rows, split (program 1) of the inputs, block (program 2) of ROWS rows.

    GROUP > 0: program 0 counts tiles and row blocks together, GROUP tiles through all row blocks before the next, so
    that what runs at the same time finds its weights and inputs in the L2 cache.

    Splits begin at multiples of UNIT inputs, a multiple of BLOCK_IN.

    Not GATED: out float32 [SPLITS, rows, n_out], one part a split. GATED: codes is [2 * n_out, n_in], SPLITS 1, half
    of a tile's rows are gates and half are the ups that belong to them, and out fp16 [rows, n_out] is their product
    silu(gate) * up / 16.
    """
    split = tl.program_id(1)
    tile_outs: tl.constexpr = BLOCK_OUT // 2 if GATED else BLOCK_OUT
    if GROUP > 0:
        blocks = tl.cdiv(rows, ROWS)
        first_tile = tl.program_id(0) // (GROUP * blocks) * GROUP
        width = tl.minimum(tl.cdiv(n_out, tile_outs) - first_tile, GROUP)
        inside_group = tl.program_id(0) % (GROUP * blocks)
        tile = first_tile + inside_group % width
        row_block = inside_group // width
    else:
        tile = tl.program_id(0)
        row_block = tl.program_id(2)
    row = row_block * ROWS + tl.arange(0, ROWS)
    units = tl.cdiv(n_in, UNIT)
    first = units * split // SPLITS * UNIT
    last = tl.minimum(units * (split + 1) // SPLITS * UNIT, n_in)
    member = tl.arange(0, BLOCK_OUT)
    if GATED:
        half: tl.constexpr = tile_outs
        outs = tl.minimum(tile * half + member % half, n_out - 1) + member // half * n_out
    else:
        outs = tl.minimum(tile * BLOCK_OUT + member, n_out - 1)
    ins = tl.arange(0, BLOCK_IN)
    weights = codes + outs.to(tl.int64)[:, None] * n_in + first
    if PREFETCH > 0:
        prefetch(weights + tl.minimum(tl.arange(0, PREFETCH // 128) * 128, n_in - 1 - first)[None, :])
    wait_for_inputs(OVERLAP)
    inputs = x + row[None, :].to(tl.int64) * n_in + (first + ins)[:, None]
    weights += ins[None, :]
    live = row[None, :] < rows
    total = tl.zeros((BLOCK_OUT, ROWS), tl.float32)
    for start in range(first, last, BLOCK_IN):
        if EVEN_IN:
            block = tl.load(inputs, mask=live, other=0.0)
            weight = tl.load(weights)
        else:
            inside = start + ins < n_in
            block = tl.load(inputs, mask=live & inside[:, None], other=0.0)
            weight = tl.load(weights, mask=inside[None, :], other=0)
        total = tl.dot(to_half(weight, HARDWARE), block, total)
        if GROUP > 0 and HARDWARE:
            total = settled(total)
        inputs += BLOCK_IN
        weights += BLOCK_IN
    result = total * (tl.load(absmax + outs) / 127.0)[:, None]
    if GATED:
        gate, up = tl.split(tl.permute(tl.reshape(result, (2, half, ROWS)), (1, 2, 0)))
        column = tile * half + tl.arange(0, half)
        product = tl.trans((gate / (1.0 + tl.exp(-gate)) * up * 0.0625).to(tl.float16))
        where = out + row[:, None].to(tl.int64) * n_out + column[None, :]
        tl.store(where, product, mask=(row[:, None] < rows) & (column[None, :] < n_out))
    else:
        column = tile * BLOCK_OUT + member
        where = out + (split * rows + row[:, None]) * n_out.to(tl.int64) + column[None, :]
        tl.store(where, tl.trans(result), mask=(row[:, None] < rows) & (column[None, :] < n_out))


@jit
def embed_kernel(
    tokens: tl.tensor,
    codes: tl.tensor,
    absmax: tl.tensor,
    out: tl.tensor,
    n_in: tl.tensor,
    BLOCK: tl.constexpr,
    OVERLAP: tl.constexpr,
) -> None:
    """One token a program: out float32 [rows, n_in] = row `token` of the int8 table."""
    wait_for_inputs(OVERLAP)
    row = tl.program_id(0).to(tl.int64)
    token = tl.load(tokens + row).to(tl.int64)
    at = tl.arange(0, BLOCK)
    scale = tl.load(absmax + token) / 127.0
    value = tl.load(codes + token * n_in + at, mask=at < n_in, other=0).to(tl.float32) * scale
    tl.store(out + row * n_in + at, value, mask=at < n_in)
