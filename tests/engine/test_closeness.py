"""Perplexity, KL and top-1 against a plain float64 computation, over a file and in whatever parts they come."""

from collections.abc import Iterator
from math import exp, log
from pathlib import Path

import pytest
import torch
from torch import Tensor

from audit8.engine import closeness
from audit8.engine.likelihood import Part
from audit8.errors import EngineFailure

WINDOWS, TOKENS, VOCAB = 3, 40, 50
IDS = torch.randint(VOCAB, (WINDOWS, TOKENS), generator=torch.Generator().manual_seed(3))


def logs_of(seed: int, near: Tensor | None = None) -> Tensor:
    noise = torch.randn(WINDOWS, TOKENS, VOCAB, generator=torch.Generator().manual_seed(seed))
    return (noise * 3 if near is None else near + noise * 0.1).log_softmax(-1)


EXACT = logs_of(1)
OTHER = logs_of(2, EXACT)


def by_window(logs: Tensor) -> Iterator[Part]:
    yield from (Part(index, 0, one[None]) for index, one in enumerate(logs))


def by_place(logs: Tensor) -> Iterator[Part]:
    """As the decoder gives them: two windows at once, then the third, a place at a time."""
    for first, last in ((0, 2), (2, 3)):
        yield from (Part(first, at, logs[first:last, at : at + 1]) for at in range(TOKENS))


def nll(logs: Tensor) -> list[float]:
    """Nats of every token that follows another, in plain Python."""
    return [-float(logs[w, t, IDS[w, t + 1]]) for w in range(WINDOWS) for t in range(TOKENS - 1)]


def test_the_figures_are_the_definitions(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    kept = closeness.keep(by_place(OTHER), IDS, tmp_path / "kept", lambda *at: seen.append(at))
    perplexity, found = closeness.compare(by_window(EXACT), IDS, tmp_path / "kept", lambda *at: None)
    assert found is not None
    ours, theirs = nll(EXACT), nll(OTHER)
    n = WINDOWS * (TOKENS - 1)
    assert perplexity == pytest.approx(exp(sum(ours) / n), rel=1e-6)
    assert kept == found.perplexity == pytest.approx(exp(sum(theirs) / n), rel=1e-6)
    assert found.perplexity_change_percent == pytest.approx(100 * (kept / perplexity - 1), abs=1e-4)
    lost = [b - a for a, b in zip(ours, theirs, strict=True)]
    mean = sum(lost) / n
    deviation = (sum((one - mean) ** 2 for one in lost) / (n - 1)) ** 0.5
    assert found.perplexity_change_error == pytest.approx(100 * exp(mean) * deviation / n**0.5, rel=1e-4)
    p, q = EXACT.double(), OTHER.double()
    assert found.kl == pytest.approx(float((p.exp() * (p - q)).sum(-1).mean()), rel=1e-6)
    assert found.top1_same_percent == pytest.approx(100 * float((p.argmax(-1) == q.argmax(-1)).double().mean()))
    assert found.places == WINDOWS * TOKENS
    assert seen[-1] == (WINDOWS * TOKENS, WINDOWS * TOKENS)


def test_a_model_is_exactly_itself(tmp_path: Path) -> None:
    closeness.keep(by_window(EXACT), IDS, tmp_path / "kept", lambda *at: None)
    _, found = closeness.compare(by_place(EXACT), IDS, tmp_path / "kept", lambda *at: None)
    assert found is not None
    assert (found.kl, found.perplexity_change_percent, found.top1_same_percent) == (0, 0, 100)


def test_a_known_loss_is_that_loss(tmp_path: Path) -> None:
    """A model that gives every following token 1 % less probability has a perplexity 1/0.99 as large."""
    tally = closeness.Tally()
    half = torch.full((4, 2), log(0.5))
    worse = torch.tensor([[log(0.495), log(0.505)]]).expand(4, 2)
    tally.add(half, worse, torch.tensor([0, 0, 0, -1]))
    found = tally.result()
    assert found.perplexity_change_percent == pytest.approx(100 * (1 / 0.99 - 1), rel=1e-5)
    assert found.perplexity_change_error == pytest.approx(0, abs=1e-6)


def test_without_the_other_model_the_perplexity_is_still_there() -> None:
    perplexity, found = closeness.compare(by_window(EXACT), IDS, None, lambda *at: None)
    assert perplexity == pytest.approx(exp(sum(nll(EXACT)) / len(nll(EXACT))), rel=1e-6)
    assert found is None


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    closeness.keep(by_window(EXACT[:, :, :20].log_softmax(-1)), IDS % 20, tmp_path / "kept", lambda *at: None)
    with pytest.raises(EngineFailure, match="vocabulary"):
        closeness.compare(by_window(EXACT), IDS, tmp_path / "kept", lambda *at: None)
