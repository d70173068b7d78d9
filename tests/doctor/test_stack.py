"""The checks of what computes: each state of a machine has its verdict and, where it is no good one, its fix."""

import sys
from typing import Any

import pytest

from audit8.doctor import stack
from audit8.doctor.check import Driver, Tried
from tests.doctor.patients import CPU_BUILD, DRIVER, GIB, on_cpu, patient, torch_facts


@pytest.mark.parametrize(
    ("version", "bits", "state"),
    [((3, 10, 9), 64, "fail"), ((3, 11, 0), 64, "ok"), ((3, 14, 1), 64, "ok"), ((3, 15, 0), 64, "fail"),
     ((3, 12, 1), 32, "fail")],
)  # fmt: skip
def test_python(version: tuple[int, ...], bits: int, state: str) -> None:
    check = stack.python(patient(), version, bits)
    assert check.state == state
    assert (".".join(map(str, version)) in check.found, bool(check.fix)) == (True, state == "fail")


@pytest.mark.parametrize(
    ("driver", "state", "said"),
    [
        (DRIVER, "ok", ""),
        (Driver("535.183.01", ("Tesla T4",)), "ok", "580"),
        (Driver("470.57", ("Tesla K80",)), "fail", "525"),
        (Driver(silent=True), "fail", "driver"),
        (Driver(), "warn", "slower"),
    ],
)
def test_driver(driver: Driver, state: str, said: str) -> None:
    check = stack.driver(patient(driver))
    assert check.state == state
    assert said in check.fix
    assert all(gpu in check.found for gpu in driver.gpus)


@pytest.mark.parametrize(
    ("driver", "torch", "state", "fix"),
    [
        (DRIVER, torch_facts(), "ok", ""),
        (DRIVER, torch_facts(**CPU_BUILD), "fail", "/cu130"),
        (Driver("550.1", ("x",)), torch_facts(**CPU_BUILD), "fail", "/cu126"),
        (DRIVER, torch_facts(gpu_total_bytes=0), "fail", "CUDA_VISIBLE_DEVICES"),
        (Driver(), torch_facts(**CPU_BUILD), "ok", ""),
        (Driver(), torch_facts(gpu_total_bytes=0), "ok", ""),  # the build of the plain index, on a CPU
        (Driver(), Tried(None, "ModuleNotFoundError: No module named 'torch'"), "fail", "/cpu"),
        (DRIVER, Tried(None, "OSError: [WinError 126] c10.dll"), "fail", "vc_redist"),
        (DRIVER, Tried(None, "the process ended with code -11"), "fail", "/cu130"),
    ],
)
def test_torch(driver: Driver, torch: Tried, state: str, fix: str) -> None:
    check = stack.torch(patient(driver, torch))
    assert check.state == state
    assert fix in check.fix
    assert bool(check.fix) is (state == "fail")
    assert torch.facts is not None or torch.failure in check.found or "not installed" in check.found


@pytest.mark.parametrize(
    ("changed", "state", "said"),
    [
        ({}, "ok", "7B-Instruct in 8bit"),
        ({"gpu_free_bytes": 8 * GIB}, "warn", "7B-Instruct in 4bit"),
        ({"gpu_free_bytes": 4 * GIB, "gpu_total_bytes": 6 * GIB}, "warn", "1.5B-Instruct in 8bit"),
        ({"gpu_free_bytes": 1 * GIB}, "fail", "1.0 of 12.0 GiB"),
        ({**CPU_BUILD}, "ok", "1.5B-Instruct in 8bit"),
        ({**CPU_BUILD, "ram_free_bytes": 1 * GIB}, "warn", "1.0 GiB"),
    ],
)
def test_memory(changed: dict[str, Any], state: str, said: str) -> None:
    check = stack.memory(patient(torch=torch_facts(**changed)))
    assert check.state == state
    assert said in check.found
    assert bool(check.fix) is (state != "ok")


def test_without_torch_nothing_is_tried_with_it() -> None:
    def never(_: str) -> Tried:
        raise AssertionError("it was tried")

    blind = patient(torch=Tried(None, "ModuleNotFoundError: No module named 'torch'"))
    assert stack.memory(blind).state == "warn"
    assert stack.bitsandbytes(blind, never).state == "fail"
    assert stack.triton(blind, never).state == "warn"
    assert stack.triton(on_cpu(), never).state == "ok"


@pytest.mark.parametrize(
    ("tried", "bitsandbytes", "triton"),
    [
        (Tried({"version": "1.2.3", "device": "cuda", "error": 0.01}), "ok", "ok"),
        (Tried(None, "the process ended with code -11"), "fail", "warn"),
        (Tried(None, "WrongResult: the product is wrong"), "fail", "warn"),
    ],
)
def test_what_multiplies_is_judged_by_its_product(tried: Tried, bitsandbytes: str, triton: str) -> None:
    for check, state in ((stack.bitsandbytes, bitsandbytes), (stack.triton, triton)):
        said = check(patient(), lambda _: tried)
        assert said.state == state
        assert (tried.failure or "1.2.3") in said.found
        assert (f"{sys.executable} -m pip install" in said.fix) is (state != "ok")


def test_an_old_card_is_told_why_triton_does_not_run() -> None:
    said = stack.triton(patient(), lambda _: Tried({"needed": True, "unusable": "capability 7.5 is needed"}))
    assert (said.state, said.found) == ("warn", "capability 7.5 is needed")
