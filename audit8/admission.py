"""Who may come in and whose turn it is: bounds on jobs and tokens, a client's share, and the turns at the model.

Knows numbers and the ids of clients; nothing of what a job is, of engines or of HTTP.
"""

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from audit8.errors import QueueFull

FIRST_GUESS_S = 10  # to try again after, until a job has ended and there is something to compute it from
LONGEST_GUESS_S = 3600
NEWEST_WEIGHT = 0.3


@dataclass(frozen=True, slots=True)
class Limits:
    """At most `jobs` wait or run, `client_jobs` of them one client's, and `tokens` tokens of prompts in all of them.

    A job of more tokens than that is taken when no other is there.
    """

    jobs: int
    client_jobs: int
    tokens: int


class Pace:
    """How fast places become free: the mean of what the last jobs took, the newest counting most."""

    def __init__(self) -> None:
        self.parallel = 1
        self._s_per_job: float | None = None
        self._s_per_token = 0.0

    def ended(self, seconds: float, tokens: int) -> None:
        """A job of `tokens` has used the model, waiting not counted, for `seconds`."""
        weight = 1.0 if self._s_per_job is None else NEWEST_WEIGHT
        self._s_per_job = weight * seconds + (1 - weight) * (self._s_per_job or 0.0)
        self._s_per_token = weight * seconds / max(1, tokens) + (1 - weight) * self._s_per_token

    def retry_after_s(self, jobs: int, tokens: int = 0) -> int:
        """Whole seconds until about `jobs` jobs, and jobs of `tokens` tokens together, will have ended."""
        if self._s_per_job is None:
            return FIRST_GUESS_S
        seconds = max(jobs * self._s_per_job, tokens * self._s_per_token) / self.parallel
        return min(LONGEST_GUESS_S, max(1, math.ceil(seconds)))


class Place:
    """A place among the jobs. `ahead`: how many were there before. `leave` may be called more than once."""

    def __init__(self, client: str, tokens: int, ahead: int, leave: Callable[["Place"], None]) -> None:
        self.client = client
        self.tokens = tokens
        self.ahead = ahead
        self.entered_at = time.monotonic()
        self.began_at: float | None = None
        self._leave: Callable[[Place], None] | None = leave

    def begin(self) -> None:
        """The job's first turn at the model begins."""
        self.began_at = self.began_at or time.monotonic()

    def leave(self) -> None:
        if self._leave:
            leave, self._leave = self._leave, None
            leave(self)


class Places:
    """Hands out places within the limits, or refuses."""

    def __init__(self, limits: Limits) -> None:
        self.pace = Pace()
        self._limits = limits
        self._tokens = 0
        self._of_client: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        return self._of_client.total()

    def enter(self, client: str, tokens: int) -> Place:
        """Raises QueueFull, with a guess of when to try again that is computed from the pace of the jobs before."""
        limits, taken, own = self._limits, self.taken, self._of_client[client]
        if taken >= limits.jobs:
            raise self._full(
                f"{taken} jobs are waiting or running; this server takes no more at once.",
                self.pace.retry_after_s(1),
                max_jobs=limits.jobs,
                client_jobs=own,
            )
        if own >= limits.client_jobs:
            clients = len(self._of_client)
            raise self._full(
                f"{own} of your jobs are waiting or running; that is one client's share.",
                self.pace.retry_after_s(clients),  # the turns go round
                max_client_jobs=limits.client_jobs,
                client_jobs=own,
            )
        excess = self._tokens + tokens - limits.tokens
        if taken and excess > 0:
            raise self._full(
                f"The jobs that are waiting or running have {self._tokens} tokens; with yours it would be too many.",
                self.pace.retry_after_s(1, excess),
                max_queue_tokens=limits.tokens,
                tokens=tokens,
            )
        self._of_client[client] += 1
        self._tokens += tokens
        return Place(client, tokens, taken, self._left)

    def _full(self, message: str, retry_after_s: int, **details: int) -> QueueFull:
        hint = f"Try again in {retry_after_s} s, when one of them should have ended."
        return QueueFull(message, hint=hint, retry_after_s=retry_after_s, position=self.taken, **details)

    def _left(self, place: Place) -> None:
        self._tokens -= place.tokens
        self._of_client[place.client] -= 1
        if not self._of_client[place.client]:
            del self._of_client[place.client]
        if place.began_at is not None:
            self.pace.ended(time.monotonic() - place.began_at, place.tokens)


class Turns:
    """`slots` turns at once. The next one is of the client that has the fewest; among equals it goes round."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}  # in the order in which the turns go round

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncGenerator[None]:
        await self._take(client)
        try:
            yield
        finally:
            self._give_back(client)

    async def _take(self, client: str) -> None:
        if self._free:  # then nobody waits
            self._free -= 1
            self._running[client] += 1
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.cancelled():
                self._forget(client, mine)
            else:  # it came in this very moment
                self._give_back(client)
            raise

    def _give_back(self, client: str) -> None:
        self._running[client] -= 1
        if not self._running[client]:
            del self._running[client]
        if client in self._waiting:  # it has just had one
            self._waiting[client] = self._waiting.pop(client)
        self._free += 1
        while self._free and self._waiting:
            following = min(self._waiting, key=self._running.__getitem__)
            queue = self._waiting.pop(following)
            turn = queue.popleft()
            if queue:
                self._waiting[following] = queue  # behind the others
            if not turn.done():
                turn.set_result(None)
                self._free -= 1
                self._running[following] += 1

    def _forget(self, client: str, turn: "asyncio.Future[None]") -> None:
        queue = self._waiting.get(client)
        if queue and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[client]
