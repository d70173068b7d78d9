"""GET /health (is the process alive, and what does it hold) and GET /ready (may a job be sent now)."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from audit8 import __version__
from audit8.api.access import STRANGER
from audit8.api.answers import Health, HealthInBrief, Ready, ReadyInBrief, as_json
from audit8.api.problems import answer, problem_body, request_id_of
from audit8.api.readiness import Readiness
from audit8.api.schemas import problem_response
from audit8.errors import Audit8Error
from audit8.service import AuditService, failed
from audit8.store.history import History

NOT_READY: dict[int | str, dict[str, Any]] = {503: problem_response("Still loading, or loading failed.")}


def make_router(readiness: Readiness, service: AuditService, history: History, *, whole: bool = True) -> APIRouter:
    """`whole`: callers without a key, where keys are used, are told everything too; else only how the server is."""
    router = APIRouter()

    @router.get("/health", response_model=Health | HealthInBrief)
    async def health(request: Request) -> Response:
        """Always 200 while the process lives: state, model, device, memory, load progress, jobs, history."""
        if _is_stranger(request) and not whole:
            return as_json({"status": "failed" if readiness.error else "ok", "state": readiness.state})
        engine = readiness.engine
        info = asdict(engine.info) if engine else dict.fromkeys(("model", "device", "quantisation"))
        error = readiness.error
        shown: dict[str, Any] = {
            "status": "failed" if error else "ok",
            "state": readiness.state,
            **info,
            "memory": asdict(engine.memory()) if engine else None,
            "progress": asdict(readiness.progress),
            "jobs": {"running": service.running, "waiting": service.waiting},
            "history": asdict(history.state),
            "version": __version__,
            **(problem_body(failed(error), request_id_of(request.scope)) if error else {}),
        }
        return as_json(shown)

    @router.get("/ready", response_model=Ready | ReadyInBrief, responses=NOT_READY)
    async def ready(request: Request) -> Response:
        """200 when jobs are taken, else 503 with the stage and how far it is."""
        try:
            engine = readiness.engine_now()
        except Audit8Error as error:
            return answer(error, request_id_of(request.scope))
        if _is_stranger(request) and not whole:
            return as_json({"status": "ready"})
        shown = ("model", "device", "sends_to", "capabilities")
        return as_json({"status": "ready", **{name: getattr(engine.info, name) for name in shown}})

    return router


def _is_stranger(request: Request) -> bool:
    return bool(request.scope.get(STRANGER, False))
