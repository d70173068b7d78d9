"""The history's routes, under /api/history: list, show and delete what was audited, dismiss findings, export that.

They are for the server's own page (access.py refuses others) and show each client its own audits alone.
"""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response
from starlette.types import Scope

from audit8.api import sse
from audit8.api.access import CLIENT
from audit8.api.intake import load_object
from audit8.api.schemas import REASON_BODY, problem_response
from audit8.errors import BadRequest
from audit8.store.baseline import baseline_of
from audit8.store.history import History

AuditId = Annotated[str, Path(alias="id")]
NO_STORE = {"Cache-Control": "no-store"}
MAX_REASON_CHARS = 1000
MAX_QUERY_CHARS = 200
MAX_ITEMS = 200
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
    @router.get("")
    async def select(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=MAX_ITEMS)] = 50,
        before: str = "",
        q: Annotated[str, Query(max_length=MAX_QUERY_CHARS)] = "",
    ) -> Response:
        """The audits, newest first; `next` is the `before` of the part that follows. One that failed has an `error`."""
        page = await history.select(owner_of(request.scope), q, _place(before), limit)
        items = [asdict(item) for item in page.items]
        return _json({"items": items, "next": None if page.next is None else str(page.next)})

    @router.delete("")
    async def delete_all(request: Request) -> Response:
        """Delete all audits, from the disk too."""
        return _json({"deleted": await history.delete_all(owner_of(request.scope))})

    @router.get("/{id}")
    async def entry(request: Request, audit_id: AuditId) -> Response:
        """An audit as it was: report (null if it failed, with an `error`), sources, and what was dismissed since."""
        return _json(asdict(await history.entry(owner_of(request.scope), audit_id)))

    @router.delete("/{id}")
    async def delete(request: Request, audit_id: AuditId) -> Response:
        """Delete an audit, from the disk too."""
        await history.delete(owner_of(request.scope), audit_id)
        return _json({"deleted": 1})

    @router.get("/{id}/suppressions")
    async def suppressions(request: Request, audit_id: AuditId) -> Response:
        """What was dismissed in an audit, as a file that `audit8 scan --baseline` reads."""
        text = baseline_of(await history.entry(owner_of(request.scope), audit_id))
        return Response(text.encode(errors="replace"), media_type="application/json", headers=NO_STORE)


def _add_dismissals(router: APIRouter, history: History) -> None:
    path = "/{id}/dismissals/{fingerprint}"

    @router.put(path, openapi_extra={"requestBody": REASON_BODY})
    async def dismiss(request: Request, audit_id: AuditId, fingerprint: str) -> Response:
        """Dismiss a finding, with a reason; an earlier reason is replaced."""
        reason = _reason(await request.body())
        return _json(asdict(await history.dismiss(owner_of(request.scope), audit_id, fingerprint, reason)))

    @router.delete(path)
    async def undismiss(request: Request, audit_id: AuditId, fingerprint: str) -> Response:
        """Take a dismissal back."""
        await history.undismiss(owner_of(request.scope), audit_id, fingerprint)
        return _json({"deleted": 1})


def _json(data: object) -> Response:
    return Response(sse.to_json(data), media_type="application/json", headers=NO_STORE)


def _place(before: str) -> int | None:
    """What `next` said, which is for us alone to understand."""
    if not before:
        return None
    if not before.isascii() or not before.isdecimal() or len(before) > 18:  # an integer of SQLite has 19 digits
        raise BadRequest("before: give the `next` of an earlier answer.", param="before")
    return int(before)


def _reason(body: bytes) -> str:
    reason = load_object(body).get("reason", "")
    if not isinstance(reason, str) or len(reason) > MAX_REASON_CHARS:
        raise BadRequest(f"reason must be a string of at most {MAX_REASON_CHARS} characters.", param="reason")
    return reason.strip()
