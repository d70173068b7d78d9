"""The packed product is the float64 one to the last bits of a 16-bit activation, and every row is its own."""

import time

import pytest
import torch
from torch import Tensor

from audit8.engine import cpu_products
from audit8.engine.cpu_products import PackedWeight, product
from audit8.engine.kernels import reference
from audit8.engine.kernels.types import Int8Weight

pytestmark = pytest.mark.skipif(not cpu_products.usable(), reason="this CPU has no fast exact byte product")
SHAPES = [(96, 128), (33, 77), (1, 5), (600, 1000)]


def drawn(n_out: int, n_in: int) -> Int8Weight:
    generator = torch.Generator().manual_seed(n_out)
    codes = torch.randint(-128, 128, (n_out, n_in), dtype=torch.int8, generator=generator)
    return Int8Weight(codes, torch.rand(n_out, generator=generator) + 0.1)


def packed(weight: Int8Weight) -> PackedWeight:
    made = cpu_products.pack(weight)
    assert isinstance(made, PackedWeight)
    return made


def rows_of(count: int, n_in: int) -> Tensor:
    x = torch.randn(count, n_in, generator=torch.Generator().manual_seed(count))
    x[:, ::37] *= 30
    return x


@pytest.mark.parametrize(("n_out", "n_in"), SHAPES)
def test_close_to_float64(n_out: int, n_in: int) -> None:
    weight, x = drawn(n_out, n_in), rows_of(6, n_in)
    expected = reference.linear(x, weight, torch.float64)[0]
    assert float((product(x, packed(weight)) - expected).norm() / expected.norm()) < 1e-3


def test_integers_of_sixteen_bits_are_multiplied_exactly() -> None:
    """Both bytes at both ends of their range: a carry lost between them would show."""
    ends = torch.tensor([32639, -32639, 32512, 128, -128, 127, 255, 256, -257, 0, 1, -1]).float()
    codes = torch.eye(12).to(torch.int8)
    assert torch.equal(product(ends[None], packed(Int8Weight(codes, torch.full((12,), 127.0))))[0], ends)


def test_the_largest_sums_do_not_overflow() -> None:
    wide = packed(Int8Weight(torch.full((1, 2**16), 127, dtype=torch.int8), torch.full((1,), 127.0)))
    assert float(product(torch.ones(1, 2**16), wide)) == pytest.approx(127 * 2**16, rel=1e-6)
    too_wide = Int8Weight(torch.zeros(1, 2**16 + 1, dtype=torch.int8), torch.ones(1))
    assert cpu_products.pack(too_wide) is too_wide


@pytest.mark.parametrize("rows", [2, 7, 16, 17, 64, 300])
def test_a_row_has_the_same_bits_among_any_number_of_others(rows: int) -> None:
    weight, x = packed(drawn(600, 1000)), rows_of(rows, 1000)
    whole = product(x, weight)
    for row in {0, rows // 2, rows - 1}:
        assert torch.equal(product(x[row : row + 1], weight)[0], whole[row])


def test_a_row_of_zeros_gives_zeros_and_a_broken_one_stays_broken() -> None:
    weight, x = packed(drawn(33, 77)), rows_of(3, 77)
    x[0], x[1, 4] = 0, torch.nan
    result = product(x, weight)
    assert not result[0].any()
    assert result[1].isnan().all()
    assert torch.equal(product(x[2:], weight)[0], result[2])


def test_a_product_that_saturates_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As CPUs without VNNI do it: pairs of products are added in 16 bit."""

    def saturating(bytes_: Tensor, weight: PackedWeight) -> Tensor:
        signs = torch.ones(32).index_fill_(0, torch.arange(1, 32, 2), -1)
        pairs = (bytes_.float() * 127).view(bytes_.shape[0], -1, 2).sum(-1)[:, None] * signs[:, None]
        return pairs.clamp(-(2**15), 2**15 - 1).sum(-1) - 128 * 127 * 256 * signs

    assert cpu_products._is_exact()
    monkeypatch.setattr(cpu_products, "_multiply", saturating)
    assert not cpu_products._is_exact()


def test_a_slow_product_is_refused_and_a_busy_machine_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    multiply = cpu_products._multiply

    def waiting(bytes_: Tensor, weight: PackedWeight) -> Tensor:
        time.sleep(0.05)
        return multiply(bytes_, weight)

    def working(bytes_: Tensor, weight: PackedWeight) -> Tensor:
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            pass
        return multiply(bytes_, weight)

    threads = torch.get_num_threads()
    monkeypatch.setattr(cpu_products, "_multiply", waiting)
    assert cpu_products._is_fast()
    monkeypatch.setattr(cpu_products, "_multiply", working)
    assert not cpu_products._is_fast()
    assert torch.get_num_threads() == threads
