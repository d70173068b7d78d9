"""Several servers as one: the least loaded that takes work, another when one fails before its first word.

Knows how long each is left alone after a failure, and that one which failed is asked whether it lives before it gets
work again. Knows nothing of HTTP beyond the two ways in which a try may fail (refusals.py).
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from audit8.errors import EngineFailure
from audit8.remote.address import Address
from audit8.remote.refusals import Broken, Busy

log = logging.getLogger("audit8")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: to connect; to the first byte of an answer; between two portions of it; for servers that are busy or
    gone; to ask whether one lives; the shortest and the longest time that one is left alone. `tries`: at one server.
    """

    connect_s: float = 5.0
    first_s: float = 600.0
    quiet_s: float = 120.0
    busy_s: float = 300.0
    check_s: float = 5.0
    rest_s: float = 1.0
    longest_rest_s: float = 30.0
    tries: int = 2


class Replica:
    """One server: how many answers it is writing for us, and since when and how often it has failed."""

    def __init__(self, address: Address, model: str) -> None:
        self.address = address
        self.model = model
        self.running = 0
        self.failures = 0
        self.suspect = False
        self.again_at = 0.0  # of time.monotonic()

    @contextmanager
    def working(self) -> Iterator[None]:
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1

    def works(self) -> None:
        self.failures, self.suspect = 0, False

    def rest(self, patience: Patience, wait_s: float | None = None) -> None:
        """Leave it alone for as long as it asks for, or longer with every failure."""
        self.failures += 1
        longer_s = min(patience.longest_rest_s, patience.rest_s * 2 ** min(self.failures - 1, 10))
        self.again_at = time.monotonic() + (longer_s if wait_s is None else max(wait_s, patience.rest_s / 10))


class Pool:
    """`lives` asks a server whether it takes work; it is asked of one that has failed."""

    def __init__(
        self, replicas: Sequence[Replica], patience: Patience, lives: Callable[[Replica], Awaitable[bool]]
    ) -> None:
        self.replicas = tuple(replicas)
        self._patience = patience
        self._lives = lives

    async def dispatch(self, send: Callable[[Replica], AsyncGenerator[T]]) -> AsyncGenerator[T]:
        """What `send` gives at the server chosen; before its first item a failure moves it to another.

        Raises EngineFailure when no server works or when one fails after its first item, and what else `send` raises.
        """
        tried: Counter[Replica] = Counter()
        last = "no server takes work"
        deadline = time.monotonic() + self._patience.busy_s
        while True:
            replica = await self._choose(tried, deadline, last)
            begun = False
            try:
                with replica.working():
                    async with aclosing(send(replica)) as items:
                        async for item in items:
                            begun = True
                            yield item
                replica.works()
            except (Busy, Broken) as failure:
                last = str(failure)
                self._note(replica, failure)
                if begun:
                    raise EngineFailure(last, hint="Try again.") from None
                tried[replica] += isinstance(failure, Broken)
            else:
                return

    def _note(self, replica: Replica, failure: Busy | Broken) -> None:
        if isinstance(failure, Busy):
            replica.rest(self._patience, failure.wait_s)
        else:
            replica.suspect = True
            replica.rest(self._patience)
            log.warning("%s", failure)

    async def _choose(self, tried: Counter[Replica], deadline: float, last: str) -> Replica:
        """The least loaded of those tried least, once one may be asked. Raises EngineFailure when it takes too long."""
        while True:
            now = time.monotonic()
            left = [replica for replica in self.replicas if tried[replica] < self._patience.tries]
            if not left or now > deadline:
                raise EngineFailure(last, hint="Is the server of --engine-url running, and has it room?")
            ready = [replica for replica in left if replica.again_at <= now]
            if not ready:
                await asyncio.sleep(min(*(replica.again_at for replica in left), deadline) - now + 0.001)
                continue
            best = min(ready, key=lambda replica: (tried[replica], replica.running))
            if not best.suspect or await self._revived(best):
                return best
            tried[best] += 1
            last = f"{best.address.host} does not answer"

    async def _revived(self, replica: Replica) -> bool:
        """Whether a server that failed lives again; meanwhile nobody else asks it."""
        replica.rest(self._patience, self._patience.check_s)
        if await self._lives(replica):
            replica.works()
            replica.again_at = 0.0
            log.info("%s answers again", replica.address.host)
            return True
        replica.rest(self._patience)
        return False
