"""Bounds on what a request may be, kept before anything of it is understood: bytes, seconds, and depth.

Knows the ASGI channel and bytes; nothing of routes or of what a body means.
"""

import asyncio
import re
from collections.abc import Iterator

from starlette.datastructures import Headers
from starlette.types import Message, Receive

from audit8.errors import BadRequest, SlowBody, TooLarge

BODY_S = 60.0  # a body has to have arrived by then
MIN_BYTES_PER_S = 64 * 1024  # or by what this speed makes of the largest body
DRAIN_BYTES = 32 * 1024 * 1024
HEADER_BYTES = 32 * 1024  # request line and headers together
MAX_DEPTH = 128  # brackets within brackets in JSON
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


class Body:
    """What is received of one request: at most `limit_bytes`, and in time."""

    def __init__(self, receive: Receive, limit_bytes: int) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._seen_bytes = 0
        self._ended = False
        self._until = asyncio.get_running_loop().time() + max(BODY_S, limit_bytes / MIN_BYTES_PER_S)

    async def receive(self) -> Message:
        """The next message. Raises TooLarge or SlowBody; once the body is here, neither."""
        message = await self._next()
        if self._seen_bytes > self._limit_bytes and not self._ended:
            await self.drain(DRAIN_BYTES)
        if self._seen_bytes > self._limit_bytes and message["type"] == "http.request":
            raise too_large(self._limit_bytes)
        return message

    async def drain(self, length_bytes: int) -> None:
        """Read a refused body, within reason: a client that is still sending would see a reset, not our answer."""
        left_bytes = min(length_bytes, DRAIN_BYTES)
        while left_bytes > 0 and not self._ended:
            left_bytes -= len((await self._next()).get("body", b""))

    async def _next(self) -> Message:
        if self._ended:  # what comes now is the client leaving, whenever that is
            return await self._receive()
        limit = asyncio.timeout_at(self._until)
        try:
            async with limit:
                message = await self._receive()
        except TimeoutError:
            self._ended = True
            raise SlowBody(
                "The request's body did not arrive in time.", hint="Send it faster, or fewer files at once."
            ) from None
        self._seen_bytes += len(message.get("body", b""))
        self._ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message


def declared_bytes(headers: Headers) -> int | None:
    """The length that the headers give the body; None where they give none, as for a body in portions."""
    length = headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


def too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(
        f"The request is larger than this server's limit of {limit_bytes} bytes.",
        hint="Send fewer files at once, or start the server with a larger --max-body-bytes.",
        limit_bytes=limit_bytes,
    )


def check_depth(text: str) -> None:
    """Raises BadRequest for JSON whose brackets go deeper than a reader should follow them."""
    data = text.encode(errors="replace")
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _brackets(data):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise BadRequest(
                f"The body is nested more than {MAX_DEPTH} deep.",
                hint="Send plain source as text/plain.",
                limit=MAX_DEPTH,
            )


def _brackets(data: bytes) -> Iterator[bytes]:
    return (match[0] for match in _BRACKET.finditer(_STRING.sub(b"", data)))
