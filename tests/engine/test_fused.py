"""Laws of the fused executor: what a sequence gets does not depend on who else runs, and nothing is left behind."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from audit8.engine.fused import FusedExecutor
from audit8.engine.running import Running, Turn
from audit8.engine.weights import DecoderWeights
from audit8.errors import EngineFailure, OutOfMemory, PromptTooLong
from audit8.types import Finish, Sampling
from tests.engine import tiny
from tests.engine.tiny import Answer, make_executor, run


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> DecoderWeights:
    folder: Path = tmp_path_factory.mktemp("tiny")
    return tiny.read_weights(tiny.save("qwen2", folder))


def prompt(length: int, seed: int = 0) -> list[int]:
    return torch.randint(32, 127, (length,), generator=torch.Generator().manual_seed(seed)).tolist()


def alone(weights: DecoderWeights, ids: list[int], sampling: Sampling) -> list[int]:
    executor, _ = make_executor(weights)
    answer = Answer(ids, sampling)
    run(executor, answer)
    return answer.tokens


def watch_prefill(executor: FusedExecutor) -> list[int]:
    """Grows by the number of tokens of every prefill chunk."""
    computed: list[int] = []
    prefill = executor._runner.prefill

    def watched(tokens: list[int], start: int, pages: list[int]) -> torch.Tensor:
        computed.append(len(tokens))
        return prefill(tokens, start, pages)

    executor._runner.prefill = watched  # type: ignore[method-assign]
    return computed


UNIT = tiny.CHUNK_TOKENS
GREEDY = Sampling(max_tokens=12)
SAMPLED = Sampling(max_tokens=12, temperature=1.3, top_p=0.95, top_k=50, seed=7)


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_alone_and_among_fifteen_others_give_the_same_tokens(weights: DecoderWeights, sampling: Sampling) -> None:
    ids = prompt(100)
    executor, pool = make_executor(weights, page_count=64)
    answer = Answer(ids, sampling)
    others = [Answer(prompt(20 + 9 * n, n + 1), Sampling(max_tokens=3 + n, temperature=n % 2)) for n in range(15)]
    run(executor, *others[:7], answer, *others[7:])
    assert answer.tokens == alone(weights, ids, sampling)
    assert pool.used_pages == 0


def test_logits_are_the_same_bits_whatever_else_runs(weights: DecoderWeights) -> None:
    def seen(others: int) -> list[torch.Tensor]:
        executor, _ = make_executor(weights, page_count=64)
        watched = Answer(prompt(70), Sampling(max_tokens=8))
        kept: list[torch.Tensor] = []
        choose = executor._choose

        def spy(logits: torch.Tensor, turns: list[Turn]) -> None:
            own = [index for index, running in enumerate(executor._rows) if running.generation is watched.generation]
            kept.extend(logits[index].clone() for index in own)
            choose(logits, turns)

        executor._choose = spy  # type: ignore[method-assign]
        run(executor, watched, *[Answer(prompt(30 + n, n), Sampling(max_tokens=20)) for n in range(others)])
        return kept

    reference, crowded = seen(0), seen(11)
    assert len(reference) >= len(crowded[:7]) == 7  # on a GPU one more step may be under way when the last is read
    assert all(torch.equal(one, other) for one, other in zip(reference[:7], crowded[:7], strict=True))


@pytest.mark.parametrize("length", [UNIT, UNIT + 1, 2 * UNIT, 2 * UNIT + 2, 3 * UNIT + 8])
def test_a_cached_prefix_changes_nothing_and_is_used(weights: DecoderWeights, length: int) -> None:
    ids = prompt(length)
    executor, pool = make_executor(weights)
    first, second = Answer(ids, GREEDY), Answer(ids, GREEDY)
    run(executor, first)
    computed = watch_prefill(executor)
    run(executor, second)
    assert second.tokens == first.tokens == alone(weights, ids, GREEDY)
    assert sum(computed) == length - (length - 1) // UNIT * UNIT
    assert pool.used_pages == 0


def test_questions_about_the_same_text_wait_for_its_first_reader_and_share_it(weights: DecoderWeights) -> None:
    executor, _ = make_executor(weights, page_count=96)
    shared = prompt(2 * UNIT)
    answers = [Answer(shared + prompt(5, n), GREEDY) for n in range(1, 9)]
    computed = watch_prefill(executor)
    run(executor, *answers)
    assert sum(computed) == 2 * UNIT + 8 * 5
    assert [answer.tokens for answer in answers] == [alone(weights, shared + prompt(5, n), GREEDY) for n in range(1, 9)]


def test_a_long_prompt_does_not_stall_those_who_answer(weights: DecoderWeights) -> None:
    executor, _ = make_executor(weights, page_count=64)
    quick, long = Answer(prompt(10), Sampling(max_tokens=40)), Answer(prompt(3 * UNIT + 8, 1), GREEDY)
    executor.add(quick.generation)
    executor.step()
    executor.add(long.generation)
    executor.step()
    for _ in range(2):  # the long prompt is four chunks, and a step may be read one step later
        before = len(quick.tokens)
        executor.step()
        assert len(quick.tokens) == before + 1
        assert not long.tokens
    run(executor)
    assert len(long.tokens) == 12


@pytest.mark.parametrize("steps", [0, 1, 3, 5])
def test_cancel_frees_everything_within_a_step(weights: DecoderWeights, steps: int) -> None:
    executor, pool = make_executor(weights)
    answer = Answer(prompt(200), Sampling(max_tokens=50))
    executor.add(answer.generation)
    for _ in range(steps):
        executor.step()
    answer.generation.cancelled = True
    executor.step()
    assert not executor.busy
    assert pool.used_pages == 0
    assert not any(isinstance(item, Finish) for item in answer.items)


def test_more_sequences_than_rows_or_pages_are_all_answered(weights: DecoderWeights) -> None:
    executor, pool = make_executor(weights, page_count=6, max_rows=2)
    answers = [Answer(prompt(60, n), Sampling(max_tokens=10)) for n in range(9)]
    run(executor, *answers, each_step=lambda: check_rows(executor))
    assert all(len(answer.tokens) == 10 for answer in answers)
    assert pool.used_pages == 0


def check_rows(executor: FusedExecutor) -> None:
    assert len(executor._rows) <= 2


def test_what_can_never_fit_is_refused_before_it_starts(weights: DecoderWeights) -> None:
    executor, pool = make_executor(weights, page_count=2)
    answer = Answer(prompt(100), Sampling(max_tokens=100))
    run(executor, answer)
    assert isinstance(answer.items[0], PromptTooLong)
    assert "128" in str(answer.items[0])
    assert pool.used_pages == 0


def test_out_of_memory_in_prefill_fails_that_request_and_the_others_go_on(weights: DecoderWeights) -> None:
    executor, pool = make_executor(weights)
    prefill = executor._runner.prefill

    def failing(tokens: list[int], start: int, pages: list[int]) -> torch.Tensor:
        if len(tokens) == 33:
            raise torch.OutOfMemoryError("out of memory, on purpose")
        return prefill(tokens, start, pages)

    executor._runner.prefill = failing  # type: ignore[method-assign]
    good, bad = Answer(prompt(20), GREEDY), Answer(prompt(33), GREEDY)
    run(executor, good, bad)
    assert isinstance(bad.items[-1], OutOfMemory)
    assert good.tokens == alone(weights, prompt(20), GREEDY)
    assert pool.used_pages == 0


@pytest.mark.parametrize("at_token", [0, 3])
def test_out_of_memory_at_a_choice_fails_that_request_and_the_others_go_on(
    weights: DecoderWeights, at_token: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor, pool = make_executor(weights)
    choose = Running.choose

    def failing(running: Running, logits: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
        if running.generation.sampling.seed == 13 and len(running.generation.token_ids) >= at_token:
            raise torch.OutOfMemoryError("out of memory, on purpose")
        return choose(running, logits, allowed)

    monkeypatch.setattr(Running, "choose", failing)
    good = Answer(prompt(20), GREEDY)
    bad = Answer(prompt(30), replace(GREEDY, temperature=1.0, seed=13))
    run(executor, good, bad)
    assert isinstance(bad.items[-1], OutOfMemory)
    assert good.tokens == alone(weights, prompt(20), GREEDY)
    assert pool.used_pages == 0


def test_drop_all_fails_everyone_once_and_leaves_a_working_executor(weights: DecoderWeights) -> None:
    executor, pool = make_executor(weights)
    answers = [Answer(prompt(90, n), GREEDY) for n in range(6)]
    for answer in answers:
        executor.add(answer.generation)
    for _ in range(4):
        executor.step()
    executor.drop_all(EngineFailure("on purpose"))
    assert all(sum(isinstance(item, EngineFailure) for item in answer.items) == 1 for answer in answers)
    assert pool.used_pages == 0
    again = Answer(prompt(90), GREEDY)
    run(executor, again)
    assert again.tokens == alone(weights, prompt(90), GREEDY)


def test_a_score_gives_the_probabilities_of_the_next_token(weights: DecoderWeights) -> None:
    executor, pool = make_executor(weights)
    everything = Answer(prompt(80), Sampling(max_tokens=1), candidates=range(256))
    run(executor, everything)
    (scores,) = everything.items
    probabilities = scores.probabilities  # type: ignore[union-attr]
    assert sum(probabilities) == pytest.approx(1, abs=1e-4)
    best = max(range(256), key=probabilities.__getitem__)
    assert [best] == alone(weights, prompt(80), Sampling(max_tokens=1))
    assert pool.used_pages == 0


def test_everyone_is_told_even_if_the_device_cannot_be_reset(weights: DecoderWeights) -> None:
    executor, pool = make_executor(weights)
    answers = [Answer(prompt(40, n), GREEDY) for n in range(3)]
    for answer in answers:
        executor.add(answer.generation)
    executor.step()

    def lost() -> None:
        raise RuntimeError("the device is gone")

    executor._runner.reset = lost  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="gone"):
        executor.drop_all(EngineFailure("on purpose"))
    assert all(isinstance(answer.items[-1], EngineFailure) for answer in answers)
    assert pool.used_pages == 0
