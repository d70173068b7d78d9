"""A copy of the launchers in a folder with awkward characters, with stand-ins for pip, nvidia-smi and the server."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("start_optimized_server.sh", "start_optimized_server.bat", "requirements.txt", "requirements-dev.txt")

FAKE_PIP = """
import json, os, pathlib, re, sys
arguments = sys.argv[1:]
if arguments == ["config", "list"]:
    print(os.environ.get("FAKE_PIP_CONFIG", ""))
elif arguments != ["--version"]:
    with open(os.environ["FAKE_PIP_LOG"], "a", encoding="utf-8") as log:
        log.write(json.dumps(arguments) + "\\n")
    sys.exit(bool(re.search(os.environ.get("FAKE_PIP_FAILS", "never"), " ".join(arguments))))
"""
FAKE_SERVER = """
import json, os, pathlib, sys
record = {"arguments": sys.argv[1:], "folder": os.getcwd(), "prefix": sys.prefix}
record["open_page"] = os.environ.get("AUDIT8_OPEN_PAGE")
pathlib.Path("server.json").write_text(json.dumps(record), encoding="utf-8")
sys.exit(int(os.environ.get("FAKE_SERVER_EXIT", "0")))
"""


@dataclass
class Launcher:
    """`folder` is the copied project, `commands` the only folder on the path."""

    folder: Path
    commands: Path
    environ: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": str(self.commands), "LC_ALL": "C.UTF-8", **self.environ}
        command = [str(self.folder / "start_optimized_server.sh"), *arguments]
        return subprocess.run(
            command, env=environ, cwd="/", capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
        )

    def command(self, name: str, body: str) -> None:
        path = self.commands / name
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    @property
    def pip_log(self) -> Path:
        return self.folder.parent / "pip.log"

    @property
    def pip_calls(self) -> list[list[str]]:
        if not self.pip_log.exists():
            return []
        return [json.loads(line) for line in self.pip_log.read_text(encoding="utf-8").splitlines()]

    @property
    def server(self) -> dict[str, object]:
        record: dict[str, object] = json.loads((self.folder / "server.json").read_text(encoding="utf-8"))
        return record


@pytest.fixture(scope="session")
def made_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real virtual environment, made once: each test copies it where it does not test the making."""
    folder = tmp_path_factory.mktemp("made") / ".venv"
    subprocess.run([Path(sys.executable).resolve(), "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    return folder


def copy_project(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in COPIED:
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "simple_server_optimized.py").write_text(FAKE_SERVER, encoding="utf-8")


@pytest.fixture
def fresh(tmp_path: Path) -> Launcher:
    """The project as just cloned: no .venv. One Python on the path, and a pip that only records."""
    launcher = Launcher(tmp_path / "代码 审计 & (co)", tmp_path / "commands")
    copy_project(launcher.folder)
    launcher.commands.mkdir()
    for name in ("sh", "dirname", "cat"):
        launcher.commands.joinpath(name).symlink_to(str(shutil.which(name)))
    launcher.command("python3", f'exec "{Path(sys.executable).resolve()}" "$@"')
    pip = tmp_path / "fakes" / "pip"
    pip.mkdir(parents=True)
    (pip / "__init__.py").touch()
    (pip / "__main__.py").write_text(FAKE_PIP, encoding="utf-8")
    launcher.environ = {"PYTHONPATH": str(pip.parent), "FAKE_PIP_LOG": str(launcher.pip_log)}
    return launcher


@pytest.fixture
def launcher(fresh: Launcher, made_venv: Path) -> Launcher:
    """The project with a good .venv in which nothing is installed."""
    shutil.copytree(made_venv, fresh.folder / ".venv", symlinks=True)
    return fresh


@pytest.fixture
def installed(launcher: Launcher) -> Launcher:
    """The project after a first start."""
    assert launcher.start().returncode == 0
    launcher.pip_log.unlink()
    os.remove(launcher.folder / "server.json")
    return launcher
