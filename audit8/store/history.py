"""The history: audits are saved as they end, and listed, shown and deleted for the client they belong to.

One thread of its own touches the file, so that the event loop never waits for a disk. A fault of the disk or the file
stops no audit: it is logged once, and told by `state`. Never logs what was audited.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

from audit8.errors import HistoryOff, NotFound, Unavailable
from audit8.events import Event, Failed, Reported
from audit8.findings import Report
from audit8.store import queries
from audit8.store.database import is_damage, open_database, set_aside
from audit8.store.queries import Dismissal, Entry, Limits, Page
from audit8.store.rows import row_of
from audit8.types import Job

log = logging.getLogger("audit8.store")
T = TypeVar("T")

DAY_S = 24 * 3600
RETRY_AFTER_S = 30
Work = Callable[[sqlite3.Connection], T]


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the history is kept, and for how long: `days`, and at most `most` audits of each client; 0: no limit."""

    file: Path
    days: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """`reason` says in words why the history is off, what its fault is, or what happened to an older file."""

    state: Literal["on", "off", "failed"]
    reason: str = ""


class History:
    """`off`: why nothing is kept; "" if it is. `clock` is Unix time in seconds."""

    def __init__(self, kept: Kept, *, off: str = "", clock: Callable[[], float] = time.time) -> None:
        self._kept = kept
        self._clock = clock
        self._connection: sqlite3.Connection | None = None  # the thread's alone
        self._thread = ThreadPoolExecutor(1, "audit8-history")
        self.state = State("off", off) if off else State("on")

    # ---- what an audit leaves behind -------------------------------------------------------------------------------

    async def keep(self, events: AsyncGenerator[Event], job: Job, owner: str) -> AsyncGenerator[Event]:
        """The events as they are. How the job ends is on the disk before its terminal event goes on."""
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Reported):
                    await self._save(job, owner, event.report)
                elif isinstance(event, Failed):
                    await self._save(job, owner, event)
                yield event

    async def _save(self, job: Job, owner: str, end: Report | Failed) -> None:
        if self.state.state == "off":
            return
        now_s = self._clock()

        def work(connection: sqlite3.Connection) -> None:
            queries.save(connection, owner, row_of(job, end, _iso(now_s)), int(now_s), self._limits(now_s))

        saving = asyncio.get_running_loop().run_in_executor(self._thread, self._write, work)
        await asyncio.shield(saving)  # a client that leaves now does not lose what has ended

    def start(self) -> None:
        """Open the file and delete what is too old, without waiting for it."""
        if self.state.state != "off":
            self._thread.submit(self._write, lambda connection: queries.retire(connection, self._limits(self._clock())))

    async def aclose(self) -> None:
        """Wait for what is being saved, and close the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    # ---- what a client asks for ------------------------------------------------------------------------------------
    # Each raises HistoryOff, Unavailable while the file has a fault, and NotFound for what is not the owner's.

    async def select(self, owner: str, query: str = "", before: int | None = None, limit: int = 50) -> Page:
        return await self._do(self._read, lambda connection: queries.select(connection, owner, query, before, limit))

    async def entry(self, owner: str, audit_id: str) -> Entry:
        found = await self._do(self._read, lambda connection: queries.entry(connection, owner, audit_id))
        if found is None:
            raise _no_audit()
        return found

    async def delete(self, owner: str, audit_id: str) -> None:
        if not await self._do(self._write, lambda connection: queries.delete(connection, owner, audit_id)):
            raise _no_audit()

    async def delete_all(self, owner: str) -> int:
        return await self._do(self._write, lambda connection: queries.delete(connection, owner, None))

    async def dismiss(self, owner: str, audit_id: str, fingerprint: str, reason: str) -> Dismissal:
        """Dismiss a finding of the report; another dismissal of it is replaced."""
        report = (await self.entry(owner, audit_id)).report or {}
        if not any(finding["fingerprint"] == fingerprint for finding in report.get("findings", [])):
            raise NotFound("The audit has no finding with that fingerprint.")
        made = Dismissal(fingerprint, reason, _iso(self._clock()))
        if not await self._do(self._write, lambda connection: queries.dismiss(connection, owner, audit_id, made)):
            raise _no_audit()
        return made

    async def undismiss(self, owner: str, audit_id: str, fingerprint: str) -> None:
        if not await self._do(
            self._write, lambda connection: queries.undismiss(connection, owner, audit_id, fingerprint)
        ):
            raise NotFound("That finding is not dismissed.")

    async def _do(self, how: Callable[[Work[T]], tuple[T] | None], work: Work[T]) -> T:
        if self.state.state == "off":
            raise HistoryOff("This server keeps no history.", hint=self.state.reason)
        answer = await asyncio.get_running_loop().run_in_executor(self._thread, how, work)
        if answer is None:
            raise Unavailable(
                f"The history cannot be used: {self.state.reason}.",
                hint="Audits run without it; the server tries again by itself.",
                retry_after_s=RETRY_AFTER_S,
            )
        return answer[0]

    # ---- on the thread ---------------------------------------------------------------------------------------------

    # Both give what `work` gives, or None if the file has a fault: then the next call opens it again.

    def _read(self, work: Work[T]) -> tuple[T] | None:
        """Tells of a fault, never of its end: a full disk can be read."""
        return self._tried(work)

    def _write(self, work: Work[T]) -> tuple[T] | None:
        done = self._tried(work)
        if done and self.state.state == "failed":
            self.state = State("on")
            log.warning("The history in %s is in use again.", self._kept.file)
        return done

    def _tried(self, work: Work[T]) -> tuple[T] | None:
        try:
            try:
                return (work(self._opened()),)
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
            self._begin_anew()
            return (work(self._opened()),)
        except (OSError, sqlite3.Error) as error:
            self._close()
            self._fail(_words(error))
            return None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = open_database(self._kept.file)
        return self._connection

    def _begin_anew(self) -> None:
        self._close()
        aside = set_aside(self._kept.file, time.strftime("%Y%m%d-%H%M%S", time.gmtime(self._clock())))
        self.state = State("on", f"the file was damaged and is now {aside.name}; a new one was begun")
        log.error("The history in %s: %s.", self._kept.file, self.state.reason)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _fail(self, reason: str) -> None:
        if self.state.state != "failed":
            log.error("The history in %s cannot be used (%s); audits go on without it.", self._kept.file, reason)
        self.state = State("failed", reason)

    def _limits(self, now_s: float) -> Limits:
        oldest_s = int(now_s) - self._kept.days * DAY_S if self._kept.days else 0
        return Limits(oldest_s, self._kept.most or 2**62)


def _no_audit() -> NotFound:
    return NotFound("There is no such audit in the history.", hint="It may have been deleted, or be too old.")


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds")


def _words(error: OSError | sqlite3.Error) -> str:
    """What went wrong, without the path: that is in the log."""
    return str(error.strerror if isinstance(error, OSError) and error.strerror else error) or type(error).__name__
