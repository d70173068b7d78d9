"""API keys: where they come from, who is let in, and that they are never shown."""

import logging
from pathlib import Path

import httpx
import pytest
from starlette.datastructures import Headers

from audit8.api.access import is_open
from audit8.api.app import create_app
from audit8.api.keys import client_id, load_keys
from audit8.engine.fake import FakeEngine
from audit8.errors import StartupError
from audit8.store.allowed import is_loopback
from tests.api.serving import SQL, Channel, client_is_ready, ready, running, settings, until

KEY, OTHER = "k-3f9a2c771d5e4b60", "k-another-8d21c0aa"
BEARER = {"Authorization": f"Bearer {KEY}"}


def client_of(name: str, value: str, *keys: str) -> str | None:
    return load_keys(settings(api_key=",".join(keys or (KEY, OTHER)))).client_of(Headers({name: value}))


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("authorization", f"Bearer {KEY}", KEY),
        ("authorization", f"bearer   {OTHER} ", OTHER),
        ("x-api-key", OTHER, OTHER),
        ("authorization", f"Basic {KEY}", None),
        ("authorization", KEY, None),
        ("authorization", "Bearer", None),
        ("authorization", f"Bearer {KEY}x", None),
        ("authorization", f"Bearer {KEY[:-1]}", None),
        ("authorization", f"Bearer {KEY},{OTHER}", None),
        ("x-api-key", KEY.upper(), None),
        ("x-api-key", "", None),
        ("x-api-key", "é", None),
        ("cookie", KEY, None),
    ],
)
def test_a_key_is_read_from_two_headers_and_compared_whole(name: str, value: str, key: str | None) -> None:
    assert client_of(name, value) == (client_id(key) if key else None)


def test_every_key_is_compared_in_constant_time_whichever_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[tuple[int, int]] = []

    def compare(one: bytes, other: bytes) -> bool:
        lengths.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr("audit8.api.keys.hmac.compare_digest", compare)
    for given in (KEY, OTHER, "x", ""):
        lengths.clear()
        client_of("x-api-key", given)
        assert lengths == [(32, 32), (32, 32)]  # hashes of one length, and no early end


def test_the_file_has_a_key_a_line_with_a_name(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_bytes(f"\ufeff# the team\r\n{KEY} Wang Wei\r\n\r\n  {OTHER}\r\n".encode())
    keys = load_keys(settings(api_key_file=file, api_key="a-third-key"))
    assert len(keys) == 3
    assert keys.names == {client_id(KEY): "Wang Wei"}
    assert keys.client_of(Headers({"x-api-key": OTHER})) == client_id(OTHER)


@pytest.mark.parametrize("content", [None, b"", b"# nothing\n", b"\xff\xfe\x00", "schlüssel-mit-umlaut".encode()])
def test_a_key_file_that_cannot_be_used_is_named_but_not_shown(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StartupError) as caught:
        load_keys(settings(api_key_file=file))
    assert caught.value.hint
    assert "umlaut" not in caught.value.message


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        *((host, True) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1")),
        *((host, False) for host in ("0.0.0.0", "::", "192.168.1.5", "box.lan", "", "localhost.evil.example")),
    ],
)
def test_a_server_that_others_can_reach_needs_a_key_or_leave(host: str, *, inside: bool) -> None:
    assert is_loopback(host) is inside
    for given, allowed in (({}, inside), ({"api_key": KEY}, True), ({"allow_anonymous": True}, True)):
        if allowed:
            create_app(settings(host=host, **given), lambda _: FakeEngine())
            continue
        with pytest.raises(StartupError) as caught:
            create_app(settings(host=host, **given), lambda _: FakeEngine())
        assert "--api-key-file" in caught.value.hint
        assert "--allow-anonymous" in caught.value.hint


def test_a_short_key_is_warned_of_where_others_can_guess(caplog: pytest.LogCaptureFixture) -> None:
    load_keys(settings(api_key="hunter2"))
    assert caplog.text == ""
    load_keys(settings(api_key="hunter2", host="0.0.0.0"))
    assert "guessed" in caplog.text
    assert "hunter2" not in caplog.text


# ---- over HTTP --------------------------------------------------------------------------------------------------

OPEN = ["/", "/health", "/ready", "/static/app.js"]
CLOSED = [("POST", "/audit"), ("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("GET", "/metrics")]
CLOSED += [("DELETE", "/audits/x"), ("GET", "/docs"), ("GET", "/openapi.json"), ("GET", "/nowhere")]
CLOSED += [("GET", "/health/"), ("GET", "/static"), ("GET", "/Health")]


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0"])
async def test_what_holds_data_is_closed_and_the_page_is_open(host: str) -> None:
    engine = FakeEngine()
    async with ready(engine, api_key=KEY, host=host) as client:
        for method, path in CLOSED:
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "wrong"}):
                answer = await client.request(method, path, headers=headers, json={"code": SQL})
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized"), path
                assert answer.headers["www-authenticate"].startswith("Bearer")
                assert answer.json()["error"].keys() >= {"type", "message", "hint", "param", "request_id"}
        assert engine.calls == []
        for path in OPEN:
            assert (await client.get(path)).status_code == 200, path
        for headers in (BEARER, {"X-API-Key": KEY}):
            assert (await client.post("/audit", headers=headers, json={"code": SQL})).status_code == 200
            assert (await client.get("/metrics", headers=headers)).status_code == 200


async def test_a_stranger_on_the_network_learns_only_that_the_server_lives() -> None:
    async with ready(FakeEngine(), api_key=KEY, host="0.0.0.0") as client:
        assert (await client.get("/health")).json() == {"status": "ok", "state": "ready"}
        assert (await client.get("/ready")).json() == {"status": "ready"}
        assert (await client.get("/health", headers=BEARER)).json()["model"] == "fake-7b"
    async with ready(FakeEngine(), api_key=KEY) as client:
        assert (await client.get("/health")).json()["model"] == "fake-7b"


async def test_a_page_may_ask_first_and_read_the_refusal() -> None:
    origin = {"Origin": "http://localhost:3000"}
    asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with ready(FakeEngine(), api_key=KEY) as client:
        assert (await client.options("/audit", headers=asked)).status_code == 204
        refused = await client.post("/audit", headers=origin, json={"code": SQL})
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == origin["Origin"]
        assert "access-control-allow-credentials" not in refused.headers


async def test_a_dots_path_does_not_open_a_closed_one() -> None:
    app = create_app(settings(api_key=KEY), lambda _: FakeEngine())
    async with running(app):
        channel = Channel(app, "/static/../metrics", b"")
        channel.scope["method"] = "GET"
        await channel.task
        assert channel.sent[0]["status"] == 404
        assert b"audit8_" not in channel.body
    assert is_open("/static/../metrics")  # so the law is that static files are looked for in their folder alone


async def test_neither_log_nor_answer_nor_metrics_show_a_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = ""
    async with ready(FakeEngine(), api_key=f"{KEY},{OTHER}") as client:
        for headers in (BEARER, {"X-API-Key": OTHER}, {"X-API-Key": f"{KEY}wrong"}):
            for method, path in CLOSED:
                answer = await client.request(method, path, headers=headers, content=b"{")
                said += answer.text + str(answer.headers)
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("audit8"))
    assert KEY not in said + logged
    assert OTHER not in said + logged
    assert KEY not in repr(settings(api_key=KEY))


async def test_one_keys_jobs_leave_room_for_the_other_and_are_its_own() -> None:
    engine = FakeEngine()
    for _ in range(3):
        engine.enqueue("and", endless=True, delay_s=0.001)
    app = create_app(settings(api_key=f"{KEY},{OTHER}", max_jobs=4), lambda _: engine)
    async with running(app) as client:
        await until(lambda: client_is_ready(client))
        kept = [Channel(app, "/audit", SQL.encode(), x_api_key=KEY, x_request_id=f"r{number}") for number in (1, 2)]
        await until(lambda: jobs(client, 2))
        refused = await client.post("/audit", headers=BEARER, json={"code": SQL})
        assert (refused.status_code, refused.json()["error"]["client_jobs"]) == (429, 2)
        kept.append(Channel(app, "/audit", SQL.encode(), x_api_key=OTHER))
        await until(lambda: jobs(client, 3))
        assert (await client.delete("/audits/r1", headers={"X-API-Key": OTHER})).status_code == 404
        assert (await client.delete("/audits/r1", headers=BEARER)).json() == {"id": "r1", "status": "cancelled"}
        await kept[0].task
        assert kept[0].sent[0]["status"] == 499
        for channel in kept[1:]:
            channel.leave()
            await channel.task


async def jobs(client: httpx.AsyncClient, wanted: int) -> bool:
    return bool(sum((await client.get("/health")).json()["jobs"].values()) == wanted)
