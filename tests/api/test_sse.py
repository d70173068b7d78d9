"""What is written as an event stream is what a reader of the format reads, whatever is in it and however it is cut."""

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audit8.api import sse
from tests.api.sse_reader import SseReader

HOSTILE = st.text() | st.sampled_from(
    ["\n\ndata: {}\n\n", "\r", "\u2028", "event: report\n", "[DONE]", "\ud800", "\x00", ":"]
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | HOSTILE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(HOSTILE, inner, max_size=4),
    max_leaves=12,
)
EVENTS = st.lists(st.tuples(st.sampled_from(["", "token", "finding", "report"]), DATA), max_size=6)


def readable(data: Any) -> Any:
    """`data` as UTF-8 can hold it: half of a surrogate pair is a question mark."""
    return json.loads(json.dumps(data, ensure_ascii=False).encode(errors="replace"))


@given(EVENTS, st.lists(st.integers(0, 400), max_size=8))
def test_every_event_is_read_as_it_was_written(events: list[tuple[str, Any]], cuts: list[int]) -> None:
    stream = b"".join(sse.frame(data, name) for name, data in events)
    reader = SseReader()
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    for start, end in itertools.pairwise(places):
        reader.feed(stream[start:end])
    assert reader.events == [(name, readable(data)) for name, data in events]
    assert not reader.comments
    assert not reader.done


@given(DATA, st.sampled_from(["", "token"]))
def test_an_event_is_one_line_of_data(data: Any, name: str) -> None:
    written = sse.frame(data, name).decode()
    assert written.endswith("\n\n")
    lines = written[:-2].split("\n")
    assert [line.partition(":")[0] for line in lines] == (["event", "data"] if name else ["data"])
    assert "\r" not in written


async def test_beats_are_no_events_and_lose_none() -> None:
    beaten = asyncio.Event()

    async def slow() -> AsyncGenerator[bytes]:
        for number in range(3):
            await beaten.wait()
            beaten.clear()
            yield sse.frame({"n": number}, "token")

    reader = SseReader()
    async for chunk in sse.with_beats(slow(), every_s=0.001):
        reader.feed(chunk)
        if chunk == sse.KEEP_ALIVE:
            beaten.set()
    assert [data for _, data in reader.events] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert len(reader.comments) >= 3
