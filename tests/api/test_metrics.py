"""GET /metrics: what happened is counted, under the field's names, and nothing of what was sent is in it."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from audit8.api.app import create_app
from audit8.engine.fake import FakeEngine
from audit8.errors import OutOfMemory
from tests.api.serving import ANSWER, SQL, Channel, client_is_ready, ready, running, settings, until

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def samples(client: httpx.AsyncClient) -> Samples:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(of: Samples, name: str, **labels: str) -> float:
    return of.get((f"audit8_{name}", frozenset(labels.items())), 0.0)


async def test_an_audit_is_timed_and_counted() -> None:
    engine = FakeEngine()
    engine.enqueue(ANSWER)
    async with ready(engine) as client:
        before = await samples(client)
        report = (await client.post("/audit", json={"code": SQL})).json()
        after = await samples(client)
    assert value(before, "time_to_first_token_seconds_count") == 0
    for name in ("time_to_first_token", "time_per_output_token", "request_queue_time"):
        assert value(after, f"{name}_seconds_count") >= 1, name
    assert value(after, "e2e_request_latency_seconds_count", kind="audit", outcome="ok") == 1
    assert value(after, "prompt_tokens_total") >= report["usage"]["prompt_tokens"] > 0
    assert value(after, "generation_tokens_total") >= report["usage"]["completion_tokens"] > 0
    found = {finding["severity"] for finding in report["findings"]}
    assert sum(value(after, "findings_total", severity=severity) for severity in found) == len(report["findings"]) > 0
    assert value(after, "ready") == 1
    assert value(after, "memory_used_bytes") == 123_000_000
    assert value(after, "http_responses_total", method="POST", status="200") == 1


async def test_jobs_that_run_and_wait_are_gauges_and_every_ending_has_its_name() -> None:
    engine = FakeEngine()
    engine.enqueue("and", endless=True, delay_s=0.001)
    engine.enqueue("x", fail_at=0, error=OutOfMemory("full"))
    app = create_app(settings(max_jobs=2), lambda _: engine)
    async with running(app) as client:
        await until(lambda: client_is_ready(client))
        first = Channel(app, "/audit", SQL.encode(), content_type="text/plain")
        await until(lambda: engine.calls)
        second = Channel(app, "/audit", SQL.encode(), content_type="text/plain")
        await until(lambda: _waiting(client))
        now = await samples(client)
        assert (value(now, "requests_running"), value(now, "requests_waiting")) == (1, 1)
        assert (await client.post("/audit", json={"code": SQL})).status_code == 429
        assert (await client.post("/audit", json={"code": ""})).status_code == 422
        first.leave()
        await first.task
        await second.task
        now = await samples(client)
    assert (value(now, "requests_running"), value(now, "requests_waiting")) == (0, 0)
    for outcome in ("client_gone", "out_of_memory"):
        assert value(now, "e2e_request_latency_seconds_count", kind="audit", outcome=outcome) == 1
    for reason in ("queue_full", "empty_code", "out_of_memory"):
        assert value(now, "refusals_total", reason=reason) == 1
    assert value(now, "http_responses_total", method="POST", status="429") == 1


async def _waiting(client: httpx.AsyncClient) -> bool:
    return bool((await client.get("/health")).json()["jobs"]["waiting"] == 1)


async def test_labels_are_a_closed_set_whatever_is_sent() -> None:
    async with ready(FakeEngine()) as client:
        for number in range(20):
            await client.request(f"M{number}", f"/secret_{number}", headers={"X-Request-Id": f"secret-{number}"})
            await client.post(f"/audit?filename=secret_{number}.py", content=f"secret = {number}")
        text = (await client.get("/metrics")).text
    assert "secret" not in text
    assert 'method="other",status="404"' in text or 'method="other",status="405"' in text
    assert "M1" not in text


async def test_while_it_loads_the_gauges_of_the_engine_are_left_out() -> None:
    app = create_app(settings(), lambda _: FakeEngine())
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8000")
    async with client:  # the lifespan does not run: nothing is loaded
        now = await samples(client)
    assert value(now, "ready") == 0
    assert ("audit8_memory_used_bytes", frozenset[tuple[str, str]]()) not in now
