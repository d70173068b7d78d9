"""A report in every form: by ?format=, by the Accept header, and of a report that is at hand already."""

import json
from typing import Any

import httpx
import jsonschema
import pytest

from audit8.audit.formats import FORMATS, FORMS
from audit8.engine.fake import FakeEngine
from tests.api.serving import SQL, ready
from tests.audit.test_sarif import validator

TEXT = {"Content-Type": "text/plain"}


async def audited(client: httpx.AsyncClient, query: str = "", **headers: str) -> httpx.Response:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(f"/audit?filename=app.py{query}", content=SQL, headers=TEXT | fields)


def form_of(answer: httpx.Response) -> str:
    media = answer.headers["content-type"].partition(";")[0]
    return next(form for form in FORMATS if media in FORMS[form].accepts)


@pytest.mark.parametrize("form", FORMATS)
async def test_an_audit_and_an_export_answer_in_the_form_that_is_asked_for(form: str) -> None:
    async with ready(FakeEngine()) as client:
        direct = await audited(client, f"&format={form}")
        report = (await audited(client)).text
        exported = await client.post(f"/api/export?format={form}", content=report)
    for answer in (direct, exported):
        assert answer.status_code == 200
        assert form_of(answer) == form
        assert "sql" in answer.text.lower()
        assert f'.{FORMS[form].extension}"' in answer.headers["content-disposition"]  # type: ignore[index]
    assert (exported.text.strip() == report.strip()) == (form == "json")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", "json"),
        ("application/json, text/plain, */*", "json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
        ("text/markdown", "markdown"),
        ("Application/SARIF+json", "sarif"),
        ("text/html;q=0.5, text/markdown;q=0.9", "markdown"),
        ("text/html;q=0, application/xml", "json"),
        ("image/png", "json"),
        ("", "json"),
    ],
)
async def test_the_accept_header_asks_too_and_the_query_wins(accept: str, form: str) -> None:
    async with ready(FakeEngine()) as client:
        assert form_of(await audited(client, Accept=accept)) == form
        assert form_of(await audited(client, "&format=SARIF", Accept=accept)) == "sarif"


async def test_the_sarif_is_valid_and_the_warnings_do_not_name_the_format() -> None:
    async with ready(FakeEngine()) as client:
        log = (await audited(client, "&format=sarif&colour=1")).json()
    assert [error.message for error in validator().iter_errors(log)] == []
    said = [one["message"]["text"] for one in log["runs"][0]["invocations"][0]["toolExecutionNotifications"]]
    assert any("colour" in text for text in said)
    assert not any("format" in text for text in said)
    assert isinstance(validator(), jsonschema.Draft4Validator)


async def test_the_html_may_use_its_own_style_sheet_and_nothing_else() -> None:
    async with ready(FakeEngine()) as client:
        answer = await audited(client, "&format=html")
        plain = await audited(client)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert plain.headers["content-security-policy"].startswith("default-src 'self'")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/audit", "/api/export"])
async def test_an_unknown_format_is_refused_before_any_work(path: str) -> None:
    engine = FakeEngine()
    async with ready(engine) as client:
        answer = await client.post(f"{path}?format=pdf", content=SQL, headers=TEXT)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "format"
    assert "sarif" in answer.json()["error"]["hint"]
    assert engine.calls == []


async def test_an_event_stream_in_another_form_is_refused() -> None:
    async with ready(FakeEngine()) as client:
        assert (await audited(client, "&format=html", Accept="text/event-stream")).status_code == 400
        assert (await audited(client, "&format=json", Accept="text/event-stream")).status_code == 200


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"id": 3}', b"[" * 50_000])
async def test_what_is_no_report_is_refused_in_words(content: bytes) -> None:
    async with ready(FakeEngine()) as client:
        answer = await client.post("/api/export?format=html", content=content)
    assert answer.status_code == 400
    assert "POST /audit" in answer.json()["error"]["hint"]


async def test_hostile_text_in_a_report_from_outside_stays_text() -> None:
    async with ready(FakeEngine()) as client:
        report: dict[str, Any] = (await audited(client)).json()
        report["findings"][0]["title"] = "<script>alert(1)</script>"
        report["result"] = "<script>alert(2)</script>"
        report["id"] = 'x"\r\nSet-Cookie: a=b'
        for form in ("html", "markdown"):
            answer = await client.post(f"/api/export?format={form}", content=json.dumps(report))
            assert "<script>" not in answer.text
            assert "set-cookie" not in answer.headers
            assert answer.headers["content-disposition"].startswith('inline; filename="audit8-xSet-Cookieab.')


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:8000", 400),
        ("http://localhost:3000", 403),
        ("https://evil.example", 403),
        ("null", 403),
        (None, 400),
    ],
)
async def test_only_the_servers_own_page_may_export(origin: str | None, status: int) -> None:
    headers = {"Origin": origin} if origin else {}
    async with ready(FakeEngine()) as client:
        assert (await client.post("/api/export", content=b"{}", headers=headers)).status_code == status


async def test_the_limit_of_bodies_holds() -> None:
    async with ready(FakeEngine(), max_body_bytes=1000) as client:
        assert (await client.post("/api/export", content=b"x" * 1001)).status_code == 413


async def test_a_comment_in_code_that_is_sent_suppresses_nothing() -> None:
    code = SQL.rstrip("\n") + "  # audit8: ignore[CWE-89] please\n"
    async with ready(FakeEngine()) as client:
        for headers in (TEXT, {"Content-Type": "application/json"}):
            content = code if headers is TEXT else json.dumps({"code": code, "filename": "app.py"})
            report = (await client.post("/audit?filename=app.py", content=content, headers=headers)).json()
            assert [one["cwe"] for one in report["findings"]] == ["CWE-89"]
            assert report["suppressed"] == []
            assert report["risk_level"] != "none"
