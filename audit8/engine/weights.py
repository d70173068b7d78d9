"""From a loaded transformers model to the matrices that the decoder multiplies by: int8, each held once.

Takes the tensors out of the modules (bitsandbytes' own codes and absmax, untouched) and stacks q, k, v and gate, up
by rows, a layer at a time, so that nothing is held twice for longer than one layer. Embedding and head become int8
by row too. Says why when a model is not one that the decoder knows: such a model runs on the stock executor.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from audit8.engine.kernels.types import Int8Weight, QkvExtras, Rotary

HeadKind = Literal["int8", "fp16"]
KNOWN_FAMILIES = ("llama", "qwen2", "qwen3", "mistral")
STATIC_ROPE = ("default", "linear", "llama3", "yarn")  # tables that do not depend on the prompt's length


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
    if config.hidden_act != "silu":
        return f"activation {config.hidden_act} is not silu"
    rope = getattr(config, "rope_parameters", None) or {}
    kind = rope.get("rope_type", "default")
    if kind not in STATIC_ROPE:
        return f"rope type {kind} depends on the prompt"
    if getattr(config, "mlp_bias", False):
        return "its MLP has biases"
    head_dim = head_dim_of(config)
    if head_dim not in (64, 128):
        return f"head dimension {head_dim} is neither 64 nor 128"
    return ""


def head_dim_of(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def quantise_rows(dense: Tensor, device: torch.device) -> Int8Weight:
    """[out, in] of any float dtype -> int8 by row absmax, as bitsandbytes does it, before it reaches `device`.

    In blocks of rows: the float32 copy of a vocabulary would be gigabytes.
    """
    codes = torch.empty(dense.shape, dtype=torch.int8, device=device)
    absmax = torch.empty(dense.shape[0], dtype=torch.float32, device=device)
    for start in range(0, dense.shape[0], 8192):
        block = dense[start : start + 8192].float()
        largest = block.abs().amax(dim=1)
        scaled = torch.round(block * (127.0 / largest.clamp(min=torch.finfo(torch.float32).tiny)).unsqueeze(1))
        codes[start : start + 8192] = scaled.to(torch.int8)
        absmax[start : start + 8192] = largest
    return Int8Weight(codes, absmax)


def take(model: Any, device: torch.device, context_tokens: int, head: HeadKind = "int8") -> DecoderWeights:
    """Move the weights out of `model`, whose layers are empty afterwards.

    `head` "fp16" keeps embedding and head in 16 bit (bf16 on a CPU), at the cost of twice their bytes.

    Raises:
        ValueError: a module is not what `unknown` promised, such as a layer that was not quantised to 8 bit.
    """
    config, body = model.config, model.model
    rotary = _rotary_tables(body, device, context_tokens)
    layers = tuple(_take_layer(layer, config, index) for index, layer in enumerate(body.layers))
    embedding = _vocabulary(body.embed_tokens.weight.data, device, head)
    tied = model.lm_head.weight is body.embed_tokens.weight
    lm_head = embedding if tied else _vocabulary(model.lm_head.weight.data, device, head)
    body.layers = torch.nn.ModuleList()
    body.embed_tokens = model.lm_head = None
    return DecoderWeights(
        layers=layers,
        embedding=embedding,
        head=lm_head,
        final_norm=_norm_weight(body.norm, device),
        rotary=rotary,
        eps=float(config.rms_norm_eps),
        heads=int(config.num_attention_heads),
        kv_heads=int(config.num_key_value_heads),
        head_dim=head_dim_of(config),
    )


def _vocabulary(dense: Tensor, device: torch.device, head: HeadKind) -> Int8Weight | Tensor:
    if head == "int8":
        return quantise_rows(dense, device)
    return dense.to(device, torch.float16 if device.type == "cuda" else torch.bfloat16)


def _take_layer(layer: Any, config: Any, index: int) -> LayerWeights:
    attention, mlp = layer.self_attn, layer.mlp
    if attention.o_proj.bias is not None or mlp.down_proj.bias is not None:
        raise ValueError("an output projection has a bias")
    device = attention.o_proj.weight.device
    taken = LayerWeights(
        input_norm=_norm_weight(layer.input_layernorm, device),
        qkv=_stack([attention.q_proj, attention.k_proj, attention.v_proj]),
        extras=_extras(attention, config),
        o=_stack([attention.o_proj]),
        post_norm=_norm_weight(layer.post_attention_layernorm, device),
        gate_up=_stack([mlp.gate_proj, mlp.up_proj]),
        down=_stack([mlp.down_proj]),
        window=_window(config, index),
    )
    layer.self_attn = layer.mlp = None
    return taken


def _stack(linears: list[Any]) -> Int8Weight:
    """One matrix over the rows of all; a single one keeps its own storage."""
    if any(linear.weight.dtype != torch.int8 or linear.weight.SCB is None for linear in linears):
        raise ValueError("a linear layer is not in bitsandbytes' 8 bit")
    codes = [linear.weight.data for linear in linears]
    absmax = [linear.weight.SCB.float() for linear in linears]
    if len(linears) == 1:
        return Int8Weight(codes[0].contiguous(), absmax[0].contiguous())
    return Int8Weight(torch.cat(codes), torch.cat(absmax))


def _extras(attention: Any, config: Any) -> QkvExtras:
    projections = [attention.q_proj, attention.k_proj, attention.v_proj]
    bias = None
    if projections[0].bias is not None:
        bias = torch.cat([projection.bias.data.float() for projection in projections])
    norms = [getattr(attention, name, None) for name in ("q_norm", "k_norm")]
    q_norm, k_norm = (None if norm is None else norm.weight.data.float() for norm in norms)
    return QkvExtras(bias=bias, q_norm=q_norm, k_norm=k_norm, eps=float(config.rms_norm_eps))


def _norm_weight(norm: Any, device: torch.device) -> Tensor:
    weight: Tensor = norm.weight.data.float().to(device)
    return weight


def _window(config: Any, index: int) -> int:
    kinds = getattr(config, "layer_types", None)
    sliding = kinds[index] == "sliding_attention" if kinds else bool(getattr(config, "use_sliding_window", True))
    return int(getattr(config, "sliding_window", None) or 0) if sliding else 0


def _rotary_tables(body: Any, device: torch.device, context_tokens: int) -> Rotary:
    """Ask the model's own rotary embedding for every position, so that every variant of it is right."""
    positions = torch.arange(context_tokens, device=body.rotary_emb.inv_freq.device).unsqueeze(0)
    cos, sin = body.rotary_emb(torch.zeros(1, dtype=torch.float32, device=positions.device), positions)
    half = cos.shape[-1] // 2
    return Rotary(cos[0, :, :half].float().contiguous().to(device), sin[0, :, :half].float().contiguous().to(device))
