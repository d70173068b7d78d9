"""Reports reach their place whole; colour only where it is wanted."""

import os
import signal
import stat
from pathlib import Path

import pytest

from audit8.errors import BadRequest
from audit8.scan import output


def test_a_file_is_replaced_in_one_step_and_keeps_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    output.put_file(path, b"one")
    path.chmod(0o640)
    output.put_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["r.json"]


def test_a_new_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    output.put_file(tmp_path / "a", b"")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("audit8.scan.output.os.replace", refuse)
    with pytest.raises(BadRequest, match="No space left"):
        output.put_file(path, b"new")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("r.json", b"old")]


def test_ctrl_c_waits_while_a_report_is_written_and_works_again_after() -> None:
    with output.undisturbed():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), output.terminated_as_interrupted():
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(
    ("terminal", "variables", "coloured"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colour_only_on_a_terminal_that_wants_it(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, variables: dict[str, str], coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("audit8.scan.output.sys.platform", "linux")
    monkeypatch.setattr("audit8.scan.output.sys.stdout.isatty", lambda: terminal, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert output._has_colour() is coloured
