"""Event streams over HTTP: how an event is written, the beat that keeps a quiet connection, and clients that leave.

Knows generators of bytes and the ASGI channel; knows nothing of audits or chats.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing
from typing import TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from audit8.api.boundary import ClientGone

T = TypeVar("T")
KEEP_ALIVE_S = 10.0
KEEP_ALIVE = b": keep-alive\n\n"
MEDIA_TYPE = "text/event-stream"


def to_json(data: object) -> bytes:
    """One line of JSON, in UTF-8; a half of a surrogate pair, which UTF-8 cannot hold, becomes a question mark."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def frame(data: object, event: str = "") -> bytes:
    """One event; `data` becomes one line of JSON."""
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + to_json(data) + b"\n\n"


async def unless_gone(receive: Receive, work: Coroutine[object, object, T]) -> T:
    """Await `work`, or cancel it and raise ClientGone when the client closes the connection first."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        await _stop(watching)
        await _stop(working)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _stop(task: "asyncio.Future[T]") -> None:
    """Cancel and wait, so that everything the task holds is let go before we go on."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # taken: what it raised is of no interest any more


async def with_beats(frames: AsyncIterator[bytes], every_s: float | None = None) -> AsyncGenerator[bytes]:
    """The frames, and a comment whenever none came for `every_s` seconds (default KEEP_ALIVE_S)."""
    coming: asyncio.Future[bytes | None] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(_next(frames))
            done, _ = await asyncio.wait({coming}, timeout=every_s or KEEP_ALIVE_S)
            if not done:
                yield KEEP_ALIVE
                continue
            arrived, coming = coming.result(), None
            if arrived is None:
                return
            yield arrived
    finally:
        if coming:
            await _stop(coming)


async def _next(frames: AsyncIterator[bytes]) -> bytes | None:
    return await anext(frames, None)


class EventStream(Response):
    """Sends the frames as they come, and closes their generator when they end or the client leaves."""

    media_type = MEDIA_TYPE

    def __init__(self, frames: AsyncGenerator[bytes]) -> None:
        self.status_code = 200
        self.background = None
        self._frames = frames
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await unless_gone(receive, self._pump(send))

    async def _pump(self, send: Send) -> None:
        async with aclosing(self._frames) as frames, aclosing(with_beats(frames)) as beating:
            async for chunk in beating:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
