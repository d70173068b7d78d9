"""What a request may be, before anything of it is understood: seconds, depth, headers, and readers that stall."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Iterator

import httpx
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.api import limits, server
from audit8.api.app import create_app
from audit8.api.limits import HEADER_BYTES, MAX_DEPTH, check_depth
from audit8.engine.fake import FakeEngine
from audit8.errors import BadRequest
from tests.api.serving import SQL, Channel, Served, ready, running, served, settings

JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@hypothesis.settings(max_examples=40)
@given(JSON, st.integers(1, 3))
def test_the_depth_of_json_is_what_its_brackets_say(value: object, spare: int) -> None:
    depth = MAX_DEPTH - deepest(value)
    text = "[" * depth + json.dumps(value, ensure_ascii=False) + "]" * depth
    check_depth(text)
    with pytest.raises(BadRequest):
        check_depth("[" * spare + text + "]" * spare)


def deepest(value: object) -> int:
    if isinstance(value, list):
        return 1 + max(map(deepest, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(deepest, value.values()), default=0)
    return 0


@pytest.mark.parametrize("text", ['"' + "[" * 999 + '"', '"' + '\\"[' * 999 + '"', "[]" * 999, "]" * 999])
def test_brackets_in_strings_and_side_by_side_are_no_depth(text: str) -> None:
    check_depth(text)


@pytest.mark.parametrize("text", ['"' + "[" * 999, '"' + "\\" * 1001 + '"' + "[" * 999])
def test_a_string_without_an_end_hides_nothing(text: str) -> None:
    with pytest.raises(BadRequest):
        check_depth(text)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
@pytest.mark.parametrize("path", ["/audit", "/v1/chat/completions"])
async def test_a_depth_of_ten_thousand_is_a_400(path: str, opening: str) -> None:
    async with ready(FakeEngine()) as client:
        answer = await client.post(path, content=opening * 10_000, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "multipart/form-data; boundary=b"])
@pytest.mark.parametrize("length", [None, "100", "99999999"])
async def test_a_body_that_does_not_come_is_a_408(
    content_type: str, length: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BODY_S", 0.05)
    monkeypatch.setattr(limits, "MIN_BYTES_PER_S", 10**9)
    app = create_app(settings(), lambda _: FakeEngine())
    async with running(app):
        declared = {"content_length": length} if length else {}
        channel = Channel(app, "/audit", b"--b\r\n", more_body=True, content_type=content_type, **declared)
        await asyncio.wait_for(channel.task, 5)
    assert channel.sent[0]["status"] == 408
    assert (b"connection", b"close") in channel.sent[0]["headers"]
    assert json.loads(channel.body)["error"]["code"] == "slow_body"


async def test_a_long_audit_is_no_slow_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_S", 0.02)
    monkeypatch.setattr(limits, "MIN_BYTES_PER_S", 10**9)
    engine = FakeEngine()
    engine.enqueue(["[", " ", "]"], delay_s=0.05)
    async with ready(engine) as client:
        assert (await client.post("/audit", json={"code": SQL})).status_code == 200


# ---- on a real socket -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def connected(at: Served) -> Iterator[socket.socket]:
    address = httpx.URL(at.url)
    with contextlib.closing(socket.create_connection((address.host, address.port or 80), timeout=10)) as connection:
        yield connection


def closed_after(connection: socket.socket) -> bytes:
    """What came until the server closed the connection."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while portion := connection.recv(65536):
            got += portion
    return got


@pytest.mark.parametrize("sent", [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: localhost\r\n"])
def test_headers_that_do_not_end_close_the_connection(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEADER_S", 0.1)
    with served(FakeEngine()) as at, connected(at) as connection:
        connection.sendall(sent)
        assert closed_after(connection) == b""
        assert httpx.get(f"{at.url}/health").status_code == 200


def test_the_second_request_of_a_connection_has_to_come_in_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEADER_S", 0.1)
    with served(FakeEngine()) as at, connected(at) as connection:
        connection.sendall(b"GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in connection.recv(65536)
        connection.sendall(b"GET /ready HT")
        assert closed_after(connection).count(b"HTTP/1.1 200") <= 1


def test_a_job_that_takes_longer_than_headers_may_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEADER_S", 0.05)
    engine = FakeEngine()
    engine.enqueue(["[", " ", "]"], delay_s=0.1)
    with served(engine) as at:
        assert httpx.post(f"{at.url}/audit", json={"code": SQL}).status_code == 200


def test_huge_headers_are_refused() -> None:
    with served(FakeEngine()) as at, connected(at) as connection:
        head = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Filler: " + b"a" * (HEADER_BYTES + 70_000)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            connection.sendall(head)
        assert closed_after(connection)[:12] in {b"HTTP/1.1 400", b""}
        assert httpx.get(f"{at.url}/health").status_code == 200


def test_a_reader_that_takes_nothing_is_let_go_and_its_job_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "STALL_S", 0.1)
    engine = FakeEngine()
    engine.enqueue(["x" * 200_000], endless=True, delay_s=0.001)
    body = SQL.encode()
    with served(engine) as at, connected(at) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(
            b"POST /audit HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nContent-Type: text/plain\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        until_s = time.monotonic() + 10
        while not (engine.calls and engine.calls[0].cancelled):
            assert time.monotonic() < until_s
            time.sleep(0.01)
        assert httpx.get(f"{at.url}/health").json()["jobs"] == {"running": 0, "waiting": 0}
