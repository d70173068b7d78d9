"""DELETE /audits/{name} ends a job in words, whatever form it came in."""

import json

import pytest

from audit8.api.app import create_app
from audit8.engine.fake import FakeEngine
from tests.api.serving import SQL, Channel, client_is_ready, ready, running, settings, until
from tests.api.sse_reader import SseReader


@pytest.mark.parametrize(
    ("accept", "by"),
    [("text/event-stream", "request id"), ("text/event-stream", "job id"), ("application/json", "request id")],
)
async def test_a_job_is_stopped_by_either_name(accept: str, by: str) -> None:
    engine = FakeEngine()
    engine.enqueue("and", endless=True, delay_s=0.001)
    app = create_app(settings(), lambda _: engine)
    async with running(app) as client:
        await until(lambda: client_is_ready(client))
        job = Channel(app, "/audit", SQL.encode(), accept=accept, content_type="text/plain", x_request_id="mine-1")
        await until(lambda: engine.calls and engine.calls[0].given > 2)
        name = "mine-1"
        if by == "job id":
            reader = SseReader()
            reader.feed(job.body)
            name = reader.events[0][1]["id"]
        answer = await client.delete(f"/audits/{name}")
        assert (answer.status_code, answer.json()) == (200, {"id": name, "status": "cancelled"})
        assert engine.calls[0].cancelled
        assert (await client.get("/health")).json()["jobs"] == {"running": 0, "waiting": 0}
        await job.task
        last = job.body.split(b"data: ")[-1] if accept == "text/event-stream" else job.body
        body = json.loads(last)
        assert body.get("error", body)["code"] == "cancelled"
        assert (await client.delete(f"/audits/{name}")).status_code == 404


async def test_an_unknown_name_is_a_404_that_repeats_it_safely() -> None:
    async with ready(FakeEngine()) as client:
        answer = await client.delete("/audits/%1b%5b2J%e2%80%aex")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert "\\u001b" in answer.json()["error"]["message"]
    assert "\x1b" not in answer.text


async def test_another_page_may_not_stop_jobs() -> None:
    async with ready(FakeEngine()) as client:
        answer = await client.delete("/audits/x", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("given", "status", "code"), [("0.05", 504, "deadline_exceeded"), ("9999", 400, "bad_request")]
)
@pytest.mark.parametrize("how", ["header", "query"])
async def test_a_client_may_say_how_long_it_waits(how: str, given: str, status: int, code: str) -> None:
    engine = FakeEngine()
    engine.enqueue("and", endless=True, delay_s=0.01)
    async with ready(engine, job_timeout=60) as client:
        headers = {"X-Timeout-S": given} if how == "header" else {}
        query = f"?timeout_s={given}" if how == "query" else ""
        answer = await client.post(f"/audit{query}", json={"code": SQL}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
