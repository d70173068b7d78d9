"""GET /api/machine (the machine at a glance) and POST /api/count (how large a text is, as the model counts)."""

import asyncio
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from audit8.api.answers import Count, MachineNow, as_json
from audit8.api.intake import load_object
from audit8.api.readiness import Readiness
from audit8.api.schemas import COUNT_BODY, OBJECT_PROBLEMS, problem_response
from audit8.audit.languages import detect
from audit8.errors import BadRequest
from audit8.machine import Monitor, Sample
from audit8.service import AuditService
from audit8.settings import Settings


def make_router(monitor: Monitor, readiness: Readiness, service: AuditService, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.get("/machine", response_model=MachineNow)
    async def machine() -> Response:
        """Device, memory, GPU use, tokens a second, jobs; and the last five minutes, a sample every five seconds.

        The memory and the use of a GPU are those of all programs together; null where they are not known.
        """
        now = await monitor.look()
        info = readiness.engine.info if readiness.engine else None
        shown = {
            "device": info.device if info else None,
            "model": info.model if info else None,
            "memory": asdict(now.memory) if now.memory else None,
            "utilisation_percent": now.utilisation_percent,
            "tokens_per_s": now.tokens_per_s,
            "running": service.running,
            "waiting": service.waiting,
            "samples": [_shown(sample) for sample in monitor.samples],
        }
        return as_json(shown)

    @router.post(
        "/count",
        response_model=Count,
        openapi_extra={"requestBody": COUNT_BODY},
        responses={**OBJECT_PROBLEMS, 503: problem_response("Still loading.")},
    )
    async def count(request: Request) -> Response:
        """Tokens, lines and bytes of a text, its language, and what a request may be and an audit may take."""
        given = load_object(await request.body())
        code, name = _string(given, "code"), _string(given, "filename")
        engine = readiness.engine_now()
        language, tokens = await asyncio.to_thread(lambda: (detect(name, code), engine.count_tokens(code)))
        shown = {
            "tokens": tokens,
            "lines": code.count("\n") + (not code.endswith("\n") if code else 0),
            "bytes": len(code.encode(errors="replace")),
            "language": language,
            "max_body_bytes": settings.max_body_bytes,
            "budget_s": settings.budget,
        }
        return as_json(shown)

    return router


def _shown(sample: Sample) -> dict[str, Any]:
    return {
        "at": sample.at,
        "utilisation_percent": sample.utilisation_percent,
        "memory_used_bytes": sample.memory.used_bytes if sample.memory else None,
        "tokens_per_s": sample.tokens_per_s,
    }


def _string(given: dict[str, object], name: str) -> str:
    value = "" if given.get(name) is None else given[name]
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a string.", param=name)
    return value
