"""Puts the HTTP side together: create_app gives the ASGI application. Decides nothing itself."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware

from audit8 import __version__
from audit8.api import audit, export, history, machine, openai, page, problems, status
from audit8.api.access import Access, Gate
from audit8.api.boundary import Boundary
from audit8.api.readiness import LoadEngine, OnFailed, Readiness
from audit8.machine import Monitor
from audit8.service import AuditService
from audit8.settings import Settings
from audit8.store.allowed import history_refusal
from audit8.store.history import History, Kept

DESCRIPTION = """\
A private code-security auditor on this machine. Every error has one shape: {"error": {"code", "type", "message",
"hint", "param", "request_id", ...}}. Chat requests honour model, messages, stream, stream_options.include_usage,
temperature, top_p, max_tokens, max_completion_tokens, seed, stop, logprobs, top_logprobs, response_format and n=1, and
beyond that form top_k and repetition_penalty; tools, audio and the like are refused by name, other fields ignored."""


def create_app(settings: Settings, load_engine: LoadEngine, on_failed: OnFailed | None = None) -> FastAPI:
    """The application. Its lifespan starts `load_engine` on a thread at once and closes the engine at the end.

    `load_engine` is given a function to report progress to. If it raises, the state is failed, and `on_failed` is
    called with the error, on the loading thread. `app.state.readiness` is what a server closes first when it stops,
    so that running jobs end with an error event and not with a broken stream.
    """
    readiness = Readiness(load_engine, on_failed)
    service = AuditService(readiness.engine_now, max_jobs=settings.max_jobs, budget_s=settings.budget)
    kept = History(
        Kept(settings.history_file, settings.history_days, settings.history_max), off=history_refusal(settings)
    )
    monitor = Monitor(lambda: readiness.engine)

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

    gate = Gate(settings.host, settings.allow_host, settings.allow_origin)
    app = FastAPI(
        title="Audit8",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # page.py has its own /docs: FastAPI's loads scripts from a CDN
        redoc_url=None,
        middleware=[Middleware(Boundary), Middleware(Access, gate, settings.max_body_bytes)],
    )
    app.state.readiness = readiness
    problems.install(app)
    app.include_router(audit.make_router(service, kept, settings))
    app.include_router(export.make_router())
    app.include_router(openai.make_router(service, readiness, kept, settings))
    app.include_router(status.make_router(readiness, service, kept))
    app.include_router(history.make_router(kept))
    app.include_router(machine.make_router(monitor, readiness, service, settings))
    page.install(app, page.static_folder())
    return app
