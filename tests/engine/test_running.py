"""Laws of a guess: what a grammar forces comes first, and what was said before goes on from there."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
import torch

from audit8.engine.drafts import Drafter
from audit8.engine.generation import Generation
from audit8.engine.pages import Table
from audit8.engine.running import FORCED_CHANCE, Guess, Running
from audit8.types import Sampling

SAID = [10, 11, 12, 13, 14, 15, 16]


class Grammar:
    """Forces `forced`, and allows what begins with it, up to a token of 100 or more."""

    def __init__(self, *forced: int) -> None:
        self._forced = list(forced)

    def forced(self) -> list[int]:
        return self._forced

    def possible(self, ids: Sequence[int]) -> int:
        wrong = [at for at, (one, other) in enumerate(zip(ids, self._forced, strict=False)) if one != other]
        return min([len(ids), *wrong, *(at for at, token in enumerate(ids) if token >= 100)])


def guess_of(grammar: Grammar | None, said: list[int] = SAID, most: int = 4) -> tuple[Guess, list[float]]:
    """The guess after the first two of `said` came again, and the drafter's own chances."""
    generation = Generation(
        [*said, 1, 2],
        Sampling(max_tokens=50),
        deliver=lambda _: None,
        decode=lambda ids: "x" * len(ids),
        eos_ids=frozenset(),
        constraint=cast(Any, grammar),
    )
    running = Running(generation, Table([]), 0, torch.Generator(), drafter=Drafter(generation.prompt_ids))
    for token in said[:2]:
        running.add(token)
    assert running.drafter
    return running.guess(most), running.drafter.chances(most)


def test_without_a_grammar_it_is_what_was_said_before() -> None:
    guess, chances = guess_of(None)
    assert guess == Guess(SAID[2:6], chances)


def test_what_is_forced_stands_against_what_was_said_before() -> None:
    guess, _ = guess_of(Grammar(50, 51))
    assert guess == Guess([50, 51], [FORCED_CHANCE] * 2, forced=2)


def test_what_was_said_before_goes_on_after_what_is_forced() -> None:
    guess, chances = guess_of(Grammar(12, 13))
    assert (guess.tokens, guess.forced) == (SAID[2:6], 2)
    assert guess.chances[:2] == [FORCED_CHANCE] * 2
    assert guess.chances[2:] == pytest.approx([FORCED_CHANCE * chance / chances[1] for chance in chances[2:]])
    assert guess.first(1) == Guess([12], [FORCED_CHANCE], forced=1)


def test_a_guess_ends_where_the_grammar_ends_it() -> None:
    guess, chances = guess_of(Grammar(), [10, 11, 12, 100, 14])
    assert guess == Guess([12], chances[:1])
    assert guess_of(Grammar(), [10, 11, 100, 13])[0] == Guess()


def test_no_guess_is_longer_than_it_may_be() -> None:
    assert guess_of(Grammar(50, 51, 52), most=2)[0].tokens == [50, 51]
    assert guess_of(Grammar(12, 13, 14), most=2)[0].tokens == [12, 13]
