"""Triton kernels for many rows where shared memory feeds the product best: a matrix written out, and its product.

The codes are written out as they are, without their scales: fp16 holds them exactly, and the scales come after the sum
as in `matrices`. So a row has the bits that `linear_kernel` gives it on the same card, and which of the two runs is a
matter of speed alone (a test on the card compares them).
"""

# ruff: noqa: PLR0917 - a kernel's arguments are its interface to the launch

import triton.language as tl

from audit8.engine.kernels.device import jit, to_half


@jit
def write_out_kernel(
    codes: tl.tensor,
    out: tl.tensor,
    n_out: tl.tensor,
    n_in: tl.tensor,
    HALF: tl.constexpr,
    BLOCK: tl.constexpr,
    HARDWARE: tl.constexpr,
) -> None:
    """One row a program: int8 [rows, n_in] to fp16.

    HALF > 0: `codes` is [2 * n_out, n_in], gates before ups; a tile of `out` is HALF gates and then their ups.
    """
    row = tl.program_id(0).to(tl.int64)
    source = row
    if HALF > 0:
        member = row % (2 * HALF)
        source = tl.minimum(row // (2 * HALF) * HALF + member % HALF, n_out - 1) + member // HALF * n_out
    for start in range(0, n_in, BLOCK):
        at = start + tl.arange(0, BLOCK)
        inside = at < n_in
        tl.store(out + row * n_in + at, to_half(tl.load(codes + source * n_in + at, inside, 0), HARDWARE), inside)


@jit
def dense_kernel(
    x: tl.tensor_descriptor,
    weights: tl.tensor_descriptor,
    absmax: tl.tensor,
    out: tl.tensor,
    rows: tl.tensor,
    n_out: tl.tensor,
    n_in: tl.tensor,
    ROWS: tl.constexpr,
    BLOCK_OUT: tl.constexpr,
    BLOCK_IN: tl.constexpr,
    GATED: tl.constexpr,
    GROUP: tl.constexpr,
) -> None:
    """A tile of ROWS rows and BLOCK_OUT weight rows a program; GROUP tiles go through all the rows before the next.

    `x` fp16 [rows, n_in] in blocks of [ROWS, BLOCK_IN]; `weights` fp16 as `write_out_kernel` leaves them, in blocks of
    [BLOCK_OUT, BLOCK_IN]. Not GATED: out float32 [rows, n_out]. GATED: out fp16 [rows, n_out], silu(gate) * up / 16.
    """
    tile_outs: tl.constexpr = BLOCK_OUT // 2 if GATED else BLOCK_OUT
    blocks = tl.cdiv(rows, ROWS)
    first_tile = tl.program_id(0) // (GROUP * blocks) * GROUP
    width = tl.minimum(tl.cdiv(n_out, tile_outs) - first_tile, GROUP)
    inside_group = tl.program_id(0) % (GROUP * blocks)
    tile = first_tile + inside_group % width
    row_block = inside_group // width
    total = tl.zeros((ROWS, BLOCK_OUT), tl.float32)
    for start in range(0, n_in, BLOCK_IN):
        block = x.load([row_block * ROWS, start])
        weight = weights.load([tile * BLOCK_OUT, start])
        total = tl.dot(block, weight.T, total)
    row = row_block * ROWS + tl.arange(0, ROWS)
    member = tl.arange(0, BLOCK_OUT)
    column = tile * tile_outs + member % tile_outs
    scale = tl.load(absmax + column + member // tile_outs * n_out, mask=column < n_out, other=0.0) / 127.0
    result = total * scale[None, :]
    if GATED:
        gate, up = tl.split(tl.permute(tl.reshape(result, (ROWS, 2, tile_outs)), (0, 2, 1)))
        column = tile * tile_outs + tl.arange(0, tile_outs)
        result = gate / (1.0 + tl.exp(-gate)) * up * 0.0625
    where = out + row[:, None].to(tl.int64) * n_out + column[None, :]
    tl.store(where, result.to(out.dtype.element_ty), mask=(row[:, None] < rows) & (column[None, :] < n_out))
