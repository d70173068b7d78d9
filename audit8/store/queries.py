"""The history's statements: each a function of an open connection. Knows the tables, not what is in a report."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audit8.findings import RiskLevel
from audit8.store.database import give_back_space, transaction
from audit8.store.rows import Item, Row, patterns, storable, unpack

_COLUMNS = "id, created_at, title, risk_level, counts, files, lines, language, lang, error"


@dataclass(frozen=True, slots=True)
class Dismissal:
    """A finding that the user has decided to live with; `at` is UTC in ISO 8601."""

    fingerprint: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list, newest first; `next` asks for the part after it, None where there is none."""

    items: tuple[Item, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One audit as it was. `report` is None and `error` a sentence where it failed."""

    report: dict[str, Any] | None
    sources: list[dict[str, str]]
    dismissed: tuple[Dismissal, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept of one owner's audits: those saved after `oldest_s` (Unix time), and the newest `most` of them."""

    oldest_s: int
    most: int


def save(connection: sqlite3.Connection, owner: str, row: Row, saved_s: int, limits: Limits) -> None:
    item = row.item
    values = (item.id, item.created_at, storable(item.title), item.risk_level, json.dumps(item.counts))
    more = (item.files, item.lines, item.language, item.lang, item.error, owner, saved_s, row.search)
    with transaction(connection):
        cursor = connection.execute(
            f"INSERT INTO audits ({_COLUMNS}, owner, saved_s, search) VALUES ({', '.join('?' * 13)})",  # noqa: S608
            (*values, *more),
        )
        connection.execute("INSERT INTO contents VALUES (?, ?, ?)", (cursor.lastrowid, row.report, row.sources))
        _retire(connection, owner, limits)


def retire(connection: sqlite3.Connection, limits: Limits) -> None:
    """Delete what the limits no longer keep, of all owners."""
    with transaction(connection):
        owners = connection.execute("SELECT DISTINCT owner FROM audits").fetchall()
        for (owner,) in owners:
            _retire(connection, owner, limits)
    give_back_space(connection)


def _retire(connection: sqlite3.Connection, owner: str, limits: Limits) -> None:
    connection.execute("DELETE FROM audits WHERE owner = ? AND saved_s < ?", (owner, limits.oldest_s))
    connection.execute(
        "DELETE FROM audits WHERE owner = ? AND number <= "
        "(SELECT number FROM audits WHERE owner = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (owner, owner, limits.most),
    )


def select(connection: sqlite3.Connection, owner: str, query: str, before: int | None, limit: int) -> Page:
    """At most `limit` audits in which every word of `query` is found; `before` is the `next` of the part before."""
    found = patterns(query)
    conditions = [
        "owner = ?",
        *(["number < ?"] if before is not None else []),
        *["search LIKE ? ESCAPE '\\'"] * len(found),
    ]
    rows = connection.execute(
        f"SELECT number, {_COLUMNS} FROM audits WHERE {' AND '.join(conditions)} "  # noqa: S608 - no value is in it
        "ORDER BY number DESC LIMIT ?",
        (owner, *([before] if before is not None else []), *found, limit + 1),
    ).fetchall()
    items = tuple(_item(row[1:]) for row in rows[:limit])
    return Page(items, rows[limit - 1][0] if len(rows) > limit else None)


def entry(connection: sqlite3.Connection, owner: str, audit_id: str) -> Entry | None:
    row = connection.execute(
        "SELECT number, report, sources, error FROM audits JOIN contents ON audit = number WHERE owner = ? AND id = ?",
        (owner, audit_id),
    ).fetchone()
    if row is None:
        return None
    number, report, sources, error = row
    return Entry(unpack(report), unpack(sources), _dismissals(connection, number), error)


def delete(connection: sqlite3.Connection, owner: str, audit_id: str | None) -> int:
    """Delete one audit, or all of the owner's; how many there were."""
    with transaction(connection):
        condition, values = ("", ()) if audit_id is None else (" AND id = ?", (audit_id,))
        cursor = connection.execute(f"DELETE FROM audits WHERE owner = ?{condition}", (owner, *values))  # noqa: S608
    give_back_space(connection)
    return cursor.rowcount


def dismiss(connection: sqlite3.Connection, owner: str, audit_id: str, dismissal: Dismissal) -> bool:
    """False if there is no such audit."""
    with transaction(connection):
        if (number := _number(connection, owner, audit_id)) is None:
            return False
        connection.execute(
            "INSERT OR REPLACE INTO dismissals VALUES (?, ?, ?, ?)",
            (number, dismissal.fingerprint, storable(dismissal.reason), dismissal.at),
        )
    return True


def undismiss(connection: sqlite3.Connection, owner: str, audit_id: str, fingerprint: str) -> bool:
    """False if there is no such dismissal."""
    with transaction(connection):
        cursor = connection.execute(
            "DELETE FROM dismissals WHERE fingerprint = ? AND audit = "
            "(SELECT number FROM audits WHERE owner = ? AND id = ?)",
            (fingerprint, owner, audit_id),
        )
    return cursor.rowcount > 0


def _number(connection: sqlite3.Connection, owner: str, audit_id: str) -> int | None:
    found = connection.execute("SELECT number FROM audits WHERE owner = ? AND id = ?", (owner, audit_id)).fetchone()
    return None if found is None else int(found[0])


def _dismissals(connection: sqlite3.Connection, number: int) -> tuple[Dismissal, ...]:
    rows = connection.execute(
        "SELECT fingerprint, reason, at FROM dismissals WHERE audit = ? ORDER BY at, fingerprint", (number,)
    )
    return tuple(Dismissal(*row) for row in rows)


def _item(row: Sequence[Any]) -> Item:
    audit_id, created_at, title, risk_level, counts, *rest = row
    return Item(audit_id, created_at, title, RiskLevel(risk_level) if risk_level else None, json.loads(counts), *rest)
