"""uvicorn as this server runs it: says when it listens, bounds headers, and stops in words.

Knows sockets, signals and the order of stopping; nothing of routes.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from audit8.api.console import closing_console
from audit8.api.lifecycle import Lifecycle
from audit8.api.limits import HEADER_BYTES
from audit8.logs import log_loop_error

HEADER_S = 20.0  # for the request line and the headers, from their first byte or the connection on
KEEP_ALIVE_S = 5  # a connection without a request
STALL_S = 60.0  # a reader that takes nothing for so long is gone
LAST_WRITES_S = 2  # for connections to be written out, when no job runs any more


class Protocol(H11Protocol):
    """Ends a connection whose headers do not come, or whose answer is not read: it would be held for nothing."""

    _patience: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._stop_waiting()
        elif self._patience is None:
            self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._go_on()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(STALL_S, self.transport.abort)

    def resume_writing(self) -> None:
        self._go_on()
        super().resume_writing()

    def _go_on(self) -> None:
        if self._stalled:
            self._stalled.cancel()
            self._stalled = None

    def _wait_for_headers(self) -> None:
        self._patience = self.loop.call_later(HEADER_S, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._patience:
            self._patience.cancel()
            self._patience = None


class Server(uvicorn.Server):
    """Serves `app` until it is told to stop, by a signal or by `should_exit`; see lifecycle.py for how it stops."""

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle, listening: Callable[[], object] = lambda: None) -> None:
        """`listening` is called when it does."""
        config = uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            h11_max_incomplete_event_size=HEADER_BYTES,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=LAST_WRITES_S,
        )
        super().__init__(config)
        self._lifecycle = lifecycle
        self._listening = listening
        self._asked_twice = False
        self._stopped = threading.Event()

    def run(self, sockets: Any = None) -> None:
        with closing_console(self._close, self._stopped):
            super().run(sockets)

    async def startup(self, sockets: Any = None) -> None:
        asyncio.get_running_loop().set_exception_handler(log_loop_error)
        await super().startup(sockets)
        self._listening()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:  # a second Ctrl-C: no tracebacks of what it cuts off
            self._asked_twice = True
            logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: Any = None) -> None:
        await self._lifecycle.stop(lambda: self._asked_twice)
        await super().shutdown(sockets)
        self._captured_signals.clear()  # dealt with: handed on, they would end the process as if it had failed
        self._stopped.set()

    def _close(self) -> None:
        self.should_exit = True
