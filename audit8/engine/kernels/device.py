"""What the kernels share: the typed door to Triton, programmatic dependent launch, and the int8 to fp16 conversion.

This module and the three kernel modules beside it import Triton; nothing imports them before it is known to be there.
"""

from collections.abc import Callable
from typing import Any

import triton
import triton.language as tl

jit: Callable[[Callable[..., Any]], Any] = triton.jit

# Four int8 in one register: flip the signs, put each byte under 0x64 (an fp16 of 1024 + byte), subtract 1152. Exact,
# and 1.25 instructions a byte, where the hardware's own conversion issues too slowly to keep up with the memory.
_INT8_TO_HALF = tl.constexpr("""{
    .reg .b32 flipped, base;
    xor.b32 flipped, $2, 0x80808080;
    mov.b32 base, 0x64806480;
    prmt.b32 $0, flipped, 0x64646464, 0x4140;
    prmt.b32 $1, flipped, 0x64646464, 0x4342;
    sub.f16x2 $0, $0, base;
    sub.f16x2 $1, $1, base;
}""")


@jit
def to_half(codes: tl.tensor, HARDWARE: tl.constexpr) -> tl.tensor:
    """int8 to fp16; the plain branch is for the interpreter."""
    if HARDWARE:
        return tl.inline_asm_elementwise(_INT8_TO_HALF, "=&r,=&r,r", [codes], dtype=tl.float16, is_pure=True, pack=4)
    else:  # noqa: RET505 - both branches must be in view of the compiler
        return codes.to(tl.float16)


@jit
def wait_for_inputs(OVERLAP: tl.constexpr) -> None:
    """Let the next kernel start its first steps, then wait until the one before has written everything."""
    if OVERLAP:
        tl.extra.cuda.gdc_launch_dependents()
        tl.extra.cuda.gdc_wait()


@jit
def prefetch(pointers: tl.tensor) -> None:
    """Ask the L2 cache for the 128-byte lines at `pointers`; waits for nothing."""
    tl.inline_asm_elementwise(
        "prefetch.global.L2 [$1]; mov.b32 $0, 0;",
        "=r,l",
        [pointers.to(tl.int64, bitcast=True)],
        dtype=tl.int32,
        is_pure=False,
        pack=1,
    )


@jit
def settled(sums: tl.tensor) -> tl.tensor:
    """The same float32 sums, and the next step does not begin before they are there.

    For a Hopper product whose left operand is made in registers. Triton (seen in 3.6 to 3.8) starts the next step's
    operands while the last products are still reading theirs, and the assembler gives both the same registers: see
    triton-lang/triton#9433. Such a product is now and then wrong, and two runs of the same prompt then differ.
    """
    return tl.inline_asm_elementwise("// settled", "=f,0", [sums], dtype=tl.float32, is_pure=False, pack=1)
