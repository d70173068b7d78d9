"""What a CPU's operations work on, from the weights as they are read."""

import weakref
from pathlib import Path

import pytest
import torch

from audit8.engine import cpu_products, packing
from audit8.engine.cpu_products import PackedWeight
from audit8.engine.kernels.types import Int8Weight
from audit8.engine.packing import prepared
from tests.engine import tiny

CPU = torch.device("cpu")
pytestmark = pytest.mark.skipif(
    not cpu_products.usable() or tiny.DEVICE != CPU, reason="not a CPU with a fast exact byte product"
)


@pytest.mark.parametrize("name", ["llama", "llama-tied"])
def test_every_matrix_is_packed_and_a_tied_head_stays_the_embedding(name: str, tmp_path: Path) -> None:
    plain = tiny.read_plain(tiny.save(name, tmp_path))
    ready = prepared(plain, CPU)
    assert prepared(plain, torch.device("cuda")) is plain
    for layer in ready.layers:
        assert all(isinstance(matrix, PackedWeight) for matrix in (layer.qkv, layer.o, layer.gate_up, layer.down))
    assert isinstance(ready.head, PackedWeight)
    assert isinstance(plain.embedding, Int8Weight)
    assert isinstance(ready.embedding, Int8Weight)
    assert ready.embedding.codes is plain.embedding.codes  # rows are looked up in them
    assert (ready.head is ready.embedding) == (name == "llama-tied")
    assert ready.head.codes.numel() == (plain.embedding.codes.numel() if name == "llama-tied" else 0)


def test_a_layers_codes_are_gone_before_the_next_layer_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[weakref.ref[torch.Tensor]] = []
    alive: list[int] = []

    def watched(weight: Int8Weight) -> Int8Weight:
        alive.append(sum(codes() is not None for codes in seen))
        seen.append(weakref.ref(weight.codes))
        return cpu_products.pack(weight)

    monkeypatch.setattr(packing, "pack", watched)
    prepared(tiny.read_plain(tiny.save("llama", tmp_path)), CPU)
    assert len(alive) == 9  # four a layer, and the head
    assert max(alive) <= 4
