"""Who audits: a running server, a model that this process loads when it is first needed, or the static rules alone.

All give the same events. Knows nothing of the protocol that asks for them.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Protocol

from audit8.audit.ground import ground
from audit8.audit.report import build_report
from audit8.audit.rules import run_rules
from audit8.client import Client
from audit8.engine.protocol import Engine
from audit8.events import Event, Found, Progress, Reported
from audit8.findings import FileCoverage, Finding, Rejected, Timings
from audit8.service import AuditService
from audit8.types import EngineInfo, Job, Source, Usage

MAX_JOBS = 32
NO_MODEL = EngineInfo(model="", device="", quantisation="none", arithmetic="", context_tokens=0)


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

    async def events(self, job: Job) -> AsyncGenerator[Event]:
        began_s = time.monotonic()
        findings: list[Finding] = []
        filtered: list[Rejected] = []
        for done, source in enumerate(job.sources):
            yield Progress("rules", done, len(job.sources), source.name)
            found, rejected = await asyncio.to_thread(_apply_rules, source, job)
            findings += found
            filtered += rejected
            for finding in found:
                yield Found(finding)
        report = build_report(
            job,
            NO_MODEL,
            findings=findings,
            filtered=filtered,
            coverage=[FileCoverage(one.name, one.language, one.encoding, len(one.lines)) for one in job.sources],
            usage=Usage(),
            timings=Timings(0.0, 0.0, 0.0, time.monotonic() - began_s, 0.0),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        yield Reported(report)

    async def aclose(self) -> None:
        pass


def _apply_rules(source: Source, job: Job) -> tuple[list[Finding], list[Rejected]]:
    return ground(run_rules(source, job.lang), source, origin_counts=True, lang=job.lang)
