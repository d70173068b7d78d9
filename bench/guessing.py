"""What guessed tokens should bring, without a model: the answers of bench/answers.json told token by token.

PYTHONPATH=. python bench/guessing.py --tokenizer FOLDER --out FILE [--wait 0.4]

Guesses are made by the engine's own drafter, grammar and cost rule, in the engine's order: a step without guesses is
launched before the one before it is read, one with guesses is read at once. The time of a step is `Effort`'s: 1 + row *
rows, and `wait` more with guesses. So it says how lucky the guesses are, and what that is worth on a device of which
only these two figures are known; bench/speculation.py measures it.

`without_echoes`: guesses from the text alone, not from what the prompt is inside a JSON string.
"""

import argparse
import json
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from speculation import MOST_TOKENS, Questions, Work
from transformers import AutoTokenizer

from audit8.engine.drafts import Drafter
from audit8.engine.effort import GPU_EFFORT, MOST_ROWS, Effort, worthwhile
from audit8.engine.generation import Generation
from audit8.engine.pages import Table
from audit8.engine.running import Guess, Running
from audit8.types import Sampling


class Telling:
    """One answer, told to one running sequence."""

    def __init__(self, work: Work, *, echoes: bool) -> None:
        assert work.grammar
        room = len(work.answer) + MOST_TOKENS
        generation = Generation(
            work.prompt,
            Sampling(max_tokens=room),
            deliver=lambda _: None,
            decode=lambda ids: "x" * len(ids),
            eos_ids=frozenset(),
            constraint=work.grammar.start(room),
        )
        drafter = Drafter(work.prompt, work.echoes if echoes else ())
        self.running = Running(generation, Table([]), 0, torch.Generator(), drafter=drafter)
        self.answer = work.answer
        self.told = self.steps = self.tried = self.right = 0
        self.tell(1)

    def tell(self, count: int) -> None:
        for token in self.answer[self.told : self.told + count]:
            self.running.accept(token)
        self.told = min(self.told + count, len(self.answer))

    def guess(self, effort: Effort) -> Guess:
        guess = self.running.guess(MOST_ROWS - 1)
        return guess.first(worthwhile([guess.chances], effort, MOST_ROWS)[0])

    def speedup(self, effort: Effort) -> float:
        """Time without guesses by time with them."""
        cost, in_flight = 0.0, False
        while self.told < len(self.answer):
            guess = self.guess(effort)
            if in_flight:
                self.tell(1)
                guess = self.guess(effort) if guess and self.told < len(self.answer) else Guess()
                if self.told == len(self.answer):
                    break
            self.steps += 1
            cost += effort.step(1 + len(guess.tokens)) + (effort.wait if guess else 0)
            in_flight = not guess
            if guess:
                self._check(guess)
        return (len(self.answer) - 1) * effort.step(1) / cost

    def _check(self, guess: Guess) -> None:
        rest = self.answer[self.told :]
        right = next((at for at, (a, b) in enumerate(zip(guess.tokens, rest, strict=False)) if a != b), None)
        right = min(len(guess.tokens), len(rest)) if right is None else right
        self.tried += len(guess.tokens)
        self.right += right
        self.tell(right + 1)


def told(works: list[Work], effort: Effort, *, echoes: bool) -> dict[str, Any]:
    tellings = [Telling(work, echoes=echoes) for work in works]
    speedups = [round(telling.speedup(effort), 3) for telling in tellings]
    counts = {key: sum(getattr(one, key) for one in tellings) for key in ("steps", "tried", "right")}
    tokens = sum(len(work.answer) for work in works)
    return {"speedup": round(statistics.median(speedups), 3), "speedups": speedups, "tokens": tokens, **counts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--wait", type=float, default=GPU_EFFORT.wait)
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    questions, effort = Questions(tokenizer, len(tokenizer)), replace(GPU_EFFORT, wait=options.wait)
    command = f"python bench/guessing.py --tokenizer {options.tokenizer.name} --wait {options.wait}"
    result: dict[str, Any] = {"command": command}
    for by in ("by_hand", "by_model"):
        for name, echoes in (("", True), ("_without_echoes", False)):
            result[by + name] = told(questions.works(by), effort, echoes=echoes)
            print(by + name, json.dumps(result[by + name]), flush=True)
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
