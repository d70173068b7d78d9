"""What guessing tokens brings: for answers that quote their prompts, for ones that quote nothing, and in free ones.

python bench/speculation.py --model FOLDER --tokenizer FOLDER --out FILE [--rounds 3]
python bench/speculation.py --model FOLDER --tokenizer FOLDER --write     (makes the model's in answers.json)

`bench/answers.json` holds questions about code and two answers to each, both JSON with the quoted lines, the reason and
the corrected lines: one written by hand as a good audit writes it, which quotes exactly, and one that a small real
model, named there, wrote greedily under a schema. A model with random weights (`bench/random_model.py`) cannot write
them, so they are replayed: each token is the only one that its mask allows, every mask is sent and applied, every
forward pass, guess and verification is run as for any answer; only what the model would like to say is not asked.
Guesses come from the text, from what it is inside a JSON string, and from what the schema forces, as they do for any
answer under a schema; `nothing` has no schema. What is measured is the time of the engine's work and the luck of
guesses with real text; that this model would write this text is not.

`quotes`: the answers by hand. `model`: the small model's, which quotes little. `nothing`: a text that has nothing to do
with the question; it still says some words of its own again, as any text does. `free`: the model writes itself, with no
mask, and `identical` says whether all tokens were the same with and without guesses (a replay could not tell), beside
whether they are the same without guesses a second time. Random
weights soon repeat themselves: their speed-up there means nothing, that their tokens are identical does.

Tokens a second are of decoding, from the first token to the last, for one stream and for four at once; the medians of
rounds that alternate.
"""

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from engine import DEVICE, drive
from transformers import AutoTokenizer

from audit8.engine.build import Built, Order, build, effort_for
from audit8.engine.constraint import Constraint
from audit8.engine.drafts import as_quoted
from audit8.engine.fused import FusedExecutor
from audit8.engine.generation import Generation
from audit8.engine.grammar import Grammar, Grammars
from audit8.types import Sampling

ROOT = Path(__file__).resolve().parents[1]
ANSWERS = Path(__file__).with_name("answers.json")
UNRELATED = ROOT / "docs" / "architecture.md"
ITEM = {
    "type": "object",
    "properties": {name: {"type": "string", "maxLength": 400} for name in ("quote", "why", "fixed_code")},
    "required": ["quote", "why", "fixed_code"],
    "additionalProperties": False,
}
SCHEMA = {"type": "array", "items": ITEM, "minItems": 1, "maxItems": 8}
ASK = (
    "Find the security flaws in this code. Answer with a JSON array; each item has quote (the flawed lines, copied "
    "exactly), why, and fixed_code (the same lines, corrected).\n\n{code}"
)
MOST_TOKENS = 400


@dataclass(frozen=True)
class Work:
    """A prompt, the answer to it, the prompt's echoes, and the grammar under which such an answer is asked for."""

    prompt: list[int]
    answer: list[int]
    echoes: list[int] = field(default_factory=list)
    grammar: Grammar | None = None


class Replay:
    """Stands for a constraint: allows exactly the tokens of a known answer, one after the other.

    What is `forced` and `possible` is the `grammar`'s to say, of the schema under which such an answer is asked for.
    """

    def __init__(self, ids: Sequence[int], grammar: Constraint | None) -> None:
        self._ids = ids
        self._grammar = grammar
        self._at = 0
        self._from = 0

    def fill_mask(self, row: torch.Tensor) -> None:
        row.zero_()
        if self._at < len(self._ids):
            token = self._ids[self._at]
            row.numpy().view("uint32")[token >> 5] = 1 << (token & 31)

    def accept(self, token: int) -> bool:
        right = token == self._ids[self._at]
        self._at += 1
        if self._grammar is not None:
            assert self._grammar.accept(token), "the answer is a document of the schema"
        return right

    def forced(self) -> list[int]:
        return self._grammar.forced() if self._grammar else []

    def possible(self, ids: Sequence[int]) -> int:
        return self._grammar.possible(ids) if self._grammar else len(ids)

    def explore(self, rows: torch.Tensor, ids: Sequence[int]) -> int:
        self._from = self._at
        self.fill_mask(rows[0])
        for index, token in enumerate(ids):
            if token != self._ids[self._at]:
                return index
            self._at += 1
            self.fill_mask(rows[index + 1])
        return len(ids)

    def settle(self, count: int) -> None:
        self._at = self._from + count
        if self._grammar is not None:
            for token in self._ids[self._from : self._at]:
                self._grammar.accept(token)


class Timed:
    """One generation and the time of each of its tokens."""

    def __init__(
        self, prompt: list[int], max_tokens: int, constraint: Any, eos_ids: frozenset[int], echoes: Sequence[int] = ()
    ) -> None:
        self.times: list[float] = []
        self.generation = Generation(
            prompt,
            Sampling(max_tokens=max_tokens),
            deliver=lambda _: None,
            decode=lambda ids: "x" * len(ids),
            eos_ids=eos_ids,
            constraint=constraint,
            echoes=echoes,
        )

    @property
    def tok_s(self) -> float:
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])


class Questions:
    """The questions of bench/answers.json and the answers to them, in the tokens of one tokenizer."""

    def __init__(self, tokenizer: Any, vocabulary: int) -> None:
        self.tokenizer = tokenizer
        self.end = frozenset({int(tokenizer.eos_token_id)})
        self.grammar = Grammars(tokenizer, vocabulary, self.end).compile(json.dumps(SCHEMA))

    def ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def prompt(self, code: str) -> list[int]:
        turns = [{"role": "user", "content": ASK.format(code=code)}]
        return self.ids(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

    def works(self, by: str) -> list[Work]:
        """All of them, with the answers `by_hand` or `by_model`."""
        return [
            Work(
                self.prompt(entry["code"]),
                self.ids(entry[by]),
                self.ids(as_quoted(ASK.format(code=entry["code"]))),
                self.grammar,
            )
            for entry in json.loads(ANSWERS.read_text(encoding="utf-8"))["answers"]
        ]


class Bench:
    """A built engine whose guesses can be turned on and off."""

    def __init__(self, built: Built, questions: Questions) -> None:
        assert isinstance(built.executor, FusedExecutor), "speculation is the fused engine's"
        self.built, self.questions, self.executor = built, questions, built.executor
        self.effort = effort_for(self.executor.weights, DEVICE != "cpu")

    def answered(self, work: Work, *, free: bool) -> Timed:
        if free:
            return Timed(work.prompt, MOST_TOKENS, None, self.questions.end)
        room = len(work.answer) + MOST_TOKENS
        replay = Replay(work.answer, work.grammar.start(room) if work.grammar else None)
        return Timed(work.prompt, len(work.answer), replay, frozenset(), work.echoes)

    def run(self, works: list[Work], *, guess: bool, free: bool) -> tuple[float, list[list[int]]]:
        """Tokens a second of `works` together, and their tokens."""
        self.executor._effort = self.effort if guess else None
        answers = [self.answered(work, free=free) for work in works]
        drive(self.built, answers)
        return sum(one.tok_s for one in answers), [one.generation.token_ids for one in answers]

    def compared(self, groups: list[list[Work]], rounds: int, *, free: bool) -> dict[str, Any]:
        speeds: dict[bool, list[float]] = {True: [], False: []}
        identical = repeated = True
        before, start = self.executor.guessed, time.perf_counter()
        for group in groups:
            _, plain = self.run(group, guess=False, free=free)  # its prompts' beginnings are cached from here on
            own: dict[bool, list[float]] = {True: [], False: []}
            for _ in range(rounds):
                results = {guess: self.run(group, guess=guess, free=free) for guess in (True, False)}
                identical &= results[True][1] == results[False][1]
                repeated &= results[False][1] == plain
                for guess, (speed, _) in results.items():
                    own[guess].append(speed)
            for guess, measured in own.items():
                speeds[guess].append(statistics.median(measured))
        after = self.executor.guessed
        return {
            "speedup": round(statistics.median(a / b for a, b in zip(speeds[True], speeds[False], strict=True)), 3),
            "speedups": [round(a / b, 3) for a, b in zip(speeds[True], speeds[False], strict=True)],
            "tok_s": round(statistics.median(speeds[True]), 1),
            "tok_s_without": round(statistics.median(speeds[False]), 1),
            "tried": after.tried - before.tried,
            "right": after.right - before.right,
            **({"identical": identical, "the_same_without_guesses_again": repeated} if free else {}),
            "seconds": round(time.perf_counter() - start, 1),
        }


def write_answers(bench: Bench, folder: Path) -> None:
    """Let the model answer the questions of bench/answers.json, under SCHEMA."""
    kept = json.loads(ANSWERS.read_text(encoding="utf-8"))
    asked = bench.questions
    for entry in kept["answers"]:
        work = Timed(asked.prompt(entry["code"]), MOST_TOKENS, asked.grammar.start(MOST_TOKENS), asked.end)
        drive(bench.built, [work])
        ids = [token for token in work.generation.token_ids if token not in asked.end]
        entry["by_model"] = asked.tokenizer.decode(ids)
        kept["model"] = folder.name
        ANSWERS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(entry["by_model"], bench.executor.guessed, f"{work.tok_s:.1f} tokens/s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="make bench/answers.json with a real model")
    options = parser.parse_args()
    built = build(Order(options.model, "8bit", DEVICE, "auto", 2048, cache_tokens=2048 * 8), lambda _: None)
    questions = Questions(AutoTokenizer.from_pretrained(options.tokenizer), int(built.frame.config.vocab_size))
    bench = Bench(built, questions)
    if options.write:
        write_answers(bench, options.model)
        return
    quoting, model = (questions.works(by) for by in ("by_hand", "by_model"))
    unrelated = questions.ids(UNRELATED.read_text(encoding="utf-8"))
    pieces = [unrelated[at : at + MOST_TOKENS // 2] for at in range(0, MOST_TOKENS * 2, MOST_TOKENS // 2)]
    nothing = [Work(work.prompt, piece) for work, piece in zip(itertools.cycle(quoting), pieces, strict=False)]
    result: dict[str, Any] = {
        "command": f"python bench/speculation.py --model {options.model.name} --tokenizer {options.tokenizer.name}",
        "hardware": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu",
        "versions": {name: version(name) for name in ("torch", "transformers", "llguidance")},
        "model_of_the_answers": json.loads(ANSWERS.read_text(encoding="utf-8"))["model"],
    }
    for name, works in {"quotes": quoting, "model": model, "nothing": nothing, "free": quoting}.items():
        for streams, groups in (("", [[work] for work in works]), ("_4_streams", [works[:4]])):
            result[name + streams] = bench.compared(groups, options.rounds, free=name == "free")
            print(name + streams, json.dumps(result[name + streams]), flush=True)
    result["speculation_speedup"] = result["quotes"]["speedup"]
    result["loss_where_nothing_is_quoted"] = round(1 - result["nothing"]["speedup"], 4)
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
