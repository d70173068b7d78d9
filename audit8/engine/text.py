"""From token ids to text that can be shown: complete characters, stop strings cut off, thinking kept apart.

Pure and incremental: fed with one token at a time, gives what is safe to show now. Knows nothing of models.
"""

from collections.abc import Callable, Sequence

from audit8.types import Piece

THINK_OPEN, THINK_CLOSE = "<think>", "</think>"
REPLACEMENT = "\ufffd"
WINDOW_TOKENS = 6  # decoded again with every token: a character spans at most 4 byte-level tokens


class Detokeniser:
    """Decodes a growing list of ids, holding back a character whose bytes have not all arrived.

    A short window is decoded instead of the whole answer (linear instead of quadratic); the window starts at ids
    that are already shown, so that decoders which look at neighbours (leading spaces) see the same as before.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._start = 0  # the window is ids[start:]
        self._shown = 0  # ids[:shown] are shown completely

    def push(self, token_id: int) -> str:
        """The text that `token_id` completes; "" while a character is incomplete."""
        self._ids.append(token_id)
        return self._advance(final=False)

    def finish(self) -> str:
        """What was held back, with U+FFFD for bytes that never became a character."""
        return self._advance(final=True)

    def _advance(self, *, final: bool) -> str:
        before = self._decode(self._ids[self._start : self._shown])
        after = self._decode(self._ids[self._start :])
        if after.endswith(REPLACEMENT) and not final:
            return ""
        self._shown = len(self._ids)
        self._start = max(self._start, self._shown - WINDOW_TOKENS)
        while self._start and self._decode(self._ids[self._start :]).startswith(REPLACEMENT):
            self._start -= 1  # never start a window inside a character
        return after[len(before) :]


class StopMatcher:
    """Cuts the text at the first stop string, and holds back an end that may become one."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = tuple(stop)
        self._held = ""
        self.hit = False

    def push(self, text: str) -> str:
        if not self._stop or self.hit:
            return "" if self.hit else text
        text = self._held + text
        found = [position for position in (text.find(stop) for stop in self._stop) if position >= 0]
        if found:
            self.hit = True
            self._held = ""
            return text[: min(found)]
        keep = max(overlap(text, stop) for stop in self._stop)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def finish(self) -> str:
        held, self._held = self._held, ""
        return held


class ThinkSplitter:
    """Marks what stands between <think> and </think> as reasoning and drops the tags.

    `inside` is True when the chat template has already opened the block (DeepSeek-R1's does).
    """

    def __init__(self, *, inside: bool = False) -> None:
        self._inside = inside
        self._held = ""

    def push(self, text: str) -> list[Piece]:
        text, pieces = self._held + text, []
        while True:
            tag = THINK_CLOSE if self._inside else THINK_OPEN
            at = text.find(tag)
            if at < 0:
                break
            pieces.append(Piece(text[:at], self._inside))
            text, self._inside = text[at + len(tag) :], not self._inside
        keep = overlap(text, tag)
        self._held = text[len(text) - keep :]
        pieces.append(Piece(text[: len(text) - keep], self._inside))
        return [piece for piece in pieces if piece.text]

    def finish(self) -> list[Piece]:
        held, self._held = self._held, ""
        return [Piece(held, self._inside)] if held else []


def overlap(text: str, tag: str) -> int:
    """Length of the longest end of `text` that is a proper beginning of `tag`."""
    for size in range(min(len(tag) - 1, len(text)), 0, -1):
        if tag.startswith(text[-size:]):
            return size
    return 0
