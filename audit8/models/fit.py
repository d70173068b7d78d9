"""How much memory a model needs, before it is loaded or even downloaded, and whether that much is free.

Counts what bitsandbytes does to a transformers model: the linear weights inside the decoder layers are quantised;
embedding, head, norms and biases are not. Knows nothing of how the memory was measured.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from audit8.errors import DoesNotFit, ModelNotFound
from audit8.models.checkpoint import TensorInfo, read_config, read_tensors
from audit8.models.machine import Machine
from audit8.types import Quant

MIB = 1024**2
GIB = 1024**3
DESKTOP_BYTES = GIB  # what a desktop and its browser keep of a GPU
RUNTIME_BYTES = 256 * MIB  # kernels, cuBLAS workspaces, fragmentation
PREFILL_TOKENS = 4096  # a prompt that fills more of the context than this at once is rare
NF4_BYTES = 0.5 + 1 / 64  # half a byte, and one byte of (itself quantised) scale for each block of 64
INT8_ROW_BYTES = 4  # one fp32 scale for each output row
LAYER_LINEAR = re.compile(r"(^|\.)(layers|h|blocks)\.\d+\..*\.weight$")

VOCABULARY = re.compile(r"(^|\.)(embed_tokens|lm_head)\.weight$")


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes of device memory. `desktop_bytes` is the share of a GPU that other programs get; none on the CPU."""

    weights_bytes: int
    kv_bytes: int
    workspace_bytes: int
    desktop_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.model_bytes + self.desktop_bytes

    @property
    def model_bytes(self) -> int:
        """What this process itself will use."""
        return self.weights_bytes + self.kv_bytes + self.workspace_bytes


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the model will be, and whether its vocabulary is quantised as well."""

    on_gpu: bool
    int8_vocabulary: bool

    def float_bytes(self, quant: Quant) -> int:
        """On the CPU the engine computes what is not quantised in fp32."""
        return 2 if self.on_gpu or quant == "none" else 4


def measure_need(
    folder: Path, quant: Quant, context_tokens: int, *, on_gpu: bool = True, int8_vocabulary: bool = False
) -> Need:
    """The need of the model in `folder`, from its config.json and the headers of its weights.

    `int8_vocabulary`: the engine that will run it keeps embedding and head in 8 bit too.

    Raises ModelNotFound if the folder is not a whole model.
    """
    config = read_config(folder)
    return _need(config, read_tensors(folder), quant, context_tokens, _Plan(on_gpu, int8_vocabulary))


def need_of_config(
    config: dict[str, Any],
    quant: Quant,
    context_tokens: int,
    *,
    on_gpu: bool = True,
    int8_vocabulary: bool = False,
) -> Need:
    """The same from config.json alone, for models shaped like Llama and Qwen2.

    Raises ModelNotFound if the config lacks a size that the shape needs.
    """
    return _need(config, _tensors_of_config(config), quant, context_tokens, _Plan(on_gpu, int8_vocabulary))


def shortfall_bytes(need: Need, machine: Machine) -> int:
    """How many bytes are missing; 0 or less means that it fits. What other programs use now counts as desktop."""
    needed_bytes, free_bytes = _compare(need, machine)
    return needed_bytes - free_bytes


def check_fit(need: Need, machine: Machine) -> None:
    """Raises DoesNotFit with both numbers and what to do about it."""
    needed_bytes, free_bytes = _compare(need, machine)
    if needed_bytes <= free_bytes:
        return
    place = f"on {machine.gpu_name or 'the GPU'}" if machine.has_gpu else "in main memory"
    other = "close other programs that use the GPU" if machine.has_gpu else "close other programs"
    raise DoesNotFit(
        f"the model needs {needed_bytes / GIB:.2f} GiB, {free_bytes / GIB:.2f} GiB are free {place} "
        f"(weights {need.weights_bytes / GIB:.2f}, KV cache {need.kv_bytes / GIB:.2f}, "
        f"workspace {need.workspace_bytes / GIB:.2f}"
        + (f", kept for the desktop {(needed_bytes - need.model_bytes) / GIB:.2f})" if machine.has_gpu else ")"),
        hint=f"choose a smaller model with --model, or --quant 4bit, or a smaller --context-tokens, or {other}",
        needed_bytes=needed_bytes,
        free_bytes=free_bytes,
    )


def _compare(need: Need, machine: Machine) -> tuple[int, int]:
    if not machine.has_gpu:
        return need.model_bytes, machine.ram_free_bytes
    taken_bytes = max(0, machine.gpu_total_bytes - machine.gpu_free_bytes)
    return need.model_bytes + max(0, need.desktop_bytes - taken_bytes), machine.gpu_free_bytes


def _need(
    config: dict[str, Any], tensors: Iterable[TensorInfo], quant: Quant, context_tokens: int, plan: _Plan
) -> Need:
    float_bytes = plan.float_bytes(quant)
    text = _text_config(config)
    return Need(
        weights_bytes=_weights_bytes(text, tensors, quant, plan),
        kv_bytes=_kv_bytes(text, float_bytes) * context_tokens,
        workspace_bytes=_workspace_bytes(text, float_bytes, min(context_tokens, PREFILL_TOKENS)),
        desktop_bytes=DESKTOP_BYTES if plan.on_gpu else 0,
    )


def _weights_bytes(text: dict[str, Any], tensors: Iterable[TensorInfo], quant: Quant, plan: _Plan) -> int:
    tensors = list(tensors)
    tied = bool(text.get("tie_word_embeddings")) and any("embed_tokens" in tensor.name for tensor in tensors)
    return sum(
        _tensor_bytes(tensor, quant, plan)
        for tensor in tensors
        if not (tied and tensor.name.endswith("lm_head.weight"))
    )


def _tensor_bytes(tensor: TensorInfo, quant: Quant, plan: _Plan) -> int:
    if tensor.dtype[0] in "IUB" and tensor.dtype != "BF16":
        return tensor.stored_bytes  # integers: somebody quantised this already, and it stays as it is
    elements = prod(tensor.shape)
    quantised = LAYER_LINEAR.search(tensor.name) or (plan.int8_vocabulary and VOCABULARY.search(tensor.name))
    if quant != "none" and len(tensor.shape) == 2 and quantised:
        if quant == "8bit":
            return elements + INT8_ROW_BYTES * tensor.shape[0]
        return int(elements * NF4_BYTES)
    return elements * plan.float_bytes(quant)


def _kv_bytes(text: dict[str, Any], float_bytes: int) -> int:
    """Keys and values of one token."""
    heads = _size(text, "num_attention_heads")
    head_size = text.get("head_dim") or _size(text, "hidden_size") // heads
    kv_heads = text.get("num_key_value_heads") or heads
    return 2 * _size(text, "num_hidden_layers") * int(kv_heads) * int(head_size) * float_bytes


def _workspace_bytes(text: dict[str, Any], float_bytes: int, tokens: int) -> int:
    """The widest moment of a prefill: two states of the residual stream, and five of the MLP's inside (one int32)."""
    hidden = _size(text, "hidden_size")
    inner = int(text.get("intermediate_size") or 4 * hidden)
    return RUNTIME_BYTES + tokens * (2 * hidden + 5 * inner) * float_bytes


def _tensors_of_config(config: dict[str, Any]) -> list[TensorInfo]:
    text = _text_config(config)
    hidden, inner, vocabulary = (_size(text, key) for key in ("hidden_size", "intermediate_size", "vocab_size"))
    heads = _size(text, "num_attention_heads")
    head_size = int(text.get("head_dim") or hidden // heads)
    q_size, kv_size = heads * head_size, int(text.get("num_key_value_heads") or heads) * head_size
    shapes: dict[str, tuple[int, ...]] = {
        "self_attn.q_proj.weight": (q_size, hidden),
        "self_attn.k_proj.weight": (kv_size, hidden),
        "self_attn.v_proj.weight": (kv_size, hidden),
        "self_attn.o_proj.weight": (hidden, q_size),
        "mlp.gate_proj.weight": (inner, hidden),
        "mlp.up_proj.weight": (inner, hidden),
        "mlp.down_proj.weight": (hidden, inner),
        "input_layernorm.weight": (hidden,),
        "post_attention_layernorm.weight": (hidden,),
    }
    if text.get("model_type") == "qwen2" or text.get("attention_bias"):
        sizes = {"q": q_size, "k": kv_size, "v": kv_size}
        shapes |= {f"self_attn.{name}_proj.bias": (size,) for name, size in sizes.items()}
    whole: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (vocabulary, hidden),
        "model.norm.weight": (hidden,),
    }
    if not text.get("tie_word_embeddings"):
        whole["lm_head.weight"] = (vocabulary, hidden)
    for layer in range(_size(text, "num_hidden_layers")):
        whole |= {f"model.layers.{layer}.{name}": shape for name, shape in shapes.items()}
    return [TensorInfo(name, "BF16", shape, 2 * prod(shape)) for name, shape in whole.items()]


def _text_config(config: dict[str, Any]) -> dict[str, Any]:
    """Models with eyes keep the sizes of their language model one level down."""
    nested = config.get("text_config")
    return {**config, **nested} if isinstance(nested, dict) else config


def _size(text: dict[str, Any], key: str) -> int:
    value = text.get(key)
    if not isinstance(value, int) or value < 1:
        raise ModelNotFound(
            f"the model's config.json has no usable {key}", hint="choose a causal language model (Llama, Qwen2 ...)"
        )
    return value
