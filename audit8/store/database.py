"""The history's file: made for its owner alone, brought to the newest form, set aside where it is damaged.

Knows SQLite and the tables; nothing of reports. A connection belongs to the thread that opened it.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

BUSY_S = 5.0  # how long another server on the same file may hold its lock
DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
BESIDE = ("", "-wal", "-shm")  # the endings of the files that are one database

# One entry a version; what has been released is never changed.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE audits (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            owner TEXT NOT NULL,
            saved_s INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            title TEXT NOT NULL,
            risk_level TEXT,
            counts TEXT NOT NULL,
            files INTEGER NOT NULL,
            lines INTEGER NOT NULL,
            language TEXT NOT NULL,
            lang TEXT NOT NULL,
            error TEXT,
            search TEXT NOT NULL
        )""",
        "CREATE INDEX audits_of_owner ON audits (owner, number)",
        # apart from the list, which is then read without stepping over them
        """CREATE TABLE contents (
            audit INTEGER PRIMARY KEY REFERENCES audits ON DELETE CASCADE,
            report BLOB NOT NULL,
            sources BLOB NOT NULL
        )""",
        """CREATE TABLE dismissals (
            audit INTEGER NOT NULL REFERENCES audits ON DELETE CASCADE,
            fingerprint TEXT NOT NULL,
            reason TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (audit, fingerprint)
        )""",
    ),
)


class NewerFile(sqlite3.Error):
    """The file was written by a later version of this program; it is left as it is."""


def open_database(path: Path) -> sqlite3.Connection:
    """The database at `path`, made if need be. Raises OSError, sqlite3.Error (NewerFile, and DAMAGE among its codes).

    Every commit is on the disk before it returns, and deleted rows are overwritten.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if os.name == "posix" and path.stat().st_mode & 0o077:
        path.chmod(0o600)  # SQLite gives the files beside it the same mode
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        for pragma in ("auto_vacuum = INCREMENTAL", "journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; the lock is taken at once, so that what was read is still true when it is written."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # SQLite has rolled back by itself where the disk is full
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def give_back_space(connection: sqlite3.Connection) -> None:
    """After deletions: the file shrinks, and the write-ahead log, which still holds what was deleted, is emptied."""
    for pragma in ("incremental_vacuum", "wal_checkpoint(TRUNCATE)"):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def is_damage(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGE


def set_aside(path: Path, stamp: str) -> Path:
    """Rename a damaged file, and those beside it, to a name that is free; that name. Raises OSError."""
    number = 0
    while (aside := path.with_name(f"{path.name}.damaged-{stamp}{f'-{number}' if number else ''}")).exists():
        number += 1
    for ending in BESIDE:
        old = path.with_name(path.name + ending)
        if old.exists():
            old.replace(aside.with_name(aside.name + ending))
    return aside


def _migrate(connection: sqlite3.Connection) -> None:
    if _version(connection) == len(MIGRATIONS):
        return
    with transaction(connection):
        version = _version(connection)
        if version > len(MIGRATIONS):
            raise NewerFile(f"the file has version {version}, this program knows {len(MIGRATIONS)}")
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _version(connection: sqlite3.Connection) -> int:
    with closing(connection.execute("PRAGMA user_version")) as cursor:
        return int(cursor.fetchone()[0])
