"""The history's routes: what was audited over any route is there, for the own page, as the README says."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from audit8.api.app import create_app
from audit8.engine.fake import FakeEngine
from tests.api.serving import ANSWER, SQL, ready, running, settings, until

CHAT = {"model": "audit8", "messages": [{"role": "user", "content": SQL}]}


def engine() -> FakeEngine:
    return FakeEngine(default=ANSWER)


def kept(tmp_path: Path) -> dict[str, Any]:
    return {"history": True, "history_file": tmp_path / "history.db"}


async def test_what_is_audited_is_there_as_it_was_answered(tmp_path: Path) -> None:
    async with ready(engine(), **kept(tmp_path)) as client:
        report = (await client.post("/audit", json={"code": SQL, "filename": "db.py"})).json()
        await client.post("/audit", json={"code": SQL}, headers={"Accept": "text/event-stream"})
        await client.post("/v1/chat/completions", json=CHAT)
        await client.post("/v1/chat/completions", json={**CHAT, "model": "other"})
        listed = (await client.get("/api/history")).json()
        entry = await client.get(f"/api/history/{report['id']}")
        health = (await client.get("/health")).json()
    assert len(listed["items"]) == 3
    assert listed["next"] is None
    assert set(listed["items"][0]) == {
        *("id", "created_at", "title", "risk_level", "counts", "files", "lines", "language", "lang", "error")
    }
    assert entry.json()["report"] == report
    assert entry.json()["sources"] == [{"name": "db.py", "text": SQL, "language": "python"}]
    assert entry.json()["dismissed"] == []
    assert entry.headers["cache-control"] == "no-store"
    assert health["history"] == {"state": "on", "reason": ""}


async def test_an_audit_outlives_the_server(tmp_path: Path) -> None:
    async with ready(engine(), **kept(tmp_path)) as client:
        await client.post("/audit", json={"code": SQL})
    async with ready(engine(), **kept(tmp_path)) as client:
        assert len((await client.get("/api/history")).json()["items"]) == 1


async def test_a_finding_is_dismissed_exported_and_taken_back(tmp_path: Path) -> None:
    async with ready(engine(), **kept(tmp_path)) as client:
        report = (await client.post("/audit", json={"code": SQL, "filename": "db.py"})).json()
        finding = report["findings"][0]
        audit = f"/api/history/{report['id']}"
        place = f"{audit}/dismissals/{finding['fingerprint']}"
        made = (await client.put(place, json={"reason": " only in tests "})).json()
        entry = (await client.get(audit)).json()
        baseline = (await client.get(f"{audit}/suppressions")).json()
        taken = await client.delete(place)
        after = (await client.get(audit)).json()
        wrong = [
            await client.put(f"{audit}/dismissals/none", json={"reason": ""}),
            await client.put(place, json={"reason": 1}),
            await client.put(place, json={"reason": "x" * 1001}),
            await client.delete(place),
        ]
    assert (made["fingerprint"], made["reason"]) == (finding["fingerprint"], "only in tests")
    assert entry["dismissed"] == [made]
    assert [(one["fingerprint"], one["file"]) for one in baseline["entries"]] == [(finding["fingerprint"], "db.py")]
    assert taken.status_code == 200
    assert after["dismissed"] == []
    assert [answer.status_code for answer in wrong] == [404, 400, 400, 404]


async def test_lists_are_paged_searched_and_deleted(tmp_path: Path) -> None:
    async with ready(engine(), **kept(tmp_path)) as client:
        for name in ("a.py", "b.py", "c.py"):
            await client.post("/audit", json={"code": SQL, "filename": name})
        first = (await client.get("/api/history?limit=2")).json()
        rest = (await client.get("/api/history", params={"limit": 2, "before": first["next"]})).json()
        found = (await client.get("/api/history?q=b.py")).json()["items"]
        assert (await client.delete(f"/api/history/{found[0]['id']}")).status_code == 200
        gone = await client.get(f"/api/history/{found[0]['id']}")
        everything = (await client.delete("/api/history")).json()
        left = (await client.get("/api/history")).json()
    assert [item["title"] for item in first["items"] + rest["items"]] == ["c.py", "b.py", "a.py"]
    assert [item["title"] for item in found] == ["b.py"]
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "not_found")
    assert everything == {"deleted": 2}
    assert left == {"items": [], "next": None}


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "before=x", "before=-1", "before=99999999999999999999", "q=" + "x" * 201],
)
async def test_what_cannot_be_asked_is_refused(query: str, tmp_path: Path) -> None:
    async with ready(engine(), **kept(tmp_path)) as client:
        assert (await client.get(f"/api/history?{query}")).status_code in {400, 422}


async def test_a_failed_audit_is_marked(tmp_path: Path) -> None:
    failing = FakeEngine()
    failing.enqueue("no", fail_at=0)
    async with ready(failing, **kept(tmp_path)) as client:
        assert (await client.post("/audit", json={"code": SQL})).status_code == 500
        item = (await client.get("/api/history")).json()["items"][0]
        entry = (await client.get(f"/api/history/{item['id']}")).json()
    assert (item["risk_level"], item["error"]) == (None, "the scripted engine failed")
    assert (entry["report"], entry["error"]) == (None, item["error"])


async def test_other_pages_are_refused_and_nothing_is_deleted(tmp_path: Path) -> None:
    async with ready(engine(), **kept(tmp_path)) as client:
        await client.post("/audit", json={"code": SQL})
        for origin in ("http://localhost:3000", "http://evil.example", "null"):
            for method in ("GET", "DELETE"):
                assert (await client.request(method, "/api/history", headers={"Origin": origin})).status_code == 403
        assert len((await client.get("/api/history")).json()["items"]) == 1


async def test_each_client_sees_its_own(tmp_path: Path) -> None:
    ann, bob = {"X-API-Key": "the-key-of-ann"}, {"X-API-Key": "the-key-of-bob"}
    async with ready(engine(), **kept(tmp_path), api_key="the-key-of-ann,the-key-of-bob") as client:
        assert (await client.get("/api/history")).status_code == 401
        report = (await client.post("/audit", json={"code": SQL}, headers=ann)).json()
        await client.post("/v1/chat/completions", json=CHAT, headers=bob)
        mine = (await client.get("/api/history", headers=ann)).json()["items"]
        theirs = await client.get(f"/api/history/{report['id']}", headers=bob)
        await client.delete("/api/history", headers=bob)
        left = (await client.get("/api/history", headers=ann)).json()["items"]
    assert [item["id"] for item in mine] == [report["id"]]
    assert theirs.status_code == 404
    assert left == mine


@pytest.mark.parametrize("changed", [{"history": False}, {"host": "0.0.0.0", "allow_anonymous": True}])
async def test_a_history_that_is_off_says_so_everywhere(changed: dict[str, Any], tmp_path: Path) -> None:
    async with ready(engine(), **{**kept(tmp_path), **changed}) as client:
        assert (await client.post("/audit", json={"code": SQL})).status_code == 200
        answer = await client.get("/api/history")
        health = (await client.get("/health")).json()
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "history_off")
    assert health["history"]["state"] == "off"
    assert health["history"]["reason"] == answer.json()["error"]["hint"]
    assert not await asyncio.to_thread(os.listdir, tmp_path)


async def test_a_fault_of_the_file_stops_no_audit_and_is_in_health(tmp_path: Path) -> None:
    (tmp_path / "folder").touch()
    app = create_app(settings(history=True, history_file=tmp_path / "folder" / "history.db"), lambda _: engine())

    async def failed() -> bool:
        return bool((await client.get("/health")).json()["history"]["state"] == "failed")

    async with running(app) as client:
        await until(failed)
        assert (await client.post("/audit", json={"code": SQL})).status_code == 200
        answer = await client.get("/api/history")
        health = await client.get("/health")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert health.json()["status"] == "ok"
    assert health.json()["history"]["reason"]
