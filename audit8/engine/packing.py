"""From the weights as they are read and kept on disk to those that a device's operations multiply by.

A GPU takes them as they are; on a CPU every matrix is packed by cpu_products, where that CPU can.
"""

from dataclasses import replace

import torch
from torch import Tensor

from audit8.engine.cpu_products import pack
from audit8.engine.kernels.types import Int8Weight
from audit8.engine.weights import DecoderWeights, LayerWeights


def prepared(weights: DecoderWeights, device: torch.device) -> DecoderWeights:
    """The same model for `device`. A caller that keeps no name of `weights` never holds more than a layer twice."""
    if device.type == "cuda":
        return weights
    layers = list(weights.layers)
    rest = replace(weights, layers=())
    del weights
    for index, layer in enumerate(layers):
        layers[index] = _packed(layer)
    if rest.head is rest.embedding:
        both = _packed_table(rest.embedding)
        return replace(rest, layers=tuple(layers), embedding=both, head=both)
    head = pack(rest.head) if isinstance(rest.head, Int8Weight) else rest.head
    return replace(rest, layers=tuple(layers), head=head)


def _packed(layer: LayerWeights) -> LayerWeights:
    return replace(layer, qkv=pack(layer.qkv), o=pack(layer.o), gate_up=pack(layer.gate_up), down=pack(layer.down))


def _packed_table(table: Int8Weight | Tensor) -> Int8Weight | Tensor:
    """One object for embedding and head: its codes stay, to look rows up."""
    if not isinstance(table, Int8Weight):
        return table
    packed = pack(table)
    return table if packed is table else replace(packed, codes=table.codes)
