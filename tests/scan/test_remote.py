"""A scan by a server: a real one, and one that does everything wrong."""

import contextlib
import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from audit8.audit.report_json import read_report, to_json
from audit8.engine.fake import FakeEngine
from audit8.errors import Audit8Error, BadRequest
from audit8.events import Failed, Found, Progress, Reported, Token, Withdrawn
from audit8.scan import remote, upload
from audit8.scan.gathered import with_what_was_skipped
from audit8.scan.remote import engine_at, remote_events, server_at
from audit8.types import Job, Skipped, Source
from tests.api.serving import SQL, served
from tests.audit.test_report import FINDING, report
from tests.scan.conftest import CLEAN, SHELL, Scan
from tests.scan.test_accepted import IGNORED, git

JOB = Job("j", (Source("a.py", "x = 1\n", "python"),), "en")
HEALTH = {"state": "ready", "model": "some-7b", "device": "cuda:0", "quantisation": "8bit"}


class Canned(BaseHTTPRequestHandler):
    """Answers with what the test put there, and remembers what it was sent."""

    status = 200
    health: bytes = json.dumps(HEALTH).encode()
    body = b""
    seen: list[tuple[str, str | None, bytes]] = []  # noqa: RUF012 - a fresh list per test

    def do_GET(self) -> None:
        self._answer(self.health, 200)

    def do_POST(self) -> None:
        self._answer(self.body, self.status)

    def _answer(self, body: bytes, status: int) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.path, self.headers.get("Authorization"), sent))
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def canned(body: bytes = b"", *, status: int = 200, health: bytes | None = None) -> Generator[tuple[str, type[Canned]]]:
    names = {"body": body, "status": status, "seen": [], "health": health or Canned.health}
    handler = type("Handler", (Canned,), names)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", handler
        finally:
            server.shutdown()
            thread.join()


def frame(name: str, data: object) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data)
    return f"event: {name}\ndata: {text}\n\n".encode()


# ---- a real server -----------------------------------------------------------------------------------------------


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
    monkeypatch.setattr(upload, "MAX_JSON_FILES", 10)
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
    assert "did not answer" in ran.err


# ---- the key -----------------------------------------------------------------------------------------------------


def test_the_key_is_sent_from_a_file_or_the_environment(
    folder: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.py").write_text(CLEAN)
    (folder / "key").write_text("from-file\n")
    with canned(frame("report", to_json(report([])))) as (url, handler):
        assert scan("a.py", "--server", url).code == 0
        monkeypatch.setenv("AUDIT8_API_KEY", "from-environment")
        scan("a.py", "--server", url)
        scan("a.py", "--server", url, "--api-key-file", "key")
    keys = [key for path, key, _ in handler.seen if path.startswith("/audit")]
    assert keys == [None, "Bearer from-environment", "Bearer from-file"]


def test_a_key_that_cannot_be_read_or_sent_is_an_error(folder: Path, scan: Scan) -> None:
    (folder / "a.py").write_text(CLEAN)
    (folder / "key").write_text("two\nlines")
    for name in ("key", "none"):
        ran = scan("a.py", "--server", "http://localhost:1", "--api-key-file", name)
        assert ran.code == 2
        assert "two" not in ran.err


# ---- one that does everything wrong ------------------------------------------------------------------------------


def events_of(body: bytes, status: int = 200) -> list[object]:
    with canned(body, status=status) as (url, _):
        return list(remote_events(server_at(url), JOB))


def test_every_event_is_understood_and_unknown_ones_are_passed_over() -> None:
    finding = {**json.loads(to_json(report([FINDING])))["findings"][0], "fingerprint": "f"}
    body = b"".join(
        (
            b": keep-alive\n\n",
            frame("accepted", {"id": "x"}),
            frame("progress", {"stage": "model", "done": 1, "total": 2, "file": "a.py", "spent_s": 1.5}),
            frame("progress", {"stage": "a later stage", "done": 1, "total": 2}),
            frame("token", {"text": "x", "reasoning": False}),
            frame("a later event", {}),
            frame("finding", finding),
            frame("withdrawn", {"file": "a.py", "fingerprint": "f", "start_line": 5, "reason": "safe"}),
            frame("report", to_json(report([]))),
            frame("token", {"text": "after the end"}),
        )
    )
    assert [type(event) for event in events_of(body)] == [Progress, Token, Found, Withdrawn, Reported]


def test_an_error_event_ends_it() -> None:
    [failed] = events_of(frame("error", {"code": "cancelled", "message": "stopped", "hint": "h", "type": "x"}))
    assert failed == Failed("cancelled", "stopped", "h")


@pytest.mark.parametrize(
    "body",
    [b"", b"event: report\ndata: {}", b": keep-alive\n\n", frame("token", {"text": "x"}), b"\xff\xfe\n\n", b"<html>"],
)
def test_a_stream_without_an_end_is_an_error(body: bytes) -> None:
    with pytest.raises(Audit8Error, match="broke off"):
        events_of(body)


@pytest.mark.parametrize("data", ["{}", "[]", "{", '"x"', to_json(report([])).replace('"lang":"en"', '"lang":"xx"')])
def test_a_report_that_is_none_is_refused(data: str) -> None:
    with pytest.raises(BadRequest):
        events_of(frame("report", data))


def test_a_line_without_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MAX_LINE_BYTES", 1000)
    with pytest.raises(Audit8Error, match="broke off"):
        events_of(b"data: " + b"x" * 100_000 + b"\n\n")


@pytest.mark.parametrize("status", [301, 401, 404, 500, 503])
def test_no_redirect_is_followed_and_no_status_passed_over(status: int) -> None:
    with pytest.raises(Audit8Error, match=str(status)):
        events_of(b'{"error": {"message": "no \x1b[31m", "hint": "because"}}', status)


def test_what_is_no_server_of_ours_is_said() -> None:
    with canned(health=b"[]") as (url, _), pytest.raises(Audit8Error, match="not Audit8"):
        engine_at(server_at(url))


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000",
        "ftp://x",
        "http://",
        "http://x:99999",
        "http://u:p@x",
        "http://x?y",
        "http://x#y",
        "http://[::1",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        server_at(url)


@pytest.mark.parametrize(
    ("url", "here", "address"),
    [
        ("http://localhost:8000/", True, "http://localhost:8000"),
        ("http://127.0.0.2", True, "http://127.0.0.2:80"),
        ("https://[::1]:81/x/", True, "https://[::1]:81/x"),
        ("https://box.example", False, "https://box.example:443"),
        ("http://192.168.1.2:8000", False, "http://192.168.1.2:8000"),
        ("http://localhost.evil.example", False, "http://localhost.evil.example:80"),
    ],
)
def test_an_address_is_here_or_elsewhere(url: str, here: bool, address: str) -> None:
    server = server_at(url)
    assert (server.is_here, server.address) == (here, address)


def test_a_report_from_elsewhere_says_where_the_code_went() -> None:
    job = Job("j", (), "en", ("w",), (Skipped("a", "binary", "b"),))
    made = with_what_was_skipped(report([], warnings=("w",)), job, "https://box:443")
    assert made.sent_to == "https://box:443"
    assert made.warnings == ("w", "first warning")
    assert made.skipped == job.skipped
