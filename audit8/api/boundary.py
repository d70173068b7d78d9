"""The outermost layer of every request: its id, its one line in the log, security headers, and the last resort.

Knows ids, sizes and times; never looks into a body.
"""

import logging
import re
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audit8.api.problems import INTERNAL, REQUEST_ID, log_unexpected, problem

log = logging.getLogger("audit8.api")

# asked every few seconds by every open page, or while somebody types: logged at debug
POLLED = frozenset({"/health", "/ready", "/api/machine", "/api/count"})
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,64}")
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class ClientGone(Exception):
    """The client closed the connection; there is nobody to answer."""


class Boundary:
    """ASGI middleware; see the module. Every request that comes in leaves with an answer and a line in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except (ClientGone, ClientDisconnect):
            exchange.status = exchange.status or 499
        except Exception as error:  # noqa: BLE001 - the HTTP boundary
            log_unexpected(error, exchange.request_id)
            if not exchange.status:
                await problem(INTERNAL, exchange.request_id)(scope, exchange.receive, exchange.send)
        finally:
            exchange.write_log()


class _Exchange:
    """One request and its answer, counted. `status` 0 means that no answer has begun."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        self.request_id = given if _CLIENT_ID.fullmatch(given) else secrets.token_hex(8)
        self.status = 0
        self._in_bytes = 0
        self._out_bytes = 0
        self._scope = scope
        self._receive = receive
        self._send = send
        self._started_at = time.monotonic()
        scope[REQUEST_ID] = self.request_id

    async def receive(self) -> Message:
        message = await self._receive()
        self._in_bytes += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.request_id
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)  # a route may have a stricter one of its own
        self._out_bytes += len(message.get("body", b""))
        await self._send(message)

    def write_log(self) -> None:
        path = self._scope.get("raw_path") or self._scope["path"].encode("unicode_escape")
        log.log(
            logging.DEBUG if self._scope["path"] in POLLED else logging.INFO,
            "%s %s %s %d in=%d out=%d %.0f ms",
            self.request_id,
            self._scope["method"],
            path.decode("ascii", "replace"),
            self.status or 499,
            self._in_bytes,
            self._out_bytes,
            (time.monotonic() - self._started_at) * 1000,
        )
