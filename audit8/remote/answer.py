"""What a server says, chunk by chunk, made into pieces of text, usage and a reason to end.

Knows the chunks of the chat form, and the two ways in which thoughts come: as a field of their own, or between tags in
the text. Whatever a chunk lacks is left out; what is of another type than it should be is a broken answer.
"""

import math
from typing import Any

from audit8.engine.text import THINK_CLOSE, THINK_OPEN, ThinkSplitter
from audit8.types import FinishReason, Piece, TokenLogprob, Usage

_THOUGHTS = ("reasoning_content", "reasoning")


class BrokenAnswer(ValueError):
    """The server's answer is not of the form that it promised; the text says what is wrong, without quoting it."""


class Answer:
    """One answer as it comes. `opened`: the chat template opens the thoughts, so only their end is to be seen.

    `split`: whether tags in the text are tags; in a document under a schema they are part of a string.
    """

    def __init__(self, *, opened: bool = False, split: bool = True) -> None:
        self.usage: Usage | None = None
        self.reason: FinishReason | None = None
        self.filtered = False
        self.texts = 0
        self.closed_unopened = False
        self._opened = opened
        self._seen_open = opened
        self._splitter = ThinkSplitter(inside=opened) if split else None

    def take(self, chunk: object) -> list[Piece]:
        """The pieces that a chunk (or a whole completion) holds. Raises BrokenAnswer."""
        if not isinstance(chunk, dict):
            raise BrokenAnswer("a chunk is no JSON object")
        if isinstance(usage := chunk.get("usage"), dict):
            self.usage = Usage(_number(usage, "prompt_tokens"), _number(usage, "completion_tokens"))
        choices = chunk.get("choices", [] if self.usage else None)
        if not isinstance(choices, list):
            raise BrokenAnswer("a chunk has no choices")
        if not choices:
            return []
        choice = choices[0]
        message = (choice.get("delta") or choice.get("message") or {}) if isinstance(choice, dict) else None
        if not isinstance(message, dict):
            raise BrokenAnswer("a choice is no JSON object")
        pieces = self._texts(message)
        if logprobs := read_logprobs(choice):
            first = pieces[0] if pieces else Piece("")
            pieces = [Piece(first.text, first.reasoning, logprobs), *pieces[1:]]
        self._end(choice.get("finish_reason"))
        return pieces

    def finish(self) -> list[Piece]:
        """What was held back because it might have become a tag."""
        return self._splitter.finish() if self._splitter else []

    def _texts(self, message: dict[str, Any]) -> list[Piece]:
        pieces: list[Piece] = []
        thought = next((message[name] for name in _THOUGHTS if message.get(name)), None)
        if thought is not None:
            if not isinstance(thought, str):
                raise BrokenAnswer("reasoning is no text")
            self.texts += 1
            pieces.append(Piece(thought, reasoning=True))
            if self._opened and self._splitter:  # it is the server that keeps thoughts apart
                self._opened, self._splitter = False, ThinkSplitter()
        text = message.get("content") or message.get("refusal")
        if text:
            if not isinstance(text, str):
                raise BrokenAnswer("content is no text")
            self.texts += 1
            self._note_tags(text)
            pieces += self._splitter.push(text) if self._splitter else [Piece(text)]
        return pieces

    def _note_tags(self, text: str) -> None:
        """Whether thoughts end that nobody saw begin: then the template of this server opens them."""
        self._seen_open = self._seen_open or THINK_OPEN in text
        if THINK_CLOSE in text and not self._seen_open:
            self.closed_unopened = True

    def _end(self, reason: object) -> None:
        if reason == "content_filter":
            self.filtered = True
        if isinstance(reason, str) and reason:
            self.reason = "length" if reason in {"length", "max_tokens"} else "stop"


def read_logprobs(choice: dict[str, Any]) -> tuple[TokenLogprob, ...]:
    """The log-probabilities of a choice, () where it has none."""
    found = choice.get("logprobs")
    content = found.get("content") if isinstance(found, dict) else None
    if not isinstance(content, list):
        return ()
    return tuple(one for entry in content if (one := _logprob(entry)) is not None)


def _logprob(entry: object) -> TokenLogprob | None:
    chosen = _pair(entry)
    if chosen is None or not isinstance(entry, dict):
        return None
    rivals = entry.get("top_logprobs")
    top = tuple(pair for one in rivals if (pair := _pair(one)) is not None) if isinstance(rivals, list) else ()
    return TokenLogprob(*chosen, tuple(sorted(top, key=lambda pair: -pair[1])))


def _pair(entry: object) -> tuple[str, float] | None:
    if not isinstance(entry, dict):
        return None
    token, value = entry.get("token"), entry.get("logprob")
    if not isinstance(token, str) or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if math.isnan(value) else (token, min(0.0, float(value)))


def _number(values: dict[str, Any], name: str) -> int:
    value = values.get(name)
    return value if isinstance(value, int) and value >= 0 else 0
