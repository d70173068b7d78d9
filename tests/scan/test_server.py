"""A scan by a server: its model reads, and this side decides what is read, accepted and left."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from audit8.audit.report_json import read_report, to_json
from audit8.client import body
from audit8.engine.fake import FakeEngine
from audit8.events import Event, Token
from audit8.remote import address
from audit8.scan.progress import Display
from tests.api.serving import SQL, served, until
from tests.audit.test_report import report
from tests.remote.scripted import Body, Reply, Server, as_json, scripted, stream_of
from tests.scan.conftest import CLEAN, SHELL, Scan
from tests.scan.test_accepted import IGNORED, git
from tests.scan.test_command import ROOT


def test_the_servers_model_reads_and_this_side_decides_what_is_accepted(folder: Path, scan: Scan) -> None:
    (folder / "app.py").write_text(SQL)
    (folder / "b.py").write_text(IGNORED)
    (folder / "c.png").write_bytes(b"\0")
    engine = FakeEngine()
    with served(engine) as server:
        ran = scan(".", "--server", server.url, "--format", "json")
    made = read_report(ran.out)
    assert (ran.code, made.model, made.sent_to) == (1, "fake-7b", "")
    assert [one.file for one in made.coverage] == ["app.py", "b.py"]
    assert [one.file for one in made.findings] == ["app.py"]
    assert [(one.finding.file, one.by) for one in made.suppressed] == [("b.py", "comment")]
    assert [one.file for one in made.skipped] == ["c.png"]
    assert "c.png" in made.result
    assert "1/2 model" in ran.err or "0/2 model" in ran.err


def test_a_change_is_judged_by_the_server_in_its_changed_lines_alone(folder: Path, scan: Scan) -> None:
    git("init", "-q")
    (folder / "a.py").write_text(SHELL)
    git("add", ".")
    git("commit", "-qm", "one")
    (folder / "a.py").write_text(SHELL + "os.system('rm ' + input())\n")
    engine = FakeEngine()
    with served(engine) as server:
        ran = scan(".", "--diff", "HEAD", "--server", server.url, "--format", "json")
    made = read_report(ran.out)
    assert [(one.file, one.start_line) for one in made.findings] == [("a.py", 3)]
    assert 'os.system("ls' in engine.calls[0].messages[-1].content


def test_a_large_folder_fits_the_servers_limit_as_an_archive(
    folder: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "MAX_JSON_FILES", 10)
    for number in range(30):
        (folder / f"f{number:03}.py").write_text("value = compute(1)\n" * 60)
    with served(FakeEngine(), max_body_bytes=10_000) as server:
        made = read_report(scan(".", "--server", server.url, "--format", "json").out)
    assert len(made.coverage) == 30


def test_what_the_server_refuses_is_said_in_its_words(folder: Path, scan: Scan) -> None:
    (folder / "app.py").write_text(SQL)
    with served(FakeEngine(), max_body_bytes=10) as server:
        ran = scan(".", "--server", server.url)
    assert (ran.code, ran.out) == (2, "")
    assert "413" in ran.err
    assert "--max-body-bytes" in ran.err


def test_a_model_that_fails_at_the_server_leaves_what_was_found(folder: Path, scan: Scan) -> None:
    (folder / "app.py").write_text(SQL)
    engine = FakeEngine()
    engine.enqueue("[]", fail_at=0)
    with served(engine) as server:
        ran = scan(".", "--server", server.url, "--format", "json")
    made = read_report(ran.out)
    assert (ran.code, made.model, len(made.findings)) == (2, "fake-7b", 1)
    assert "the scripted engine failed" in made.left_out[0]


def test_no_server_is_an_error_in_words(folder: Path, scan: Scan) -> None:
    (folder / "app.py").write_text(CLEAN)
    ran = scan(".", "--server", "http://127.0.0.1:9")
    assert (ran.code, ran.out) == (2, "")
    assert "does not answer" in ran.err


def test_over_an_open_network_it_is_said_and_the_report_names_the_server(
    folder: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "app.py").write_text(CLEAN)
    with served(FakeEngine()) as server:
        assert "unencrypted" not in scan(".", "--server", server.url).err
        monkeypatch.setattr(address, "is_loopback", lambda _: False)
        ran = scan(".", "--server", server.url, "--format", "json")
    assert (ran.code, read_report(ran.out).sent_to) == (0, server.url)
    assert f"The code goes to {server.url} unencrypted" in ran.err


# ---- broken off --------------------------------------------------------------------------------------------------


SCAN = "import sys\nfrom audit8.cli import main\nsys.exit(main(sys.argv[1:]))"


def test_ctrl_c_closes_the_connection_so_that_the_server_cancels(
    folder: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.py").write_text(SHELL)
    engine = FakeEngine()
    engine.enqueue("and", endless=True, delay_s=0.005)
    real = Display.take

    def take(self: Display, event: Event) -> None:
        real(self, event)
        if isinstance(event, Token):
            raise KeyboardInterrupt

    monkeypatch.setattr(Display, "take", take)
    with served(engine) as server:
        ran = scan("a.py", "--server", server.url, "--format", "json")
        asyncio.run(until(lambda: engine.calls[-1].cancelled))
    assert (ran.code, len(read_report(ran.out).findings)) == (130, 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_real_signal_breaks_off_a_scan_that_waits_for_the_server(folder: Path, number: int) -> None:
    (folder / "a.py").write_text(SHELL)
    engine = FakeEngine()
    engine.enqueue("and", endless=True, delay_s=60.0)  # nothing comes: the scan waits in a read
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with served(engine) as server:
        arguments = ["scan", "a.py", "--format", "json", "--server", server.url]
        with subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SCAN, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=environment,
        ) as process:
            assert process.stderr is not None
            while "0/1 model" not in (line := process.stderr.readline()):
                assert line
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
        asyncio.run(until(lambda: engine.calls[-1].cancelled))
    made = read_report(out)
    assert (process.returncode, made.model, len(made.findings)) == (130, "fake-7b", 1)
    assert made.left_out == (
        "Interrupted: the report holds what was known by then.",
        "Not finished: model, with 0 of 1 steps done.",
        "Which lines the model had read by then is not known; none is called read.",
    )
    assert "Traceback" not in err


# ---- the key -----------------------------------------------------------------------------------------------------


class Remembering(Server):
    """Remembers the keys that it was sent for audits."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str | None] = []

    def reply(self, path: str, headers: dict[str, str], body: Body) -> Reply:
        if path.startswith("/audit"):
            self.keys.append(headers.get("authorization"))
        return super().reply(path, headers, body)


def test_the_key_is_sent_from_a_file_or_the_environment(
    folder: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.py").write_text(CLEAN)
    (folder / "key").write_text("from-file\n")
    server = Remembering()
    server.others["/health"] = as_json({"state": "ready", "model": "some-7b"})
    server.others["/audit?lang=en"] = stream_of(f"event: report\ndata: {to_json(report([]))}\n\n".encode())
    with scripted(server):
        url = server.url.removesuffix("/v1")
        assert scan("a.py", "--server", url).code == 0
        monkeypatch.setenv("AUDIT8_API_KEY", "from-environment")
        scan("a.py", "--server", url)
        scan("a.py", "--server", url, "--api-key-file", "key")
    assert server.keys == [None, "Bearer from-environment", "Bearer from-file"]


def test_a_key_that_cannot_be_read_or_sent_is_an_error(folder: Path, scan: Scan) -> None:
    (folder / "a.py").write_text(CLEAN)
    (folder / "key").write_text("two\nlines")
    for name in ("key", "none"):
        ran = scan("a.py", "--server", "http://localhost:1", "--api-key-file", name)
        assert ran.code == 2
        assert "two" not in ran.err
        assert "--api-key-file" in ran.err
