"""The history's routes, under /api/history: list, show and delete what was audited, dismiss findings, export that.

They are for the server's own page (access.py refuses others) and show each client its own audits alone.
"""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response
from starlette.types import Scope

from audit8.api.access import CLIENT
from audit8.api.answers import Deleted, HistoryEntry, HistoryPage, as_json
from audit8.api.intake import load_object
from audit8.api.schemas import MAX_REASON_CHARS, OBJECT_PROBLEMS, REASON_BODY, problem_response
from audit8.errors import BadRequest
from audit8.store.baseline import baseline_of
from audit8.store.history import History
from audit8.store.queries import Dismissal

AuditId = Annotated[str, Path(alias="id")]
MAX_QUERY_CHARS = 200
MAX_ITEMS = 200
PLACE_DIGITS = 18  # an integer of SQLite has 19
SELECT_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: problem_response("before is no `next` of an earlier answer."),
    422: problem_response("A parameter is out of range."),
}
SUPPRESSIONS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {"type": "object", "required": ["entries"]}}}},
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    404: problem_response("Not in the history, or none is kept (history_off)."),
    503: problem_response("The history's file has a fault; see Retry-After."),
}


def owner_of(scope: Scope) -> str:
    """Whose audits a request's are; "" where clients are not told apart."""
    return str(scope.get(CLIENT, ""))


def make_router(history: History) -> APIRouter:
    router = APIRouter(prefix="/api/history", responses=_RESPONSES)
    _add_audits(router, history)
    _add_dismissals(router, history)
    return router


def _add_audits(router: APIRouter, history: History) -> None:
    @router.get("", response_model=HistoryPage, responses=SELECT_PROBLEMS)
    async def select(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=MAX_ITEMS)] = 50,
        before: Annotated[str, Query(json_schema_extra={"pattern": f"^[0-9]{{0,{PLACE_DIGITS}}}$"})] = "",
        q: Annotated[str, Query(max_length=MAX_QUERY_CHARS)] = "",
    ) -> Response:
        """The audits, newest first; `next` is the `before` of the part that follows. One that failed has an `error`."""
        page = await history.select(owner_of(request.scope), q, _place(before), limit)
        items = [asdict(item) for item in page.items]
        return as_json({"items": items, "next": None if page.next is None else str(page.next)})

    @router.delete("", response_model=Deleted)
    async def delete_all(request: Request) -> Response:
        """Delete all audits, from the disk too."""
        return as_json({"deleted": await history.delete_all(owner_of(request.scope))})

    @router.get("/{id}", response_model=HistoryEntry)
    async def entry(request: Request, audit_id: AuditId) -> Response:
        """An audit as it was: report (null if it failed, with an `error`), sources, and what was dismissed since."""
        return as_json(asdict(await history.entry(owner_of(request.scope), audit_id)))

    @router.delete("/{id}", response_model=Deleted)
    async def delete(request: Request, audit_id: AuditId) -> Response:
        """Delete an audit, from the disk too."""
        await history.delete(owner_of(request.scope), audit_id)
        return as_json({"deleted": 1})

    @router.get("/{id}/suppressions", responses=SUPPRESSIONS)
    async def suppressions(request: Request, audit_id: AuditId) -> Response:
        """What was dismissed in an audit, as a file that `audit8 scan --baseline` reads."""
        text = baseline_of(await history.entry(owner_of(request.scope), audit_id))
        return Response(text.encode(errors="replace"), media_type="application/json")


def _add_dismissals(router: APIRouter, history: History) -> None:
    path = "/{id}/dismissals/{fingerprint}"

    @router.put(path, response_model=Dismissal, responses=OBJECT_PROBLEMS, openapi_extra={"requestBody": REASON_BODY})
    async def dismiss(request: Request, audit_id: AuditId, fingerprint: str) -> Response:
        """Dismiss a finding, with a reason; an earlier reason is replaced."""
        reason = _reason(await request.body())
        return as_json(asdict(await history.dismiss(owner_of(request.scope), audit_id, fingerprint, reason)))

    @router.delete(path, response_model=Deleted)
    async def undismiss(request: Request, audit_id: AuditId, fingerprint: str) -> Response:
        """Take a dismissal back."""
        await history.undismiss(owner_of(request.scope), audit_id, fingerprint)
        return as_json({"deleted": 1})


def _place(before: str) -> int | None:
    """What `next` said, which is for us alone to understand."""
    if not before:
        return None
    if not before.isascii() or not before.isdecimal() or len(before) > PLACE_DIGITS:
        raise BadRequest("before: give the `next` of an earlier answer.", param="before")
    return int(before)


def _reason(body: bytes) -> str:
    reason = load_object(body).get("reason", "")
    if not isinstance(reason, str) or len(reason) > MAX_REASON_CHARS:
        raise BadRequest(f"reason must be a string of at most {MAX_REASON_CHARS} characters.", param="reason")
    return reason.strip()
