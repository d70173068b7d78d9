"""Triton kernel that leaves out the tokens which a grammar forbids. Knows bits and logits, nothing of grammars."""

import triton.language as tl

from audit8.engine.kernels.device import jit


@jit
def restrict_kernel(
    logits: tl.tensor, masks: tl.tensor, out: tl.tensor, vocab: tl.tensor, words: tl.tensor, BLOCK: tl.constexpr
) -> None:
    """BLOCK logits (program 1) of a row (program 0): -inf where the bit in `masks`, int32 [rows, words], is not set."""
    row = tl.program_id(0).to(tl.int64)
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = at < vocab
    value = tl.load(logits + row * vocab + at, mask=inside, other=0.0)
    word = tl.load(masks + row * words + at // 32, mask=inside, other=0)
    tl.store(out + row * vocab + at, tl.where((word >> (at % 32)) & 1 == 1, value, -float("inf")), mask=inside)
