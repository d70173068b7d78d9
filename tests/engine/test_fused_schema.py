"""Answers under a schema from the fused executor: always documents, and the same whoever else runs."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from audit8.engine.generation import Generation
from audit8.engine.grammar import Grammars
from audit8.engine.weights import DecoderWeights
from audit8.errors import EngineFailure
from audit8.types import Finish, Sampling
from tests.engine import tiny
from tests.engine.test_grammar import SCHEMAS
from tests.engine.tiny import Answer, make_executor, run
from tests.engine.tiny_tokenizer import make_tokenizer, vocabulary

END = frozenset({int(make_tokenizer().eos_token_id)})
GRAMMARS = Grammars(make_tokenizer(), vocabulary(), END)
NAMES = ("flat object", "bounded array")
WISHES = (
    Sampling(max_tokens=120),
    Sampling(max_tokens=150, temperature=1.5, seed=3),
    Sampling(max_tokens=100, temperature=1.0, top_k=40, seed=4, repetition_penalty=1.2, top_logprobs=2),
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> DecoderWeights:
    folder: Path = tmp_path_factory.mktemp("tiny-json")
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(**{**tiny.SIZES, "vocab_size": vocabulary()})).save_pretrained(folder)
    return tiny.read_weights(folder)


def held(name: str, sampling: Sampling, prompt: list[int]) -> Answer:
    answer = Answer(prompt, sampling)
    tokenizer = make_tokenizer()
    answer.generation = Generation(
        prompt,
        sampling,
        deliver=answer.items.append,
        decode=lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True)),
        eos_ids=END,
        constraint=GRAMMARS.compile(json.dumps(SCHEMAS[name])).start(sampling.max_tokens),
    )
    return answer


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sampling", WISHES, ids=["greedy", "sampled", "all at once"])
def test_an_answer_is_a_document_and_the_same_in_any_company(
    weights: DecoderWeights, name: str, sampling: Sampling
) -> None:
    executor, pool = make_executor(weights, page_count=64)
    alone = held(name, sampling, [5, 6, 7])
    run(executor, alone)
    crowd = [
        held(other, wish, [9, index]) for index, (other, wish) in enumerate(zip(NAMES * 3, WISHES * 2, strict=True))
    ]
    free = Answer([1, 2, 3], Sampling(max_tokens=30))
    again = held(name, sampling, [5, 6, 7])
    run(executor, *crowd[:3], again, free, *crowd[3:])
    assert again.tokens == alone.tokens
    assert len(free.tokens) == 30
    for answer, schema in [(alone, SCHEMAS[name]), *zip(crowd, [SCHEMAS[other] for other in NAMES * 3], strict=True)]:
        jsonschema.validate(json.loads(answer.text), schema)
        finish: Any = answer.items[-1]
        assert isinstance(finish, Finish)
        assert finish.reason == "stop"
    assert pool.used_pages == 0


def test_an_answer_that_leaves_its_grammar_fails_and_the_others_go_on(weights: DecoderWeights) -> None:
    executor, pool = make_executor(weights)
    bad, good = held("flat object", WISHES[0], [5, 6]), held("bounded array", WISHES[0], [5, 6])
    assert bad.generation.constraint is not None
    bad.generation.constraint.accept = lambda token: False  # type: ignore[method-assign]
    run(executor, bad, good)
    assert isinstance(bad.items[-1], EngineFailure)
    jsonschema.validate(json.loads(good.text), SCHEMAS["bounded array"])
    assert pool.used_pages == 0
