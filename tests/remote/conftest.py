"""Engines over scripted servers, with little patience."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from audit8.remote.connect import Wanted, connect
from audit8.remote.engine import RemoteEngine
from audit8.remote.pool import Patience
from tests.remote.scripted import Server, scripted

QUICK = Patience(connect_s=5, first_s=5, quiet_s=0.8, busy_s=2, check_s=2, rest_s=0.02, longest_rest_s=0.1)
CALM = replace(QUICK, connect_s=60, quiet_s=60, first_s=60, busy_s=60)  # where no server is silent on purpose
Connect = Callable[..., RemoteEngine]


def wanted(*urls: str, **changed: Any) -> Wanted:
    given: dict[str, Any] = {"model": "", "key_file": None, "context_tokens": 8192, "lang": "en", "patience": QUICK}
    return Wanted(urls, **{**given, **changed})


def connected(*servers: Server, **changed: Any) -> RemoteEngine:
    return connect(wanted(*(server.url for server in servers), **changed), lambda _: None)


@pytest.fixture
def server() -> Iterator[Server]:
    with scripted() as one:
        yield one


@pytest.fixture
async def engine(server: Server) -> AsyncIterator[RemoteEngine]:
    import asyncio

    one = await asyncio.to_thread(connected, server)
    server.seen.clear()
    yield one
    await one.aclose()
