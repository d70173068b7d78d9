"""How the server stops: no new jobs, a while for those that run, a last word to everybody, then the engine goes.

Knows the service and the engine's readiness; nothing of sockets or signals.
"""

import asyncio
import time
from collections.abc import Callable

from audit8.api.readiness import RETRY_AFTER_S, Readiness
from audit8.errors import Stopping
from audit8.service import AuditService

LOOK_S = 0.02
LAST_WORD_S = 1.0  # for the answers of jobs that were ended to be written


class Lifecycle:
    """`stop` is called once, when the server is told to stop."""

    def __init__(self, readiness: Readiness, service: AuditService, grace_s: float) -> None:
        self.readiness = readiness
        self._service = service
        self._grace_s = grace_s

    async def stop(self, hurry: Callable[[], bool]) -> None:
        """Let the jobs end within the grace, then end them; `hurry` says that somebody waits no longer."""
        self.readiness.stop_admitting()
        await self._while_jobs(self._grace_s, hurry)
        self._service.end_all(
            Stopping(
                "The server was stopped before the job had ended.",
                hint="Send it again when the server has been started again.",
                retry_after_s=RETRY_AFTER_S,
            )
        )
        await self._while_jobs(LAST_WORD_S, lambda: False)
        await self.readiness.aclose()

    async def _while_jobs(self, seconds: float, hurry: Callable[[], bool]) -> None:
        until = time.monotonic() + seconds
        while self._service.jobs and time.monotonic() < until and not hurry():  # noqa: ASYNC110 - a signal handler hurries
            await asyncio.sleep(LOOK_S)
