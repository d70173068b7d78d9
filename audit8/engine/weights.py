"""From a checkpoint to the matrices that the decoder multiplies by: int8, each held once, never in 16 bit on the GPU.

Says why when a model is not one that the decoder knows: such a model runs on the stock executor.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from audit8.engine.checkpoint import Checkpoint
from audit8.engine.kernels.types import Int8Weight, QkvExtras, Rotary
from audit8.engine.lanes import Lanes
from audit8.engine.rotary import rotary_tables

HeadKind = Literal["int8", "fp16"]
KNOWN_FAMILIES = ("llama", "qwen2", "qwen3", "mistral")
STATIC_ROPE = ("default", "linear", "llama3", "yarn")  # tables that do not depend on the prompt's length


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """`head` "fp16" keeps embedding and head in 16 bit (bf16 on a CPU), at the cost of twice their bytes."""

    context_tokens: int
    head: HeadKind
    progress: Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One decoder layer. Norm weights float32 [hidden]; `window` 0 means full attention."""

    input_norm: Tensor
    qkv: Int8Weight
    extras: QkvExtras
    o: Int8Weight
    post_norm: Tensor
    gate_up: Int8Weight
    down: Int8Weight
    window: int


@dataclass(frozen=True, slots=True)
class DecoderWeights:
    """The whole model. `head` is the same object as `embedding` where the checkpoint ties them.

    Both are int8 by row, or 16 bit [vocab, hidden] as the checkpoint has them.
    """

    layers: tuple[LayerWeights, ...]
    embedding: Int8Weight | Tensor
    head: Int8Weight | Tensor
    final_norm: Tensor
    rotary: Rotary
    eps: float
    heads: int
    kv_heads: int
    head_dim: int


def unknown(config: Any) -> str:
    """Why the decoder cannot run a model of this configuration, in words for the log; "" if it can."""
    if config.model_type not in KNOWN_FAMILIES:
        return f"model type {config.model_type} is not one of {', '.join(KNOWN_FAMILIES)}"
    rope = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    biased = config.model_type == "llama" and getattr(config, "attention_bias", False)  # qwen2's are on q, k, v only
    head_dim = head_dim_of(config)
    reasons = {
        f"activation {config.hidden_act} is not silu": config.hidden_act != "silu",
        f"rope type {rope} depends on the prompt": rope not in STATIC_ROPE,
        "an output projection has a bias": biased or getattr(config, "mlp_bias", False),
        "its checkpoint is quantised already": getattr(config, "quantization_config", None) is not None,
        f"head dimension {head_dim} is neither 64 nor 128": head_dim not in (64, 128),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def head_dim_of(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def read(folder: Path, config: Any, device: torch.device, order: ReadOrder) -> DecoderWeights:
    """Read and quantise the checkpoint in `folder`, a block of rows at a time, straight into its place on `device`.

    bitsandbytes' own quantiser makes the same codes that `Linear8bitLt` holds (a test compares them), but nothing is
    ever on the device in 16 bit as a whole, and q, k, v and gate, up are stacked by rows as they come.

    Raises:
        KeyError: the checkpoint lacks a tensor that its configuration promises.
        OSError, BrokenFile: a file is missing, cut off or not safetensors.
    """
    with Lanes(device) as lanes:
        checkpoint = Checkpoint(folder, lanes, device, order.progress)
        layers = [_read_layer(checkpoint, config, index, device) for index in range(config.num_hidden_layers)]
        embedding = _vocabulary(checkpoint, "model.embed_tokens.weight", device, order.head)
        tied = config.tie_word_embeddings or "lm_head.weight" not in checkpoint
        return assemble(
            layers,
            embedding,
            head=embedding if tied else _vocabulary(checkpoint, "lm_head.weight", device, order.head),
            final_norm=checkpoint.floats("model.norm.weight"),
            config=config,
            context_tokens=order.context_tokens,
        )


def assemble(
    layers: Sequence[LayerWeights],
    embedding: Int8Weight | Tensor,
    *,
    head: Int8Weight | Tensor,
    final_norm: Tensor,
    config: Any,
    context_tokens: int,
) -> DecoderWeights:
    """The tensors, wherever they came from, with what follows from the configuration."""
    return DecoderWeights(
        layers=tuple(layers),
        embedding=embedding,
        head=head,
        final_norm=final_norm,
        rotary=rotary_tables(config, head_dim_of(config), final_norm.device, context_tokens),
        eps=float(config.rms_norm_eps),
        heads=int(config.num_attention_heads),
        kv_heads=int(config.num_key_value_heads),
        head_dim=head_dim_of(config),
    )


def vocabulary_dtype(head: HeadKind, device: torch.device) -> torch.dtype:
    """What embedding and head are held in."""
    if head == "int8":
        return torch.int8
    return torch.float16 if device.type == "cuda" else torch.bfloat16


def _read_layer(checkpoint: Checkpoint, config: Any, index: int, device: torch.device) -> LayerWeights:
    prefix = f"model.layers.{index}."
    attention, mlp = prefix + "self_attn.", prefix + "mlp."
    projections = [f"{attention}{name}_proj" for name in "qkv"]
    biases = [checkpoint.find_floats(f"{name}.bias") for name in projections]
    q_norm, k_norm = (checkpoint.find_floats(f"{attention}{name}_norm.weight") for name in "qk")
    return LayerWeights(
        input_norm=checkpoint.floats(prefix + "input_layernorm.weight"),
        qkv=_quantise(checkpoint, [f"{name}.weight" for name in projections], device),
        extras=QkvExtras(
            bias=_cat([bias for bias in biases if bias is not None]),
            q_norm=q_norm,
            k_norm=k_norm,
            eps=float(config.rms_norm_eps),
        ),
        o=_quantise(checkpoint, [attention + "o_proj.weight"], device),
        post_norm=checkpoint.floats(prefix + "post_attention_layernorm.weight"),
        gate_up=_quantise(checkpoint, [mlp + "gate_proj.weight", mlp + "up_proj.weight"], device),
        down=_quantise(checkpoint, [mlp + "down_proj.weight"], device),
        window=window_of(config, index),
    )


def _quantise(checkpoint: Checkpoint, names: list[str], device: torch.device) -> Int8Weight:
    """One int8 matrix [sum of outs, in] over the rows of all, by bitsandbytes' row-wise absmax."""
    # Late: loading.check_bitsandbytes has said by now if it is missing.
    from bitsandbytes.functional import int8_vectorwise_quant  # noqa: PLC0415

    shapes = [checkpoint.shape(name) for name in names]
    rows = sum(shape[0] for shape in shapes)
    codes = torch.empty(rows, shapes[0][1], dtype=torch.int8, device=device)
    absmax = torch.empty(rows, dtype=torch.float32, device=device)
    at = 0
    for name in names:
        for block in checkpoint.blocks(name):
            end = at + block.shape[0]
            # As Linear8bitLt does it: in fp16, whatever the checkpoint's type.
            quantised, largest, _ = int8_vectorwise_quant(block.half())
            codes[at:end], absmax[at:end] = quantised, largest
            at = end
    return Int8Weight(codes, absmax)


def _vocabulary(checkpoint: Checkpoint, name: str, device: torch.device, head: HeadKind) -> Int8Weight | Tensor:
    if head == "int8":
        return _quantise(checkpoint, [name], device)
    table = torch.empty(checkpoint.shape(name), dtype=vocabulary_dtype(head, device), device=device)
    at = 0
    for block in checkpoint.blocks(name):
        end = at + block.shape[0]
        table[at:end] = block
        at = end
    return table


def _cat(parts: list[Tensor]) -> Tensor | None:
    return torch.cat(parts) if parts else None


def window_of(config: Any, index: int) -> int:
    kinds = getattr(config, "layer_types", None)
    sliding = kinds[index] == "sliding_attention" if kinds else bool(getattr(config, "use_sliding_window", True))
    return int(getattr(config, "sliding_window", None) or 0) if sliding else 0
