"""A scan on this machine: a model that is loaded for it and let go again, or the static rules alone.

Knows how an engine is started and what gives events. What is done with the events is the caller's.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager

from audit8.engine.protocol import Engine
from audit8.events import Event
from audit8.pipeline import Run
from audit8.pipeline.record import Record
from audit8.pipeline.rules_only import rules_only
from audit8.types import Job

Take = Callable[[Event], None]


async def run_with(engine: Engine, job: Job, take: Take, show: Callable[[Record], None]) -> None:
    """Audit `job`, giving each event to `take`, and close the engine, also when this is cancelled.

    `show` is given, before the first event, the record that the run keeps.
    """
    try:
        run = Run(job, engine, _at_once)
        show(run.record)
        await _pass_on(run.events(), take)
    finally:
        await engine.aclose()


async def run_rules_only(job: Job, take: Take) -> None:
    await _pass_on(rules_only(job), take)


async def _pass_on(events: AsyncGenerator[Event], take: Take) -> None:
    async with aclosing(events):
        async for event in events:
            take(event)


@asynccontextmanager
async def _at_once() -> AsyncGenerator[None]:
    """Nobody else asks this engine: there is no turn to wait for."""
    yield
