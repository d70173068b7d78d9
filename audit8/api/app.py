"""Puts the HTTP side together: create_app gives the ASGI application. Decides nothing itself."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware

from audit8 import __version__
from audit8.api import audit, openai, page, problems, status
from audit8.api.access import Access, Gate
from audit8.api.boundary import Boundary
from audit8.api.readiness import LoadEngine, OnFailed, Readiness
from audit8.service import AuditService
from audit8.settings import Settings

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
    service = AuditService(readiness.engine_now, max_jobs=settings.max_jobs)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        readiness.start()
        try:
            yield
        finally:
            await readiness.aclose()

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
    app.include_router(audit.make_router(service, settings))
    app.include_router(openai.make_router(service, readiness, settings))
    app.include_router(status.make_router(readiness, service))
    page.install(app, page.static_folder())
    return app
