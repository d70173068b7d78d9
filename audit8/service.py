"""Takes jobs: bounded places, fair turns at the model, deadlines, and one terminal event for every job, come what may.

Knows nothing of HTTP, and of what an audit is only that pipeline.py runs it.
"""

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, contextmanager
from dataclasses import replace

from audit8.admission import Limits, Places, Turns
from audit8.engine.protocol import Engine
from audit8.errors import Audit8Error, BadRequest, Cancelled, EmptyCode, EngineLost, PromptTooLong
from audit8.events import Accepted, Event, Failed, Reported, Token
from audit8.live import ANYBODY, Caller, Live
from audit8.live import failed as failed  # noqa: PLC0414 - the HTTP side knows it from here
from audit8.metrics import Metrics, TimedEngine
from audit8.pipeline import TEMPLATE_TOKENS, Run
from audit8.types import Finish, Job, Message, Sampling

log = logging.getLogger("audit8.service")

TOKENS_PER_MESSAGE = 8
BYTES_PER_TOKEN = 3  # of source code; tokenisers make 3 to 4, and a bound must not be guessed too low
MAX_TOKENS = 4_000_000
TIMEOUT_S = 3600.0

ChatEvent = Accepted | Token | Finish | Failed


class AuditService:
    """`engine_now` gives the engine or raises NotReady. A chat is a job too.

    `max_jobs` jobs wait or run at most, `client_jobs` of them one client's (0: all), with `max_tokens` tokens in all.
    No job takes longer than `job_timeout_s`. `budget_s`: the seconds of a job that names none. `on_lost` is told when
    the engine will not answer again.
    """

    def __init__(
        self,
        engine_now: Callable[[], Engine],
        *,
        max_jobs: int,
        client_jobs: int = 0,
        max_tokens: int = MAX_TOKENS,
        job_timeout_s: float = TIMEOUT_S,
        budget_s: float = 0.0,
        metrics: Metrics | None = None,
        on_lost: Callable[[Engine, EngineLost], None] | None = None,
    ) -> None:
        self.metrics = metrics or Metrics()
        self._engine_now = engine_now
        self._places = Places(Limits(max_jobs, client_jobs or max_jobs, max_tokens))
        self._job_timeout_s = job_timeout_s
        self._budget_s = budget_s
        self._on_lost = on_lost
        self._turns: Turns | None = None
        self._live: set[Live] = set()

    @property
    def jobs(self) -> int:
        """Accepted jobs whose last event has not been taken yet."""
        return len(self._live)

    @property
    def running(self) -> int:
        return sum(live.turns > 0 for live in self._live)

    @property
    def waiting(self) -> int:
        return self._places.taken - self.running

    async def run_audit(self, job: Job, caller: Caller = ANYBODY) -> AsyncGenerator[Event]:
        """Accepted, then progress, findings and tokens as they come, then exactly one of Reported and Failed.

        Closing the generator cancels the job. Raises, before Accepted only: EmptyCode, NotReady, QueueFull, Stopping,
        BadRequest (a time-out out of range), or the start-up's error.
        """
        engine = self._engine_now()
        if not any(source.text.strip() for source in job.sources):
            raise EmptyCode("There is no code to audit.", hint="Send some source code.")
        tokens = sum(len(source.text.encode(errors="replace")) for source in job.sources) // BYTES_PER_TOKEN
        with self._accepted("audit", job.id, tokens, caller, engine) as live:
            yield Accepted(job.id, len(job.sources), live.place.ahead)
            job = replace(job, budget_s=job.budget_s or self._budget_s)
            run = Run(job, TimedEngine(engine, self.metrics), self._turns_of(live))
            async with aclosing(live.play(run.events())) as events:
                async for event in events:
                    if isinstance(event, Reported):
                        self.metrics.reported(event.report)
                    yield event

    async def run_chat(
        self, messages: Sequence[Message], sampling: Sampling, caller: Caller = ANYBODY
    ) -> AsyncGenerator[ChatEvent]:
        """Accepted, then tokens, then exactly one of Finish and Failed. Closing the generator cancels.

        `sampling.max_tokens` is an upper bound: it is lowered to what the context has left. Raises, before Accepted
        only: NotReady, QueueFull, Stopping, PromptTooLong, BadRequest (a schema that cannot be used).
        """
        engine = self._engine_now()
        sampling = replace(sampling, max_tokens=await asyncio.to_thread(_room, engine, messages, sampling.max_tokens))
        await engine.check(sampling)
        tokens = sum(len(message.content.encode(errors="replace")) for message in messages) // BYTES_PER_TOKEN
        with self._accepted("chat", "", tokens + sampling.max_tokens, caller, engine) as live:
            yield Accepted("", 0, live.place.ahead)
            turn = self._turns_of(live)
            async with aclosing(
                live.play(_answer(TimedEngine(engine, self.metrics), messages, sampling, turn))
            ) as chat:
                async for event in chat:
                    yield event

    async def cancel(self, name: str, client: str = "") -> bool:
        """End `client`'s job of that id or request id, and wait until it has ended. False if there is none."""
        error = Cancelled("The job was cancelled.", hint="Send it again if that was not meant.")
        found = [live for live in self._live if name in live.names and live.caller.client == client]
        stopped = [live for live in found if live.stop(error)]
        for live in stopped:
            await live.gone()
        return bool(stopped)

    def end_all(self, error: Audit8Error) -> None:
        """End every job with `error`, as if it had failed."""
        for live in tuple(self._live):
            live.stop(error)

    @contextmanager
    def _accepted(self, kind: str, name: str, tokens: int, caller: Caller, engine: Engine) -> Iterator[Live]:
        """A place among the jobs; whoever takes it is accepted from here on."""
        timeout_s = self._timeout_s(caller)
        place = self._places.enter(caller.client, tokens)
        if self._turns is None:  # the engine is there now, and says how many it can serve at once
            self._turns = Turns(engine.info.parallel)
            self._places.pace.parallel = engine.info.parallel

        def on_error(error: Audit8Error) -> None:
            if self._on_lost and isinstance(error, EngineLost):
                self._on_lost(engine, error)

        live = Live({name, caller.request_id} - {""}, caller, place, timeout_s, on_error)
        self._live.add(live)
        self.metrics.job_accepted(kind)
        try:
            yield live
        finally:
            self._live.discard(live)
            place.leave()
            took_s = time.monotonic() - place.entered_at
            self.metrics.job_ended(kind, live.outcome or "client_gone", took_s)
            log.debug("%s %s ended: %s, %.3f s", kind, name or caller.request_id, live.outcome or "client_gone", took_s)

    def _timeout_s(self, caller: Caller) -> float:
        asked_s = self._job_timeout_s if caller.timeout_s is None else caller.timeout_s
        if not math.isfinite(asked_s) or not 0 < asked_s <= self._job_timeout_s:
            raise BadRequest(
                f"The time-out is {asked_s:g} s; it must be above 0 and at most {self._job_timeout_s:g} s.",
                hint="Leave it out for the longest, or start the server with a larger --job-timeout.",
                param="timeout_s",
            )
        return asked_s

    def _turns_of(self, live: Live) -> Callable[[], AbstractAsyncContextManager[None]]:
        """A turn at the model for this job, as often as it asks."""

        @asynccontextmanager
        async def turn() -> AsyncGenerator[None]:
            assert self._turns is not None
            async with self._turns.turn(live.caller.client):
                if live.place.began_at is None:
                    live.place.begin()
                    self.metrics.job_began(time.monotonic() - live.place.entered_at)
                live.turns += 1
                try:
                    yield
                finally:
                    live.turns -= 1

        return turn


async def _answer(
    engine: Engine,
    messages: Sequence[Message],
    sampling: Sampling,
    turn: Callable[[], AbstractAsyncContextManager[None]],
) -> AsyncGenerator[Token | Finish]:
    async with turn(), aclosing(engine.stream(messages, sampling)) as stream:
        async for item in stream:
            yield item if isinstance(item, Finish) else Token(item.text, item.reasoning, item.logprobs)


def _room(engine: Engine, messages: Sequence[Message], max_tokens: int) -> int:
    """`max_tokens`, or what the context has left beside the prompt if that is less."""
    context_tokens = engine.info.context_tokens
    prompt_tokens = sum(engine.count_tokens(message.content) for message in messages)
    left_tokens = context_tokens - prompt_tokens - TEMPLATE_TOKENS - TOKENS_PER_MESSAGE * len(messages)
    if left_tokens < 1:
        raise PromptTooLong(
            f"The messages have {prompt_tokens} tokens; this server's context is {context_tokens} tokens.",
            hint='Shorten them. To audit long code, use POST /audit or the model "audit8": they cut it into chunks.',
            prompt_tokens=prompt_tokens,
            context_tokens=context_tokens,
        )
    return min(max_tokens, left_tokens)
