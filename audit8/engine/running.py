"""A generation that has its place on the device: what is chosen next, what may be guessed, and what came of guesses."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from audit8.engine.constraint import off_schema
from audit8.engine.drafts import LEARNING, Drafter
from audit8.engine.generation import Generation
from audit8.engine.pages import Table
from audit8.engine.runner import Row
from audit8.engine.sampling import choose, is_plain, logprobs_of

FORCED_CHANCE = 0.9  # that what a grammar forces is what the model writes: it may spell it in other tokens


@dataclass(eq=False, slots=True)
class Running:
    """A generation that has its pages. `computed` prompt tokens are in them.

    `logits`: what the newest token was chosen from, kept where its log-probability is asked for.
    `drafter`: what guesses its next tokens; None where none are.
    """

    generation: Generation
    table: Table
    computed: int
    generator: torch.Generator
    logits: Tensor | None = None
    drafter: Drafter | None = None
    forced_chance: float = FORCED_CHANCE

    @property
    def over(self) -> bool:
        return self.generation.finished or self.generation.cancelled

    @property
    def plain(self) -> bool:
        """Whether the argmax of what is allowed is all that is wanted."""
        return is_plain(self.generation.sampling)

    @property
    def row(self) -> Row:
        """Of the newest token."""
        generation = self.generation
        position = len(generation.prompt_ids) + len(generation.token_ids) - 1
        return Row(generation.token_ids[-1], position, self.table.pages)

    def choose(self, logits: Tensor, allowed: Tensor) -> Tensor:
        """The next token, int64 []: from `allowed`, the logits [vocab] that its constraint, if any, leaves."""
        generation = self.generation
        seen = [*generation.prompt_ids, *generation.token_ids] if generation.sampling.repetition_penalty != 1 else []
        if generation.sampling.top_logprobs is not None:
            self.logits = logits.clone()
        return choose(allowed, generation.sampling, self.generator, seen)

    def accept(self, token: int) -> None:
        constraint = self.generation.constraint
        if constraint is not None and not constraint.accept(token):
            self.generation.fail(off_schema())
            return
        self.add(token)

    def add(self, token: int) -> None:
        """Take a token that the constraint, if any, has taken already."""
        top = self.generation.sampling.top_logprobs
        logprobs = None if top is None or self.logits is None else logprobs_of(self.logits, token, top)
        if self.drafter is not None:
            self.drafter.push(token)
        self.generation.accept(token, logprobs)

    def guess(self, most: int) -> "Guess":
        """At most so many tokens that may come next, none beyond the longest answer."""
        generation, drafter = self.generation, self.drafter
        most = min(most, generation.sampling.max_tokens - len(generation.token_ids) - 1)
        if drafter is None or self.over or most < 1:
            return Guess()
        tokens = drafter.guess(most)
        chances = drafter.chances(len(tokens))
        if generation.constraint is None:
            return Guess(tokens, chances)
        tokens = tokens[: generation.constraint.possible(tokens)] if tokens else tokens
        forced = generation.constraint.forced()[:most]
        own = [self.forced_chance] * len(forced)
        if tokens[: len(forced)] != forced:
            return Guess(forced, own, forced=len(forced))
        sure = chances[len(forced) - 1] / self.forced_chance if forced else 1.0
        return Guess(tokens, own + [chance / sure for chance in chances[len(forced) : len(tokens)]], len(forced))


@dataclass(frozen=True, slots=True)
class Guess:
    """`chances`: how probable it is that the first, the first two, ... of `tokens` are right.

    The first `forced` of them are what a grammar forces.
    """

    tokens: list[int] = field(default_factory=list)
    chances: list[float] = field(default_factory=list)
    forced: int = 0

    def __bool__(self) -> bool:
        return bool(self.tokens)

    def first(self, length: int) -> "Guess":
        return Guess(self.tokens[:length], self.chances[:length], min(self.forced, length))


@dataclass(slots=True)
class Turn:
    """A sequence's rows in one step, from `first` on: its newest token's, then one for each token of `draft`.

    `checked`: so many of the draft's tokens its constraint, if any, allows. The first `forced` a grammar forces.
    """

    running: Running
    first: int
    draft: list[int] = field(default_factory=list)
    forced: int = 0
    checked: int = 0

    def __post_init__(self) -> None:
        self.checked = len(self.draft)

    @property
    def end(self) -> int:
        return self.first + 1 + len(self.draft)

    @property
    def rows(self) -> list[Row]:
        """All of the same sequence, one position after the other: each sees the keys of those before it."""
        row = self.running.row
        return [Row(token, row.position + at, row.pages) for at, token in enumerate([row.token, *self.draft])]

    def fill_masks(self, masks: Tensor) -> None:
        """What may come after each row, int32 [rows of this turn, words]; all bits where nothing is forbidden."""
        constraint = None if self.running.over else self.running.generation.constraint
        if constraint is None:
            masks.fill_(-1)
        elif self.draft:
            self.checked = constraint.explore(masks, self.draft)
        else:
            constraint.fill_mask(masks[0])

    def take(self, chosen: list[int]) -> int:
        """What was chosen after each row: as much of it as follows from right guesses, and one token more.

        How many guesses were right.
        """
        running, draft = self.running, self.draft
        if running.over:
            return 0
        right = next((at for at in range(self.checked) if chosen[at] != draft[at]), self.checked)
        if draft and running.generation.constraint is not None:
            running.generation.constraint.settle(right)
        if self.forced:
            running.forced_chance += LEARNING * ((right >= self.forced) - running.forced_chance)
        for token in chosen[:right]:
            running.add(token)
            if running.over:
                return right
        running.accept(chosen[right])
        return right
