"""What goes wrong with the file stops no audit, is told, and ends when its cause does."""

import logging
import os
import sqlite3
from pathlib import Path

import pytest

from audit8.errors import Unavailable
from audit8.store import database
from audit8.store.database import open_database
from audit8.store.history import State
from tests.store.audits import opened, put


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="Windows: the user's profile folder is the user's alone")
@pytest.mark.parametrize("before", [None, 0o644])
async def test_the_file_is_its_owners_alone(before: int | None, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "history.db"
    if before is not None:
        path.parent.mkdir()
        path.touch()
        path.chmod(before)
    history = opened(path)
    await put(history, 1)
    assert {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()} == {
        "history.db": 0o600,
        "history.db-shm": 0o600,
        "history.db-wal": 0o600,
    }
    if before is None:
        assert path.parent.stat().st_mode & 0o777 == 0o700
    await history.aclose()
    assert listed(path.parent) == ["history.db"]


async def test_a_place_that_cannot_be_written_is_a_fault_that_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "folder"
    blocked.touch()
    history = opened(blocked / "history.db")
    history.start()
    await put(history, 1)
    await put(history, 2)
    assert history.state.state == "failed"
    assert history.state.reason
    with pytest.raises(Unavailable):
        await history.select("")
    assert len(caplog.records) == 1
    blocked.unlink()
    await put(history, 3)
    assert history.state == State("on")
    assert [item.id for item in (await history.select("")).items] == ["job3"]
    assert len(caplog.records) == 2
    await history.aclose()


async def test_a_full_disk_leaves_what_was_saved_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full = False

    def limited(path: Path) -> sqlite3.Connection:
        connection = open_database(path)
        if full:  # SQLite then refuses as it does when the disk is full
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr("audit8.store.history.open_database", limited)
    path = tmp_path / "history.db"
    history = opened(path)
    await put(history, 0)
    await history.aclose()
    full = True
    history = opened(path)
    for number in range(1, 40):
        await put(history, number)
    assert history.state == State("failed", "database or disk is full")
    full = False
    count = len((await history.select("", limit=100)).items)
    assert 1 <= count < 40
    assert history.state.state == "failed"
    assert len(caplog.records) == 1
    await put(history, 40)
    assert history.state == State("on")
    assert len((await history.select("", limit=100)).items) == count + 1
    await history.aclose()


async def test_a_file_that_is_no_database_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "history.db"
    path.write_bytes(b"something else entirely" * 100)
    history = opened(path)
    history.start()
    await put(history, 1)
    aside = path.with_name("history.db.damaged-20260102-030405")
    assert aside.read_bytes().startswith(b"something else")
    assert history.state.state == "on"
    assert aside.name in history.state.reason
    assert [item.id for item in (await history.select("")).items] == ["job1"]
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
    await history.aclose()


async def test_damage_that_shows_later_is_noticed_then(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    history = opened(path)
    for number in range(20):
        await put(history, number)
    await history.aclose()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    for _ in range(2):  # the second time the name of the first is taken
        history = opened(path)
        await put(history, 99)
        assert [item.id for item in (await history.select("")).items] == ["job99"]
        await history.aclose()
        path.write_bytes(content)
    assert len([name for name in listed(tmp_path) if "damaged" in name]) == 2


async def test_a_file_of_a_later_version_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.db"
    with monkeypatch.context() as later:
        later.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, ("CREATE TABLE new (x)",)))
        history = opened(path)
        await put(history, 1)
        await history.aclose()
    history = opened(path)
    await put(history, 2)
    assert history.state.state == "failed"
    assert "version 2" in history.state.reason
    await history.aclose()
    assert listed(tmp_path) == ["history.db"]


async def test_an_older_file_is_brought_to_the_newest_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.db"
    history = opened(path)
    await put(history, 1)
    await history.aclose()
    later = (*database.MIGRATIONS, ("ALTER TABLE audits ADD COLUMN note TEXT", "UPDATE audits SET note = 'x'"))
    monkeypatch.setattr(database, "MIGRATIONS", later)
    connection = open_database(path)
    assert connection.execute("SELECT id, note FROM audits").fetchall() == [("job1", "x")]
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    connection.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.db"
    open_database(path).close()
    with monkeypatch.context() as broken:
        broken.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, ("CREATE TABLE new (x)", "NONSENSE")))
        with pytest.raises(sqlite3.OperationalError):
            open_database(path)
    connection = open_database(path)
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'new'").fetchall() == []
    connection.close()
