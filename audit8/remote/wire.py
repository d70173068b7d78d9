"""The HTTP of it: one client for each event loop, a limit on every wait, and refusals as exceptions.

Knows URLs, bodies and event streams; does not know what a chunk means. Proxies of the environment are not used and no
redirect is followed: what is sent goes to the hosts that were named.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar, cast

import httpx2

from audit8.errors import EngineFailure
from audit8.remote.pool import Patience
from audit8.remote.refusals import Broken, Busy, lasting, read_error, refusal, said_of
from audit8.remote.sse import EventReader, EventTooLarge

T = TypeVar("T")
MAX_BODY_BYTES = 64 * 1024 * 1024
DONE = "[DONE]"
_GONE = (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError)


class Wire:
    """`key` "" sends none. `aclose` ends what is running with EngineFailure."""

    def __init__(self, key: str, patience: Patience) -> None:
        self._headers = {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {key}"} if key else {})}
        self._patience = patience
        self._clients: dict[asyncio.AbstractEventLoop, httpx2.AsyncClient] = {}
        self._stopping: dict[asyncio.AbstractEventLoop, asyncio.Future[None]] = {}
        self._closed = False

    def blocking_client(self) -> httpx2.Client:
        """For short questions from a worker thread."""
        return httpx2.Client(headers=self._headers, timeout=self._patience.check_s, trust_env=False)

    async def get(self, url: str, timeout_s: float) -> Any:
        """The JSON at `url`. Raises Busy, Broken or one of our errors."""
        async with self._sent("GET", url, None, timeout_s) as answer:
            return _json(_host(url), await self._body(answer, timeout_s))

    async def post(self, url: str, body: dict[str, Any], timeout_s: float) -> Any:
        async with self._sent("POST", url, body, timeout_s) as answer:
            return _json(_host(url), await self._body(answer, timeout_s))

    async def chunks(self, url: str, body: dict[str, Any]) -> AsyncGenerator[Any]:
        """The chunks of a streamed chat, or the whole completion where the server does not stream.

        Ends at [DONE] or where the server ends it. Raises Busy, Broken or one of our errors; leaving closes the
        connection, by which the server knows that nobody waits any more.
        """
        host = _host(url)
        async with self._sent("POST", url, body, self._patience.first_s) as answer:
            if "event-stream" not in answer.headers.get("content-type", ""):
                yield checked(host, _json(host, await self._body(answer, self._patience.first_s)))
                return
            reader = EventReader()
            async with aclosing(self._portions(answer, self._patience.first_s)) as portions:
                try:
                    async for portion in portions:
                        for event in reader.feed(portion):
                            if event.data.strip() == DONE:
                                return
                            yield checked(host, _json(host, event.data.encode()))
                except EventTooLarge:
                    raise Broken(f"{host} sent an event that is too large") from None

    async def aclose(self) -> None:
        self._closed = True
        loop = asyncio.get_running_loop()
        if (stopping := self._stopping.pop(loop, None)) and not stopping.done():
            stopping.set_result(None)
        if client := self._clients.pop(loop, None):
            await client.aclose()

    # ---- one request --------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _sent(
        self, method: str, url: str, body: dict[str, Any] | None, timeout_s: float
    ) -> AsyncGenerator[httpx2.Response]:
        """The answer's head, if it is a 200."""
        if self._closed:
            raise EngineFailure("the engine has stopped", hint="start the server again")
        host = _host(url)
        client = self._client()
        try:
            request = client.build_request(method, url, json=body)
            answer = await self._within(client.send(request, stream=True), timeout_s, host)
        except _GONE as error:
            raise Broken(f"{host} cannot be reached: {_words(error)}") from None
        try:
            if answer.status_code != 200:
                said = read_error(await self._body(answer, self._patience.check_s))
                raise refusal(host, answer.status_code, said, answer.headers.get("retry-after", ""))
            yield answer
        finally:
            await answer.aclose()

    async def _body(self, answer: httpx2.Response, timeout_s: float) -> bytes:
        body = b""
        async with aclosing(self._portions(answer, timeout_s)) as portions:
            async for portion in portions:
                body += portion
                if len(body) > MAX_BODY_BYTES:
                    raise Broken(f"{_host(str(answer.url))} sent an answer that is too large")
        return body

    async def _portions(self, answer: httpx2.Response, first_s: float) -> AsyncGenerator[bytes]:
        host, wait_s = _host(str(answer.url)), first_s
        portions = answer.aiter_raw()
        try:
            while True:
                try:
                    portion = await self._within(anext(portions, None), wait_s, host)
                except _GONE as error:
                    raise Broken(f"{host} broke off: {_words(error)}") from None
                if portion is None:
                    return
                wait_s = min(wait_s, self._patience.quiet_s)
                yield portion
        finally:
            await portions.aclose()

    async def _within(self, work: Awaitable[T], timeout_s: float, host: str) -> T:
        """Await `work`, but not for longer than `timeout_s`, nor after the engine has stopped."""
        working: asyncio.Future[Any] = asyncio.ensure_future(work)
        stopping = self._stopping[asyncio.get_running_loop()]
        try:
            await asyncio.wait({working, stopping}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return cast(T, working.result())
            if stopping.done():
                raise EngineFailure("the engine was stopped", hint="start the server again")
            raise Broken(f"{host} has sent nothing for {timeout_s:.0f} s")
        finally:
            if not working.done():
                working.cancel()
                await asyncio.wait({working})
            if not working.cancelled():
                working.exception()  # taken: what it raised is of no interest any more

    def _client(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._stopping[loop] = loop.create_future()
            self._clients[loop] = httpx2.AsyncClient(
                headers=self._headers,
                trust_env=False,
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=15),
                timeout=httpx2.Timeout(None, connect=self._patience.connect_s, write=self._patience.quiet_s),
            )
        return self._clients[loop]


def checked(host: str, chunk: Any) -> Any:
    """`chunk`, unless it is an error in the stream. Raises Busy, Broken or one of our errors."""
    if not isinstance(chunk, dict) or not chunk.get("error"):
        return chunk
    said = said_of(chunk)
    kind = chunk["error"].get("type") if isinstance(chunk["error"], dict) else ""
    if said.code in {"429", "503", "queue_full"}:
        raise Busy(None, f"{host}: {said.message}")
    if kind == "invalid_request_error" or said.code in {"400", "422", "prompt_too_long"}:
        raise lasting(host, 400, said)
    raise Broken(f"{host} failed: {said.message}")


def _json(host: str, body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Broken(f"{host} sent what is not JSON") from None


def _host(url: str) -> str:
    parts = httpx2.URL(url)
    return parts.netloc.decode("ascii")


def _words(error: BaseException) -> str:
    """A short reason; libraries leave some of them empty."""
    known: dict[type[BaseException], str] = {
        httpx2.ConnectTimeout: "it does not answer",
        httpx2.RemoteProtocolError: "the answer stopped in the middle",
        httpx2.ReadError: "the connection was reset",
    }
    return known.get(type(error)) or str(error) or type(error).__name__
