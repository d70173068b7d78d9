"""Flags are the settings' fields; the server starts, says where it is, and ends with the right exit code."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from audit8 import cli
from audit8.doctor import command
from audit8.errors import StartupError
from audit8.settings import Settings
from tests.api.sse_reader import SseReader

ROOT = Path(__file__).resolve().parents[1]
SERVE = """
import sys
from audit8.cli import serve
from audit8.engine.fake import FakeEngine
from audit8.errors import DeviceLost, DoesNotFit
from audit8.settings import Settings

def load(progress):
    if sys.argv[1] == "fail":
        raise DoesNotFit("The model needs 7.2 GiB; 3.1 GiB are free.", hint="Use --quant 4bit.")
    engine = FakeEngine()
    if sys.argv[1] == "lost":
        engine.enqueue("x", fail_at=0, error=DeviceLost("The GPU is lost.", hint="Start again."))
    if sys.argv[1] == "busy":
        engine.enqueue("and", endless=True, delay_s=0.01)
    return engine

sys.exit(serve(Settings(port=int(sys.argv[2]), lang="en", grace=0.2), load))
"""


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that `serve` was called with."""
    seen: list[Settings] = []

    def serve(settings: Settings) -> int:
        seen.append(settings)
        return 0

    monkeypatch.setattr(cli, "serve", serve)
    for name in [name for name in os.environ if name.startswith("AUDIT8_") or name in {"MODEL_PATH", "MODEL"}]:
        monkeypatch.delenv(name)
    return seen


def test_every_field_is_a_flag_with_its_description(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.serve_main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    for name, field in Settings.model_fields.items():
        assert f"--{name.replace('_', '-')}" in said
        assert " ".join(str(field.description).split()[:3]) in said


def test_flags_reach_the_settings(given: list[Settings]) -> None:
    flags = [
        "--port",
        "0",
        "--quant",
        "4bit",
        "--model",
        "m",
        "--trust-remote-code",
        "--allow-origin",
        "http://a,http://b",
    ]
    assert cli.serve_main(flags) == 0
    assert cli.main(["serve", *flags]) == 0
    assert given[0] == given[1]
    assert (given[0].port, given[0].quant, given[0].model, given[0].trust_remote_code) == (0, "4bit", "m", True)
    assert given[0].allow_origin == ("http://a", "http://b")


def test_the_environment_is_used_and_flags_win(given: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT8_PORT", "81")
    monkeypatch.setenv("AUDIT8_QUANT", "none")
    cli.serve_main(["--port", "82"])
    assert (given[0].port, given[0].quant) == (82, "none")


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--prot", "1"], "--prot"),
        (["--por", "1"], "--por"),
        (["--port", "many"], "--port"),
        (["--port", "70000"], "--port"),
        (["--quant", "2bit"], "--quant"),
        (["--max-jobs", "0"], "--max-jobs"),
        (["extra"], "extra"),
        (["--engine", "openai"], "--engine openai needs --engine-url"),
        (["--engine-url", "http://gpu:8000/v1"], "--engine-url is for --engine openai only"),
    ],
)
def test_what_is_wrong_is_named(
    given: list[Settings], capsys: pytest.CaptureFixture[str], flags: list[str], named: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.serve_main(flags)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err.splitlines()[-1]
    assert given == []


def test_a_wrong_environment_is_named(
    given: list[Settings], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUDIT8_MAX_JOBS", "few")
    with pytest.raises(SystemExit):
        cli.serve_main([])
    assert "AUDIT8_MAX_JOBS" in capsys.readouterr().err


def test_the_doctors_flags_reach_it(given: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, bool, bool]] = []

    def run(settings: Settings, *, as_json: bool, offline: bool) -> int:
        asked.append((settings.port, as_json, offline))
        return 1

    monkeypatch.setattr(command, "run", run)
    assert cli.main(["doctor"]) == 1
    assert cli.main(["doctor", "--port", "9", "--json", "--offline"]) == 1
    assert asked == [(8000, False, False), (9, True, True)]
    assert given == []


@pytest.mark.parametrize("agreed", [True, False])
def test_who_agrees_at_the_terminal_gets_the_next_port(agreed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "agrees", lambda *_: agreed)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        settings = Settings(host="127.0.0.1", port=port)
        if not agreed:
            with pytest.raises(StartupError, match="is taken by"):
                cli._open_sockets(settings)
            return
        opened = cli._open_sockets(settings)
        assert [one.getsockname()[1] for one in opened] > [port]
        for one in opened:
            one.close()


# ---- the real process -------------------------------------------------------------------------------------------


def start(how: str, port: int = 0) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVE, how, str(port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def address_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    found = re.search(r"http://localhost:\d+", process.stdout.readline())
    assert found
    return found[0]


def test_it_says_where_it_is_and_ctrl_c_ends_it_cleanly() -> None:
    with start("work") as process:
        url = address_of(process)
        assert httpx.get(f"{url}/health").json()["status"] == "ok"
        taken = start("work", int(url.rsplit(":", maxsplit=1)[1]))
        out, said = taken.communicate(timeout=30)
        assert taken.returncode == 1
        assert out == ""
        assert re.fullmatch(r"audit8: Port \d+ is taken: Audit8 is already .*--port \d+\.\n", said)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in said


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands in for the browser")
@pytest.mark.parametrize("wanted", ["true", "false"])
def test_the_page_is_opened_when_it_can_be_read(wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{opened}.half"; mv "{opened}.half" "{opened}"\n', encoding="utf-8")
    browser.chmod(0o755)
    for name in ("SSH_CONNECTION", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("BROWSER", str(browser)), ("DISPLAY", ":0"), ("AUDIT8_OPEN_PAGE", wanted)):
        monkeypatch.setenv(name, value)
    with start("work") as process:
        url = address_of(process)
        while wanted == "true" and not opened.exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert opened.exists() is (wanted == "true")
    assert not opened.exists() or opened.read_text().strip() == url


@pytest.mark.parametrize(("signalled", "times"), [(signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGTERM, 1)])
def test_a_signal_ends_a_running_job_in_words(signalled: signal.Signals, times: int) -> None:
    with start("busy") as process:
        url = address_of(process)
        while httpx.get(f"{url}/ready").status_code != 200:
            time.sleep(0.01)
        headers = {"Content-Type": "text/plain", "Accept": "text/event-stream"}
        with httpx.stream("POST", f"{url}/audit", content="x = 1\n", headers=headers) as answer:
            reader = SseReader()
            for portion in answer.iter_bytes():
                reader.feed(portion)
                if times and any(name == "token" for name, _ in reader.events):
                    process.send_signal(signalled)
                    times -= 1
        _, said = process.communicate(timeout=30)
    assert [name for name, _ in reader.events if name in {"report", "error"}] == ["error"] == [reader.events[-1][0]]
    assert reader.events[-1][1]["code"] == "stopping"
    assert process.returncode == 0
    assert "Traceback" not in said


def test_a_start_that_fails_ends_with_one_clear_line() -> None:
    with start("fail") as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.splitlines()[-1] == "audit8: The model needs 7.2 GiB; 3.1 GiB are free. Use --quant 4bit."
    assert "Traceback" not in said


def test_a_lost_device_ends_the_process_for_its_supervisor_after_the_client_was_told() -> None:
    with start("lost") as process:
        url = address_of(process)
        while httpx.get(f"{url}/ready").status_code != 200:
            time.sleep(0.01)
        answer = httpx.post(f"{url}/audit", json={"code": "x = 1"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "device_lost")
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.splitlines()[-1] == "audit8: The GPU is lost. Start again."
    assert "Traceback" not in said


def test_a_server_for_others_does_not_start_without_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    for flags in (["--host", "0.0.0.0"], ["--host", "::", "--api-key-file", os.devnull]):
        assert cli.main(["serve", "--port", "0", *flags]) == 1
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith("audit8: ")
        assert "key" in said


def test_the_entry_script_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "simple_server_optimized.py", "--nonsense"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "--nonsense" in done.stderr.splitlines()[-1]


def test_the_entry_script_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError(\"No module named 'uvicorn'\", name='uvicorn')")
    done = subprocess.run(
        [sys.executable, "simple_server_optimized.py"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "uvicorn" in done.stderr
    assert "pip install -r requirements.txt" in done.stderr
    assert "Traceback" not in done.stderr
