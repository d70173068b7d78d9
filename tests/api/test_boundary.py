"""What every answer has: an id, security headers, one line in the log, and errors in one shape."""

import logging
import re

import pytest
from fastapi import FastAPI

from audit8 import errors
from audit8.api.app import create_app
from audit8.api.problems import STATUS_OF
from audit8.engine.fake import FakeEngine
from tests.api.serving import SQL, ready, running, settings

FIELDS = {"code", "type", "message", "hint", "param", "request_id"}


def codes_below(kind: type[errors.Audit8Error]) -> set[str]:
    return {kind.code}.union(*(codes_below(one) for one in kind.__subclasses__()))


def test_every_error_of_ours_has_a_status() -> None:
    assert codes_below(errors.Audit8Error) <= STATUS_OF.keys()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/static/nowhere.js", 404, "not_found"),
        ("GET", "/static/../pyproject.toml", 404, "not_found"),
        ("GET", "/audit", 405, "method_not_allowed"),
        ("DELETE", "/health", 405, "method_not_allowed"),
        ("GET", "/v1/models/nobody/knows", 404, "not_found"),
    ],
)
async def test_the_frameworks_refusals_have_our_shape(method: str, path: str, status: int, code: str) -> None:
    async with ready(FakeEngine()) as client:
        answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"].keys() >= FIELDS
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["type"] == "invalid_request_error"
    if status == 405:
        assert answer.headers["allow"]


async def test_an_unforeseen_error_of_a_route_is_a_500_in_our_shape(caplog: pytest.LogCaptureFixture) -> None:
    app: FastAPI = create_app(settings(), lambda _: FakeEngine())

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError(SQL)

    async with running(app) as client:
        answer = await client.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "RuntimeError" in caplog.text
    assert "SELECT" not in caplog.text + answer.text


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-123", True), ("x" * 64, True), ("x" * 65, False), ("with space", False), ("", False), ("é", False)],
)
async def test_a_short_printable_request_id_is_kept(given: str, *, kept: bool) -> None:
    async with ready(FakeEngine()) as client:
        headers = {"X-Request-Id": given.encode()}
        answer = await client.get("/nowhere", headers=headers)  # type: ignore[arg-type]
    got = answer.headers["x-request-id"]
    assert (got == given) is kept
    assert re.fullmatch(r"[\x21-\x7e]{1,64}", got)
    assert answer.json()["error"]["request_id"] == got


async def test_security_headers_are_on_every_answer() -> None:
    async with ready(FakeEngine()) as client:
        answers = [await client.get(path) for path in ("/", "/health", "/nowhere", "/static/none", "/docs")]
        answers.append(await client.get("/health", headers={"Host": "evil.example"}))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_one_line_per_request_and_never_the_code(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="audit8")
    async with ready(FakeEngine()) as client:
        caplog.clear()
        answer = await client.post(
            "/audit?filename=secret_name.py", content=SQL, headers={"Content-Type": "text/plain"}
        )
        await client.get("/evil%0Aline")
    lines = [record.getMessage() for record in caplog.records if record.name == "audit8.api"]
    first = rf"{answer.headers['x-request-id']} POST /audit 200 in={len(SQL)} out={len(answer.content)} \d+ ms"
    assert re.fullmatch(first, lines[0])
    assert len(lines) == 2
    assert "\n" not in "".join(lines)
    for word in ("SELECT", "secret_name", "db.execute"):
        assert word not in caplog.text
