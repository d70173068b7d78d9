"""The steps of scripts/install.py that no start on this system takes: Windows, a full disk, a venv without pip."""

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import install
import pytest
from install import Environment, InstallError, Pip


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@dataclass(frozen=True)
class RecordingPip(Pip):
    fails: str = "-"
    calls: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, *arguments: str) -> bool:
        self.calls.append(arguments)
        return self.fails not in " ".join(arguments)


def recording(fails: str = "nothing", keys: frozenset[str] = frozenset()) -> RecordingPip:
    return RecordingPip(Path("python"), keys, fails)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delenv("TORCH_INDEX_URL", raising=False)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(install, "output", lambda _: "2.13.0+cu130\nfilelock\n")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    path = tmp_path / "requirements.txt"
    path.write_text("# first\ntorch>=2.11,<2.14\n", encoding="utf-8")
    return [path]


@pytest.mark.usefixtures("windows")
def test_windows_with_a_gpu_gets_cuda_torch_then_the_rest_then_triton(files: list[Path]) -> None:
    pip = recording()
    install.install_packages(pip, files, "cu130")
    torch, rest, triton = pip.calls
    assert "https://download.pytorch.org/whl/cu130" in torch
    assert torch[-1] == "torch>=2.11,<2.14"
    assert rest[-1] == str(files[0])
    assert triton[-1] == "triton-windows==3.7.*"


@pytest.mark.usefixtures("windows")
def test_windows_without_a_gpu_gets_no_triton(files: list[Path]) -> None:
    pip = recording()
    install.install_packages(pip, files, "cpu")
    assert [call[-1] for call in pip.calls] == [str(files[0])]


@pytest.mark.usefixtures("windows")
def test_a_missing_triton_is_told_but_no_failure(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    install.install_packages(recording(fails="triton-windows"), files, "cu130")
    assert "runs without it" in capsys.readouterr().out


@pytest.mark.usefixtures("windows")
def test_a_torch_without_cuda_on_a_gpu_machine_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "output", lambda _: "2.13.0\n")
    install.install_triton(recording())
    assert "without CUDA" in capsys.readouterr().out


@pytest.mark.usefixtures("windows")
def test_a_torch_index_of_ones_own(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_INDEX_URL", "https://example.org/cu130")
    pip = recording(fails="example.org")
    with pytest.raises(InstallError, match=r"example\.org"):
        install.install_packages(pip, files, "cu130")
    assert len(pip.calls) == 1


@pytest.mark.parametrize(("tag", "free_gib", "enough"), [("cpu", 2, False), ("cpu", 4, True), ("cu130", 7, False)])
def test_the_disk_is_checked_first(
    tag: str, free_gib: int, enough: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, free_gib * install.GIB))
    if enough:
        install.check_disk(Environment(tmp_path), tag)
    else:
        with pytest.raises(InstallError, match=f"{free_gib}.0 GiB are free"):
            install.check_disk(Environment(tmp_path), tag)


def test_an_interrupted_install_goes_on_with_the_space_that_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 2 * install.GIB))
    tmp_path.joinpath("lib", "python3.12", "site-packages", "torch").mkdir(parents=True)
    install.check_disk(Environment(tmp_path), "cu130")


def test_a_venv_without_pip_gets_one(made_venv: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path / ".venv")
    shutil.copytree(made_venv, environment.folder, symlinks=True)
    assert not install.works([environment.python, "-m", "pip", "--version"])
    environment.ensure_pip()
    assert install.works([environment.python, "-m", "pip", "--version"])


def test_a_half_written_stamp_counts_as_none(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.write_stamp({"torch": "cpu"})
    assert environment.read_stamp() == {"torch": "cpu"}
    environment.stamp.write_text('{"torch": ', encoding="utf-8")
    assert environment.read_stamp() == {}


def test_a_folder_that_cannot_be_replaced_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def locked(_: Environment) -> None:
        raise PermissionError(13, "locked")

    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(Environment, "ensure", locked)
    monkeypatch.setattr(install, "find_gpu", lambda: None)
    assert install.main([]) == 1
    assert "in use" in capsys.readouterr().out
