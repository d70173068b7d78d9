"""The reader of event streams: the same events however the bytes are cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.remote.sse import MAX_EVENT_BYTES, EventReader, EventTooLarge, ServerEvent

BODY = (
    "\ufeffdata: one\n\n: beat\n\nevent: error\r\ndata: two\r\ndata:  三\u2028\r\n\r\nid: 5\rdata\r\r"
    'retry: 1\ndata:{"a": 1}\n\ndata: never ended\n'
).encode()
EVENTS = [
    ServerEvent("", "one"),
    ServerEvent("error", "two\n 三\u2028"),
    ServerEvent("", ""),
    ServerEvent("", '{"a": 1}'),
]


def read(portions: list[bytes]) -> list[ServerEvent]:
    reader = EventReader()
    return [event for portion in portions for event in reader.feed(portion)]


@given(st.lists(st.integers(0, len(BODY)), max_size=12))
def test_cuts_change_nothing(cuts: list[int]) -> None:
    places = sorted({0, len(BODY), *cuts})
    assert read([BODY[start:end] for start, end in itertools.pairwise(places)]) == EVENTS


def test_byte_by_byte() -> None:
    assert read([BODY[at : at + 1] for at in range(len(BODY))]) == EVENTS


@pytest.mark.parametrize("portion", [b"x" * 1024, b"data: " + b"x" * 1024 + b"\n"])
def test_what_never_ends_is_given_up(portion: bytes) -> None:
    reader = EventReader()
    with pytest.raises(EventTooLarge):
        list(reader.feed(portion * (MAX_EVENT_BYTES // 1024 + 2)))


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert read([b"data: \xff\n\n"]) == [ServerEvent("", "\ufffd")]
