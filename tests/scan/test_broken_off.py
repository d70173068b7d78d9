"""A scan with a model on this machine, and every way in which one can be broken off: a valid report is left."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from audit8.audit.report_json import read_report
from audit8.engine.fake import FAKE_INFO, FakeEngine
from audit8.errors import DoesNotFit
from audit8.events import Event, Found
from audit8.scan import command
from audit8.scan.flags import Wish
from audit8.scan.progress import Display
from audit8.settings import Settings
from audit8.types import LineRange, LoadProgress
from tests.api.serving import ANSWER, SQL
from tests.scan.conftest import SHELL, Scan
from tests.scan.test_command import EVERY, ROOT, check

# ---- with a model ------------------------------------------------------------------------------------------------


def settings() -> Settings:
    return Settings(lang="en")


def loading(engine: FakeEngine) -> command.LoadEngine:
    def load(_: Settings, progress: Callable[[LoadProgress], None]) -> FakeEngine:
        progress(LoadProgress("loading", 1, 2))
        return engine

    return load


def test_the_model_reads_and_is_let_go_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "app.py").write_text(SQL)
    engine = FakeEngine()
    engine.enqueue(ANSWER)
    code = command.scan(settings(), Wish(["app.py"], form="json"), loading(engine))
    out, err = capsys.readouterr()
    report = read_report(out)
    assert (code, engine.closed) == (1, True)
    assert [one.start_line for one in report.findings] == [2]
    assert (report.model, report.coverage[0].read) == (FAKE_INFO.model, (LineRange(1, 2),))
    assert "2| " in engine.calls[0].messages[-1].content
    assert "loading the model 50 %" in err


def test_a_model_that_cannot_be_loaded_is_no_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "app.py").write_text(SHELL)

    def load(*_: object) -> FakeEngine:
        raise DoesNotFit("It needs 7.2 GiB.")

    with pytest.raises(DoesNotFit):
        command.scan(settings(), Wish(["app.py"]), load)
    assert capsys.readouterr().out == ""


def test_a_model_that_fails_midway_leaves_what_was_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "app.py").write_text(SHELL)
    engine = FakeEngine()
    engine.enqueue("[]", fail_at=0)
    code = command.scan(settings(), Wish(["app.py"], form="json"), loading(engine))
    out, err = capsys.readouterr()
    report = read_report(out)
    assert (code, engine.closed, len(report.findings)) == (2, True, 1)
    assert "the scripted engine failed" in report.left_out[0]
    assert "the scripted engine failed" in err


# ---- broken off --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", EVERY)
def test_ctrl_c_leaves_a_valid_report_of_what_was_known(
    folder: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    for name in "abc":
        (folder / f"{name}.py").write_text(SHELL)
    real = Display.take

    def take(self: Display, event: Event) -> None:
        real(self, event)
        if isinstance(event, Found) and event.finding.file == "b.py":
            raise KeyboardInterrupt

    monkeypatch.setattr(Display, "take", take)
    ran = scan(".", "--rules-only", "--format", form, "--write-baseline", "b.json")
    assert ran.code == 130
    check(form, ran.out)
    assert "a.py" in ran.out
    assert "Interrupted" in ran.out
    assert not (folder / "b.json").exists()
    if form == "json":
        report = read_report(ran.out)
        assert [one.file for one in report.coverage] == ["a.py"]
        assert [one.file for one in report.findings] == ["a.py", "b.py"]
        assert report.left_out[1] == "2 of 3 files were not audited: b.py, c.py."


SCAN = """
import sys
from audit8.engine.fake import FakeEngine
from audit8.scan.command import scan
from audit8.scan.flags import Wish
from audit8.settings import Settings

engine = FakeEngine()
engine.enqueue("and", endless=True, delay_s=0.01)
sys.exit(scan(Settings(lang="en"), Wish(["a.py"], form="json"), lambda *_: engine))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_real_signal_does_the_same(folder: Path, number: int) -> None:
    (folder / "a.py").write_text(SHELL)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCAN],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment,
    ) as process:
        assert process.stderr is not None
        while "1/1 model" not in (line := process.stderr.readline()) and "0/1 model" not in line:
            assert line
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    report = read_report(out)
    assert (process.returncode, len(report.findings), len(report.coverage)) == (130, 1, 1)
    assert report.left_out == (
        "Interrupted: the report holds what was known by then.",
        "Not finished: model, with 0 of 1 steps done.",
    )
    assert "Traceback" not in err


def test_a_reader_that_leaves_is_no_error(folder: Path) -> None:
    (folder / "a.py").write_text(SHELL * 900)
    command_line = f'"{sys.executable}" -m audit8 scan a.py --rules-only --quiet | head -1'
    done = subprocess.run(
        command_line,
        shell=True,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert done.stdout.startswith("a.py:")
    assert done.stderr == ""
