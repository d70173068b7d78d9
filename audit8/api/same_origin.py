"""Routes for the server's own page alone: a page of any other origin is refused, those that may audit included.

Knows the Origin header. Programs send none, and may call these routes.
"""

from starlette.requests import Request
from starlette.responses import Response

from audit8.api.problems import problem, request_id_of
from audit8.events import Failed


def refuse_other_origin(request: Request) -> Response | None:
    """The answer for a page of another origin, or None."""
    host = request.headers.get("host", "").lower()
    origins = {origin.lower() for origin in request.headers.getlist("origin")}
    if origins <= {f"http://{host}", f"https://{host}"}:
        return None
    failed = Failed("forbidden", "Only the server's own page may call this route.", "Open the page at this server.")
    return problem(failed, request_id_of(request.scope))
