"""The device as it is: which one, how much memory is free and used. Knows nothing of models."""

import sys
from dataclasses import dataclass

import psutil
import torch

from audit8.errors import Audit8Error, DeviceLost, EngineFailure, OutOfMemory
from audit8.types import Memory

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class DeviceState:
    """`gpu_total_bytes` 0 means that torch sees no CUDA GPU."""

    name: str
    gpu_name: str
    gpu_free_bytes: int
    gpu_total_bytes: int
    ram_free_bytes: int


def probe() -> DeviceState:
    """What torch sees now. The first GPU is the one used."""
    ram_free_bytes = int(psutil.virtual_memory().available)
    if not torch.cuda.is_available():
        return DeviceState("cpu", "", 0, 0, ram_free_bytes)
    free_bytes, total_bytes = torch.cuda.mem_get_info(0)
    return DeviceState("cuda:0", torch.cuda.get_device_name(0), free_bytes, total_bytes, ram_free_bytes)


def cap_to_free_memory(state: DeviceState, platform: str = sys.platform) -> None:
    """Make a too large allocation fail instead of spilling: Windows' driver pages VRAM into system memory silently."""
    if platform == "win32" and state.gpu_total_bytes:
        torch.cuda.set_per_process_memory_fraction(state.gpu_free_bytes / state.gpu_total_bytes, 0)


def memory(device: str) -> Memory:
    """On a GPU the bytes that torch holds in tensors there; on the CPU this process's resident size."""
    if device.startswith("cuda"):
        return Memory("vram", int(torch.cuda.memory_allocated(0)), int(torch.cuda.mem_get_info(0)[1]))
    return Memory("ram", int(psutil.Process().memory_info().rss), int(psutil.virtual_memory().total))


def peak_bytes(device: str) -> int:
    """The most bytes that torch has held in tensors on the GPU since this process began; 0 on a CPU."""
    return int(torch.cuda.max_memory_allocated(0)) if device.startswith("cuda") else 0


def gpu_id(device: str) -> str:
    """The name by which `nvidia-smi --id` knows the GPU in use, whatever CUDA_VISIBLE_DEVICES hides; "" on a CPU."""
    return f"GPU-{torch.cuda.get_device_properties(0).uuid}" if device.startswith("cuda") else ""


def classify(error: BaseException) -> Audit8Error:
    """One of our errors for whatever a step of the model raised; frees what an out-of-memory error left cached."""
    if isinstance(error, Audit8Error):
        return error
    if _is_lost():
        return DeviceLost(
            "the GPU cannot be used by this process any more",
            hint="the server has to be started again; if this comes back, check the driver and the log above",
        )
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return OutOfMemory(
            "the device ran out of memory while answering",
            hint="send less code at once, close other programs that use the GPU, or start with --quant 4bit",
        )
    return EngineFailure(f"the model failed: {type(error).__name__}", hint="see the server's log")


def _is_lost() -> bool:
    """Whether a kernel has gone so wrong that every further call on the GPU fails, as after an illegal address."""
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return False
    try:
        torch.cuda.synchronize()
    except RuntimeError:
        return True
    return False
