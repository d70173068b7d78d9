"""Who a request is from and what it asks of the queue, as the service understands it."""

from fastapi import Request

from audit8.api.access import CLIENT
from audit8.api.problems import request_id_of
from audit8.errors import BadRequest
from audit8.live import Caller
from audit8.store.allowed import is_loopback

TIMEOUT_HEADER = "x-timeout-s"


def caller_of(request: Request) -> Caller:
    """Raises BadRequest for a time-out that is no number."""
    return Caller(client_of(request), request_id_of(request.scope), _timeout_s(request))


def client_of(request: Request) -> str:
    """The id of the key; without keys, the address of another machine, or "" for this one."""
    if known := request.scope.get(CLIENT, ""):
        return str(known)
    host = request.client.host if request.client else ""
    return "" if not host or is_loopback(host) else host


def _timeout_s(request: Request) -> float | None:
    """`X-Timeout-S`, or `?timeout_s=`, in seconds."""
    given = request.headers.get(TIMEOUT_HEADER) or request.query_params.get("timeout_s")
    if given is None:
        return None
    try:
        return float(given)
    except ValueError:
        raise BadRequest(
            "The time-out is not a number of seconds.", hint="For example X-Timeout-S: 30.", param="timeout_s"
        ) from None
