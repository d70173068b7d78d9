"""What the device reports, and the cap that keeps Windows from spilling into system memory."""

import psutil
import pytest
import torch

from audit8.engine import device
from audit8.errors import DeviceLost, EngineFailure, EngineLost, OutOfMemory

GPU = device.DeviceState("cuda:0", "card", 6 * device.GIB, 8 * device.GIB, device.GIB)


@pytest.mark.parametrize(("state", "platform", "fraction"), [(GPU, "win32", 0.75), (GPU, "linux", None)])
def test_the_cap_is_the_free_share_and_only_on_windows(
    state: device.DeviceState, platform: str, fraction: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_to: list[float] = []
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda share, index: set_to.append(share))
    device.cap_to_free_memory(state, platform)
    assert set_to == ([] if fraction is None else [fraction])


def test_no_cap_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *_: pytest.fail("there is no GPU"))
    cpu = device.DeviceState("cpu", "", 0, 0, device.GIB)
    device.cap_to_free_memory(cpu, "win32")
    assert cpu.gpu_total_bytes == 0


def test_memory_on_the_cpu_is_the_resident_size() -> None:
    memory = device.memory("cpu")
    assert memory.kind == "ram"
    assert 0 < memory.used_bytes < memory.total_bytes == psutil.virtual_memory().total


def test_errors_of_a_step_become_ours() -> None:
    ours = EngineFailure("as it was")
    assert device.classify(ours) is ours
    assert isinstance(device.classify(torch.OutOfMemoryError("full")), OutOfMemory)
    assert isinstance(device.classify(MemoryError()), OutOfMemory)
    failure = device.classify(ValueError("secret source text"))
    assert isinstance(failure, EngineFailure)
    assert "secret" not in failure.message


def test_a_device_that_fails_at_everything_is_lost_whatever_the_error_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def poisoned() -> None:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", poisoned)
    monkeypatch.setattr(torch.cuda, "empty_cache", poisoned)
    for error in (torch.AcceleratorError("CUDA error"), torch.OutOfMemoryError("full"), ValueError("anything")):
        assert isinstance(device.classify(error), DeviceLost)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    assert not isinstance(device.classify(torch.AcceleratorError("invalid argument")), EngineLost)
