"""`audit8.Client` against a real server: typed reports, events, and errors as what they are."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import audit8
from audit8.client import Client, body
from audit8.client.body import body_of
from audit8.engine.fake import FakeEngine
from audit8.errors import BadRequest, EmptyCode, EngineFailure, QueueFull, TooLarge
from audit8.events import Accepted, Found, Reported, Token
from audit8.findings import Report, RiskLevel
from audit8.types import Job, Severity, Source
from tests.api.serving import ANSWER, SQL, Served, served

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served(FakeEngine(), max_jobs=1) as running:
        yield running


@pytest.fixture
def client(server: Served) -> Iterator[Client]:
    with Client(server.url) as one:
        yield one


def test_code_in_a_typed_report_out(server: Served, client: Client) -> None:
    server.engine.enqueue(ANSWER)
    report = client.audit(SQL, filename="db.py", lang="en")
    assert isinstance(report, Report)
    assert report.risk_level is RiskLevel.HIGH
    finding = next(one for one in report.findings if one.cwe == "CWE-89")
    assert (finding.file, finding.start_line, finding.severity) == ("db.py", 2, Severity.HIGH)
    assert report.coverage[0].read[0].end_line == 2
    assert report.sent_to == ""
    assert client.audit(SQL.encode(), lang="zh").lang == "zh"


def test_paths_are_read_here_and_what_is_left_out_is_said(client: Client, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(SQL)
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\0\0")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.py").write_text("eval(input())\n")
    report = client.audit(paths=[tmp_path])
    assert {one.file for one in report.coverage} == {"a.py", "sub/b.py"}
    assert [one.file for one in report.skipped] == ["logo.png"]
    with pytest.raises(BadRequest, match="no file or folder"):
        client.audit(paths=[tmp_path / "none"])


def test_many_files_go_as_an_archive(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_JSON_FILES", 2)
    sources = tuple(Source(f"{number}.py", "eval(input())\n", "python") for number in range(3))
    assert [body_of(Job("1", sources[:count], "en"))[1] for count in (2, 3)] == ["application/json", "application/zip"]
    for source in sources:
        (tmp_path / source.name).write_text(source.text)
    report = client.audit(paths=[tmp_path])
    assert {one.file for one in report.coverage} == {"0.py", "1.py", "2.py"}


def test_events_come_in_order_and_closing_them_cancels(server: Served, client: Client) -> None:
    server.engine.enqueue(ANSWER)
    events = list(client.events(SQL))
    assert isinstance(events[0], Accepted)
    assert any(isinstance(event, Found) for event in events)
    assert [type(event) for event in events if isinstance(event, Reported)] == [Reported]
    server.engine.enqueue("and", endless=True, delay_s=0.005)
    running = client.events("x = 1\n")
    assert any(isinstance(event, Token) for event in running)
    running.close()
    deadline = time.monotonic() + 5
    while not server.engine.calls[-1].cancelled:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_errors_are_what_they_are(server: Served, client: Client) -> None:
    with pytest.raises(EmptyCode):
        client.audit(" ")
    with pytest.raises(TooLarge, match=r"answered 413: .*1048576"):
        client.audit("x" * 2**21)
    with pytest.raises(BadRequest, match="either code or paths"):
        client.audit()
    server.engine.enqueue("one two", fail_at=1)
    with pytest.raises(EngineFailure, match="scripted engine failed"):
        client.audit("x = 1\n")
    server.engine.enqueue("and", endless=True, delay_s=0.005)
    running = client.events("x = 1\n")
    next(running)
    with pytest.raises(QueueFull) as refused:
        client.audit("x = 2\n")
    assert refused.value.retry_after_s > 0
    running.close()


def test_what_the_server_runs(server: Served, client: Client) -> None:
    assert client.health()["model"] == "fake-7b"
    assert client.engine() == server.engine.info


def test_the_client_is_light() -> None:
    code = (
        "import sys, audit8\nassert 'httpx2' not in sys.modules\naudit8.Client\n"
        "print(*sorted({'torch', 'transformers', 'fastapi', 'starlette', 'uvicorn'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
    with pytest.raises(AttributeError):
        _ = audit8.Cleint
