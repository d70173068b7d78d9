"""The stock executor under a schema, on a tiny random model, through the whole engine of this process."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import jsonschema
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from audit8.engine.constraint import Constraint
from audit8.engine.device import classify
from audit8.engine.generation import Generation
from audit8.engine.local import LocalEngine
from audit8.engine.stock import StockExecutor
from audit8.errors import BadRequest, EngineFailure
from audit8.types import EngineInfo, Finish, Memory, Message, Piece, Sampling
from tests.engine.test_grammar import SCHEMAS
from tests.engine.tiny import SIZES
from tests.engine.tiny_tokenizer import make_tokenizer, vocabulary

END = frozenset({int(make_tokenizer().eos_token_id)})
ASK = [Message("user", "give")]


def make_executor() -> StockExecutor:
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(**{**SIZES, "vocab_size": vocabulary(), "num_hidden_layers": 1})).eval()
    return StockExecutor(model, eos_ids=END, pad_id=0)


@pytest.fixture
async def engine() -> AsyncIterator[LocalEngine]:
    engine = LocalEngine(
        tokenizer=make_tokenizer(),
        executor=make_executor(),
        info=EngineInfo("tiny", "cpu", "none", "fp32", context_tokens=1024),
        eos_ids=END,
        memory=lambda: Memory("ram", 1, 2),
        classify=classify,
        vocabulary=vocabulary(),
    )
    yield engine
    await engine.aclose()


async def answer(engine: LocalEngine, sampling: Sampling) -> tuple[str, Finish]:
    items = [item async for item in engine.stream(ASK, sampling)]
    assert isinstance(items[-1], Finish)
    return "".join(item.text for item in items if isinstance(item, Piece)), items[-1]


@pytest.mark.parametrize("name", ["optional fields", "bounded array"])
async def test_random_weights_write_valid_documents(engine: LocalEngine, name: str) -> None:
    schema: Any = SCHEMAS[name]
    wishes = [
        Sampling(max_tokens=50, schema=json.dumps(schema)),
        Sampling(max_tokens=70, temperature=1.5, top_p=0.7, top_k=5, seed=3, schema=json.dumps(schema)),
    ]
    for text, finish in await asyncio.gather(*[answer(engine, wish) for wish in wishes]):
        assert finish.reason == "stop"
        jsonschema.Draft202012Validator(schema).validate(json.loads(text))


async def test_without_a_schema_the_same_model_writes_no_json(engine: LocalEngine) -> None:
    text, _ = await answer(engine, Sampling(max_tokens=12))
    with pytest.raises(ValueError, match=r"Expecting|Extra"):
        json.loads(text)


async def test_a_bad_schema_or_limit_is_refused_before_the_model_is_asked(engine: LocalEngine) -> None:
    for bad in (Sampling(max_tokens=9, schema='{"not": {}}'), Sampling(max_tokens=2, schema='{"const": "long text"}')):
        with pytest.raises(BadRequest):
            await engine.check(bad)
        with pytest.raises(BadRequest):
            await answer(engine, bad)
    await engine.check(Sampling(max_tokens=50, schema='{"type": "integer"}'))


class GaveUp(Constraint):
    """A grammar that runs into a limit of the library at the second token."""

    def __init__(self) -> None:
        self._taken = 0

    def fill_mask(self, row: torch.Tensor) -> None:
        row.fill_(-1)

    def accept(self, token: int) -> bool:
        self._taken += 1
        return self._taken < 2


def test_half_a_document_is_never_called_done() -> None:
    items: list[Any] = []
    executor = make_executor()
    tokenizer = make_tokenizer()
    executor.add(
        Generation(
            [1, 2, 3],
            Sampling(max_tokens=20),
            deliver=items.append,
            decode=tokenizer.decode,
            eos_ids=END,
            constraint=GaveUp(),
        )
    )
    executor.step()
    assert isinstance(items[-1], EngineFailure)
    assert not any(isinstance(item, Finish) for item in items)
    assert not executor.busy
