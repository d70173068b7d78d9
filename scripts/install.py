"""Makes .venv beside the start scripts and installs into it what requirements.txt names. Standard library only.

Knows virtual environments, pip and the disk; asks torch_build which torch. Knows nothing of models or the server.
A stamp inside .venv says what was installed: while it is current, nothing is run but nvidia-smi.

    python scripts/install.py [--dev]

TORCH_INDEX_URL names the index to take torch from, PIP_INDEX_URL that of everything else.
"""

import argparse
import hashlib
import json
import locale
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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

ROOT = Path(__file__).resolve().parent.parent
MIRROR = "https://pypi.tuna.tsinghua.edu.cn/simple"
GIB = 1024**3
NEEDED_GIB = {"cpu": 3, "cuda": 8, "update": 1}
PROBE = "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))"
ASK_TORCH = (
    "import importlib.metadata as m; d = m.distribution('torch'); print(d.version, *(d.requires or ()), sep='\\n')"
)


class InstallError(Exception):
    """What happened and what to do, in English and in Chinese."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__(english)
        self.words = (english, chinese)


def say(english: str, chinese: str) -> None:
    """Print the sentence in the language of the user's locale."""
    names = [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    name = next((name for name in names if name), None) or locale.getlocale()[0] or ""
    print(chinese if name.lower().startswith(("zh", "chinese")) else english, flush=True)


# ---- other programs ----------------------------------------------------------------------------------------------


def works(command: Sequence[str | Path]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def output(command: Sequence[str | Path]) -> str:
    """What the command prints, or "" if it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace")


def find_gpu() -> Gpu | None:
    """Ask nvidia-smi; None if it is absent or does not work."""
    if (command := shutil.which("nvidia-smi")) is None:
        return None
    return parse_gpu(output([command]), output([command, "--query-gpu=compute_cap", "--format=csv,noheader"]))


@dataclass(frozen=True)
class Pip:
    """pip of one virtual environment. `keys` are the index options that the user has set, in files or variables."""

    python: Path
    keys: frozenset[str]

    @classmethod
    def of(cls, python: Path) -> "Pip":
        names = r"(?m)^\S+\.(index-url|extra-index-url|find-links|no-index)="
        return cls(python, frozenset(re.findall(names, output([python, "-m", "pip", "config", "list"]))))

    def run(self, *arguments: str) -> bool:
        environ = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0"}
        done = subprocess.run([self.python, "-m", "pip", *arguments], env=environ, cwd=ROOT, check=False)
        return done.returncode == 0

    def install(self, *arguments: str, index: str | None = None) -> bool:
        """Install from `index`; None is the configured index, then the mirror unless the user chose the index."""
        if index is not None:
            return self.run("install", "--retries", "2", "--index-url", index, *arguments)
        if self.run("install", "--retries", "2", *arguments):
            return True
        if self.keys & {"index-url", "no-index"}:
            return False
        say(f"The package index failed; trying the mirror {MIRROR}", f"软件源失败，改用镜像 {MIRROR}")
        return self.run("install", "--index-url", MIRROR, *arguments)


# ---- the virtual environment -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Environment:
    """The folder .venv and the stamp in it: requirement file -> its SHA-256, "torch" -> tag or index."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def stamp(self) -> Path:
        return self.folder / "audit8-installed.json"

    @property
    def has_torch(self) -> bool:
        folders = (*self.folder.glob("lib/*/site-packages/torch"), *self.folder.glob("Lib/site-packages/torch"))
        return any(folder.is_dir() for folder in folders)

    def read_stamp(self) -> dict[str, str]:
        try:
            content = json.loads(self.stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def write_stamp(self, content: Mapping[str, str]) -> None:
        """All or nothing: a stamp that exists is true."""
        half = self.stamp.with_suffix(".tmp")
        half.write_text(json.dumps(content, indent=1), encoding="utf-8")
        half.replace(self.stamp)

    def ensure(self) -> None:
        """Make the environment, or make it again if its Python does not start or is of another version."""
        if Path(sys.prefix) == self.folder or works([self.python, "-c", PROBE]):
            return
        if self.folder.exists():
            say(f"{self.folder} is broken; making it again.", f"{self.folder} 已损坏，重新创建。")
            shutil.rmtree(self.folder)
        venv.create(self.folder, with_pip=True)

    def ensure_pip(self) -> None:
        """An interrupted start can leave a Python without pip."""
        if works([self.python, "-m", "pip", "--version"]):
            return
        if not works([self.python, "-m", "ensurepip", "--upgrade", "--default-pip"]):
            raise InstallError(
                f"{self.folder} has no pip. Delete that folder, then start again.",
                f"{self.folder} 中没有 pip。请删除该文件夹后重新启动。",
            )


# ---- the steps ---------------------------------------------------------------------------------------------------


def check_disk(environment: Environment, tag: str) -> None:
    needed = NEEDED_GIB["update" if environment.has_torch else "cpu" if tag == "cpu" else "cuda"]
    free = shutil.disk_usage(ROOT).free / GIB
    if free < needed:
        raise InstallError(
            f"Not enough disk: the packages need {needed} GiB, and {free:.1f} GiB are free at {ROOT} "
            "(a 7B model needs 15 GiB more). Free some space, then start again.",
            f"磁盘空间不足：软件包需要 {needed} GiB，{ROOT} 处仅剩 {free:.1f} GiB"
            "（7B 模型另需 15 GiB）。请清理后重新启动。",
        )


def install_torch(pip: Pip, tag: str, requirements: str) -> None:
    """Install torch where the plain index would give the wrong build; otherwise leave it to requirements.txt."""
    indexes = torch_indexes(tag, sys.platform, pip.keys, os.environ)
    if tag == "cpu" and indexes == [None] and sys.platform == "linux":
        say(
            f"pip is configured, so torch comes from there. TORCH_INDEX_URL={PYTORCH}/cpu would get the small build.",
            f"pip 已有配置，torch 将从其中的源安装。设置 TORCH_INDEX_URL={PYTORCH}/cpu 可改装较小的 CPU 版。",
        )
    for index in indexes:
        if index is None or pip.install(torch_requirement(tag, requirements), index=index):
            return
    raise InstallError(
        f"torch ({tag}) could not be installed from {indexes[0]}. Check the connection, set HTTPS_PROXY, or set "
        "TORCH_INDEX_URL to a mirror of that index, then start again.",
        f"无法从 {indexes[0]} 安装 torch（{tag}）。请检查网络，设置 HTTPS_PROXY，"
        "或把 TORCH_INDEX_URL 设为该源的镜像，然后重新启动。",
    )


def install_triton(pip: Pip) -> None:
    """On Windows torch brings no Triton. Without it the server runs, only slower, so a failure is told and no more."""
    version, *requires = output([pip.python, "-c", ASK_TORCH]).splitlines() or [""]
    if "+cu" not in version:
        say(f"Note: torch {version} was built without CUDA.", f"注意：torch {version} 不含 CUDA。")
    requirement = triton_requirement(version, requires)
    if requirement is None or not pip.install(requirement):
        say(
            "triton-windows was not installed; the server runs without it.", "未能安装 triton-windows；服务器仍可运行。"
        )


def install_packages(pip: Pip, files: Sequence[Path], tag: str) -> None:
    install_torch(pip, tag, files[0].read_text(encoding="utf-8"))
    if not pip.install(*(part for file in files for part in ("--requirement", str(file)))):
        raise InstallError(
            "The packages could not be installed; pip says why above. If the index cannot be reached, set "
            "PIP_INDEX_URL to one that can, or HTTPS_PROXY, then start again.",
            "软件包安装失败，原因见上方 pip 的输出。如果无法访问软件源，请设置 PIP_INDEX_URL 或 HTTPS_PROXY 后重试。",
        )
    if sys.platform == "win32" and tag != "cpu":
        install_triton(pip)


def install(environment: Environment, files: Sequence[Path], gpu: Gpu | None) -> None:
    """Bring the environment to what the requirement files say. The stamp is away while pip works."""
    tag = torch_tag(gpu)
    if gpu is not None and tag == "cpu":
        say(
            "The NVIDIA driver is too old: install version 525 or newer (580 is best). Until then the CPU is used.",
            "NVIDIA 驱动版本过旧：请安装 525 或更新的版本（建议 580 以上）。在此之前使用 CPU。",
        )
    environment.ensure()
    stamp = environment.read_stamp()
    wanted = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    wanted_torch = os.environ.get("TORCH_INDEX_URL") or tag
    stays = torch_stays(stamp.get("torch", wanted_torch), wanted_torch)
    if stays and wanted.items() <= stamp.items():
        return
    check_disk(environment, tag)
    environment.ensure_pip()
    pip = Pip.of(environment.python)
    environment.stamp.unlink(missing_ok=True)
    if not stays:
        pip.run("uninstall", "--yes", "torch")
    install_packages(pip, files, tag)
    environment.write_stamp(stamp | wanted | {"torch": stamp.get("torch", wanted_torch) if stays else wanted_torch})


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Set up .venv for Audit8.")
    parser.add_argument("--dev", action="store_true", help="also install what the tests need")
    dev = parser.parse_args(arguments).dev
    files = [ROOT / "requirements.txt", *([ROOT / "requirements-dev.txt"] if dev else [])]
    try:
        install(Environment(ROOT / ".venv"), files, find_gpu())
    except InstallError as error:
        say(*error.words)
        return 1
    except OSError as error:
        say(
            f"The set-up failed: {error}. Is .venv in use by another program?", f"安装失败：{error}。.venv 是否被占用？"
        )
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
