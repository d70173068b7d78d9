"""Tries what the engine stands on: `python -m audit8.engine.selftest STEP` prints a line of JSON.

A process of its own, because a broken driver or library may end the process that touches it: that is then the result.
Nothing is caught here for the same reason. Knows nothing of models.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

MOST_ERROR = 0.05  # relative; int8 has about 0.01, and a broken kernel makes noise
SIZE = 256

Facts = dict[str, str | int | float | bool | None]


class WrongResult(Exception):
    """The product that came back is not the product."""


def torch_facts() -> Facts:
    """torch's build, and the device and memory that it sees."""
    import torch  # noqa: PLC0415 - whether it can be imported is what is asked

    from audit8.engine.device import probe  # noqa: PLC0415

    state = probe()
    capability = "{}.{}".format(*torch.cuda.get_device_capability(0)) if state.gpu_total_bytes else ""
    return {"version": torch.__version__, "cuda": torch.version.cuda, "capability": capability, **asdict(state)}


def bitsandbytes_facts() -> Facts:
    """A matrix in LLM.int8 and its product, on the GPU if there is one."""
    import bitsandbytes  # noqa: PLC0415
    import torch  # noqa: PLC0415

    device = "cuda" if torch.cuda.is_available() else "cpu"
    matrix, rows = _random(SIZE, SIZE), _random(8, SIZE)
    layer = bitsandbytes.nn.Linear8bitLt(SIZE, SIZE, bias=False, has_fp16_weights=False, threshold=6.0)
    layer.weight = bitsandbytes.nn.Int8Params(matrix.half(), requires_grad=False, has_fp16_weights=False)
    with torch.inference_mode():
        product = layer.to(device)(rows.half().to(device))
    return {"version": bitsandbytes.__version__, "device": device, "error": _checked(product, rows @ matrix.T)}


def triton_facts() -> Facts:
    """The project's int8 kernel and its product on the GPU; `needed` is False where there is no GPU to run it."""
    import torch  # noqa: PLC0415

    from audit8.engine import kernels  # noqa: PLC0415

    if not torch.cuda.is_available():
        return {"needed": False}
    if unusable := kernels.unusable(torch.device("cuda:0")):
        return {"needed": True, "unusable": unusable}
    return {"needed": True, **kernel_facts("cuda")}


def kernel_facts(device: str) -> Facts:
    """On a CPU only where Triton interprets."""
    import torch  # noqa: PLC0415
    import triton  # noqa: PLC0415

    from audit8.engine import kernels  # noqa: PLC0415
    from audit8.engine.kernels.types import Int8Weight  # noqa: PLC0415

    codes = torch.randint(-127, 128, (SIZE, SIZE), dtype=torch.int8)
    absmax, rows = torch.rand(SIZE) + 0.1, _random(1, SIZE)
    product = kernels.linear(rows.half().to(device), Int8Weight(codes.to(device), absmax.to(device))).sum(0)
    expected = rows @ (codes.float() * absmax[:, None] / 127).T
    return {"version": triton.__version__, "error": _checked(product, expected)}


def _random(*shape: int) -> "torch.Tensor":
    import torch  # noqa: PLC0415

    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def _checked(product: "torch.Tensor", expected: "torch.Tensor") -> float:
    """The relative error of `product`; raises WrongResult if it is more than rounding."""
    error = float((product.float().cpu() - expected).norm() / expected.norm())
    if not error < MOST_ERROR:  # NaN too
        raise WrongResult(f"the product of two small matrices is wrong (relative error {error:.3g})")
    return round(error, 5)


STEPS: dict[str, Callable[[], Facts]] = {
    "torch": torch_facts,
    "bitsandbytes": bitsandbytes_facts,
    "triton": triton_facts,
}


if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]]()), flush=True)
