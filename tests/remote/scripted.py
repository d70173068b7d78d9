"""An OpenAI-compatible server that does what it is told, byte by byte: also what no server should do.

Speaks HTTP by hand on a real socket, on an event loop of its own thread, so that it can break off anywhere.
"""

import asyncio
import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]


@dataclass
class Reply:
    """`portions`: bytes to send, seconds to wait, or None to cut the connection off there."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    portions: Sequence[bytes | float | None] = ()
    kind: str = "application/json"


def as_json(value: object, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, named, [json.dumps(value).encode()])


def error(status: int, message: str, code: str = "", **headers: str) -> Reply:
    return as_json({"error": {"message": message, "code": code or None, "type": "error"}}, status, **headers)


def frame(value: object) -> bytes:
    return b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n"


def chunk(text: str | None = None, reason: str | None = None, **delta: Any) -> Body:
    said = {"content": text} if text is not None else {}
    return {"choices": [{"index": 0, "delta": {**said, **delta}, "finish_reason": reason}]}


def streamed(*texts: str, reason: str = "stop", usage: tuple[int, int] | None = (5, 2)) -> Reply:
    frames = [frame(chunk("", role="assistant")), *(frame(chunk(text)) for text in texts), frame(chunk(None, reason))]
    if usage:
        frames.append(frame({"choices": [], "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1]}}))
    return Reply(portions=[*frames, frame(b"[DONE]")], kind="text/event-stream")


def stream_of(*portions: bytes | float | None) -> Reply:
    return Reply(portions=portions, kind="text/event-stream")


def completion(text: str, logprobs: object = None) -> Body:
    choice = {"index": 0, "message": {"content": text}, "logprobs": logprobs, "finish_reason": "stop"}
    return {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}


def top(*pairs: tuple[str, float]) -> Body:
    entries = [{"token": token, "logprob": value} for token, value in pairs]
    return {"content": [{**entries[0], "top_logprobs": entries}]}


class Server:
    """By default it can do everything. `script` holds replies to the next streams; after it `default` answers."""

    def __init__(self) -> None:
        self.models = ["coder-7b"]
        self.key = ""
        self.context: int | None = 4096
        self.logprobs: Callable[[Body], object] = lambda _: top(("yes", -0.1), ("no", -2.5))
        self.schema = True
        self.tokenize = True
        self.others: dict[str, Reply] = {}
        self.script: deque[Reply] = deque()
        self.default: Callable[[Body], Reply] = lambda _: streamed("good", " day")
        self.whole: Callable[[Body], Reply] | None = None
        self.seen: list[tuple[str, Body]] = []
        self.answered = 0
        self.url = ""

    @property
    def chats(self) -> list[Body]:
        return [body for path, body in self.seen if path.endswith("/chat/completions") and body.get("stream")]

    def reply(self, path: str, headers: dict[str, str], body: Body) -> Reply:
        self.seen.append((path, body))
        if path in self.others:
            return self.others[path]
        if self.key and headers.get("authorization") != f"Bearer {self.key}":
            return error(401, "Incorrect API key provided")
        if path == "/v1/models":
            more = {"max_model_len": self.context} if self.context else {}
            return as_json({"object": "list", "data": [{"id": name, **more} for name in self.models]})
        if path == "/tokenize" and self.tokenize:
            return as_json({"count": len(body["prompt"]) // 2, "max_model_len": self.context})
        if path == "/v1/chat/completions":
            return self._chat(body)
        return error(404, "Not Found")

    def _chat(self, body: Body) -> Reply:
        if body.get("model") not in self.models:
            return error(404, f"The model `{body.get('model')}` does not exist.", "model_not_found")
        if body.get("stream"):
            return self.script.popleft() if self.script else self.default(body)
        if self.whole:
            return self.whole(body)
        if "response_format" in body:
            return as_json(completion('{"sea": "calm"}' if self.schema else "O mountains"))
        return as_json(completion("yes", self.logprobs(body) if body.get("logprobs") else None))


@contextlib.contextmanager
def scripted(server: Server | None = None) -> Iterator[Server]:
    """The server on a port that the system chose."""
    server = server or Server()
    host = _Host(server)
    try:
        yield server
    finally:
        host.stop()


class _Host:
    """The thread with the loop; `stop` cuts off whoever is connected."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.SelectorEventLoop()  # `_hang_up` removes a reader, which Windows' own loop cannot
        self._up = threading.Event()
        self._stopping: asyncio.Task[None] | None = None
        self._talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._up.wait(5)
        server.stop = self.stop  # type: ignore[attr-defined] # a test may kill it in the middle

    def stop(self) -> None:
        if self._thread.is_alive() and self._stopping:
            self._loop.call_soon_threadsafe(self._stopping.cancel)
            self._thread.join(5)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner, contextlib.suppress(asyncio.CancelledError):
            runner.run(self._main())

    async def _main(self) -> None:
        self._stopping = asyncio.current_task()
        await self._serve()

    async def _serve(self) -> None:
        listening = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        self._up.set()
        try:
            await asyncio.Event().wait()
        finally:
            await self._hang_up(listening)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.ensure_future(self._talk(reader, writer))
        self._talks[talk] = writer
        talk.add_done_callback(self._ended)

    def _ended(self, talk: asyncio.Task[None]) -> None:
        """Here and not in `_talk`: a task that is cancelled before its first step runs nothing of itself."""
        self._talks.pop(talk).transport.abort()

    async def _hang_up(self, listening: asyncio.Server) -> None:
        """On all. A connection that the loop has accepted and not yet made would leak from a server that is closed."""
        self._loop.remove_reader(listening.sockets[0].fileno())
        await _some_turns()
        listening.close()
        for talk in self._talks:
            talk.cancel()
        await _some_turns()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._exchange(reader, writer):
                pass

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        path = head[0].split()[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        reply = self._server.reply(path, headers, json.loads(body) if body else {})
        fields = {"content-type": reply.kind, "transfer-encoding": "chunked", **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} X", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        writer.write("\r\n".join(lines).encode())
        for portion in reply.portions:
            if portion is None:
                await writer.drain()
                return False
            if isinstance(portion, float):
                await writer.drain()
                await asyncio.sleep(portion)
            else:
                writer.write(b"%x\r\n%s\r\n" % (len(portion), portion))
                await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        self._server.answered += 1
        return True


async def _some_turns() -> None:
    """Accepting a connection, and closing one, each take the loop a few."""
    for _ in range(5):
        await asyncio.sleep(0)
