"""The application with a scripted engine: in this process over ASGI, or as a real server on a real port."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import Message

from audit8.api.app import create_app
from audit8.api.readiness import LoadEngine
from audit8.api.server import Server
from audit8.engine.fake import FakeEngine
from audit8.settings import Settings

BASE_URL = "http://localhost:8000"
SQL = 'def find(db, name):\n    return db.execute("SELECT * FROM users WHERE name = \'" + name + "\'")\n'
ANSWER = '[{"line": 2, "class": "sql-injection", "why": "name is put into the text", "fix": "bind it"}]'


def settings(**changed: Any) -> Settings:
    return Settings(**{"lang": "en", "grace": 0.2, **changed})


@contextlib.asynccontextmanager
async def running(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of `app` in this process, its lifespan running. Answers are not streamed: they come whole."""
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield client


@contextlib.asynccontextmanager
async def ready(engine: FakeEngine, **changed: Any) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of an application that is ready with `engine`."""
    async with running(create_app(settings(**changed), lambda _: engine)) as client:
        await until(lambda: client_is_ready(client))
        yield client


async def client_is_ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/ready")).status_code == 200


async def until(true: Callable[[], Any], timeout_s: float = 5.0) -> None:
    """Wait for something that another task or thread does."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = true()
        if await value if asyncio.iscoroutine(value) else value:
            return
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


class Channel:
    """One ASGI request by hand: a client that reads as it likes and leaves when it likes."""

    def __init__(self, app: Any, path: str, body: bytes, *, more_body: bool = False, **headers: str) -> None:
        fields = {"host": "localhost:8000", **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
            "server": ("127.0.0.1", 8000),
            "scheme": "http",
        }
        self.sent: list[Message] = []
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._inbox.put_nowait({"type": "http.request", "body": body, "more_body": more_body})
        self.task = asyncio.create_task(app(self.scope, self._inbox.get, self._send))

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    def leave(self) -> None:
        self._inbox.put_nowait({"type": "http.disconnect"})

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


@dataclass
class Served:
    """A real server: its address and the engine behind it."""

    url: str
    engine: FakeEngine


@contextlib.contextmanager
def served(engine: FakeEngine, load_engine: LoadEngine | None = None, **changed: Any) -> Generator[Served]:
    """uvicorn on a port that the system chose, in a thread."""
    app = create_app(settings(**changed), load_engine or (lambda _: engine))
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = Server(app, app.state.lifecycle)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        with httpx.Client(base_url=url) as client:
            _wait_until_ready(client, wanted=200 if load_engine is None else None)
        yield Served(url, engine)
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


def _wait_until_ready(client: httpx.Client, wanted: int | None) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.ConnectError):
            status = client.get("/ready").status_code
            if wanted in {None, status}:
                return
        time.sleep(0.01)
    raise AssertionError("the server did not become ready")
