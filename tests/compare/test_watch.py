"""What is looked at while something runs; a stand-in for nvidia-smi is a real program on the path."""

import os
import sys
import time
from pathlib import Path

import pytest

from audit8.compare.watch import Watch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")


def stand_in(folder: Path, answer: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n{answer}\n')
    program.chmod(0o755)


def watched(seconds: float = 0.8, gpu: str = "GPU-1") -> Watch:
    with Watch(gpu) as watch:
        time.sleep(seconds)
    return watch


def test_the_mean_is_of_what_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    stand_in(tmp_path, f"test -e {tmp_path}/second && echo 80 || echo 40; touch {tmp_path}/second")
    watch = watched(1.5)
    assert watch.gpu_percent is not None
    assert 40 < watch.gpu_percent < 80
    asked = (tmp_path / "asked").read_text().splitlines()
    assert set(asked) == {"--id=GPU-1 --query-gpu=utilization.gpu --format=csv,noheader,nounits"}
    assert watch.peak_ram_bytes > 10_000_000


@pytest.mark.parametrize("answer", ["echo '[N/A]'", "exit 9", "echo"])
def test_a_gpu_that_does_not_tell_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    stand_in(tmp_path, answer)
    watch = watched()
    assert (watch.gpu_percent, watch.silent) == (None, True)
    assert len((tmp_path / "asked").read_text().splitlines()) == 1


def test_without_nvidia_smi_or_gpu_there_is_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (watched(0.1).gpu_percent, watched(0.1).silent) == (None, True)
    assert (watched(0.1, gpu="").gpu_percent, watched(0.1, gpu="").silent) == (None, False)
