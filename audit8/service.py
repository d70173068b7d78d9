"""Takes jobs: the bounded queue, the turns at the model, and one terminal event for every job, come what may.

Knows nothing of HTTP, and of what an audit is only that pipeline.py runs it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import replace

from audit8.engine.protocol import Engine
from audit8.errors import Audit8Error, EmptyCode, PromptTooLong, QueueFull
from audit8.events import Accepted, Event, Failed, Token
from audit8.pipeline import TEMPLATE_TOKENS, Run
from audit8.types import Finish, Job, Message, Sampling

RETRY_AFTER_S = 10
TOKENS_PER_MESSAGE = 8

ChatEvent = Accepted | Token | Finish | Failed


class AuditService:
    """`engine_now` gives the engine or raises NotReady. At most `max_jobs` jobs wait or run; a chat is a job too.

    `budget_s`: the seconds of a job that names none.
    """

    def __init__(self, engine_now: Callable[[], Engine], *, max_jobs: int, budget_s: float = 0.0) -> None:
        self._engine_now = engine_now
        self._budget_s = budget_s
        self._max_jobs = max_jobs
        self._turns: asyncio.Semaphore | None = None
        self._jobs = 0
        self.running = 0

    @property
    def waiting(self) -> int:
        return self._jobs - self.running

    async def run_audit(self, job: Job) -> AsyncGenerator[Event]:
        """Accepted, then progress, findings and tokens as they come, then exactly one of Reported and Failed.

        Closing the generator cancels the job. Raises, before Accepted only: EmptyCode, NotReady, QueueFull, or the
        start-up's error.
        """
        engine = self._engine_now()
        if not any(source.text.strip() for source in job.sources):
            raise EmptyCode("There is no code to audit.", hint="Send some source code.")
        run = Run(replace(job, budget_s=job.budget_s or self._budget_s), engine, self._turn)
        with self._place() as ahead:
            yield Accepted(job.id, len(job.sources), ahead)
            try:
                async with aclosing(run.events()) as events:
                    async for event in events:
                        yield event
            except Audit8Error as error:
                yield failed(error)

    async def run_chat(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[ChatEvent]:
        """Accepted, then tokens, then exactly one of Finish and Failed. Closing the generator cancels.

        `sampling.max_tokens` is an upper bound: it is lowered to what the context has left. Raises, before Accepted
        only: NotReady, QueueFull, PromptTooLong, BadRequest (a schema that cannot be used).
        """
        engine = self._engine_now()
        sampling = replace(sampling, max_tokens=await asyncio.to_thread(_room, engine, messages, sampling.max_tokens))
        await engine.check(sampling)
        with self._place() as ahead:
            yield Accepted("", 0, ahead)
            try:
                async with self._turn(), aclosing(engine.stream(messages, sampling)) as stream:
                    async for item in stream:
                        yield item if isinstance(item, Finish) else Token(item.text, item.reasoning, item.logprobs)
            except Audit8Error as error:
                yield failed(error)

    @contextmanager
    def _place(self) -> Iterator[int]:
        """A place among the jobs, and how many are ahead."""
        if self._jobs >= self._max_jobs:
            raise QueueFull(
                f"{self._jobs} jobs are waiting or running; this server takes no more at once.",
                hint="Try again when one of them has ended.",
                retry_after_s=RETRY_AFTER_S,
                max_jobs=self._max_jobs,
            )
        ahead = self._jobs
        self._jobs += 1
        try:
            yield ahead
        finally:
            self._jobs -= 1

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        """A turn at the model, in the order of asking; as many at once as the engine writes answers."""
        if self._turns is None:  # the engine is there now, and says how many it can serve at once
            self._turns = asyncio.Semaphore(self._engine_now().info.parallel)
        async with self._turns:
            self.running += 1
            try:
                yield
            finally:
                self.running -= 1


def failed(error: Audit8Error) -> Failed:
    return Failed(error.code, error.message, error.hint, dict(error.details))


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
