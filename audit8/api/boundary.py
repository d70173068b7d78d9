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

from audit8.api.problems import ERROR_CODE, INTERNAL, REQUEST_ID, log_unexpected, problem
from audit8.logs import FIELDS, REQUEST
from audit8.metrics import Metrics

log = logging.getLogger("audit8.api")

# asked every few seconds by every open page, or while somebody types: logged at debug
POLLED = frozenset({"/health", "/ready", "/metrics", "/api/machine", "/api/count"})
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,64}")
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class ClientGone(Exception):
    """The client closed the connection; there is nobody to answer."""


class Boundary:
    """ASGI middleware; see the module. Every request that comes in leaves with an answer and a line in the log."""

    def __init__(self, app: ASGIApp, metrics: Metrics, slow_request_s: float) -> None:
        self._app = app
        self._metrics = metrics
        self._slow_request_s = slow_request_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        serving = REQUEST.set(exchange.request_id)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except (ClientGone, ClientDisconnect):
            exchange.status = exchange.status or 499
        except Exception as error:  # noqa: BLE001 - the HTTP boundary
            log_unexpected(error, exchange.request_id)
            if not exchange.status:
                await problem(INTERNAL, exchange.request_id)(scope, exchange.receive, exchange.send)
        finally:
            exchange.write_log(self._slow_request_s)
            self._metrics.answered(scope["method"], exchange.status or 499)
            if code := scope.get(ERROR_CODE):
                self._metrics.refused(code)
            REQUEST.reset(serving)


class _Exchange:
    """One request and its answer, counted. `status` 0 means that no answer has begun."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        self.request_id = given if _CLIENT_ID.fullmatch(given) else secrets.token_hex(8)
        self.status = 0
        self._in_bytes = 0
        self._out_bytes = 0
        self._first_byte_at = 0.0  # seconds after the start
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
            self._first_byte_at = time.monotonic() - self._started_at
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.request_id
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)  # a route may have a stricter one of its own
            headers.setdefault("Cache-Control", "no-store")
        self._out_bytes += len(message.get("body", b""))
        await self._send(message)

    def write_log(self, slow_s: float) -> None:
        took_s = time.monotonic() - self._started_at
        path = self._scope.get("raw_path") or self._scope["path"].encode("unicode_escape")
        fields = {
            "request_id": self.request_id,
            "method": self._scope["method"],
            "path": path.decode("ascii", "replace"),
            "status": self.status or 499,
            "in_bytes": self._in_bytes,
            "out_bytes": self._out_bytes,
            "ms": round(took_s * 1000),
        }
        more = {
            "client": self._scope.get("audit8.client", ""),
            "error": self._scope.get(ERROR_CODE, ""),
            "first_byte_ms": round((self._first_byte_at or took_s) * 1000),
        }
        log.log(
            logging.DEBUG if self._scope["path"] in POLLED else logging.INFO,
            "%(request_id)s %(method)s %(path)s %(status)d in=%(in_bytes)d out=%(out_bytes)d %(ms)d ms",
            fields,
            extra={FIELDS: fields | {name: value for name, value in more.items() if value}},
        )
        if took_s >= slow_s:
            log.warning(
                "%s slow: %.1f s, the answer began after %.1f s", self.request_id, took_s, more["first_byte_ms"] / 1000
            )
