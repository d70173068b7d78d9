"""Products with int8 weights on a CPU that multiplies bytes (VNNI), by oneDNN's packed matrices.

An activation row becomes 16-bit integers, two bytes each, and both bytes meet the weights in one pass over them. The
sums are integers and exact, so a row's bits cannot depend on other rows. Knows nothing of the model.

The operations are torch's own, made for its quantiser and not documented: `usable` tries them before anything relies
on them.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from audit8.engine.kernels.types import Int8Weight

LARGEST = 127 * 256 + 127  # of the 16-bit integers: both bytes are then within -128..127
MIDDLE = 128 * 256 + 128  # what turns it, and so both of its bytes, into unsigned ones; oneDNN takes it off again
ROUND = 0.5
SHIFTS = torch.tensor([[8], [0]], dtype=torch.int32)
WIDEST = 2**16  # 255 * 127 * WIDEST is still below 2**31
TRIAL = 1024  # rows and columns of the trial matrix
SLOWEST = 8  # times the float32 product: oneDNN's plain C++ paths are hundreds of times slower


@dataclass(frozen=True, slots=True)
class PackedWeight(Int8Weight):
    """A matrix in oneDNN's layout. `codes` is int8 [0, in]: they are given up, so that no weight is held twice.

    Only a head that is the embedding too keeps them: rows are looked up in them (see packing).

    `packed` is opaque; `scales` float32 [out] = absmax / 127; `zeros` int32 [out].
    """

    packed: Tensor
    scales: Tensor
    zeros: Tensor


def pack(weight: Int8Weight) -> Int8Weight:
    """The same matrix, ready for `product`, where this CPU can; else as it is."""
    return _packed(weight) if usable() and weight.codes.shape[1] <= WIDEST else weight


def product(x: Tensor, weight: PackedWeight) -> Tensor:
    """x @ w^T: float32 [rows, in] to float32 [rows, out]; each row of `x` is rounded to a 32639th of its largest."""
    rows, n_in = x.shape
    unit = (x.abs().amax(-1, keepdim=True) * (1 / LARGEST)).clamp_(min=torch.finfo(torch.float32).tiny)
    whole = (x / unit).add_(MIDDLE + ROUND).int()
    halves = (whole.unsqueeze(1) >> SHIFTS).to(torch.uint8)  # keeps the lowest eight bits
    high, low = _multiply(halves.view(2 * rows, n_in), weight).view(rows, 2, -1).unbind(1)
    return torch.add(low, high, alpha=256).mul_(unit)


@cache
def usable() -> bool:
    """Whether the packed product exists here, is exact where bytes are largest, and is not one of the slow paths."""
    try:
        return _is_exact() and _is_fast()
    except (AttributeError, NotImplementedError, RuntimeError):  # no such operation, or none for this CPU
        return False


def _is_exact() -> bool:
    """Without VNNI pairs of products are added in 16 bit and saturate: this matrix shows it."""
    codes = torch.full((32, 256), 127, dtype=torch.int8)
    codes[1::2] = -127
    weight = _packed(Int8Weight(codes, torch.full((32,), 127.0)))
    bytes_ = torch.tensor([255, 0, 128], dtype=torch.uint8).unsqueeze(1).expand(3, 256).contiguous()
    exact = (bytes_.long() - 128) @ codes.long().T
    return torch.equal(_multiply(bytes_, weight), exact.float())


def _is_fast() -> bool:
    """By this thread's own time on one core: waiting for others, on a busy machine, must not change a model's bits."""
    codes = torch.ones(TRIAL, TRIAL, dtype=torch.int8)
    bytes_, x, plain = torch.ones(2, TRIAL, dtype=torch.uint8), torch.ones(2, TRIAL), codes.float()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        weight = _packed(Int8Weight(codes, torch.ones(TRIAL)))
        return _least_s(lambda: _multiply(bytes_, weight)) < SLOWEST * _least_s(lambda: x @ plain.T)
    finally:
        torch.set_num_threads(threads)


def _least_s(work: Callable[[], Tensor]) -> float:
    times = []
    for _ in range(4):  # the first one compiles
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return min(times)


def _packed(weight: Int8Weight) -> PackedWeight:
    n_out, n_in = weight.codes.shape
    return PackedWeight(
        codes=torch.empty(0, n_in, dtype=torch.int8),
        absmax=weight.absmax,
        packed=torch.ops.onednn.qlinear_prepack(weight.codes, None),
        scales=weight.absmax / 127,
        zeros=torch.zeros(n_out, dtype=torch.int32),
    )


def _multiply(bytes_: Tensor, weight: PackedWeight) -> Tensor:
    """(bytes - 128) @ codes^T * scales, float32; the sums are int32."""
    result: Tensor = torch.ops.onednn.qlinear_pointwise(
        bytes_, 1.0, 128, weight.packed, weight.scales, weight.zeros, None, 1.0, 0, torch.float32, "none", [], ""
    )
    return result
