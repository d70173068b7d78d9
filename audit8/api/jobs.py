"""DELETE /audits/{name}: a client stops its own job, by the job's id or by the id of the request that brought it."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from audit8.api.answers import Cancelled, as_json
from audit8.api.callers import client_of
from audit8.api.problems import problem, request_id_of
from audit8.api.schemas import problem_response
from audit8.audit.hidden import one_line
from audit8.events import Failed
from audit8.service import AuditService

RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "It has ended, with an error of code `cancelled` for whoever waits for it."},
    404: problem_response("No such job of yours waits or runs."),
}


def make_router(service: AuditService) -> APIRouter:
    router = APIRouter()

    @router.delete("/audits/{name}", response_model=Cancelled, responses=RESPONSES)
    async def cancel(name: str, request: Request) -> Response:
        """Stop a job that waits or runs. The answer comes when it has let go of the model."""
        if await service.cancel(name, client_of(request)):
            return as_json({"id": name, "status": "cancelled"})
        what = f"No job of yours called {one_line(name, 80)!r} waits or runs."
        hint = "The id is in the stream's first event; or send an X-Request-Id with the job and use that."
        return problem(Failed("not_found", what, hint), request_id_of(request.scope))

    return router
