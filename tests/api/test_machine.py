"""GET /api/machine and POST /api/count: the figures are the engine's and the text's own."""

import threading

import pytest

from audit8.api.app import create_app
from audit8.engine.fake import FAKE_INFO, FakeEngine
from tests.api.serving import SQL, ready, running, settings


async def test_the_machine_is_told_with_its_last_minutes() -> None:
    async with ready(FakeEngine()) as client:
        await client.post("/audit", json={"code": SQL})
        machine = (await client.get("/api/machine")).json()
    assert set(machine) == {
        *("device", "model", "memory", "utilisation_percent", "tokens_per_s", "running", "waiting", "samples")
    }
    assert (machine["device"], machine["model"]) == (FAKE_INFO.device, FAKE_INFO.model)
    assert machine["memory"] == {"kind": "ram", "used_bytes": 123_000_000, "total_bytes": 8_000_000_000}
    assert machine["utilisation_percent"] is None
    assert machine["tokens_per_s"] > 0
    assert (machine["running"], machine["waiting"]) == (0, 0)
    for sample in machine["samples"]:
        assert set(sample) == {"at", "utilisation_percent", "memory_used_bytes", "tokens_per_s"}


async def test_a_text_is_counted_as_the_model_counts() -> None:
    async with ready(FakeEngine()) as client:
        answer = (await client.post("/api/count", json={"code": SQL, "filename": "a.py"})).json()
        empty = (await client.post("/api/count", json={"code": ""})).json()
    assert answer == {
        "tokens": FakeEngine().count_tokens(SQL),
        "lines": 2,
        "bytes": len(SQL),
        "language": "python",
        "max_body_bytes": 1048576,
    }
    assert (empty["tokens"], empty["lines"], empty["bytes"], empty["language"]) == (0, 0, 0, "text")


@pytest.mark.parametrize(("code", "lines", "size"), [("中", 1, 3), ("a\n\n", 2, 3), ("a\nb", 2, 3), ("\n", 1, 1)])
async def test_lines_and_bytes(code: str, lines: int, size: int) -> None:
    async with ready(FakeEngine()) as client:
        answer = (await client.post("/api/count", json={"code": code})).json()
    assert (answer["lines"], answer["bytes"]) == (lines, size)


async def test_what_is_no_text_is_refused_and_a_large_one_too() -> None:
    async with ready(FakeEngine(), max_body_bytes=100) as client:
        assert (await client.post("/api/count", json={"code": 1})).status_code == 400
        assert (await client.post("/api/count", json={"code": "x" * 100})).status_code == 413


async def test_while_the_model_loads_the_machine_answers_and_the_count_says_so() -> None:
    go_on = threading.Event()

    def slowly(_: object) -> FakeEngine:
        go_on.wait(10)
        return FakeEngine()

    async with running(create_app(settings(), slowly)) as client:
        machine = (await client.get("/api/machine")).json()
        counted = await client.post("/api/count", json={"code": SQL})
        go_on.set()
    assert (machine["device"], machine["model"], machine["memory"]) == (None, None, None)
    assert counted.status_code == 503
    assert int(counted.headers["retry-after"]) > 0
