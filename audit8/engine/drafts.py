"""Guesses of what a sequence says next, from what it said before: code that is quoted, names that come again.

Looks up the last few tokens in the prompt, in what it is inside a JSON string where the answer is JSON, and in the
answer so far; a token costs a few dictionary look-ups. Every guess is compared with the token that came, tried or not:
so how far guesses can be trusted is known before one is tried.
"""

import json
from collections.abc import Sequence
from itertools import islice

ORDERS = (8, 3, 2)  # so many last tokens must have stood somewhere before, the longer the better
NEAR = 8  # where a guess failed, the text may go on after a few other tokens: a line's end spelled otherwise, a change
LEARNING = 0.1  # how much the newest token changes a chance
# How many guesses in a row came true so far, and the chance of the next: measured as the text goes on, these at first.
STREAKS = (0, 1, 4, 12)
CHANCES = (0.4, 0.6, 0.8, 0.9)


def as_quoted(text: str) -> str:
    """`text` inside a JSON string: its line ends and quotation marks are other tokens there."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


class Drafter:
    """One sequence's tokens, its prompt's first. `push` them as they come.

    `echoes`: tokens that the answer may say as well, and rather than the prompt's.
    """

    def __init__(self, prompt: Sequence[int], echoes: Sequence[int] = ()) -> None:
        self._ids = [*prompt, *echoes]
        # Where the token stands that last came after these tokens; the newest ones are entered when theirs is known.
        self._next = [
            dict(zip(zip(*(islice(self._ids, at, None) for at in range(order)), strict=False), places, strict=False))
            for order, places in ((order, range(order, len(self._ids))) for order in ORDERS)
        ]
        self._chances = list(CHANCES)
        self._at = 0  # where the guessed token stands; 0: there is no guess
        self._streak = 0
        self._lost = 0  # where the last guess failed; 0: nowhere
        self._look()

    def push(self, token: int) -> None:
        if self._at:
            right = self._ids[self._at] == token
            kind = _kind(self._streak)
            self._chances[kind] += LEARNING * (right - self._chances[kind])
            self._lost = 0 if right else self._at
            self._at = self._at + 1 if right else 0
            self._streak += 1
        for order, known in zip(ORDERS, self._next, strict=True):
            if len(self._ids) >= order:
                known[tuple(self._ids[-order:])] = len(self._ids)
        self._ids.append(token)
        if not self._at:
            self._look()

    def guess(self, most: int) -> list[int]:
        """At most so many next tokens; what ends with the newest token goes round and round."""
        if not self._at or most < 1:
            return []
        guessed = self._ids[self._at : self._at + most]
        return (guessed * (-(-most // len(guessed))))[:most]

    def chances(self, count: int) -> list[float]:
        """How probable it is that the first, the first two, ... of `count` guessed tokens are right."""
        chance, chances = 1.0, []
        for ahead in range(count):
            chance *= self._chances[_kind(self._streak + ahead)]
            chances.append(chance)
        return chances

    def _look(self) -> None:
        for order, known in zip(ORDERS, self._next, strict=True):
            self._at = known.get(tuple(self._ids[-order:]), 0)
            if self._at:
                self._streak = order - ORDERS[-1]
                return
        near = self._ids[self._lost : self._lost + NEAR] if self._lost else []
        if near and self._ids[-1] in near[: len(self._ids) - 1 - self._lost]:
            self._at, self._streak = self._lost + near.index(self._ids[-1]) + 1, 0


def _kind(streak: int) -> int:
    return next(kind for kind in range(len(STREAKS) - 1, -1, -1) if streak >= STREAKS[kind])
