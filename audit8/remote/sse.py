"""An event stream read as it comes: bytes in, in any portions; whole events out.

Only line feeds and carriage returns end a line: a reader of text lines would also cut at U+2028 and its like, which
JSON may hold. Knows nothing of what the data means.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_EVENT_BYTES = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_END = re.compile(rb"[\r\n]")


class EventTooLarge(ValueError):
    """An event, or a line of one, is longer than anybody should hold."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """`name` "" is the default; `data` has its lines joined by line feeds."""

    name: str
    data: str


class EventReader:
    """Fed with portions of a body; an event whose closing empty line has not come is no event.

    Takes time in proportion to the bytes, however long a line is. `max_bytes`: of one event, and of one line.
    """

    def __init__(self, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rest = bytearray()
        self._searched = 0  # so much of the rest holds no end of a line
        self._name = ""
        self._data: list[str] = []
        self._size = 0
        self._first = True

    def feed(self, portion: bytes) -> Iterator[ServerEvent]:
        """The events that `portion` completes. Raises EventTooLarge."""
        self._rest += portion
        while (line := self._take_line()) is not None:
            event = self._take(line)
            if event is not None:
                yield event
        if len(self._rest) > self._max_bytes:
            raise EventTooLarge

    def _take_line(self) -> bytes | None:
        end = _END.search(self._rest, self._searched)
        if end is None:
            self._searched = len(self._rest)
            return None
        at, size = end.start(), 1
        if self._rest[at] == ord("\r"):
            if at + 1 == len(self._rest):
                self._searched = at
                return None  # a line feed that belongs to it may follow
            size = 2 if self._rest[at + 1] == ord("\n") else 1
        line = bytes(self._rest[:at])
        del self._rest[: at + size]
        self._searched = 0
        if self._first:
            self._first = False
            line = line.removeprefix(_BOM)
        return line

    def _take(self, line: bytes) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.decode(errors="replace").partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._size += len(value)
            if self._size > self._max_bytes:
                raise EventTooLarge
            self._data.append(value)
        return None

    def _dispatch(self) -> ServerEvent | None:
        event = ServerEvent(self._name, "\n".join(self._data)) if self._data else None
        self._name, self._data, self._size = "", [], 0
        return event
