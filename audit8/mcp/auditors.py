"""Who audits: a running server, a model that this process loads when it is first needed, or the static rules alone.

All give the same events. Knows nothing of the protocol that asks for them.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Protocol

from audit8.client import Client
from audit8.engine.protocol import Engine
from audit8.events import Event
from audit8.pipeline.rules_only import rules_only
from audit8.service import AuditService
from audit8.types import Job

MAX_JOBS = 32


class Auditor(Protocol):
    def events(self, job: Job) -> AsyncGenerator[Event]:
        """The events of `job`, the last one Reported or Failed. Raises Audit8Error where it does not even begin."""
        ...

    async def aclose(self) -> None: ...


class ByServer:
    """A running server, by its client; an audit that nobody waits for any more ends with its next event."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def events(self, job: Job) -> AsyncGenerator[Event]:
        events = self._client.run(job)
        stepping = threading.Lock()  # who leaves during a step closes after it

        def step() -> Event | None:
            with stepping:
                return next(events, None)

        def close() -> None:
            with stepping:
                events.close()

        try:
            while (event := await asyncio.to_thread(step)) is not None:
                yield event
        finally:
            await asyncio.shield(asyncio.to_thread(close))

    async def aclose(self) -> None:
        self._client.close()


class ByModel:
    """An engine that `load` gives; it is loaded once, when it is first asked for."""

    def __init__(self, load: Callable[[], Engine]) -> None:
        self._load = load
        self._engine: Engine | None = None
        self._door = asyncio.Lock()
        self._service = AuditService(self._loaded, max_jobs=MAX_JOBS)

    async def events(self, job: Job) -> AsyncGenerator[Event]:
        async with self._door:
            if self._engine is None:
                self._engine = await asyncio.to_thread(self._load)
        async with aclosing(self._service.run_audit(job)) as events:
            async for event in events:
                yield event

    async def aclose(self) -> None:
        if self._engine:
            await self._engine.aclose()

    def _loaded(self) -> Engine:
        assert self._engine is not None
        return self._engine


class ByRules:
    """The static rules alone: no model, and no line that one has read."""

    def events(self, job: Job) -> AsyncGenerator[Event]:
        return rules_only(job)

    async def aclose(self) -> None:
        pass
