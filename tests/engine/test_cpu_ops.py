"""The CPU's operations against the reference in float64, packed and plain; pages in order and scattered."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from audit8.engine import cpu_products
from audit8.engine.cpu_ops import PACKED_ROWS, VECTOR, CpuOperations
from audit8.engine.cpu_products import PackedWeight
from audit8.engine.kernels import reference
from audit8.engine.kernels.types import PAGE_TOKENS, DecodeScratch, Int8Weight, Pages, QkvExtras, Rotary

DOUBLE = torch.float64
HEADS, KV_HEADS, HEAD_DIM = 6, 2, 64
TABLES = {"in order": [3, 4, 5, 6], "scattered": [6, 1, 0, 4]}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def error(out: Tensor, expected: Tensor) -> float:
    assert not out.isnan().any()
    return float((out.double() - expected.double()).norm() / expected.double().norm())


def as_read(weight: Int8Weight) -> Int8Weight:
    return weight


@pytest.mark.parametrize("pack", [as_read, cpu_products.pack])
@pytest.mark.parametrize("rows", [1, 5, PACKED_ROWS, 40])
@pytest.mark.parametrize("n_in", [192, 200])
def test_products(pack: Callable[[Int8Weight], Int8Weight], rows: int, n_in: int) -> None:
    plain = Int8Weight(torch.randint(-127, 128, (64, n_in), dtype=torch.int8), torch.rand(64) + 0.1)
    weight, x, ops = pack(plain), torch.randn(rows, n_in), CpuOperations()
    assert error(ops.linear(x, weight), reference.linear(x, plain, DOUBLE)) < 0.01
    assert error(ops.gated(x, weight), reference.gated(x, plain, DOUBLE)) < 0.01
    if isinstance(weight, PackedWeight) or (rows <= PACKED_ROWS and n_in % VECTOR == 0):
        assert torch.equal(ops.linear(x[-1:], weight)[0, 0], ops.linear(x, weight)[0, -1])


def test_norm_adds_its_delta() -> None:
    residual, delta, weight = torch.randn(3, 128) * 100, torch.randn(1, 3, 128), torch.rand(128)
    exact = residual.double()
    expected = reference.norm(exact, weight, 1e-6, delta, 16.0)
    assert error(CpuOperations().norm(residual, weight, 1e-6, delta, 16.0), expected) < 1e-5
    assert error(residual, exact) < 1e-6


def empty_pages() -> Pages:
    return Pages(*(torch.full((8, KV_HEADS, PAGE_TOKENS, HEAD_DIM), torch.nan).half() for _ in "kv"))


@pytest.mark.parametrize("normed", [False, True])
@pytest.mark.parametrize("positions", [[0, 199, -1, 64], [70, 71, 72, 73]])
def test_rope_turns_stores_and_skips_idle_rows(normed: bool, positions: list[int]) -> None:
    """Two layers in one pass, then the next pass in the same tensors: the places are those of now."""
    width = (HEADS + 2 * KV_HEADS) * HEAD_DIM
    rotary = Rotary(torch.randn(256, HEAD_DIM // 2), torch.randn(256, HEAD_DIM // 2))
    q_norm, k_norm = (torch.rand(HEAD_DIM) if normed else None for _ in "qk")
    extras = QkvExtras(torch.randn(width), q_norm, k_norm, 1e-5)
    at, blocks = torch.tensor(positions).int(), torch.tensor([[0, 1, 2, 3], [3, 2, 1, 4], [0] * 4, [5, 6, 7, 0]]).int()
    ops, layers = CpuOperations(), [(empty_pages(), empty_pages()) for _ in range(2)]
    for step in range(2):
        for ours, theirs in layers:
            qkv = torch.randn(1, 4, width)
            q = ops.rope(qkv, extras, rotary, ours, at, blocks)
            assert error(q, reference.rope(qkv.double(), extras, rotary, theirs, at, blocks)) < 1e-5
            for mine, exact in ((ours.keys, theirs.keys), (ours.values, theirs.values)):
                written = ~exact.isnan()
                assert torch.equal(~mine.isnan(), written)
                assert written.sum() == (step + 1) * (at >= 0).sum() * KV_HEADS * HEAD_DIM
                assert error(mine[written], exact[written]) < 1e-3
        at += (at >= 0).int()


def filled_pages(length: int, table: list[int]) -> Pages:
    pages, at = empty_pages(), torch.arange(length)
    for cache in (pages.keys, pages.values):
        cache[torch.tensor(table)[at // PAGE_TOKENS], :, at % PAGE_TOKENS] = torch.randn(
            length, KV_HEADS, HEAD_DIM
        ).half()
    return pages


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("window", [0, 1, 100])
def test_decode_attention_is_the_same_alone(name: str, window: int) -> None:
    lengths, table = torch.tensor([1, 203, 0, 64]).int(), torch.tensor(TABLES[name]).int()
    pages, q = filled_pages(203, TABLES[name]), torch.randn(4, HEADS, HEAD_DIM)
    blocks, scratch, ops = (
        table.expand(4, -1),
        DecodeScratch(4, HEADS, KV_HEADS, HEAD_DIM, 4, q.device),
        CpuOperations(),
    )
    whole = ops.attend_decode(q, pages, blocks, lengths, scratch, window)
    assert error(whole, reference.attend_decode(q, pages, blocks, lengths, window, DOUBLE)) < 1e-5
    assert not whole[2].any()
    for row in range(4):
        one = slice(row, row + 1)
        alone = ops.attend_decode(q[one], pages, blocks[one], lengths[one], scratch, window)
        assert torch.equal(alone, whole[one])


def test_pages_in_order_and_scattered_give_the_same_bits() -> None:
    q, results = torch.randn(1, HEADS, HEAD_DIM), []
    for table in TABLES.values():
        torch.manual_seed(1)
        pages = filled_pages(203, table)
        results.append(CpuOperations().attend_prefill(q, pages, torch.tensor(table).int(), torch.tensor([202]).int()))
    assert torch.equal(*results)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("window", [0, 100])
def test_prefill_attention(name: str, window: int) -> None:
    pages, q = filled_pages(203, TABLES[name]), torch.randn(139, HEADS, HEAD_DIM)
    table = torch.tensor(TABLES[name]).int()
    ours = CpuOperations().attend_prefill(q, pages, table, torch.arange(64, 203).int(), window)
    assert error(ours, reference.attend_prefill(q, pages, table, 64, window, DOUBLE)) < 1e-5
