"""Starts of a tiny model on one machine, one after the other, with a cache folder between them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig

from audit8.engine import build, loading, quantised, weights
from audit8.engine.quantised import Place, Wanted, named
from audit8.engine.weights import DecoderWeights
from audit8.types import LoadProgress
from tests.engine import tiny


@dataclass
class Machine:
    """Starts of one model on one machine. `notes`, `made`, `seen`: of the last start."""

    order: build.Order
    cache: Path
    monkeypatch: pytest.MonkeyPatch
    notes: list[str] = field(default_factory=list)
    made: int = 0
    seen: list[LoadProgress] = field(default_factory=list)

    def start(self, **changes: Any) -> DecoderWeights:
        order = replace(self.order, **changes)
        self.notes, self.made, self.seen = [], 0, []
        frame = loading.Frame(AutoConfig.from_pretrained(order.folder), None, frozenset(), 0, 1024)
        with self.monkeypatch.context() as patch:
            patch.setattr(weights, "read", self._counted(weights.read))
            patch.setattr(build, "prepared", lambda read, device: read)  # the codes as they were kept
            return build.read_weights(order, frame, 1024, self.seen.append, self.notes.append)

    def _counted(self, read: Callable[..., DecoderWeights]) -> Callable[..., DecoderWeights]:
        def counted(*arguments: Any) -> DecoderWeights:
            self.made += 1
            return read(*arguments)

        return counted

    @property
    def folder(self) -> Path:
        return self.order.folder

    def files(self) -> list[Path]:
        return sorted((self.cache / quantised.FOLDER).iterdir())

    def file(self) -> Path:
        (file,) = self.files()
        return file

    def wanted(self) -> Wanted:
        config = AutoConfig.from_pretrained(self.folder)
        return Wanted(self.cache, self.folder, config, self.order.head, tiny.DEVICE, 1024)

    def place(self) -> Place:
        return quantised.place_of(self.wanted())


def make_machine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    cache = folder / "cache"
    order = build.Order(folder / "model", "8bit", str(tiny.DEVICE), "auto", 1024, cache_dir=cache)
    return Machine(order, cache, monkeypatch)


def same(one: DecoderWeights, other: DecoderWeights) -> bool:
    """To the bit, with types and places, and what follows from the configuration."""
    tensors, others = named(one), named(other)
    assert tensors.keys() == others.keys()
    assert [tensor.dtype for tensor in tensors.values()] == [tensor.dtype for tensor in others.values()]
    assert {tensor.device for tensor in others.values()} == {tiny.DEVICE}
    assert [layer.window for layer in one.layers] == [layer.window for layer in other.layers]
    assert [layer.extras.eps for layer in one.layers] == [layer.extras.eps for layer in other.layers]
    for name in ("eps", "heads", "kv_heads", "head_dim"):
        assert getattr(one, name) == getattr(other, name)
    assert torch.equal(one.rotary.cos, other.rotary.cos)
    assert torch.equal(one.rotary.sin, other.rotary.sin)
    return all(torch.equal(tensor, others[name]) for name, tensor in tensors.items())
