"""Laws of speculation: the same tokens as without, whatever is guessed, whoever else runs, wherever the answer ends.

Tiny random models soon repeat themselves, which is guessed rightly; wrong guesses are made by guessing at random.
"""

import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from audit8.engine.drafts import Drafter
from audit8.engine.effort import Effort
from audit8.engine.generation import Generation
from audit8.engine.runner import Row
from audit8.engine.weights import DecoderWeights
from audit8.types import Finish, Sampling
from tests.engine import tiny
from tests.engine.test_fused_schema import END, GRAMMARS, held
from tests.engine.test_grammar import SCHEMAS
from tests.engine.tiny import Answer, make_executor, run
from tests.engine.tiny_tokenizer import vocabulary

EAGER = Effort(row=0.001, wait=0.0)
UNIT = tiny.CHUNK_TOKENS


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> DecoderWeights:
    folder: Path = tmp_path_factory.mktemp("tiny")
    return tiny.read_weights(tiny.save("qwen2", folder))


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> DecoderWeights:
    """A model with the vocabulary of the grammars' tokenizer."""
    folder: Path = tmp_path_factory.mktemp("tiny-json")
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(**{**tiny.SIZES, "vocab_size": vocabulary()})).save_pretrained(folder)
    return tiny.read_weights(folder)


@pytest.fixture
def at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses that are right at times: the answer's own next tokens are not known, so a repetition or anything."""
    chance = random.Random(0)
    guess = Drafter.guess

    def guessed(self: Drafter, most: int) -> list[int]:
        ids = guess(self, most) or [chance.randrange(200) for _ in range(most)]
        return [token if chance.random() < 0.7 else chance.randrange(200) for token in ids][
            : chance.randrange(most + 1)
        ]

    monkeypatch.setattr(Drafter, "guess", guessed)


def prompt(length: int, seed: int = 0) -> list[int]:
    return torch.randint(32, 127, (length,), generator=torch.Generator().manual_seed(seed)).tolist()


def alone(weights: DecoderWeights, ids: list[int], sampling: Sampling) -> Answer:
    executor, _ = make_executor(weights)
    answer = Answer(ids, sampling)
    run(executor, answer)
    return answer


def steps_of(weights: DecoderWeights, effort: Effort | None, *answers: Answer) -> int:
    executor, pool = make_executor(weights, page_count=64, effort=effort)
    steps: list[int] = []
    run(executor, *answers, each_step=lambda: steps.append(1))
    assert pool.used_pages == 0
    assert executor.guessed.right <= executor.guessed.tried
    return len(steps)


def same(one: Answer, other: Answer) -> None:
    """Tokens, text, reason and usage."""
    assert one.tokens == other.tokens
    assert one.text == other.text
    ends = [item for answer in (one, other) for item in answer.items if isinstance(item, Finish)]
    assert [(end.reason, end.usage) for end in ends[:1]] == [(end.reason, end.usage) for end in ends[1:]]


def test_what_repeats_takes_fewer_steps_and_gives_the_same(weights: DecoderWeights) -> None:
    plain, guessed = (Answer(prompt(40), Sampling(max_tokens=150)) for _ in range(2))
    assert steps_of(weights, EAGER, guessed) < steps_of(weights, None, plain) / 2
    same(guessed, plain)


@pytest.mark.usefixtures("at_random")
def test_any_guesses_give_the_same_alone_and_in_company(weights: DecoderWeights) -> None:
    """Sampled ones among them, of which nothing is guessed."""
    wishes = [
        (prompt(20 + 9 * n, n), Sampling(max_tokens=20 + 7 * n, temperature=n % 3 == 2, seed=n)) for n in range(7)
    ]
    answers = [Answer(ids, sampling) for ids, sampling in wishes]
    steps_of(weights, EAGER, *answers)
    for answer, (ids, sampling) in zip(answers, wishes, strict=True):
        same(answer, alone(weights, ids, sampling))
    single = Answer(*wishes[0])
    steps_of(weights, EAGER, single)
    same(single, answers[0])


@pytest.mark.usefixtures("at_random")
@pytest.mark.parametrize("max_tokens", range(1, 12))
def test_an_answer_ends_at_its_length_also_inside_a_guess(weights: DecoderWeights, max_tokens: int) -> None:
    """The prompt and the answer fill their pages to the last token."""
    ids = prompt(64 - max_tokens)
    executor, pool = make_executor(weights, page_count=1, effort=EAGER)
    answer = Answer(ids, Sampling(max_tokens=max_tokens))
    set_rows = executor._runner.set_rows

    def watched(rows: list[Row]) -> None:
        assert max((row.position for row in rows), default=0) < 64 - 1, "the last token is never read, nor what follows"
        set_rows(rows)

    executor._runner.set_rows = watched  # type: ignore[method-assign]
    run(executor, answer)
    same(answer, alone(weights, ids, Sampling(max_tokens=max_tokens)))
    assert pool.used_pages == 0


def test_stop_strings_and_end_tokens_inside_a_guess_end_the_answer(weights: DecoderWeights) -> None:
    whole = alone(weights, prompt(40), Sampling(max_tokens=120))
    for at in (3, 60, 63, 70, 77):
        stop = Sampling(max_tokens=120, stop=(whole.text[at : at + 3],))
        guessed = Answer(prompt(40), stop)
        steps_of(weights, EAGER, guessed)
        same(guessed, alone(weights, prompt(40), stop))
        ended = [Answer(prompt(40), Sampling(max_tokens=120)) for _ in range(2)]
        for answer, effort in zip(ended, (EAGER, None), strict=True):
            answer.generation._eos_ids = frozenset([whole.tokens[at]])
            executor, _ = make_executor(weights, effort=effort)
            run(executor, answer)
        same(*ended)


@pytest.mark.parametrize("steps", [1, 2, 5, 9])
def test_cancel_frees_everything_and_the_prefix_is_shared_rightly_afterwards(
    weights: DecoderWeights, steps: int
) -> None:
    ids = prompt(2 * UNIT + 5)
    executor, pool = make_executor(weights, effort=EAGER)
    cancelled, other = (Answer(ids, Sampling(max_tokens=100)) for _ in range(2))
    executor.add(cancelled.generation)
    executor.add(other.generation)
    for _ in range(steps):
        executor.step()
    cancelled.generation.cancelled = True
    again = Answer(ids, Sampling(max_tokens=60))
    run(executor, again)
    assert other.tokens == alone(weights, ids, Sampling(max_tokens=100)).tokens
    assert again.tokens == other.tokens[:60]
    assert pool.used_pages == 0


def test_nothing_is_guessed_where_the_rows_are_taken(weights: DecoderWeights) -> None:
    executor, _ = make_executor(weights, page_count=64, max_rows=4, effort=EAGER)
    answers = [Answer(prompt(20, n), Sampling(max_tokens=40)) for n in range(4)]
    for answer in answers:
        executor.add(answer.generation)
    while not all(answer.generation.finished for answer in answers):
        taken = len([running for running in executor._rows if not running.over]) == 4
        before = executor.guessed
        executor.step()
        assert not taken or executor.guessed == before
    for n, answer in enumerate(answers):
        same(answer, alone(weights, prompt(20, n), Sampling(max_tokens=40)))


def test_logprobs_penalties_and_chance_are_not_guessed(weights: DecoderWeights) -> None:
    executor, _ = make_executor(weights, effort=EAGER)
    wishes = ({"temperature": 1.0}, {"top_logprobs": 2}, {"repetition_penalty": 1.3})
    wished: list[dict[str, Any]] = list(wishes)
    run(executor, *[Answer(prompt(20), Sampling(max_tokens=60, seed=1, **wish)) for wish in wished])
    assert executor.guessed.tried == 0


@pytest.mark.parametrize("name", ["flat object", "bounded array"])
@pytest.mark.parametrize("spare", [2, 40, 150])
def test_answers_under_a_schema_are_the_same_however_tight_the_room(
    writer: DecoderWeights, name: str, spare: int
) -> None:
    max_tokens = len(GRAMMARS.compile(json.dumps(SCHEMAS[name]))._plan.closing) + 1 + spare
    sampling = Sampling(max_tokens=max_tokens)
    plain, _ = make_executor(writer, page_count=96)
    guessing, pool = make_executor(writer, page_count=96, effort=EAGER)
    pairs = [(held(name, sampling, [5, seed]), held(name, sampling, [5, seed])) for seed in range(3)]
    run(plain, *[one for one, _ in pairs])
    run(guessing, *[other for _, other in pairs])
    for one, other in pairs:
        same(other, one)
        jsonschema.validate(json.loads(other.text), SCHEMAS[name])
    assert spare < 150 or guessing.guessed.right > 0
    assert pool.used_pages == 0


def test_a_document_that_is_known_comes_several_tokens_at_a_time(writer: DecoderWeights) -> None:
    """One document, the only one allowed, which quotes the prompt: verified as any other answer."""
    from tests.engine.tiny_tokenizer import make_tokenizer

    code = "why the title is critical and the line is low, and why the fix is high; value and children next to the name"
    schema = json.dumps({"const": {"a": "xyz", "b": code}})
    ids = list(make_tokenizer()(json.dumps(code), add_special_tokens=False)["input_ids"])
    steps = []
    for effort in (None, EAGER):
        executor, _ = make_executor(writer, effort=effort)
        answer = Answer(ids, Sampling(max_tokens=300))
        answer.generation = Generation(
            ids,
            Sampling(max_tokens=300),
            deliver=answer.items.append,
            decode=lambda some: str(make_tokenizer().decode(list(some), skip_special_tokens=True)),
            eos_ids=END,
            constraint=GRAMMARS.compile(schema).start(300),
        )
        count: list[int] = []
        run(executor, answer, each_step=lambda count=count: count.append(1))  # type: ignore[misc]
        assert json.loads(answer.text)["b"] == code
        steps.append(len(count))
    assert steps[1] < steps[0] / 2
