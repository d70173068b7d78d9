"""Puts the HTTP side together: create_app gives the ASGI application. Decides nothing itself."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware

from audit8 import __version__
from audit8.api import audit, export, history, jobs, machine, openai, page, problems, status
from audit8.api import metrics as figures
from audit8.api.access import Access, Gate
from audit8.api.boundary import Boundary
from audit8.api.keys import Keys, load_keys
from audit8.api.lifecycle import Lifecycle
from audit8.api.openapi import Described
from audit8.api.readiness import LoadEngine, OnFailed, Readiness
from audit8.machine import Monitor
from audit8.metrics import Metrics
from audit8.service import AuditService
from audit8.settings import Settings
from audit8.store.allowed import history_refusal, is_loopback
from audit8.store.history import History, Kept

DESCRIPTION = """\
A private code-security auditor on this machine. Every error has one shape: {"error": {"code", "type", "message",
"hint", "param", "request_id", ...}}. Chat requests honour model, messages, stream, stream_options.include_usage,
temperature, top_p, max_tokens, max_completion_tokens, seed, stop, logprobs, top_logprobs, response_format and n=1, and
beyond that form top_k and repetition_penalty; tools, audio and the like are refused by name, other fields ignored."""


def create_app(settings: Settings, load_engine: LoadEngine, on_failed: OnFailed | None = None) -> FastAPI:
    """The application. Its lifespan starts `load_engine` on a thread at once and closes the engine at the end.

    `load_engine` is given a function to report progress to. If it raises, or the engine is lost for good, the state is
    failed, and `on_failed` is called with the error, on any thread. `app.state.lifecycle` is what a server stops
    first, so that running jobs end in words and not with a broken stream. Raises StartupError for the API keys.
    """
    keys = load_keys(settings)
    readiness = Readiness(load_engine, on_failed)
    service, metrics = _serving(settings, keys, readiness)
    kept = History(
        Kept(settings.history_file, settings.history_days, settings.history_max),
        off=history_refusal(settings, has_keys=bool(keys)),
    )
    monitor = Monitor(lambda: readiness.engine)
    gate = Gate(settings.host, settings.allow_host, settings.allow_origin)
    app = Described(
        with_keys=bool(keys),
        title="Audit8",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_life_of(readiness, kept, monitor),
        docs_url=None,  # page.py has its own /docs: FastAPI's loads scripts from a CDN
        redoc_url=None,
        middleware=[
            Middleware(Boundary, metrics, settings.slow_request_s),
            Middleware(Access, gate, keys, settings.max_body_bytes),
        ],
    )
    app.state.lifecycle = Lifecycle(readiness, service, settings.grace)
    problems.install(app)
    app.include_router(audit.make_router(service, kept, settings))
    app.include_router(jobs.make_router(service))
    app.include_router(export.make_router())
    app.include_router(openai.make_router(service, readiness, kept, settings))
    app.include_router(status.make_router(readiness, service, kept, whole=is_loopback(settings.host)))
    app.include_router(figures.make_router(metrics))
    app.include_router(history.make_router(kept))
    app.include_router(machine.make_router(monitor, readiness, service, settings))
    page.install(app, page.static_folder())
    return app


def _serving(settings: Settings, keys: Keys, readiness: Readiness) -> tuple[AuditService, Metrics]:
    """What takes jobs, and what counts them: each knows the other."""
    metrics = Metrics(lambda: figures.values_now(readiness, service))
    service = AuditService(
        readiness.engine_now,
        max_jobs=settings.max_jobs,
        client_jobs=_share(settings, keys),
        max_tokens=settings.max_queue_tokens,
        job_timeout_s=settings.job_timeout,
        budget_s=settings.budget,
        metrics=metrics,
        on_lost=readiness.lost,
    )
    return service, metrics


def _life_of(
    readiness: Readiness, kept: History, monitor: Monitor
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What runs as long as the application does."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        readiness.start()
        kept.start()
        sampling = asyncio.create_task(monitor.run())
        try:
            yield
        finally:
            sampling.cancel()
            await readiness.aclose()
            await kept.aclose()

    return lifespan


def _share(settings: Settings, keys: Keys) -> int:
    """How many jobs one client may have: where several can be told apart, half leaves room for another."""
    several = len(keys) > 1 or not (keys or is_loopback(settings.host))
    return settings.client_jobs or ((settings.max_jobs + 1) // 2 if several else settings.max_jobs)
