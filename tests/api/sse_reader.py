"""An incremental reader of event streams, as small as the format allows: bytes in, in any portions; events out."""

import codecs
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class SseReader:
    """`events` are (name, parsed data); `comments` are the lines that begin with a colon."""

    events: list[tuple[str, Any]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    done: bool = False
    _decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))
    _rest: str = ""
    _name: str = ""
    _data: list[str] = field(default_factory=list)

    def feed(self, portion: bytes) -> None:
        *lines, self._rest = (self._rest + self._decoder.decode(portion)).split("\n")
        for line in lines:
            self._take(line)

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line.startswith(":"):
            self.comments.append(value)
        elif name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif line == "":
            self._dispatch()
        else:
            raise AssertionError(f"no such line in this server's streams: {line!r}")

    def _dispatch(self) -> None:
        text = "\n".join(self._data)
        if text == "[DONE]":
            self.done = True
        elif text:
            self.events.append((self._name, json.loads(text)))
        self._name, self._data = "", []


def read_all(body: bytes) -> SseReader:
    reader = SseReader()
    reader.feed(body)
    return reader
