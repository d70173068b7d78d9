"""POST /audit: a job in, its report out, as JSON or as an event stream. Both are made of the same events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from audit8.api import sse
from audit8.api.callers import caller_of
from audit8.api.export import answer_in, asked_form
from audit8.api.history import owner_of
from audit8.api.intake import read_job
from audit8.api.problems import INTERNAL, never_raising, problem, problem_body, request_id_of
from audit8.api.schemas import AUDIT_BODY, AUDIT_PARAMETERS, AUDIT_RESPONSES, timeout_parameters
from audit8.errors import BadRequest
from audit8.events import Accepted, Event, Failed, Found, Progress, Reported, Token, Withdrawn
from audit8.findings import Report
from audit8.service import AuditService
from audit8.settings import Settings
from audit8.store.history import History

NAMES: dict[type[Event], str] = {
    Accepted: "accepted",
    Progress: "progress",
    Token: "token",
    Found: "finding",
    Withdrawn: "withdrawn",
    Reported: "report",
    Failed: "error",
}


def make_router(service: AuditService, history: History, settings: Settings) -> APIRouter:
    router = APIRouter()
    parameters = [*AUDIT_PARAMETERS, *timeout_parameters(settings.job_timeout)]

    @router.post(
        "/audit",
        response_model=Report,
        responses=AUDIT_RESPONSES,
        openapi_extra={"requestBody": AUDIT_BODY, "parameters": parameters},
    )
    async def audit(request: Request) -> Response:
        """Audit code. With `Accept: text/event-stream` the answer is the job's events as they happen."""
        caller = caller_of(request)
        stream = sse.MEDIA_TYPE in request.headers.get("accept", "").lower()
        form = asked_form(request)
        if stream and form != "json":
            raise BadRequest("An event stream carries JSON.", hint="Send the report to /api/export.", param="format")
        job = await read_job(request, settings)
        request_id = request_id_of(request.scope)
        events = history.keep(never_raising(service.run_audit(job, caller), request_id), job, owner_of(request.scope))
        first = await anext(events)  # a refusal is raised here, before anything is sent
        if stream:
            return sse.EventStream(_frames(first, events, request_id))
        last = await sse.unless_gone(request.receive, last_of(events))
        if isinstance(last, Failed):
            return problem(last, request_id)
        assert isinstance(last, Reported)  # a job ends with a report or fails
        return await answer_in(form, last.report)

    return router


async def last_of(events: AsyncGenerator[Event]) -> Event:
    """The terminal event."""
    last: Event = INTERNAL
    async with aclosing(events):
        async for event in events:
            last = event
    return last


async def _frames(first: Event, events: AsyncGenerator[Event], request_id: str) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        yield _frame(first, request_id)
        async for event in events:
            yield _frame(event, request_id)


def _frame(event: Event, request_id: str) -> bytes:
    return sse.frame(data_of(event, request_id), NAMES[type(event)])


def data_of(event: Event, request_id: str) -> dict[str, Any]:
    """What an event's data says: a finding and a report are themselves, an error is the inside of a problem."""
    if isinstance(event, Found):
        return asdict(event.finding)
    if isinstance(event, Token):
        return {"text": event.text, "reasoning": event.reasoning}
    if isinstance(event, Reported):
        return asdict(event.report)
    if isinstance(event, Failed):
        return problem_body(event, request_id)["error"]
    return asdict(event)
