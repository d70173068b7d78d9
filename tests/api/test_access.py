"""Who may call: the table of hosts and origins, the limit on bodies, and what browsers need."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from audit8.api.access import Gate, host_of
from audit8.api.app import create_app
from audit8.engine.fake import FakeEngine
from tests.api.serving import SQL, Channel, ready, running, served, settings

PLAIN = {"Content-Type": "text/plain"}


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost", "localhost"),
        ("LOCALHOST:8000", "localhost"),
        ("localhost.:8000", "localhost"),
        ("127.0.0.1:1", "127.0.0.1"),
        ("[::1]:8000", "::1"),
        ("[::1]", "::1"),
        ("::1", ""),
        ("", ""),
        ("localhost:", ""),
        ("localhost:http", ""),
        ("evil.com/localhost", ""),
        ("user@localhost", ""),
        ("localhost evil.com", ""),
    ],
)
def test_the_host_header_is_read_strictly(header: str, host: str) -> None:
    assert host_of(header) == host


@pytest.mark.parametrize(
    ("bound", "header", "server", "allowed"),
    [
        ("localhost", "localhost:8000", "127.0.0.1", True),
        ("localhost", "127.0.0.1", "127.0.0.1", True),
        ("localhost", "[::1]:9", "::1", True),
        ("localhost", "evil.example", "127.0.0.1", False),
        ("localhost", "localhost.evil.example", "127.0.0.1", False),
        ("localhost", "192.168.1.5", "127.0.0.1", False),
        ("localhost", "named.lan:8000", "127.0.0.1", True),
        ("box.lan", "BOX.lan:8000", "192.168.1.5", True),
        ("0.0.0.0", "192.168.1.5:8000", "192.168.1.5", True),
        ("0.0.0.0", "192.168.1.6:8000", "192.168.1.5", False),
        ("0.0.0.0", "evil.example", "evil.example", False),
        ("0.0.0.0", "0.0.0.0", "127.0.0.1", True),
        ("::", "[fd00::5]:8000", "fd00::5", True),
    ],
)
def test_hosts(bound: str, header: str, server: str, *, allowed: bool) -> None:
    assert Gate(bound, ["named.lan"], []).host_allowed(header, server) is allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:3000", True),
        ("https://localhost", True),
        ("http://127.0.0.1:8501", True),
        ("http://[::1]:5173", True),
        ("HTTP://LOCALHOST:3000", True),
        ("http://box.lan:8000", True),  # the same origin, see the host below
        ("https://tools.example.org", True),
        ("null", False),
        ("", False),
        ("http://evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://localhost:3000.evil.example", False),
        ("http://evil.example/http://localhost:3000", False),
        ("http://localhost:3000@evil.example", False),
        ("http://127.0.0.1.nip.io", False),
        ("http://127.0.0.2", False),
        ("http://tools.example.org", False),
        ("file://", False),
        ("chrome-extension://abcdef", False),
        ("http://localhost:3000\n", False),
    ],
)
def test_origins(origin: str, *, allowed: bool) -> None:
    gate = Gate("box.lan", [], ["https://tools.example.org/"])
    assert gate.origin_allowed(origin, "box.lan:8000") is allowed


@pytest.mark.parametrize(("method", "path"), [("GET", "/health"), ("GET", "/"), ("POST", "/audit"), ("GET", "/none")])
@pytest.mark.parametrize("wrong", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
async def test_every_route_refuses_strangers(method: str, path: str, wrong: dict[str, str]) -> None:
    engine = FakeEngine()
    async with ready(engine) as client:
        answer = await client.request(method, path, headers={**PLAIN, **wrong}, content=SQL)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden"
    assert answer.json()["error"]["hint"]
    assert "access-control-allow-origin" not in answer.headers
    assert engine.calls == []


async def test_two_host_or_origin_headers_are_refused() -> None:
    async with ready(FakeEngine()) as client:
        twice = [("Host", "localhost"), ("Origin", "http://localhost:1"), ("Origin", "http://localhost:2")]
        assert (await client.get("/health", headers=twice)).status_code == 403


async def test_a_page_on_another_local_port_may_call() -> None:
    origin = {"Origin": "http://localhost:3000"}
    asked = {
        **origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization,x-stainless-os",
        "Access-Control-Request-Private-Network": "true",
    }
    async with ready(FakeEngine()) as client:
        preflight = await client.options("/v1/chat/completions", headers=asked)
        answer = await client.post("/audit", json={"code": SQL}, headers=origin)
        problem = await client.post("/audit", json={"code": ""}, headers=origin)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-headers"] == asked["Access-Control-Request-Headers"]
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-private-network"] == "true"
    for one in (preflight, answer, problem):
        assert one.headers["access-control-allow-origin"] == origin["Origin"]
        assert "Origin" in one.headers["vary"]
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
    assert problem.status_code == 422


async def test_a_strangers_preflight_is_refused() -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    async with ready(FakeEngine()) as client:
        assert (await client.options("/audit", headers=asked)).status_code == 403


@pytest.mark.parametrize("chunked", [False, True])
async def test_the_limit_on_bodies_holds_however_they_come(*, chunked: bool) -> None:
    async def portions(total_bytes: int) -> AsyncGenerator[bytes]:
        for _ in range(total_bytes // 100):
            yield b"x = 1  # a\n" * 9 + b"\n"

    engine = FakeEngine()
    async with ready(engine, max_body_bytes=1000) as client:
        for total_bytes, status in ((1000, 200), (1100, 413)):
            content = portions(total_bytes) if chunked else b"y = 2 # b\n" * (total_bytes // 10)
            answer = await client.post("/audit", content=content, headers=PLAIN)
            assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] == "too_large"
    assert answer.json()["error"]["limit_bytes"] == 1000


def test_a_client_that_sends_far_too_much_still_gets_the_answer() -> None:
    with served(FakeEngine()) as server, httpx.Client(base_url=server.url) as client:
        answer = client.post("/audit", content=b"x" * 8_000_000, headers=PLAIN)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
        assert client.get("/health").status_code == 200


async def test_a_client_that_leaves_while_it_sends_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(settings(), lambda _: FakeEngine())
    async with running(app):
        channel = Channel(app, "/audit", b"half of it", more_body=True, content_type="text/plain")
        channel.leave()
        await channel.task
    assert channel.sent == []
    assert "unexpected" not in caplog.text


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),  # curl
        ({"Origin": "http://localhost:8000"}, True),
        ({"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),  # typed into the address bar
        ({"Origin": "http://localhost:3000"}, False),
        ({"Origin": "http://127.0.0.1:8000"}, False),
        ({"Origin": "https://tools.example.org"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
    ],
)
async def test_what_is_for_the_own_page_is_refused_to_every_other(headers: dict[str, str], *, allowed: bool) -> None:
    async with ready(FakeEngine(), allow_origin="https://tools.example.org") as client:
        answer = await client.get("/api/machine", headers=headers)
        preflight = await client.options("/api/machine", headers={**headers, "Access-Control-Request-Method": "PUT"})
    assert answer.status_code == (200 if allowed else 403)
    assert preflight.status_code == (405 if allowed else 403)
    for one in (answer, preflight):
        assert "access-control-allow-origin" not in one.headers
