"""The choice of the torch build: a table of what nvidia-smi prints, and laws over all machines."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch_build import (
    PYTORCH,
    Gpu,
    parse_gpu,
    torch_indexes,
    torch_requirement,
    torch_stays,
    torch_tag,
    triton_requirement,
)

ROOT = Path(__file__).resolve().parents[2]
NO_KEYS: frozenset[str] = frozenset()

HEADERS = {
    "r580": "| NVIDIA-SMI 580.65.06   Driver Version: 580.65.06   CUDA Version: 13.0 |",
    "r610": "| NVIDIA-SMI 610.47   KMD Version: 610.47   CUDA UMD Version: 13.3 |",
    "r552": "| NVIDIA-SMI 552.22   Driver Version: 552.22   CUDA Version: 12.4 |",
    "r470": "| NVIDIA-SMI 470.14   Driver Version: 470.14   CUDA Version: 11.4 |",
}


@pytest.mark.parametrize(
    ("header", "capabilities", "tag"),
    [
        ("r580", "8.9\n", "cu130"),
        ("r610", "12.0\n", "cu130"),
        ("r580", "6.1\n", "cu126"),  # a Pascal: no CUDA 13 build has its kernels
        ("r580", "6.1\n8.6\n", "cu130"),  # the better GPU decides
        ("r552", "8.6\n", "cu126"),
        ("r552", "12.0\n", "cu128"),  # a Blackwell: CUDA 12.6 has no kernels for it
        ("r552", "", "cu126"),
        ("r470", "7.5\n", "cpu"),
    ],
)
def test_driver_and_gpu_choose_the_build(header: str, capabilities: str, tag: str) -> None:
    assert torch_tag(parse_gpu(HEADERS[header], capabilities)) == tag


@pytest.mark.parametrize(("driver", "cuda"), [("610.47", (13, 0)), ("531.14", (12, 0)), ("472.12", (11, 0))])
def test_driver_version_decides_where_the_header_names_no_cuda(driver: str, cuda: tuple[int, int]) -> None:
    assert parse_gpu(f"| NVIDIA-SMI {driver} |", "8.6") == Gpu(cuda, (8, 6))


@pytest.mark.parametrize(
    "header", ["", "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."]
)
def test_no_driver_is_no_gpu(header: str) -> None:
    assert parse_gpu(header, "") is None
    assert torch_tag(None) == "cpu"


@pytest.mark.parametrize(
    ("tag", "platform", "keys", "indexes"),
    [
        ("cu130", "win32", NO_KEYS, [f"{PYTORCH}/cu130"]),
        ("cu126", "win32", frozenset({"index-url"}), [f"{PYTORCH}/cu126"]),
        ("cpu", "win32", NO_KEYS, [None]),
        ("cu130", "linux", NO_KEYS, [None]),
        ("cu126", "linux", NO_KEYS, [f"{PYTORCH}/cu126"]),
        ("cpu", "linux", NO_KEYS, [f"{PYTORCH}/cpu", None]),
        ("cpu", "linux", frozenset({"find-links"}), [None]),
        ("cpu", "darwin", NO_KEYS, [None]),
    ],
)
def test_indexes(tag: str, platform: str, keys: frozenset[str], indexes: list[str | None]) -> None:
    assert torch_indexes(tag, platform, keys, {}) == indexes


@given(
    tag=st.sampled_from(["cpu", "cu126", "cu128", "cu130"]),
    platform=st.sampled_from(["win32", "linux", "darwin"]),
    keys=st.frozensets(st.sampled_from(["index-url", "extra-index-url", "find-links", "no-index"])),
)
def test_an_index_named_by_the_user_is_the_only_one(tag: str, platform: str, keys: frozenset[str]) -> None:
    assert torch_indexes(tag, platform, keys, {"TORCH_INDEX_URL": "https://example.org/x"}) == ["https://example.org/x"]


@given(
    cuda=st.tuples(st.integers(9, 14), st.integers(0, 9)), capability=st.tuples(st.integers(5, 12), st.integers(0, 9))
)
def test_a_build_never_needs_a_newer_driver_than_there_is(cuda: tuple[int, int], capability: tuple[int, int]) -> None:
    tag = torch_tag(Gpu(cuda, capability))
    if tag == "cpu":
        assert cuda < (12, 0)
    else:
        assert int(tag[2:4]) <= cuda[0]


def test_windows_with_a_gpu_never_takes_the_plain_index() -> None:
    for tag in ("cu126", "cu128", "cu130"):
        assert None not in torch_indexes(tag, "win32", NO_KEYS, {})


def test_the_torch_line_comes_from_requirements() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert torch_requirement("cu130", text) == "torch>=2.11,<2.14"
    assert torch_requirement("cu128", text) == "torch>=2.11,<2.12"


@pytest.mark.parametrize(
    ("installed", "wanted", "stays"),
    [
        ("cpu", "cpu", True),
        ("cpu", "cu130", False),  # a GPU, or its driver, arrived
        ("cu126", "cu130", True),  # the driver was updated: what is there still runs
        ("cu130", "cpu", True),  # the eGPU is unplugged today
        ("cu130", "https://example.org/rocm", False),
        ("https://example.org/rocm", "cpu", True),
    ],
)
def test_when_torch_is_replaced(installed: str, wanted: str, stays: bool) -> None:
    assert torch_stays(installed, wanted) is stays


@pytest.mark.parametrize(
    ("version", "requires", "requirement"),
    [
        ("2.13.0+cu130", ["filelock", 'triton==3.7.1; platform_system == "Linux"'], "triton-windows==3.7.*"),
        ("2.11.0+cu128", ["filelock", "triton-like==1.0"], "triton-windows==3.6.*"),
        ("9.9.0", [], None),
    ],
)
def test_triton_windows(version: str, requires: list[str], requirement: str | None) -> None:
    assert triton_requirement(version, requires) == requirement


def test_it_runs_on_the_standard_library_alone() -> None:
    """It runs before anything is installed."""
    for name in ("install", "torch_build"):
        text = (ROOT / "scripts" / f"{name}.py").read_text(encoding="utf-8")
        imported = {
            line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))
        }
        assert imported <= set(sys.stdlib_module_names) | {"torch_build"}
