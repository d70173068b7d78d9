"""A job that was accepted: it runs on a task of its own, within its deadline, and ends in exactly one way.

Knows tasks, deadlines and endings; nothing of audits, engines or HTTP.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from audit8.admission import Place
from audit8.errors import Audit8Error, DeadlineExceeded
from audit8.events import Failed

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. A `client` has its share of places and turns, and may stop its own jobs and no others.

    `request_id` is another name of the job. `timeout_s` None: as long as the server allows.
    """

    client: str = ""
    request_id: str = ""
    timeout_s: float | None = None


ANYBODY = Caller()


class Live:
    """One accepted job. `on_error` sees each of our errors that ended it from within."""

    def __init__(
        self, names: set[str], caller: Caller, place: Place, timeout_s: float, on_error: Callable[[Audit8Error], None]
    ) -> None:
        self.names = names
        self.caller = caller
        self.place = place
        self.turns = 0  # that it has now
        self.outcome = ""  # the code of the error that ended it, or "ok"; "" while it runs
        self._timeout_s = timeout_s
        self._on_error = on_error
        self._stopped_by: Audit8Error | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = False

    async def play(self, events: AsyncGenerator[T]) -> AsyncGenerator[T | Failed]:
        """The events as they come. Closing this cancels the job, and waits until it has let go of everything.

        The job does not wait for a slow reader, who would keep its turn at the model: what it writes is kept, and
        that is bounded by the tokens that it may write. Raises what is none of our errors.
        """
        items: asyncio.Queue[T | Failed | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._run(events, items))
        try:
            while (item := await items.get()) is not None:
                yield item
            await self._task
        finally:
            self._task.cancel()
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.exception()  # taken: asyncio would log its message, which may quote the code

    def stop(self, error: Audit8Error) -> bool:
        """End it with `error`; False if it has ended already. The first to stop it decides how it ends."""
        if self.outcome:
            return False
        self._stopped_by = self._stopped_by or error
        if self._task and self._begun:  # a task that is cancelled before its first step would tell nobody
            self._task.cancel()
        return True

    async def gone(self) -> None:
        """Wait until it has ended."""
        if self._task:
            await asyncio.wait({self._task})

    async def _run(self, events: AsyncGenerator[T], items: "asyncio.Queue[T | Failed | None]") -> None:
        self._begun = True
        outcome = "internal"
        ending: Audit8Error | None = None
        limit = asyncio.timeout(max(0.0, self.place.entered_at + self._timeout_s - time.monotonic()))
        try:
            async with limit, aclosing(events):
                if self._stopped_by:
                    raise self._stopped_by
                async for event in events:
                    items.put_nowait(event)
            outcome = "ok"
        except Audit8Error as error:
            ending = error
            self._on_error(error)
        except asyncio.CancelledError:
            if not self._stopped_by:  # the reader has left: nobody to tell
                outcome = "client_gone"
                raise
            ending = self._stopped_by
        except TimeoutError:
            if not limit.expired():
                raise
            ending = _late(self._timeout_s)
        finally:
            self.outcome = ending.code if ending else outcome
            self.place.leave()
            if ending:
                items.put_nowait(failed(ending))
            items.put_nowait(None)


def failed(error: Audit8Error) -> Failed:
    return Failed(error.code, error.message, error.hint, dict(error.details))


def _late(timeout_s: float) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"The job took longer than {timeout_s:g} s, waiting included, and was stopped.",
        hint="Send less code at once, or allow more time (X-Timeout-S, or the server's --job-timeout).",
        timeout_s=str(timeout_s),
    )
