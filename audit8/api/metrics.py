"""GET /metrics, in Prometheus' text form; and what of it is read from the server when somebody asks."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from audit8.api.readiness import Readiness
from audit8.engine.protocol import Engine
from audit8.metered import MeteredEngine
from audit8.metrics import CONTENT_TYPE, Metrics
from audit8.service import AuditService

RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text form."}
}


def make_router(metrics: Metrics) -> APIRouter:
    router = APIRouter()

    @router.get("/metrics", response_class=Response, responses=RESPONSES)
    async def figures() -> Response:
        """Latencies, jobs, tokens, cache, findings and refusals, for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return router


def values_now(readiness: Readiness, service: AuditService) -> dict[str, float]:
    """Values for the names of audit8.metrics.NOW and TOTAL, as far as this engine has them."""
    engine = readiness.engine
    values: dict[str, float] = {
        "requests_running": service.running,
        "requests_waiting": service.waiting,
        "ready": readiness.state == "ready",
    }
    if engine is None:
        return values
    memory = engine.memory()
    values |= {"memory_used_bytes": memory.used_bytes, "memory_total_bytes": memory.total_bytes}
    if isinstance(engine, MeteredEngine):
        values |= {
            "prompt_tokens": engine.usage.prompt_tokens,
            "generation_tokens": engine.usage.completion_tokens,
            "tokens_per_second": engine.tokens_per_s(),
        }
        return values | _own_figures(engine.inner)
    return values | _own_figures(engine)


def _own_figures(engine: Engine) -> dict[str, float]:
    """What the engine itself counts, where it does."""
    figures: Callable[[], dict[str, float]] = getattr(engine, "figures", dict)
    return figures()
