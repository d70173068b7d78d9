"""Who may call: Host and Origin on every route, API keys, the size of bodies, and the CORS answers for pages that may.

A `text/plain` POST needs no preflight, so without these checks any website could drive the user's GPU, and without
the Host check a name that is pointed at 127.0.0.1 could read the answers. What lies under /api/ is for the server's own
page alone: no other page may call it, a local one neither. Knows nothing of other routes or of what a body means.
"""

import ipaddress
import re
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audit8.api.keys import Keys
from audit8.api.limits import Body, declared_bytes, too_large
from audit8.api.problems import answer, problem, request_id_of
from audit8.errors import SlowBody
from audit8.events import Failed

LOCAL_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[^\[\]:@/\\\s]+))(?::\d{1,5})?", re.IGNORECASE)
OWN_PAGE = "/api/"  # the routes that no other page may call
METHODS = "GET, POST, DELETE, OPTIONS"
PREFLIGHT_AGE_S = 600
CLIENT = "audit8.client"  # keys in the ASGI scope: the id of the client, "" where no keys are used
STRANGER = "audit8.stranger"  # True: came in without a key, which open paths allow
OPEN_PATHS = frozenset({"/", "/health", "/ready"})
KEY_HINT = "Send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'."


def host_of(value: str) -> str:
    """The name in a Host header, without port and brackets, in lower case; "" if it is malformed."""
    match = _HOST.fullmatch(value)
    return (match["six"] or match["name"]).lower().rstrip(".") if match else ""


class Gate:
    """The rules, as questions. `bound_host` is the host setting; a wildcard answers to its own addresses."""

    def __init__(self, bound_host: str, allow_host: Sequence[str], allow_origin: Sequence[str]) -> None:
        self._wildcard = bound_host in {"0.0.0.0", "::", ""}  # noqa: S104 - compared, not bound
        self._hosts = LOCAL_HOSTS | {host_of(name) or name.lower() for name in (bound_host, *allow_host)}
        self._origins = frozenset(origin.rstrip("/").lower() for origin in allow_origin)

    def host_allowed(self, host_header: str, server_host: str) -> bool:
        """`server_host` is the local address that the connection came in on."""
        host = host_of(host_header)
        if self._wildcard and _is_address(host) and host == server_host.lower():
            return True  # an address in numbers cannot be pointed elsewhere by somebody's DNS
        return bool(host) and host in self._hosts

    def origin_allowed(self, origin: str, host_header: str) -> bool:
        allowed = bool(LOCAL_ORIGIN.fullmatch(origin.lower())) or origin.lower() in self._origins
        return allowed or same_origin(origin, host_header)


def same_origin(origin: str, host_header: str) -> bool:
    return origin.lower() in {f"http://{host_header.lower()}", f"https://{host_header.lower()}"}


class Access:
    """ASGI middleware; see the module. Sets CLIENT in the scope, and STRANGER for a caller without a key."""

    def __init__(self, app: ASGIApp, gate: Gate, keys: Keys, max_body_bytes: int) -> None:
        self._app = app
        self._gate = gate
        self._keys = keys
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if refused := self._refuse(scope, headers):
            await refused(scope, receive, send)
            return
        own = scope["path"].startswith(OWN_PAGE)
        origin = None if own else headers.get("origin")
        send = _with_cors(send, origin) if origin else send
        if origin and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(headers)(scope, receive, send)
            return
        body = Body(receive, self._max_body_bytes)
        try:
            refused = await self._unknown(scope, headers, body) or await self._oversize(scope, headers, body)
        except SlowBody as error:
            refused = answer(error, request_id_of(scope))
        await (refused or self._app)(scope, body.receive, send)

    def _refuse(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        server_host = (scope.get("server") or ("",))[0] or ""
        if len(headers.getlist("host")) != 1 or not self._gate.host_allowed(host, server_host):
            return _forbidden(scope, "This server does not answer to that Host name.", "--allow-host")
        origins = headers.getlist("origin")
        if any(not self._gate.origin_allowed(origin, host) for origin in origins) or len(origins) > 1:
            return _forbidden(scope, "Pages of that origin may not call this server.", "--allow-origin")
        if scope["path"].startswith(OWN_PAGE) and _from_another_page(headers, host):
            return problem(Failed("forbidden", "Only the server's own page may call this route."), request_id_of(scope))
        return None

    async def _unknown(self, scope: Scope, headers: Headers, body: Body) -> Response | None:
        """The refusal of a caller without a key where one is needed."""
        client = self._keys.client_of(headers)
        scope[CLIENT] = client or ""
        scope[STRANGER] = client is None
        if client is not None or is_open(scope["path"]):
            return None
        await body.drain(declared_bytes(headers) or 0)
        failed = Failed("unauthorized", "This server needs an API key.", KEY_HINT)
        return problem(failed, request_id_of(scope), headers={"WWW-Authenticate": 'Bearer realm="audit8"'})

    async def _oversize(self, scope: Scope, headers: Headers, body: Body) -> Response | None:
        length = declared_bytes(headers)
        if length is None or length <= self._max_body_bytes:
            return None
        if "expect" not in headers:
            await body.drain(length)
        return answer(too_large(self._max_body_bytes), request_id_of(scope))


def is_open(path: str) -> bool:
    """Whether a path is served without a key: the page's own files, which hold no data, and how the server is."""
    return path in OPEN_PATHS or path.startswith("/static/")


def _forbidden(scope: Scope, message: str, flag: str) -> Response:
    failed = Failed("forbidden", message, f"If it should be allowed, start the server with {flag}.")
    return problem(failed, request_id_of(scope))


def _from_another_page(headers: Headers, host: str) -> bool:
    """Whether a browser says so. A GET without CORS carries no Origin, but browsers of this decade say what it is."""
    origin = headers.get("origin")
    if origin is not None and not same_origin(origin, host):
        return True
    return headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}


def _preflight(headers: Headers) -> Response:
    allowed = {"Access-Control-Allow-Methods": METHODS, "Access-Control-Max-Age": str(PREFLIGHT_AGE_S)}
    if asked := headers.get("access-control-request-headers"):
        allowed["Access-Control-Allow-Headers"] = asked
    if headers.get("access-control-request-private-network") == "true":
        allowed["Access-Control-Allow-Private-Network"] = "true"
    return Response(status_code=204, headers=allowed)


def _with_cors(send: Send, origin: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = "X-Request-Id, Retry-After"
            headers.add_vary_header("Origin")
        await send(message)

    return sending


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
