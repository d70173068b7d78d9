"""start_optimized_server.bat: what can be read off it anywhere, and under wine's cmd where there is wine.

Under wine `python` is a batch file and .venv's python.exe a small Windows launcher (pip ships it) that starts another
batch file; both record how they were called.
"""

import io
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import pytest

from tests.launcher.conftest import copy_project

ROOT = Path(__file__).resolve().parents[2]
BAT = ROOT / "start_optimized_server.bat"

BASE_PYTHON = r"""@echo off
if not "%FAKE_LOG%"=="" echo base %* >> "%FAKE_LOG%"
if "%~1"=="-c" exit /b %FAKE_PROBE%
if "%~2"=="-c" exit /b %FAKE_PROBE%
mkdir .venv\Scripts
copy "%FAKE_EXE%" .venv\Scripts\python.exe > nul
exit /b %FAKE_INSTALL%
"""
VENV_PYTHON = r"""@echo off
if not "%FAKE_LOG%"=="" echo venv %2 %3 %4 %5 %6 %7 >> "%FAKE_LOG%"
if "%~2"=="-c" exit /b 0
if "%~2"=="scripts\install.py" exit /b %FAKE_INSTALL%
if not "%FAKE_LOG%"=="" echo page %AUDIT8_OPEN_PAGE% >> "%FAKE_LOG%"
exit /b %FAKE_SERVER%
"""


# ---- read off the file -------------------------------------------------------------------------------------------


def test_it_is_ascii_with_windows_line_ends() -> None:
    content = BAT.read_bytes()
    assert content.isascii()
    assert content.count(b"\r\n") == content.count(b"\n") > 0
    assert "*.bat text eol=crlf" in (ROOT / ".gitattributes").read_text(encoding="utf-8")


def test_it_says_where_to_get_python_in_both_languages() -> None:
    words = ROOT / "scripts" / "no_python_windows.txt"
    assert f'type "scripts\\{words.name}"' in BAT.read_text(encoding="ascii")
    content = words.read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n") > 0
    for said in ("https://www.python.org/downloads/windows/", "3.11 to 3.14", "3.11 到 3.14"):
        assert said in content.decode()


def test_it_accepts_the_same_pythons_as_its_twin() -> None:
    condition = "(3, 11) <= sys.version_info[:2] <= (3, 14) and sys.maxsize > 2**32"
    assert condition in BAT.read_text(encoding="ascii")
    assert condition in (ROOT / "scripts" / "find_python.sh").read_text(encoding="utf-8")


def test_paths_are_quoted_and_flags_passed_on() -> None:
    lines = BAT.read_text(encoding="ascii").splitlines()
    assert '".venv\\Scripts\\python.exe" "simple_server_optimized.py" %*' in lines
    assert 'pushd "%~dp0"' in lines
    assert "chcp 65001 >nul 2>&1" in lines


# ---- run under wine ----------------------------------------------------------------------------------------------


@dataclass
class Wine:
    folder: Path
    log: Path
    environ: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # ".\": wine's cmd takes a name that begins with "start" for its own START.
        command = ["wine", "cmd", "/c", r".\start_optimized_server.bat", *arguments]
        return subprocess.run(
            command,
            env=os.environ | self.environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        return [line.strip() for line in self.log.read_text().splitlines()] if self.log.exists() else []


def windows_path(path: Path) -> str:
    return "Z:" + str(path).replace("/", "\\")


def windows_launcher(script: Path) -> bytes:
    """A Windows program that runs `script` with its own path and arguments, and exits as it does."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("__main__.py", "")
    shebang = f"#!C:\\windows\\system32\\cmd.exe /c {windows_path(script)}\n".encode()
    return resources.files("pip._vendor.distlib").joinpath("t64.exe").read_bytes() + shebang + archive.getvalue()


@pytest.fixture(scope="session")
def wine_prefix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    if shutil.which("wine") is None:
        pytest.skip("wine is not installed: the .bat is only read, not run")
    environ = {"WINEPREFIX": str(tmp_path_factory.mktemp("wine")), "WINEDEBUG": "-all", "LC_ALL": "C.UTF-8"}
    probe = subprocess.run(
        ["wine", "cmd", "/c", "exit 3"], env=os.environ | environ, capture_output=True, timeout=180, check=False
    )
    if probe.returncode != 3:
        pytest.skip("wine is installed but its cmd does not run")
    yield environ
    subprocess.run(["wineserver", "-k"], env=os.environ | environ, capture_output=True, timeout=60, check=False)


@pytest.fixture
def wine(wine_prefix: dict[str, str], tmp_path: Path) -> Wine:
    """The project in a folder with awkward characters, and a `python` on wine's path."""
    made = Wine(tmp_path / "代码 审计 & (co)", tmp_path / "calls.txt")
    copy_project(made.folder)
    commands = tmp_path / "commands"
    commands.mkdir()
    commands.joinpath("python.bat").write_bytes(BASE_PYTHON.replace("\n", "\r\n").encode())
    script = tmp_path / "venv_python.bat"
    script.write_bytes(VENV_PYTHON.replace("\n", "\r\n").encode())
    tmp_path.joinpath("python.exe").write_bytes(windows_launcher(script))
    made.environ = wine_prefix | {
        "WINEPATH": windows_path(commands),
        "FAKE_EXE": windows_path(tmp_path / "python.exe"),
        "FAKE_LOG": windows_path(made.log),
        "FAKE_PROBE": "0",
        "FAKE_INSTALL": "0",
        "FAKE_SERVER": "0",
    }
    return made


def test_the_first_start_sets_up_then_serves_with_all_flags(wine: Wine) -> None:
    done = wine.start("--port", "9000", "--model", "my model")
    assert done.returncode == 0, done.stdout + done.stderr
    probe, setup, server, page = wine.calls
    assert page == "page true"
    assert probe.startswith('base -c "import ensurepip')
    assert setup == 'base "scripts\\install.py"'
    assert server == 'venv "simple_server_optimized.py" --port 9000 --model "my model"'
    assert (wine.folder / ".venv" / "Scripts" / "python.exe").exists()


def test_the_second_start_uses_the_venvs_python_alone(wine: Wine) -> None:
    assert wine.start().returncode == 0
    wine.log.unlink()
    wine.environ["AUDIT8_OPEN_PAGE"] = "false"
    assert wine.start().returncode == 0
    probe, setup, server, page = wine.calls
    assert page == "page false"
    assert probe.startswith('venv -c "import ensurepip')
    assert setup == 'venv "scripts\\install.py"'
    assert server == 'venv "simple_server_optimized.py"'


def test_the_py_launcher_comes_before_a_python_on_the_path(wine: Wine) -> None:
    commands = wine.folder.parent / "commands"
    shutil.copy(commands / "python.bat", commands / "py.bat")
    assert wine.start().returncode == 0
    assert wine.calls[1] == 'base -3.13 "scripts\\install.py"'


def test_no_usable_python_says_where_to_get_one(wine: Wine) -> None:
    wine.environ["FAKE_PROBE"] = "1"
    done = wine.start()
    assert done.returncode == 1
    assert "https://www.python.org/downloads/windows/" in done.stdout
    assert "没有找到可用的 Python" in done.stdout
    assert not (wine.folder / ".venv").exists()


def test_a_failed_set_up_starts_no_server(wine: Wine) -> None:
    wine.environ["FAKE_INSTALL"] = "1"
    assert wine.start().returncode == 1
    assert not any("simple_server" in call for call in wine.calls)


@pytest.mark.parametrize("code", [1, 3, 98])
def test_the_exit_code_is_the_servers(wine: Wine, code: int) -> None:
    wine.environ["FAKE_SERVER"] = str(code)
    done = wine.start()
    assert done.returncode == code
    assert "-m audit8 doctor" in done.stdout
