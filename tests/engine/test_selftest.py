"""The self-test: its products are right here, and a wrong one is noticed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from audit8.engine import selftest

ROOT = Path(__file__).resolve().parents[2]


def test_the_facts_of_torch_are_torchs() -> None:
    facts = selftest.torch_facts()
    assert facts["version"] == torch.__version__
    assert bool(facts["gpu_total_bytes"]) is torch.cuda.is_available()


def test_bitsandbytes_multiplies_rightly_here() -> None:
    assert 0 < float(str(selftest.bitsandbytes_facts()["error"])) < selftest.MOST_ERROR


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_triton_is_not_needed_without_a_gpu() -> None:
    assert selftest.triton_facts() == {"needed": False}


@pytest.mark.skipif(sys.platform != "linux", reason="Triton's interpreter")
def test_the_kernel_multiplies_rightly() -> None:
    """In a process of its own: Triton's interpreter must be chosen before Triton is imported."""
    code = "from audit8.engine import selftest; print(selftest.kernel_facts('cpu')['error'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < selftest.MOST_ERROR


@pytest.mark.parametrize("wrong", [torch.zeros(2, 2), torch.full((2, 2), torch.nan), torch.ones(2, 2) * 1.1])
def test_a_wrong_product_is_noticed(wrong: torch.Tensor) -> None:
    with pytest.raises(selftest.WrongResult):
        selftest._checked(wrong, torch.ones(2, 2))
