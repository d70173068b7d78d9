"""Compiles for a card that is not here: records the launches the product makes, and compiles each for the card."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.tools.tensor_descriptor import TensorDescriptor

from audit8.engine.kernels import attention, dense, launch, masks, matrices, rows

MODULES = (matrices, dense, rows, attention, masks)
KERNELS = (
    "linear_kernel", "write_out_kernel", "dense_kernel", "embed_kernel", "norm_kernel", "rope_kernel",
    "decode_kernel", "prefill_kernel", "restrict_kernel",
)  # fmt: skip
TYPES = {
    torch.float16: "*fp16",
    torch.bfloat16: "*bf16",
    torch.float32: "*fp32",
    torch.int8: "*i8",
    torch.int32: "*i32",
    torch.int64: "*i64",
}


Launch = tuple[Any, tuple[Any, ...], dict[str, Any]]


class Recorder:
    """Stands for a kernel: keeps what it is launched with, and runs nothing."""

    def __init__(self, kernel: Any, into: list[Launch]) -> None:
        self.kernel = kernel
        self.into = into

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
        return lambda *args, **kwargs: self.into.append((self.kernel, args, kwargs))


def record(capability: int, multiprocessors: int, calls: Callable[[], None]) -> list[Launch]:
    """The launches that `calls` makes on a card of that capability."""
    launches: list[Launch] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "_card", lambda device: (capability, multiprocessors, True))
        for module in MODULES:
            for name in KERNELS:
                if hasattr(module, name):
                    patch.setattr(module, name, Recorder(getattr(module, name), launches))
        calls()
    return launches


def build(capability: int, kernel: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The compiled kernel; `.metadata.shared` is its shared memory in bytes, `.asm` its code."""
    values = dict(zip(kernel.arg_names, args, strict=False)) | kwargs
    options = {key: values.pop(key) for key in list(values) if key not in kernel.arg_names}
    signature, constants, attributes = {}, {}, {}
    for index, name in enumerate(kernel.arg_names):
        value = values[name]
        if index in {param.num for param in kernel.params if param.is_constexpr}:
            signature[name], constants[name] = "constexpr", value
        elif isinstance(value, torch.Tensor):
            signature[name] = TYPES[value.dtype]
            attributes[index,] = [["tt.divisibility", 16]]
        elif isinstance(value, TensorDescriptor):
            signature[name] = f"tensordesc<{TYPES[value.base.dtype][1:]}{list(value.block_shape)}>"
        elif isinstance(value, float):
            signature[name] = "fp32"
        elif value == 1:
            signature[name], constants[name] = "constexpr", 1
        else:
            signature[name] = "i32"
            if value % 16 == 0:
                attributes[index,] = [["tt.divisibility", 16]]
    source = triton.compiler.ASTSource(kernel, signature, constants, attributes)
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
