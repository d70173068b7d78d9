"""What the tests of the scan share: a folder to be in, and the command as a function."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit8 import cli

SHELL = 'import os\nos.system("ls " + input())\n'
CLEAN = "x = 1\n"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Scan = Callable[..., Ran]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The present folder, empty, with nothing in the environment that would change a scan."""
    for name in [name for name in os.environ if name.startswith("AUDIT8_") or name in {"MODEL_PATH", "NO_COLOR"}]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def scan(folder: Path, capsys: pytest.CaptureFixture[str]) -> Scan:
    """`audit8 scan` in `folder` with these arguments, in this process."""

    def run(*arguments: str) -> Ran:
        try:
            code = cli.main(["scan", *arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run
