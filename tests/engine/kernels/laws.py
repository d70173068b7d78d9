"""The laws of the Triton kernels, against the reference in float64.

`test_laws` runs this file in a process of its own, because Triton's interpreter must be chosen before Triton is first
imported. On a GPU: `pytest tests/engine/kernels/laws.py`.
"""

import math
import os
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from audit8.engine import kernels as k
from audit8.engine.kernels import configs, reference

DOUBLE = torch.float64
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = torch.device("cpu" if INTERPRETED else "cuda")
HALF_ERROR, SUM_ERROR = 1e-3, 1e-5
HEADS, KV_HEADS, HEAD_DIM = 6, 2, 32


@pytest.fixture(autouse=True)
def _poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a kernel leaves unwritten is NaN; the inputs are the same in every run."""
    empty = torch.empty

    def poisoned(*args: int, **kwargs: object) -> Tensor:
        made: Tensor = empty(*args, **kwargs)  # type: ignore[call-overload]
        return made.fill_(torch.nan) if made.is_floating_point() else made

    monkeypatch.setattr(torch, "empty", poisoned)
    torch.set_default_device(DEVICE)
    torch.manual_seed(0)


def error(out: Tensor, expected: Tensor) -> float:
    """Relative; infinite if anything is NaN."""
    value = float((out.double() - expected.double()).norm() / expected.double().norm())
    return math.inf if math.isnan(value) else value


def weight(n_out: int, n_in: int) -> k.Int8Weight:
    codes = torch.randint(-127, 128, (n_out, n_in), dtype=torch.int8)
    codes[:, 0] = torch.tensor([-128, 127, -1, 0, 1], dtype=torch.int8).repeat(n_out)[:n_out]
    return k.Int8Weight(codes, torch.rand(n_out) * n_in**-0.5 + 0.01)


def inputs(rows: int, n_in: int, outliers: bool = False) -> Tensor:
    x = torch.randn(rows, n_in)
    if outliers:
        x[:, ::97] *= 60
    return x.half()


SHAPES = [(64, 512), (150, 200), (33, 77), (96, 130)]


@pytest.mark.parametrize(("n_out", "n_in"), SHAPES)
@pytest.mark.parametrize("outliers", [False, True])
def test_linear(n_out: int, n_in: int, outliers: bool) -> None:
    w, x = weight(n_out, n_in), inputs(5, n_in, outliers)
    parts = k.linear(x, w)
    assert parts.dtype == torch.float32
    assert error(parts.sum(0), reference.linear(x, w, DOUBLE)[0]) < SUM_ERROR
    assert error(k.logits(x, w), reference.linear(x, w, DOUBLE)[0]) < SUM_ERROR


def test_linear_is_cut_into_parts_and_the_cuts_lose_nothing() -> None:
    w, x = weight(32, 600), inputs(3, 600)
    assert k.linear(x, w).shape[0] > 1
    assert error(k.linear(x, w).sum(0), reference.linear(x, w, DOUBLE)[0]) < SUM_ERROR


@pytest.mark.parametrize(("n_out", "n_in"), SHAPES)
def test_gated(n_out: int, n_in: int) -> None:
    w, x = weight(2 * n_out, n_in), inputs(5, n_in, outliers=True)
    assert error(k.gated(x, w), reference.gated(x, w, DOUBLE)) < HALF_ERROR


@pytest.mark.parametrize("outliers", [False, True])
@pytest.mark.parametrize("rows", [65, 300])
def test_many_rows(outliers: bool, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With groups of two tiles, so that the last group is a short one."""
    monkeypatch.setattr(configs, "GROUP_TILES", 2)
    w, x = weight(600, 90), inputs(rows, 90, outliers)
    assert error(k.linear(x, w)[0], reference.linear(x, w, DOUBLE)[0]) < SUM_ERROR
    assert error(k.gated(x, w), reference.gated(x, w, DOUBLE)) < HALF_ERROR


@pytest.mark.parametrize("rows", [65, 300])
def test_a_matrix_written_out_gives_the_bits_of_the_one_that_is_not(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the card; the interpreter's own products change with the shape of a block."""
    w, x = weight(600, 96), inputs(rows, 96, outliers=True)
    linear, gated = k.linear(x, w), k.gated(x, w)
    small = configs.DenseConfig(64, 64, 32, 4, 2)
    monkeypatch.setattr(configs, "DENSE", {80: {"gated": small, "split": small}, 90: configs.DENSE[90]})
    monkeypatch.setattr(configs, "DENSE_ROWS", k.MAX_ROWS)
    monkeypatch.setattr(configs, "DENSE_GROUP", 2)
    assert error(k.linear(x, w)[0], reference.linear(x, w, DOUBLE)[0]) < SUM_ERROR
    assert error(k.gated(x, w), reference.gated(x, w, DOUBLE)) < HALF_ERROR
    if not INTERPRETED:
        assert torch.equal(k.linear(x, w), linear)
        assert torch.equal(k.gated(x, w), gated)


@pytest.mark.parametrize("op", [k.gated, k.logits, lambda x, w: k.linear(x, w).sum(0)])
def test_a_row_has_the_same_bits_in_any_batch(op: Callable[[Tensor, k.Int8Weight], Tensor]) -> None:
    """On the card up to MAX_ROWS; the interpreter's own products keep their bits within one block of rows."""
    rows = 16 if INTERPRETED else k.MAX_ROWS
    w, x = weight(64, 520), inputs(rows, 520, outliers=True)
    whole = op(x, w)
    for first, count in ((0, 1), (7, 9), (rows - 1, 1), (0, rows // 2), (0, rows - 1)):
        assert torch.equal(op(x[first : first + count], w), whole[first : first + count])


@pytest.mark.parametrize("op", [k.gated, lambda x, w: k.linear(x, w).sum(0)])
@pytest.mark.parametrize("rows", [1, 65, 300])
def test_a_product_has_the_same_bits_every_time(op: Callable[[Tensor, k.Int8Weight], Tensor], rows: int) -> None:
    """What runs on the card beside what it reads is a race that one run does not show: see `settled`."""
    n_out, n_in, times = (64, 512, 2) if INTERPRETED else (2 * 18944, 3584, 200)
    x, w = inputs(rows, n_in), weight(n_out, n_in)
    first = op(x, w)
    assert all(torch.equal(op(x, w), first) for _ in range(times - 1))


@pytest.mark.parametrize("width", [64, 150])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_norm_adds_its_delta(width: int, dtype: torch.dtype) -> None:
    residual, delta = torch.randn(5, width) * 100, torch.randn(3, 5, width).to(dtype)
    scale, exact = torch.rand(width).bfloat16(), residual.double()
    expected = reference.norm(exact, scale, 1e-6, delta, 16.0)
    assert error(k.norm(residual, scale, 1e-6, delta, 16.0), expected) < HALF_ERROR
    assert error(residual, exact) < SUM_ERROR


def test_norm_without_delta_leaves_the_residual() -> None:
    residual = torch.randn(2, 64)
    before = residual.clone()
    assert (
        error(k.norm(residual, torch.ones(64), 1e-6), reference.norm(before.double(), torch.ones(64), 1e-6, None, 1))
        < HALF_ERROR
    )
    assert torch.equal(residual, before)


def test_embed() -> None:
    w = weight(50, 70)
    tokens = torch.tensor([0, 49, 7])
    assert error(k.embed(tokens, w), reference.embed(tokens, w, DOUBLE)) < SUM_ERROR


@pytest.mark.parametrize("vocab", [1, 33, 1024, 2500])
@pytest.mark.parametrize("rows", [1, 5])
def test_what_a_mask_forbids_is_out_and_the_rest_has_its_bits(vocab: int, rows: int) -> None:
    """Rows that nothing restricts, in the same launch, are as they were."""
    logits = torch.randn(rows, vocab)
    masks = torch.randint(-(2**31), 2**31 - 1, (rows, -(-vocab // 32)), dtype=torch.int64).int()
    masks[0] = -1
    out = k.restricted(logits, masks)
    assert torch.equal(out, reference.restricted(logits, masks))
    assert torch.equal(out[0], logits[0])
    for row, column in [(rows - 1, vocab - 1), (rows // 2, vocab // 2), (rows - 1, min(31, vocab - 1))]:
        allowed = int(masks[row, column // 32]) >> column % 32 & 1
        assert float(out[row, column]) == (float(logits[row, column]) if allowed else -math.inf)


def poisoned_pages(count: int) -> k.Pages:
    return k.Pages(*(torch.full((count, KV_HEADS, k.PAGE_TOKENS, HEAD_DIM), torch.nan).half() for _ in range(2)))


def filled_pages(table: Tensor, length: int, count: int) -> k.Pages:
    """Pages in which positions 0..length-1 of `table` are random and all else is NaN."""
    pages = poisoned_pages(count)
    at = torch.arange(length)
    for cache in (pages.keys, pages.values):
        cache[table[at // k.PAGE_TOKENS].long(), :, at % k.PAGE_TOKENS] = inputs(length, KV_HEADS * HEAD_DIM).view(
            length, KV_HEADS, HEAD_DIM
        )
    return pages


@pytest.mark.parametrize("normed", [False, True])
@pytest.mark.parametrize("biased", [False, True])
def test_rope_turns_stores_and_skips_idle_rows(normed: bool, biased: bool) -> None:
    width = (HEADS + 2 * KV_HEADS) * HEAD_DIM
    qkv, rotary = torch.randn(2, 4, width), k.Rotary(torch.randn(200, HEAD_DIM // 2), torch.randn(200, HEAD_DIM // 2))
    extras = k.QkvExtras(
        torch.randn(width).half() if biased else None,
        torch.rand(HEAD_DIM).half() if normed else None,
        torch.rand(HEAD_DIM).half() if normed else None,
        1e-5,
    )
    positions, blocks = torch.tensor([0, 199, -1, 64]).int(), torch.randperm(16).int().view(4, 4)
    ours = poisoned_pages(16)
    theirs = k.Pages(ours.keys.double(), ours.values.double())
    q = k.rope(qkv, extras, rotary, ours, positions, blocks)
    expected = reference.rope(qkv.double(), extras, rotary, theirs, positions, blocks)
    assert error(q, expected) < HALF_ERROR
    for mine, exact in ((ours.keys, theirs.keys), (ours.values, theirs.values)):
        written = ~exact.isnan()
        assert torch.equal(~mine.isnan(), written)
        assert written.sum() == 3 * KV_HEADS * HEAD_DIM
        assert error(mine[written], exact[written]) < HALF_ERROR


@pytest.mark.parametrize("window", [0, 1, 100])
def test_decode_attention(window: int) -> None:
    lengths = torch.tensor([1, 300, 0, 129, 64]).int()
    blocks = torch.randperm(25).int().view(5, 5)
    pages = poisoned_pages(25)
    for row, length in enumerate(lengths.tolist()):
        some = filled_pages(blocks[row], length, 25)
        for mine, new in ((pages.keys, some.keys), (pages.values, some.values)):
            mine.copy_(torch.where(new.isnan(), mine, new))
    q = inputs(5, HEADS * HEAD_DIM).view(5, HEADS, HEAD_DIM)
    scratch = k.DecodeScratch(5, HEADS, KV_HEADS, HEAD_DIM, 5, DEVICE)
    whole = k.attend_decode(q, pages, blocks, lengths, scratch, window)
    assert error(whole, reference.attend_decode(q, pages, blocks, lengths, window, DOUBLE)) < HALF_ERROR
    assert not scratch.counters.any()
    assert not whole[2].any()
    for row in range(5):
        one = slice(row, row + 1)
        alone = k.attend_decode(q[one], pages, blocks[one], lengths[one], scratch, window)
        assert torch.equal(alone, whole[one])


@pytest.mark.parametrize("window", [0, 100])
def test_prefill_attention_is_the_same_in_any_chunks(window: int) -> None:
    tokens, table = 203, torch.randperm(6)[:4].int()
    pages = filled_pages(table, tokens, 6)
    q = inputs(tokens, HEADS * HEAD_DIM).view(tokens, HEADS, HEAD_DIM)
    at = torch.arange(tokens).int()
    whole = k.attend_prefill(q, pages, table, at, window)
    assert error(whole, reference.attend_prefill(q, pages, table, 0, window, DOUBLE)) < HALF_ERROR
    for start, end in ((0, 64), (64, 192), (64, 203), (192, 203)):
        assert torch.equal(k.attend_prefill(q[start:end], pages, table, at[start:end], window), whole[start:end])


def test_a_row_of_a_chunk_has_the_same_bits_in_any_chunk() -> None:
    """In the interpreter at its own block's boundary only: numpy's products change with the place in a block."""
    block = max(configs.MANY[80 if INTERPRETED else 90])
    x, w = inputs(2 * block + 90, 512, outliers=True), weight(96, 512)
    linear, gated = k.linear(x, w)[0], k.gated(x, w)
    for start in (block, 2 * block) if INTERPRETED else (64, 100, block, 2 * block):
        rest = x[start:].contiguous()
        assert torch.equal(k.linear(rest, w)[0], linear[start:])
        assert torch.equal(k.gated(rest, w), gated[start:])
