"""Answers drained to their end."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from audit8.remote.engine import RemoteEngine
from audit8.types import Finish, Message, Piece, Sampling

HELLO = [Message("system", "be brief"), Message("user", "hello")]


async def drained(
    engine: RemoteEngine, messages: Sequence[Message] = HELLO, **sampling: Any
) -> tuple[str, str, Finish]:
    """The text, the thoughts and the end."""
    items = []
    async with aclosing(engine.stream(messages, Sampling(**{"max_tokens": 50, **sampling}))) as stream:
        async for item in stream:
            items.append(item)
    assert [isinstance(item, Finish) for item in items] == [False] * (len(items) - 1) + [True]
    pieces = [item for item in items if isinstance(item, Piece)]
    finish = items[-1]
    assert isinstance(finish, Finish)
    texts = ["".join(piece.text for piece in pieces if piece.reasoning is kind) for kind in (False, True)]
    return texts[0], texts[1], finish


async def collect(engine: RemoteEngine, items: list[Piece | Finish]) -> None:
    async with aclosing(engine.stream(HELLO, Sampling(max_tokens=9))) as stream:
        async for item in stream:
            items.append(item)
