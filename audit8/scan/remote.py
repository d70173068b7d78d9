"""A scan by a running server: the job in one request, the events of the answer as they come.

Knows the server's address, its key and its event stream. What the server says is checked before it is believed. No
proxy is used and no redirect followed: code goes to the address that was named, or nowhere.
"""

import http.client
import ipaddress
import json
import ssl
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from audit8.audit.hidden import one_line
from audit8.audit.report_json import read_finding, read_report
from audit8.errors import Audit8Error, BadRequest
from audit8.events import Event, Failed, Found, Progress, Reported, Token, Withdrawn
from audit8.scan.upload import body_of
from audit8.types import EngineInfo, Job

SILENCE_S = 60.0  # a server sends a beat every ten seconds
MAX_LINE_BYTES = 256 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is: `path` is what stands before its routes, "" or "/x". `key` "": it wants none."""

    secure: bool
    host: str
    port: int
    path: str = ""
    key: str = ""

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}{self.path}"

    @property
    def is_here(self) -> bool:
        """Whether it is this machine, so that no code leaves it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def server_at(url: str, key: str = "") -> Server:
    """The server at `url`. Raises BadRequest for an address or a key that cannot be one."""
    hint = "For example http://localhost:8000."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadRequest(f"{one_line(url, 80)} is not an address.", hint=hint) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadRequest(f"{one_line(url, 80)} is not the address of a server.", hint=hint)
    if parts.username or parts.password or parts.query or parts.fragment or not parts.path.isascii():
        raise BadRequest("A server's address has no user, query or fragment.", hint=hint)
    if not key.isascii() or not key.isprintable():
        raise BadRequest("The API key holds characters that no key has.", hint="Check the file or AUDIT8_API_KEY.")
    secure = parts.scheme == "https"
    return Server(secure, parts.hostname, port or (443 if secure else 80), parts.path.rstrip("/"), key)


def engine_at(server: Server) -> EngineInfo:
    """What the server says it runs. Raises Audit8Error if there is no server of this kind."""
    with closing(_connect(server)) as connection:
        response = _ask(server, connection, "GET", "/health")
        data = response.read(_MAX_ERROR_BYTES)
        if response.status != http.client.OK:
            raise _refused(server, response.status, data)
    value = _object(data)
    if "state" not in value:
        raise Audit8Error(f"What answers at {server.address} is not Audit8.", hint="Check the address.")
    model, device = (one_line(str(value.get(name) or ""), 100) for name in ("model", "device"))
    quantisation = value.get("quantisation")
    return EngineInfo(
        model=model or server.address,
        device=device,
        quantisation=quantisation if quantisation in ("8bit", "4bit") else "none",
        arithmetic=one_line(str(value.get("arithmetic") or ""), 100),
        context_tokens=0,
        sends_to="" if server.is_here else server.address,
    )


def remote_events(server: Server, job: Job) -> Generator[Event]:
    """The events of `job` as the server sends them, the report or the failure last. Closing it cancels the job.

    Raises Audit8Error: the server refused the job, was not reached, or broke off.
    """
    body, content_type = body_of(job)
    headers = {"Content-Type": content_type, "Accept": "text/event-stream"}
    with closing(_connect(server)) as connection:
        response = _ask(server, connection, "POST", f"/audit?lang={job.lang}", body, headers)
        if response.status != http.client.OK:
            raise _refused(server, response.status, response.read(_MAX_ERROR_BYTES))
        for name, data in _frames(server, response):
            event = _event(name, data)
            if event is not None:
                yield event
            if isinstance(event, Reported | Failed):
                return
    raise _lost(server)


def _connect(server: Server) -> http.client.HTTPConnection:
    if server.secure:
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(server.host, server.port, timeout=SILENCE_S, context=context)
    return http.client.HTTPConnection(server.host, server.port, timeout=SILENCE_S)


def _ask(
    server: Server,
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> http.client.HTTPResponse:
    key = {"Authorization": f"Bearer {server.key}"} if server.key else {}
    try:
        connection.request(method, server.path + path, body, {**(headers or {}), **key})
        return connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise Audit8Error(
            f"{server.address} did not answer: {why}.", hint="Is the server running there? Start one with audit8 serve."
        ) from error


def _refused(server: Server, status: int, data: bytes) -> Audit8Error:
    """The server's own words where it has any."""
    said = _object(data).get("error")
    said = said if isinstance(said, dict) else {}
    message = one_line(str(said.get("message") or "no reason was given"), 300)
    return Audit8Error(
        f"{server.address} answered {status}: {message}", hint=one_line(str(said.get("hint") or ""), 300)
    )


def _object(data: bytes) -> dict[str, object]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _frames(server: Server, response: http.client.HTTPResponse) -> Iterator[tuple[str, bytes]]:
    """Name and data of each event, comments left out."""
    name, data = "", b""
    try:
        while line := response.readline(MAX_LINE_BYTES):
            if not line.endswith(b"\n"):
                raise _lost(server)
            field, _, value = line.strip().partition(b":")
            if field == b"event":
                name = value.strip().decode("ascii", "replace")
            elif field == b"data":
                data += value.strip()
            elif not line.strip() and data:
                yield name, data
                name, data = "", b""
    except (OSError, http.client.HTTPException) as error:
        raise _lost(server) from error


def _event(name: str, data: bytes) -> Event | None:
    """One event; None for one that means nothing here. Raises BadRequest for what cannot be a report or a finding."""
    if name == "report":
        return Reported(read_report(data))
    if name == "finding":
        return Found(read_finding(data))
    try:
        return _small_events()[name].validate_json(data) if name in _small_events() else None
    except ValidationError:
        return None  # a newer server's: it tells how far things are, not what was found


@cache
def _small_events() -> dict[str, TypeAdapter[Event]]:
    return {
        "progress": TypeAdapter(Progress),
        "token": TypeAdapter(Token),
        "withdrawn": TypeAdapter(Withdrawn),
        "error": TypeAdapter(Failed),
    }


def _lost(server: Server) -> Audit8Error:
    return Audit8Error(f"{server.address} broke off before the report was there.", hint="Its log may say why.")
