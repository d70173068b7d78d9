"""POST /audit: one stream of events, seen as JSON or as an event stream, and every way in which it can go wrong."""

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest

from audit8.api import sse
from audit8.api.app import create_app
from audit8.engine.fake import FakeEngine
from audit8.errors import OutOfMemory
from tests.api.serving import ANSWER, SQL, Channel, client_is_ready, ready, running, settings, until
from tests.api.sse_reader import SseReader, read_all
from tests.audit.test_archive import packed

PLAIN = {"Content-Type": "text/plain"}
STREAM = {**PLAIN, "Accept": "text/event-stream"}
CHINESE = "# 查询用户 🔍\n" + SQL
TERMINAL = {"report", "error"}
VARYING = {"id", "created_at", "timings", "result"}  # `result` says the times


def comparable(report: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name not in VARYING}


async def test_the_json_answer_has_what_was_promised() -> None:
    engine = FakeEngine()
    engine.enqueue(ANSWER)
    async with ready(engine) as client:
        answer = await client.post("/audit", json={"code": SQL, "filename": "app.py", "mode": "fast"})
    report = answer.json()
    assert answer.status_code == 200
    assert {
        "id",
        "result",
        "risk_level",
        "findings",
        "coverage",
        "model",
        "device",
        "usage",
        "timings",
    } <= report.keys()
    assert report["result"].startswith("#")
    assert report["risk_level"] in {"critical", "high"}
    finding = report["findings"][0]
    assert (finding["file"], finding["start_line"], finding["quote"]) == ("app.py", 2, SQL.splitlines()[1])
    assert report["coverage"][0]["read"] == [{"start_line": 1, "end_line": 2}]
    assert any("mode" in warning for warning in report["warnings"])
    assert report["created_at"].endswith("+00:00")


@pytest.mark.parametrize("text", [SQL, CHINESE, "x = 1\n", "print('a')\n" * 900])
async def test_stream_and_json_say_the_same(text: str) -> None:
    reports = []
    for headers in (PLAIN, STREAM):
        engine = FakeEngine()
        engine.enqueue(f"<think>嗯 …</think>{ANSWER}")
        async with ready(engine) as client:
            answer = await client.post("/audit?filename=app.py", content=text.encode(), headers=headers)
        if headers is STREAM:
            assert answer.headers["content-type"].startswith("text/event-stream")
            reports.append(read_all(answer.content).events[-1][1])
        else:
            reports.append(answer.json())
    assert comparable(reports[0]) == comparable(reports[1])


async def captured_stream() -> bytes:
    engine = FakeEngine()
    engine.enqueue(["[", '"“查询”', ": 🔍\u2028", '"]'])
    async with ready(engine, lang="zh") as client:
        answer = await client.post("/audit?filename=查询.py", content=CHINESE.encode(), headers=STREAM)
    return answer.content


async def test_the_stream_can_be_cut_at_every_byte() -> None:
    body = await captured_stream()
    whole = read_all(body)
    names = [name for name, _ in whole.events]
    assert names[0] == "accepted"
    assert {"progress", "token", "finding", "report"} <= set(names)
    assert [name for name in names if name in TERMINAL] == ["report"] == names[-1:]
    single = SseReader()
    for index in range(len(body)):
        single.feed(body[index : index + 1])
        cut = SseReader()
        if index % 7 == 0 or not body[index : index + 1].isascii():  # every cut inside a character, and many others
            cut.feed(body[:index])
            cut.feed(body[index:])
            assert cut.events == whole.events
    assert single.events == whole.events


async def test_every_event_has_its_fields() -> None:
    events = dict(read_all(await captured_stream()).events)
    assert events["accepted"].keys() == {"id", "files", "queue_position"}
    assert events["progress"].keys() == {"stage", "done", "total", "file", "start_line", "end_line", "spent_s"}
    assert events["token"].keys() == {"text", "reasoning"}
    assert events["finding"]["quote"] in CHINESE
    assert events["finding"] in events["report"]["findings"]


@pytest.mark.parametrize("fail_at", [0, 1, 2, 50])
async def test_a_failure_at_any_step_is_one_error(fail_at: int) -> None:
    for headers in (PLAIN, STREAM):
        engine = FakeEngine()
        engine.enqueue("one two three", fail_at=fail_at, error=OutOfMemory("out of memory", hint="send less"))
        async with ready(engine) as client:
            answer = await client.post("/audit", content=SQL, headers=headers)
        if headers is PLAIN:
            assert answer.status_code == 500
            error = answer.json()["error"]
        else:
            events = read_all(answer.content).events
            assert [name for name, _ in events if name in TERMINAL] == ["error"] == [events[-1][0]]
            error = events[-1][1]
        assert (error["code"], error["message"], error["hint"]) == ("out_of_memory", "out of memory", "send less")
        assert error["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"", "text/plain", 422, "empty_code"),
        (b" \n\t\r\n", "text/plain", 422, "empty_code"),
        (b"", "application/json", 422, "empty_code"),
        (b'{"code": "  "}', "application/json", 422, "empty_code"),
        (b'{"filename": "a.py"}', "application/json", 422, "empty_code"),
        (b'{"code": "x"', "application/json", 400, "bad_request"),
        (b'{"code": 7}', "application/json", 400, "bad_request"),
        (b"\x7fELF\x02\x01\x00\x00", "text/plain", 415, "undecodable"),
        (b"caf\xe9 = 1\n", "text/plain", 415, "undecodable"),
        (b"\xff\xfe\x00\xd8", "text/plain", 415, "undecodable"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=y", 400, "bad_request"),
        (b"nonsense", "multipart/form-data", 400, "bad_request"),
    ],
)
async def test_bad_input(content: bytes, content_type: str, status: int, code: str) -> None:
    engine = FakeEngine()
    async with ready(engine) as client:
        answer = await client.post("/audit", content=content, headers={"Content-Type": content_type})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error["message"]
    assert error["request_id"] == answer.headers["x-request-id"]
    assert engine.calls == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
async def test_other_encodings_are_read_and_named(encoding: str) -> None:
    text = "# 查询用户的名字并且返回结果\nx = 1\n"
    async with ready(FakeEngine()) as client:
        answer = await client.post("/audit", content=text.encode(encoding), headers=PLAIN)
    assert answer.json()["coverage"][0]["encoding"] == encoding.removesuffix("-sig")


async def test_unknown_language_is_detected_and_named() -> None:
    async with ready(FakeEngine()) as client:
        answer = await client.post("/audit", json={"code": SQL, "language": "klingon"})
    assert answer.json()["coverage"][0]["language"] == "python"
    assert any("klingon" in warning for warning in answer.json()["warnings"])


async def test_multipart_with_several_files() -> None:
    files: list[tuple[str, Any]] = [
        ("file", ("a.py", SQL)),
        ("file", ("b.js", "eval(x)\n")),
        ("file", ("empty.go", "")),
    ]
    async with ready(FakeEngine()) as client:
        answer = await client.post("/audit", files=files, data={"lang": "zh", "extra": "1"})
        single = await client.post("/audit", files={"f": ("x", SQL)}, data={"filename": "named.py"})
        fields = await client.post("/audit", files={"code": (None, SQL), "filename": (None, "field.py")})
    report = answer.json()
    assert [(item["file"], item["language"]) for item in report["coverage"]] == [
        ("a.py", "python"),
        ("b.js", "javascript"),
    ]
    assert report["lang"] == "zh"
    said = " ".join(report["warnings"])
    assert "extra" in said
    assert "empty.go" in said
    assert single.json()["coverage"][0]["file"] == "named.py"
    assert fields.json()["coverage"][0]["file"] == "field.py"


async def test_an_archive_in_either_form_and_what_it_was_skipped_for() -> None:
    data = packed(("app.py", SQL.encode()), ("../x.py", b"x"))
    async with ready(FakeEngine()) as client:
        raw = await client.post("/audit", content=data, headers={"Content-Type": "application/zip"})
        upload = await client.post("/audit", files={"file": ("all.zip", data)})
    for report in (raw.json(), upload.json()):
        assert [item["file"] for item in report["coverage"]] == ["app.py"]
        assert [(item["file"], item["code"]) for item in report["skipped"]] == [("../x.py", "outside")]
        assert "../x.py" in report["result"]


async def test_a_full_queue_is_429_before_the_first_byte() -> None:
    engine = FakeEngine()
    engine.enqueue("busy", endless=True, delay_s=0.001)
    app = create_app(settings(max_jobs=1), lambda _: engine)
    async with running(app) as client:
        await until(lambda: client_is_ready(client))
        busy = Channel(app, "/audit", SQL.encode(), accept="text/event-stream", content_type="text/plain")
        await until(lambda: engine.calls)
        answer = await client.post("/audit", content=SQL, headers=STREAM)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["error"]["code"] == "queue_full"
        assert answer.json()["error"]["type"] == "rate_limit_error"
        busy.leave()
        await busy.task


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
async def test_a_client_that_leaves_cancels_its_job(accept: str) -> None:
    engine = FakeEngine()
    engine.enqueue("busy", endless=True, delay_s=0.001)
    app = create_app(settings(), lambda _: engine)
    async with running(app) as client:
        await until(lambda: client_is_ready(client))
        channel = Channel(app, "/audit", SQL.encode(), accept=accept, content_type="text/plain")
        await until(lambda: engine.calls and engine.calls[0].given > 3)
        channel.leave()
        await asyncio.wait_for(channel.task, 5)
        assert engine.calls[0].cancelled
        assert (await client.get("/health")).json()["jobs"] == {"running": 0, "waiting": 0}


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
async def test_a_client_that_leaves_the_queue_never_reaches_the_model(accept: str) -> None:
    engine = FakeEngine()
    engine.enqueue("busy", endless=True, delay_s=0.001)
    app = create_app(settings(), lambda _: engine)
    async with running(app) as client:
        await until(lambda: client_is_ready(client))
        first = Channel(app, "/audit", SQL.encode(), content_type="text/plain")
        await until(lambda: engine.calls)
        second = Channel(app, "/audit", SQL.encode(), accept=accept, content_type="text/plain")
        await until(lambda: waiting_jobs(client, 1))
        second.leave()
        await asyncio.wait_for(second.task, 5)
        assert await waiting_jobs(client, 0)
        first.leave()
        await first.task
    assert len(engine.calls) == 1


async def waiting_jobs(client: httpx.AsyncClient, wanted: int) -> bool:
    return bool((await client.get("/health")).json()["jobs"]["waiting"] == wanted)


async def test_a_quiet_stream_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE_S", 0.01)
    engine = FakeEngine()
    engine.enqueue("[]", delay_s=0.1)
    async with ready(engine) as client:
        answer = await client.post("/audit", content=SQL, headers=STREAM)
    reader = read_all(answer.content)
    assert len(reader.comments) >= 3
    assert reader.events[-1][0] == "report"


class Surprising(FakeEngine):
    """Fails in a way that nobody foresaw."""

    def count_tokens(self, text: str) -> int:
        raise ZeroDivisionError(f"with the code in its message: {text}")


@pytest.mark.parametrize("headers", [PLAIN, STREAM])
async def test_the_unforeseen_is_an_internal_error_without_the_code(
    headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with ready(Surprising()) as client:
        answer = await client.post("/audit", content="secret_of_the_user = 1\n", headers=headers)
    if headers is PLAIN:
        assert answer.status_code == 500
        error = answer.json()["error"]
    else:
        assert [name for name, _ in read_all(answer.content).events][-1] == "error"
        error = read_all(answer.content).events[-1][1]
    assert error["code"] == "internal"
    assert "ZeroDivisionError" in caplog.text
    assert "secret_of_the_user" not in caplog.text + json.dumps(error)
