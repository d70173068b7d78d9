"""The history's laws: what ended is there, for its owner alone, until it is deleted or too old."""

import asyncio
import json
import logging
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from audit8.errors import HistoryOff, NotFound
from audit8.events import Event
from audit8.store.baseline import baseline_of
from audit8.store.database import open_database
from audit8.store.history import DAY_S, History, Kept, State
from audit8.store.rows import pack, unpack
from audit8.types import Severity, Source
from tests.store.audits import CODE, FAILED, QUERY, Clock, events, job_of, opened, put, reported


@pytest.fixture
async def history(tmp_path: Path) -> AsyncGenerator[History]:
    made = opened(tmp_path / "history.db")
    yield made
    await made.aclose()


async def ids(history: History, owner: str = "", query: str = "") -> list[str]:
    return [item.id for item in (await history.select(owner, query)).items]


async def test_the_events_pass_as_they_are_and_the_report_is_there_before_it_passes(history: History) -> None:
    job = job_of(1)
    end = reported(job, QUERY)
    passed: list[Event] = []
    async for event in history.keep(events(job, end), job, ""):
        if event is end:
            assert await ids(history) == ["job1"]
        passed.append(event)
    assert passed == [event async for event in events(job, end)]
    entry = await history.entry("", "job1")
    assert entry.report == json.loads(json.dumps(asdict(end.report)))
    assert entry.sources == [{"name": CODE.name, "text": CODE.text, "language": "python"}]
    assert (entry.dismissed, entry.error) == ((), None)


async def test_an_item_sums_the_audit_up(history: History) -> None:
    shown_only = replace(QUERY, severity=Severity.CRITICAL, counts=False, start_line=1, quote="def find(db, text):")
    job = job_of(1, CODE, Source("x.js", "x()\n" * 40, "javascript"))
    await put(history, 1, *job.sources, end=reported(job, QUERY, shown_only))
    item = (await history.select("")).items[0]
    assert asdict(item) == {
        "id": "job1",
        "created_at": "2026-01-02T03:04:05+00:00",
        "title": "db.py, x.js",
        "risk_level": "high",
        "counts": {"high": 1},
        "files": 2,
        "lines": 42,
        "language": "javascript",
        "lang": "en",
        "error": None,
    }


async def test_a_failed_audit_is_there_and_says_so(history: History) -> None:
    await put(history, 1, end=FAILED)
    item = (await history.select("")).items[0]
    assert (item.risk_level, item.error, item.counts) == (None, FAILED.message, {})
    entry = await history.entry("", "job1")
    assert (entry.report, entry.error, len(entry.sources)) == (None, FAILED.message, 1)


async def test_an_audit_that_its_client_left_is_not_there(history: History) -> None:
    job = job_of(1)
    kept = history.keep(events(job, FAILED), job, "")
    await anext(kept)
    await kept.aclose()
    assert await ids(history) == []


async def test_each_owner_has_audits_of_its_own(history: History) -> None:
    await put(history, 1, owner="ann")
    await put(history, 2, owner="bob")
    assert (await ids(history, "ann"), await ids(history, "bob"), await ids(history)) == (["job1"], ["job2"], [])
    for work in (
        history.entry("bob", "job1"),
        history.delete("bob", "job1"),
        history.dismiss("bob", "job1", QUERY.fingerprint, ""),
        history.undismiss("bob", "job1", QUERY.fingerprint),
    ):
        with pytest.raises(NotFound):
            await work
    assert await history.delete_all("bob") == 1
    assert await ids(history, "ann") == ["job1"]


async def test_pages_have_each_audit_once_newest_first_whatever_comes_meanwhile(history: History) -> None:
    for number in range(5):
        await put(history, number)
    first = await history.select("", limit=2)
    await put(history, 9)
    second = await history.select("", before=first.next, limit=2)
    third = await history.select("", before=second.next, limit=2)
    parts = [[item.id for item in page.items] for page in (first, second, third)]
    assert parts == [["job4", "job3"], ["job2", "job1"], ["job0"]]
    assert third.next is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["job4", "job3", "job2", "job1"]),
        ("db.py", ["job1"]),
        ("100%", ["job2"]),
        ("%", ["job2"]),
        ("a_b", ["job3"]),
        ("a\\", ["job4"]),
        ("PYTHON", ["job1"]),
        ("sql-injection", ["job4", "job3", "job2", "job1"]),
        ("SQL 注入 cwe-89 go", ["job3"]),
        ("ümlaut", ["job2"]),
        ("nothing like it", []),
        ("' OR 1=1 --", []),
    ],
)
async def test_every_word_of_a_query_is_looked_for_as_it_stands(query: str, found: list[str], history: History) -> None:
    await put(history, 1)
    await put(history, 2, Source("100% ÜMLAUT.rb", "x = 1\n", "ruby"))
    await put(history, 3, Source("a_b.go", "package main\n", "go"))
    await put(history, 4, Source("a\\b.c", "int x;\n", "c"))
    assert await ids(history, query=query) == found


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


async def test_deleted_is_deleted_from_the_disk_too(tmp_path: Path) -> None:
    history = opened(tmp_path / "history.db")
    secret = Source("verysecretname.py", "x = 1\n", "python")
    await put(history, 1, secret)
    await put(history, 2)
    await history.dismiss("", "job1", QUERY.fingerprint, "verysecretreason")
    assert b"verysecretname" in on_disk(tmp_path)
    await history.delete("", "job1")
    assert b"verysecret" not in on_disk(tmp_path)
    assert await ids(history) == ["job2"]
    with pytest.raises(NotFound):
        await history.delete("", "job1")
    assert await history.delete_all("") == 1
    await history.aclose()


async def test_the_oldest_go_by_age_and_by_number(tmp_path: Path) -> None:
    clock = Clock()
    history = opened(tmp_path / "history.db", clock, days=2, most=3)
    for number in range(4):
        await put(history, number)
    await put(history, 7, owner="bob")
    assert (await ids(history), await ids(history, "bob")) == (["job3", "job2", "job1"], ["job7"])
    clock.now_s += 3 * DAY_S
    await put(history, 5)
    assert await ids(history) == ["job5"]
    await history.aclose()
    again = opened(tmp_path / "history.db", clock, days=2, most=3)
    again.start()
    assert await ids(again, "bob") == []
    await again.aclose()


async def test_a_dismissal_is_kept_replaced_and_taken_back(history: History) -> None:
    copy = replace(QUERY, file="other.py")
    job = job_of(1, CODE, replace(CODE, name="other.py"))
    await put(
        history, 1, *job.sources, end=reported(job, QUERY, copy, replace(QUERY, start_line=1, fingerprint="beef"))
    )
    await history.dismiss("", "job1", QUERY.fingerprint, "a test")
    made = await history.dismiss("", "job1", QUERY.fingerprint, "不可达")
    entry = await history.entry("", "job1")
    assert entry.dismissed == (made,)
    line = {"fingerprint": QUERY.fingerprint, "class": "sql-injection", "cwe": "CWE-89", "origin": "rule"}
    line |= {"reason": "不可达", "added": "2026-01-02"}
    assert json.loads(baseline_of(entry)) == {
        "audit8_baseline": 1,
        "entries": [{**line, "file": "db.py"}, {**line, "file": "other.py"}],
    }
    await history.undismiss("", "job1", QUERY.fingerprint)
    assert json.loads(baseline_of(await history.entry("", "job1")))["entries"] == []
    for work in (history.undismiss("", "job1", QUERY.fingerprint), history.dismiss("", "job1", "none", "")):
        with pytest.raises(NotFound):
            await work


async def test_halves_of_surrogate_pairs_are_no_fault(history: History) -> None:
    await put(history, 1, Source("\ud800.py", "# \udfff\n", "python"))
    await put(history, 2, Source("", "# \udfff 1\n", "python"))
    await history.dismiss("", "job1", QUERY.fingerprint, "\ud800")
    assert await ids(history, query="\ud800") == ["job1"]
    assert [item.title for item in (await history.select("")).items] == ["# \\udfff 1", "\\ud800.py"]
    assert (await history.entry("", "job1")).sources[0]["text"] == "# ?\n"
    assert history.state == State("on")


async def test_many_at_once_are_all_there(history: History) -> None:
    await asyncio.gather(*(put(history, number) for number in range(50)))
    assert len((await history.select("", limit=60)).items) == 50


async def test_ten_thousand_are_listed_and_searched_quickly(tmp_path: Path) -> None:
    """100 ms is the promise; processor time, of the best of five, does not depend on who else works here."""
    await filled(tmp_path / "history.db", 10_000)
    history = opened(tmp_path / "history.db")
    for query in ("", "sql-injection", "nothing like it"):
        times = []
        for _ in range(5):
            began_s = time.process_time()
            page = await history.select("", query)
            times.append(time.process_time() - began_s)
        assert len(page.items) == (0 if "like" in query else 50)
        assert min(times) < 0.1
    await history.aclose()


async def filled(path: Path, count: int) -> None:
    """One audit, then copies of it made by SQLite."""
    history = opened(path)
    await put(history, 0)
    columns = "owner, saved_s, created_at, title, risk_level, counts, files, lines, language, lang, error, search"
    copies = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO audits "
    await history.aclose()
    connection = open_database(path)
    connection.execute(
        f"{copies}(id, {columns}) SELECT 'copy' || i, {columns} FROM audits, n WHERE id = 'job0'", (count - 1,)
    )
    connection.execute(
        "INSERT INTO contents SELECT number, zeroblob(4000), zeroblob(4000) FROM audits WHERE id LIKE 'copy%'"
    )
    assert connection.execute("SELECT count(*) FROM audits").fetchone() == (count,)
    connection.close()


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.store.audits import job_of, opened, events, reported, QUERY

async def main():
    history = opened(Path(sys.argv[1]))
    for number in range(3):
        job = job_of(number)
        async for event in history.keep(events(job, reported(job, QUERY)), job, ""):
            if number == 2 and type(event).__name__ == "Reported":
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

asyncio.run(main())
"""


async def test_a_killed_server_loses_no_finished_audit(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, path)
    assert await killed.wait() != 0
    history = opened(path)
    assert await ids(history) == ["job2", "job1", "job0"]
    assert (await history.entry("", "job2")).report is not None
    await history.aclose()


async def test_a_history_that_is_off_passes_events_and_makes_no_file(tmp_path: Path) -> None:
    history = History(Kept(tmp_path / "history.db"), off="Because.")
    history.start()
    await put(history, 1)
    with pytest.raises(HistoryOff) as refused:
        await history.select("")
    assert refused.value.hint == "Because."
    assert history.state == State("off", "Because.")
    await history.aclose()
    assert on_disk(tmp_path) == b""


async def test_no_word_of_the_code_is_logged(history: History, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await put(history, 1, Source("nameofafile.py", "wordofthecode = 1\n", "python"))
    await ids(history, query="wordofaquery")
    assert not any(word in caplog.text for word in ("nameofafile", "wordofthecode", "wordofaquery"))


def test_what_is_packed_is_unpacked() -> None:
    assert unpack(pack({"a": ["中", 1, None]})) == {"a": ["中", 1, None]}
