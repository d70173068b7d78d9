"""Which build of torch suits this machine, and where to take it from. Standard library only.

Knows what nvidia-smi prints and which builds PyTorch publishes. Installs nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PYTORCH = "https://download.pytorch.org/whl"
# The 12.8 index ends at torch 2.11: a later torch without CUDA from another configured index must not win over it.
NARROWED = {"cu128": "torch>=2.11,<2.12"}
# What each torch names as its triton; its metadata on Windows need not say.
TRITON_OF_TORCH = {"2.11": "3.6", "2.12": "3.7", "2.13": "3.7"}


@dataclass(frozen=True)
class Gpu:
    """The newest CUDA that the NVIDIA driver serves, and the compute capability of the best GPU."""

    driver_cuda: tuple[int, int]
    capability: tuple[int, int]


def parse_gpu(header: str, capabilities: str) -> Gpu | None:
    """From what `nvidia-smi` and `nvidia-smi --query-gpu=compute_cap` print; None if no driver answered.

    Drivers from 610 on write "CUDA UMD Version". Without either, the driver's own version decides: CUDA 13 needs 580,
    CUDA 12 needs 525. A driver that does not tell the capability is taken to run a Turing (7.5).
    """
    if (driver := re.search(r"NVIDIA-SMI\s+(\d+)\.\d", header)) is None:
        return None
    if cuda := re.search(r"CUDA(?:\s+UMD)?\s+Version\s*:\s*(\d+)\.(\d+)", header):
        served = (int(cuda[1]), int(cuda[2]))
    else:
        least_driver = ((580, (13, 0)), (525, (12, 0)))
        served = next((version for least, version in least_driver if int(driver[1]) >= least), (11, 0))
    found = [(int(major), int(minor)) for major, minor in re.findall(r"(\d+)\.(\d+)", capabilities)]
    return Gpu(served, max(found, default=(7, 5)))


def torch_tag(gpu: Gpu | None) -> str:
    """The newest build that both the driver and the GPU can run: cpu, cu126, cu128 or cu130.

    torch 2.11 to 2.13 are all built for CUDA 12.6 and 13.0, and 2.11 for 12.8 as well. 12.6 knows no Blackwell (10.0
    and up), 13.0 nothing before Turing (7.5). A driver runs every build of its own CUDA major version and of older.
    """
    if gpu is None or gpu.driver_cuda < (12, 0):
        return "cpu"
    if gpu.driver_cuda >= (13, 0) and gpu.capability >= (7, 5):
        return "cu130"
    return "cu128" if gpu.capability >= (10, 0) else "cu126"


def torch_indexes(tag: str, platform: str, pip_keys: frozenset[str], environ: Mapping[str, str]) -> list[str | None]:
    """Where to take torch from, to be tried in this order; None is pip as the user configured it.

    `platform` is `sys.platform`, `pip_keys` the index options that the user has set. The plain index has CUDA 13.0 for
    Linux and no CUDA for Windows. On Linux without a GPU that would be gigabytes for nothing, so the CPU index comes
    first, unless pip is configured: then the user has chosen.
    """
    if url := environ.get("TORCH_INDEX_URL"):
        return [url]
    if platform == "win32":
        return [None] if tag == "cpu" else [f"{PYTORCH}/{tag}"]
    if platform == "darwin" or tag == "cu130" or (tag == "cpu" and pip_keys):
        return [None]
    return [f"{PYTORCH}/cpu", None] if tag == "cpu" else [f"{PYTORCH}/{tag}"]


def torch_requirement(tag: str, requirements: str) -> str:
    """The torch line of requirements.txt, narrowed to what the tag's index has."""
    plain = next(line.strip() for line in requirements.splitlines() if re.match(r"torch\b", line))
    return NARROWED.get(tag, plain)


def torch_stays(installed: str, wanted: str) -> bool:
    """Whether the installed build (a tag, or the index it came from) may stay when `wanted` is the choice now.

    A CPU build goes when a GPU appears, and any build goes for an index that the user names. A CUDA build stays when
    the driver is updated, or away for a while.
    """
    return installed == wanted or (installed != "cpu" and "://" not in wanted)


def triton_requirement(torch_version: str, requires: Sequence[str]) -> str | None:
    """The triton-windows that fits: of the version that torch's metadata names, else by the table; None if unknown."""
    named = next((m[1] for line in requires if (m := re.match(r"triton\s*==\s*(\d+\.\d+)", line))), None)
    version = named or TRITON_OF_TORCH.get(".".join(torch_version.split(".")[:2]))
    return f"triton-windows=={version}.*" if version else None
