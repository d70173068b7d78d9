"""From a checkpoint to the matrices that the decoder multiplies by: int8, each held once, never in 16 bit on the GPU.

Says why when a model is not one that the decoder knows: such a model runs on the stock executor.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from audit8.engine.checkpoint import Checkpoint
from audit8.engine.kernels.types import Int8Weight, QkvExtras, Rotary

HeadKind = Literal["int8", "fp16"]
KNOWN_FAMILIES = ("llama", "qwen2", "qwen3", "mistral")
STATIC_ROPE = ("default", "linear", "llama3", "yarn")  # tables that do not depend on the prompt's length


BLOCK_ROWS = 4096  # quantised at a time: a 7B's widest matrix in fp16 would be 136 MB


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """`head` "fp16" keeps embedding and head in 16 bit (bf16 on a CPU), at the cost of twice their bytes.

    `pack` turns each int8 matrix that is multiplied by, once it is complete, into what the operations work on.
    """

    context_tokens: int
    head: HeadKind
    progress: Callable[[int, int], None]
    pack: Callable[[Int8Weight], Int8Weight] = lambda weight: weight


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
    """The whole model. `head` is the same object as `embedding` where the checkpoint ties them, unless it is packed.

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
    """
    checkpoint = Checkpoint(folder, order.progress)
    layers = tuple(
        _packed(_read_layer(checkpoint, f"model.layers.{index}.", config, index, device), order)
        for index in range(config.num_hidden_layers)
    )
    embedding = _vocabulary(checkpoint, "model.embed_tokens.weight", device, order.head)
    tied = config.tie_word_embeddings or "lm_head.weight" not in checkpoint
    head = embedding if tied else _vocabulary(checkpoint, "lm_head.weight", device, order.head)
    return DecoderWeights(
        layers=layers,
        embedding=embedding,
        head=order.pack(head) if isinstance(head, Int8Weight) else head,
        final_norm=checkpoint.floats("model.norm.weight", device),
        rotary=_rotary_tables(config, device, order.context_tokens),
        eps=float(config.rms_norm_eps),
        heads=int(config.num_attention_heads),
        kv_heads=int(config.num_key_value_heads),
        head_dim=head_dim_of(config),
    )


def _read_layer(checkpoint: Checkpoint, prefix: str, config: Any, index: int, device: torch.device) -> LayerWeights:
    attention, mlp = prefix + "self_attn.", prefix + "mlp."
    projections = [f"{attention}{name}_proj" for name in "qkv"]
    biases = [checkpoint.find(f"{name}.bias") for name in projections]
    norms = [checkpoint.find(f"{attention}{name}_norm.weight") for name in "qk"]
    q_norm, k_norm = (None if norm is None else norm.to(device, torch.float32) for norm in norms)
    return LayerWeights(
        input_norm=checkpoint.floats(prefix + "input_layernorm.weight", device),
        qkv=_quantise(checkpoint, [f"{name}.weight" for name in projections], device),
        extras=QkvExtras(
            bias=_cat([bias.to(device, torch.float32) for bias in biases if bias is not None]),
            q_norm=q_norm,
            k_norm=k_norm,
            eps=float(config.rms_norm_eps),
        ),
        o=_quantise(checkpoint, [attention + "o_proj.weight"], device),
        post_norm=checkpoint.floats(prefix + "post_attention_layernorm.weight", device),
        gate_up=_quantise(checkpoint, [mlp + "gate_proj.weight", mlp + "up_proj.weight"], device),
        down=_quantise(checkpoint, [mlp + "down_proj.weight"], device),
        window=_window(config, index),
    )


def _packed(layer: LayerWeights, order: ReadOrder) -> LayerWeights:
    """A layer at a time, so that hardly anything is held twice."""
    return replace(
        layer,
        qkv=order.pack(layer.qkv),
        o=order.pack(layer.o),
        gate_up=order.pack(layer.gate_up),
        down=order.pack(layer.down),
    )


def _quantise(checkpoint: Checkpoint, names: list[str], device: torch.device) -> Int8Weight:
    """One int8 matrix [sum of outs, in] over the rows of all, by bitsandbytes' row-wise absmax."""
    # Late: loading.check_bitsandbytes has said by now if it is missing.
    from bitsandbytes.functional import int8_vectorwise_quant  # noqa: PLC0415

    parts = [checkpoint.get(name) for name in names]
    rows = sum(part.shape[0] for part in parts)
    codes = torch.empty(rows, parts[0].shape[1], dtype=torch.int8, device=device)
    absmax = torch.empty(rows, dtype=torch.float32, device=device)
    at = 0
    for part in parts:
        for block in torch.split(part, BLOCK_ROWS):
            end = at + block.shape[0]
            # As Linear8bitLt does it: in fp16, whatever the checkpoint's type.
            quantised, largest, _ = int8_vectorwise_quant(block.to(device, torch.float16))
            codes[at:end], absmax[at:end] = quantised, largest
            at = end
    return Int8Weight(codes, absmax)


def _vocabulary(checkpoint: Checkpoint, name: str, device: torch.device, head: HeadKind) -> Int8Weight | Tensor:
    if head == "int8":
        return _quantise(checkpoint, [name], device)
    return checkpoint.get(name).to(device, torch.float16 if device.type == "cuda" else torch.bfloat16)


def _cat(parts: list[Tensor]) -> Tensor | None:
    return torch.cat(parts) if parts else None


def _window(config: Any, index: int) -> int:
    kinds = getattr(config, "layer_types", None)
    sliding = kinds[index] == "sliding_attention" if kinds else bool(getattr(config, "use_sliding_window", True))
    return int(getattr(config, "sliding_window", None) or 0) if sliding else 0


def _rotary_tables(config: Any, device: torch.device, context_tokens: int) -> Rotary:
    """Ask transformers' own rotary embedding for every position, so that every variant of it is right."""
    with torch.device("meta"):
        kind = type(AutoModelForCausalLM.from_config(config).model.rotary_emb)
    positions = torch.arange(context_tokens).unsqueeze(0)
    cos, sin = kind(config)(torch.zeros(1, dtype=torch.float32), positions)
    half = cos.shape[-1] // 2
    return Rotary(cos[0, :, :half].float().contiguous().to(device), sin[0, :, :half].float().contiguous().to(device))
