"""Errors become HTTP here and nowhere else, all in one JSON shape (the one that OpenAI clients expect too):

{"error": {"code", "type", "message", "hint", "param", "request_id", ...details}}

Knows status codes; does not know what went wrong inside. A prompt that is too long is a 400, as OpenAI answers it.
"""

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from audit8 import errors
from audit8.events import Event, Failed
from audit8.logs import told
from audit8.service import failed
from audit8.types import Finish

log = logging.getLogger("audit8.api")
T = TypeVar("T", Event, Event | Finish)

REQUEST_ID = "audit8.request_id"  # keys in the ASGI scope: boundary.py puts the id there
ERROR_CODE = "audit8.error_code"  # and reads the code of the error that was the answer

STATUS_OF: dict[str, int] = {
    errors.BadInput.code: 400,
    errors.BadRequest.code: 400,
    errors.PromptTooLong.code: 400,
    "unauthorized": 401,
    "forbidden": 403,
    errors.NotFound.code: 404,
    errors.HistoryOff.code: 404,
    "method_not_allowed": 405,
    errors.SlowBody.code: 408,
    errors.TooLarge.code: 413,
    errors.Undecodable.code: 415,
    errors.EmptyCode.code: 422,
    errors.QueueFull.code: 429,
    errors.Cancelled.code: 499,
    errors.Audit8Error.code: 500,
    errors.EngineFailure.code: 500,
    errors.OutOfMemory.code: 500,
    errors.OffSchema.code: 500,
    errors.EngineLost.code: 503,
    errors.DeviceLost.code: 503,
    errors.NotReady.code: 503,
    errors.Stopping.code: 503,
    errors.Unavailable.code: 503,
    errors.StartupError.code: 503,
    errors.ModelNotFound.code: 503,
    errors.DoesNotFit.code: 503,
    errors.MissingDependency.code: 503,
    errors.Offloaded.code: 503,
    errors.DeadlineExceeded.code: 504,
}
CODE_OF_STATUS = {400: "bad_request", 404: "not_found", 405: "method_not_allowed"}  # what the framework refuses
TYPE_OF_STATUS = {403: "permission_error", 429: "rate_limit_error"}
METHODS = ("DELETE", "GET", "HEAD", "POST", "PUT")
HINTS = {
    404: "The routes are listed at /docs.",
    405: "The Allow header names what this route takes; /docs lists all routes.",
}
INTERNAL = Failed("internal", "The server failed at this request.", "The reason is in the server's log.")


def request_id_of(scope: Scope) -> str:
    return str(scope.get(REQUEST_ID, ""))


def problem_body(what: Failed, request_id: str, status: int = 0) -> dict[str, dict[str, object]]:
    """The one shape. `details` lie beside the other fields and never replace one."""
    status = status or STATUS_OF.get(what.code, 500)
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {
        "error": {
            **what.details,
            "code": what.code,
            "type": TYPE_OF_STATUS.get(status, kind),
            "message": what.message,
            "hint": what.hint,
            "param": what.details.get("param"),
            "request_id": request_id,
        }
    }


class Problem(Response):
    """An error as an answer; leaves its code in the scope, for the log and the metrics."""

    media_type = "application/json"
    error_code = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ERROR_CODE] = self.error_code
        await super().__call__(scope, receive, send)


def problem(what: Failed, request_id: str, *, status: int = 0, headers: dict[str, str] | None = None) -> Response:
    """The HTTP answer for `what`; `status` 0 means the status of its code."""
    status = status or STATUS_OF.get(what.code, 500)
    content = json.dumps(problem_body(what, request_id, status), ensure_ascii=False).encode(errors="replace")
    response = Problem(content, status, headers)
    response.error_code = what.code
    return response


def answer(error: errors.Audit8Error, request_id: str) -> Response:
    """The HTTP answer for one of our errors; `Retry-After` in seconds where trying again makes sense."""
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, errors.Unavailable) else {}
    if isinstance(error, errors.SlowBody | errors.TooLarge):  # the rest of the body may still be on its way
        headers["Connection"] = "close"
    return problem(failed(error), request_id, headers=headers)


def log_unexpected(error: BaseException, request_id: str) -> None:
    """Where an unforeseen error came from, without its message, which may quote the request."""
    log.error("%s unexpected %s\n%s", request_id, type(error).__name__, told(error))


async def never_raising(events: AsyncGenerator[T], request_id: str) -> AsyncGenerator[T]:
    """The job's events; what nobody foresaw ends the job as an `internal` failure instead of a broken stream."""
    accepted = False
    try:
        async with aclosing(events):
            async for event in events:
                yield event
                accepted = True
    except errors.Audit8Error:
        raise  # refused before it was accepted: the route answers with its status
    except Exception as error:  # the HTTP boundary
        log_unexpected(error, request_id)
        if not accepted:
            raise errors.Audit8Error(INTERNAL.message, hint=INTERNAL.hint) from error
        yield INTERNAL


# ---- what the framework itself refuses --------------------------------------------------------------------------


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.Audit8Error)
    return answer(error, request_id_of(request.scope))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    code = CODE_OF_STATUS.get(status, f"http_{status}")
    what = Failed(code, f"{request.method} {request.url.path}: {error.detail}", HINTS.get(status, ""))
    headers = dict(error.headers or {})
    if "Allow" in headers:  # the framework names the methods of the first route at this path alone
        headers["Allow"] = ", ".join(_methods_at(request))
    return problem(what, request_id_of(request.scope), status=status, headers=headers)


def _methods_at(request: Request) -> list[str]:
    """The methods that some route takes at the path of this request."""
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    routes = request.app.routes
    return [one for one in METHODS if any(route.matches(scopes[one])[0] is Match.FULL for route in routes)]


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    what = Failed("bad_request", f"{where}: {first['msg']}", details={"param": where})
    return problem(what, request_id_of(request.scope), status=422)


def install(app: FastAPI) -> None:
    app.add_exception_handler(errors.Audit8Error, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
