"""Kernels of the int8 engine. `ops` is what the engine calls; this module only gathers its names."""

from audit8.engine.kernels.ops import (
    attend_decode,
    attend_prefill,
    embed,
    gated,
    linear,
    logits,
    norm,
    restricted,
    rope,
    unusable,
)
from audit8.engine.kernels.types import (
    MAX_ROWS,
    PAGE_TOKENS,
    PRODUCT_SCALE,
    DecodeScratch,
    Int8Weight,
    Pages,
    QkvExtras,
    Rotary,
)

__all__ = [
    "MAX_ROWS",
    "PAGE_TOKENS",
    "PRODUCT_SCALE",
    "DecodeScratch",
    "Int8Weight",
    "Pages",
    "QkvExtras",
    "Rotary",
    "attend_decode",
    "attend_prefill",
    "embed",
    "gated",
    "linear",
    "logits",
    "norm",
    "restricted",
    "rope",
    "unusable",
]
