"""The ladder and the loading, on the real pocket model in 8 bit on the CPU."""

import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from audit8.engine import device, loading
from audit8.engine.build import Built, EngineKind, Order, build, effort_for, why_not_fused
from audit8.engine.fused import FusedExecutor
from audit8.engine.local import LocalEngine
from audit8.engine.weights import DecoderWeights
from audit8.errors import MissingDependency, ModelNotFound, Offloaded
from audit8.types import EngineInfo, Finish, LoadProgress, Message, Piece, Sampling
from tests.engine.tiny import Answer, run

QUESTION = [Message("user", "Write a Python function that adds two numbers.")]
CODE = Path(loading.__file__).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def order(pocket_folder: Path) -> Order:
    return Order(pocket_folder, "8bit", "cpu", "auto", context_tokens=2048)


@pytest.fixture(scope="module")
def fused(order: Order) -> Built:
    return build(order, lambda _: None)


@pytest.fixture(scope="module")
def stock(order: Order) -> Built:
    return build(replace(order, kind="stock"), lambda _: None)


def make_engine(built: Built) -> LocalEngine:
    return LocalEngine(
        tokenizer=built.frame.tokenizer,
        executor=built.executor,
        info=EngineInfo("pocket", "cpu", "8bit", built.arithmetic, built.context_tokens, pocket=True),
        eos_ids=built.frame.eos_ids,
        memory=lambda: device.memory("cpu"),
        classify=device.classify,
    )


@pytest.fixture(params=["fused", "stock"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[LocalEngine]:
    engine = make_engine(request.getfixturevalue(request.param))
    yield engine
    await engine.aclose()


def test_guesses_change_nothing_but_the_number_of_steps(fused: Built, order: Order) -> None:
    """A real model that is asked to say its code again, with guesses, which is the default, and without."""
    question = [{"role": "user", "content": f"Repeat this code:\n{CODE[:400]}"}]
    ids = fused.frame.tokenizer.apply_chat_template(question, add_generation_prompt=True, return_dict=False)
    answers, steps = [], []
    for built in (fused, build(replace(order, speculation=False), lambda _: None)):
        count: list[int] = []
        answer = Answer(list(ids), Sampling(max_tokens=60))
        run(built.executor, answer, each_step=lambda count=count: count.append(1))  # type: ignore[misc]
        answers.append(answer)
        steps.append(len(count))
    assert answers[0].tokens == answers[1].tokens
    assert steps[0] < steps[1] * 0.8
    assert effort_for(replace(weights_of(fused), head=torch.zeros(1)), on_gpu=True) is None  # its bits are a library's


def weights_of(built: Built) -> DecoderWeights:
    assert isinstance(built.executor, FusedExecutor)
    return built.executor.weights


async def write(engine: LocalEngine, sampling: Sampling) -> tuple[str, Finish]:
    text = ""
    async for item in engine.stream(QUESTION, sampling):
        if isinstance(item, Finish):
            return text, item
        text += item.text
    raise AssertionError("no Finish")


async def test_the_real_model_answers_and_greedy_answers_are_the_same_twice(engine: LocalEngine) -> None:
    text, finish = await write(engine, Sampling(max_tokens=24))
    assert "def " in text
    assert finish.usage.completion_tokens == 24
    assert finish.decode_s > 0
    assert (text, 24) == ((again := await write(engine, Sampling(max_tokens=24)))[0], again[1].usage.completion_tokens)


async def test_a_seed_decides_a_sampled_answer(engine: LocalEngine) -> None:
    sampling = Sampling(max_tokens=12, temperature=1.0, top_p=0.9, top_k=40, seed=11, repetition_penalty=1.1)
    assert (await write(engine, sampling))[0] == (await write(engine, sampling))[0]
    assert (await write(engine, sampling))[0] != (await write(engine, replace(sampling, seed=12)))[0]


async def test_logprobs_belong_to_the_tokens_that_were_written(engine: LocalEngine) -> None:
    sampling = Sampling(max_tokens=8, top_logprobs=3)
    pieces = [item async for item in engine.stream(QUESTION, sampling) if isinstance(item, Piece)]
    tokens = [token for piece in pieces for token in piece.logprobs]
    assert "".join(token.token for token in tokens) == "".join(piece.text for piece in pieces)
    assert len(tokens) == 8
    for token in tokens:
        assert token.logprob <= 0
        assert token.top[0] == (token.token, token.logprob)  # greedy: the chosen one is the most probable
        assert len(token.top) == 3


async def test_a_stop_string_is_cut_off(engine: LocalEngine) -> None:
    text, finish = await write(engine, Sampling(max_tokens=40, stop=("def ",)))
    assert finish.reason == "stop"
    assert "def" not in text


async def test_leaving_a_stream_stops_the_model(engine: LocalEngine) -> None:
    async with aclosing(engine.stream(QUESTION, Sampling(max_tokens=1500))) as stream:
        assert isinstance(await anext(stream), Piece)
    _, finish = await write(engine, Sampling(max_tokens=1))
    assert finish.queued_s < 5  # 1,500 tokens would take minutes


async def test_scores_are_probabilities_of_the_next_token(engine: LocalEngine) -> None:
    yes, no = await engine.score([Message("user", "Is Python a programming language? Say Yes or No.")], ["Yes", "No"])
    assert 0.1 < yes + no <= 1  # a real model puts its weight on the two words it was asked to choose from
    assert min(yes, no) > 0


def test_weight_only_is_closer_to_float32_than_llm_int8(fused: Built, stock: Built, pocket_folder: Path) -> None:
    """KL to the float32 model over source code: the fused engine's at most LLM.int8's."""
    ids = fused.frame.tokenizer(CODE)["input_ids"][:220]
    exact = AutoModelForCausalLM.from_pretrained(pocket_folder, dtype=torch.float32)
    model = stock.executor._model  # type: ignore[attr-defined]
    with torch.inference_mode():
        reference = exact(torch.tensor([ids])).logits[0].log_softmax(-1)
        llm_int8 = model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
    probabilities = reference.exp()
    ours: list[float] = []
    for length in range(160, 220, 4):
        answer = Answer(ids[:length], Sampling(max_tokens=1), candidates=range(reference.shape[1]))
        run(fused.executor, answer)
        scores = torch.tensor(answer.items[0].probabilities).log()  # type: ignore[union-attr]
        ours.append(float((probabilities[length - 1] * (reference[length - 1] - scores)).sum()))
    theirs = (probabilities * (reference - llm_int8)).sum(-1)[159:219:4]
    assert sum(ours) / len(ours) < 0.6 * float(theirs.mean())


def test_the_ladder_says_why_it_steps_down(order: Order, fused: Built, stock: Built) -> None:
    assert "int8 weights" in fused.arithmetic
    assert any("no outlier threshold" in note for note in fused.notes)
    assert "LLM.int8" in stock.arithmetic
    assert any("--engine stock" in note for note in stock.notes)
    assert "8-bit" in why_not_fused(replace(order, quant="none"), None)
    with pytest.raises(ModelNotFound, match="8-bit"):
        build(replace(order, quant="none", kind="fused"), lambda _: None)


def test_loading_reports_every_tensor(order: Order) -> None:
    seen: list[LoadProgress] = []
    loading.load(order.folder, "8bit", "cpu", seen.append)
    assert [report.done for report in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].total == len(seen) == 272


def test_missing_bitsandbytes_is_one_clear_line(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(MissingDependency, match="bitsandbytes") as raised:
        loading.load(order.folder, "8bit", "cpu", lambda _: None)
    assert "pip install" in raised.value.hint


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelNotFound, match="cannot be loaded"):
        loading.load(tmp_path, "8bit", "cpu", lambda _: None)


@pytest.mark.parametrize("where", ["meta", "cpu"])
def test_a_parameter_that_is_elsewhere_is_an_error(where: str) -> None:
    model: Any = torch.nn.Linear(2, 2, device=where)
    with pytest.raises(Offloaded, match=f"weight is on {where}"):
        loading.check_placement(model, "cuda:0")
    loading.check_placement(torch.nn.Linear(2, 2), "cpu")


@pytest.mark.parametrize("kind", ["auto", "stock"])
def test_a_truncated_weight_file_is_refused_in_words(kind: EngineKind, order: Order, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(order.folder, folder)
    weights = folder / "model.safetensors"
    os.truncate(weights, weights.stat().st_size // 2)
    with pytest.raises(ModelNotFound, match="cannot be loaded"):
        build(replace(order, folder=folder, kind=kind), lambda _: None)
