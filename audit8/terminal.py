"""Text on a terminal: how wide it is, and one line that is redrawn in its place. Knows nothing of what is shown."""

import unicodedata
from typing import TextIO


def width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def pad(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


class RedrawnLine:
    """The last line of `out`, written over what it was before without any escape sequence."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._drawn = 0

    def show(self, text: str) -> None:
        self._out.write("\r" + pad(text, self._drawn))
        self._out.flush()
        self._drawn = width(text)

    def clear(self) -> None:
        if self._drawn:
            self.show("")
            self._out.write("\r")
            self._out.flush()
