"""The choice of a token: its distribution is the asked one, and a seed decides it."""

import torch

from audit8.engine.sampling import choose, is_plain, logprobs_of, make_generator
from audit8.types import Sampling

CPU = torch.device("cpu")
LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, -3.0])


def draws(sampling: Sampling, count: int = 4000, seen: tuple[int, ...] = ()) -> torch.Tensor:
    generator = make_generator(sampling, CPU)
    tokens = torch.stack([choose(LOGITS, sampling, generator, seen) for _ in range(count)])
    return torch.bincount(tokens, minlength=5) / count


def test_greedy_is_the_argmax() -> None:
    sampling = Sampling(max_tokens=1)
    assert is_plain(sampling)
    assert not is_plain(Sampling(max_tokens=1, top_logprobs=0))
    assert int(choose(LOGITS, sampling, make_generator(sampling, CPU), ())) == 0


def test_temperature_gives_the_softmax_of_the_scaled_logits() -> None:
    for temperature in (0.5, 1.0, 2.0):
        found = draws(Sampling(max_tokens=1, temperature=temperature, seed=3))
        torch.testing.assert_close(found, torch.softmax(LOGITS / temperature, -1), atol=0.03, rtol=0)


def test_top_k_and_top_p_leave_only_the_most_probable() -> None:
    assert int((draws(Sampling(max_tokens=1, temperature=1.5, top_k=2, seed=1)) > 0).sum()) == 2
    # softmax: 0.64, 0.24, 0.09, 0.03, 0.00: the first two reach 0.8, the first alone 0.6
    assert int((draws(Sampling(max_tokens=1, temperature=1.0, top_p=0.8, seed=1)) > 0).sum()) == 2
    assert int((draws(Sampling(max_tokens=1, temperature=1.0, top_p=0.6, seed=1)) > 0).sum()) == 1


def test_a_repetition_penalty_moves_the_argmax_away_from_what_was_seen() -> None:
    sampling = Sampling(max_tokens=1, repetition_penalty=3.0)
    assert not is_plain(sampling)
    assert int(choose(LOGITS, sampling, make_generator(sampling, CPU), (0, 0))) == 1
    assert int(choose(-LOGITS, sampling, make_generator(sampling, CPU), (4,))) == 3  # 3/3 = 1 = logit of 3: first wins


def test_the_same_seed_draws_the_same_tokens_and_another_does_not() -> None:
    def first_twenty(seed: int | None) -> list[int]:
        sampling = Sampling(max_tokens=1, temperature=2.0, seed=seed)
        generator = make_generator(sampling, CPU)
        return [int(choose(LOGITS, sampling, generator, ())) for _ in range(20)]

    assert first_twenty(5) == first_twenty(5)
    assert first_twenty(5) != first_twenty(6)
    assert first_twenty(None) != first_twenty(None)


def test_logprobs_are_those_of_the_models_own_distribution() -> None:
    logs = torch.log_softmax(LOGITS, -1).tolist()
    found = logprobs_of(LOGITS, 2, 2)
    assert abs(found.chosen - logs[2]) < 1e-6
    assert [token for token, _ in found.top] == [0, 1]
    assert logprobs_of(LOGITS, 2, 0).top == ()
