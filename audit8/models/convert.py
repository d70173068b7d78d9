"""From a GGUF file of the Llama shape to a folder that transformers and bitsandbytes load: bf16 safetensors, tokenizer
with its chat template, generation config.

The only module of `models` that knows torch, transformers and gguf; import it late. transformers reads GGUF files
too, but slower, with a tokenizer that does not split numbers into digits as SmolLM does, and differently in each
version.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, LlamaConfig, PreTrainedTokenizerFast
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from audit8.errors import ModelNotFound
from audit8.types import LoadProgress

NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
WHOLE_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
BLOCK = re.compile(r"blk\.(\d+)\.(\w+)\.weight")
CONTROL_TOKEN = 3  # gguf.TokenType.CONTROL


def needs_remote_code(model_type: str) -> bool:
    """Whether transformers has no model of its own of this type."""
    return model_type not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES


def convert(source: Path, folder: Path, progress: Callable[[LoadProgress], None]) -> None:
    """Write the model in the GGUF file `source` to the new folder `folder`; progress counts tensors.

    Raises ModelNotFound if the file is not a Llama-shaped model with a byte-level BPE tokenizer.
    """
    reader = gguf.GGUFReader(source)
    facts = _Facts(reader)
    if facts.get("general.architecture") != "llama" or facts.get("tokenizer.ggml.model") != "gpt2":
        raise ModelNotFound(f"{source.name} is not a Llama-shaped GGUF model with a byte-level BPE tokenizer")
    folder.mkdir(parents=True)
    tensors = dict(_tensors(reader, facts, progress))
    _config(facts, tied="lm_head.weight" not in tensors).save_pretrained(folder)
    _generation_config(facts).save_pretrained(folder)
    _tokenizer(facts).save_pretrained(folder)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


class _Facts:
    """The key-value part of a GGUF file."""

    def __init__(self, reader: Any) -> None:
        self._fields = reader.fields

    def get(self, key: str, default: Any = None) -> Any:
        field = self._fields.get(key)
        return default if field is None else field.contents()

    def __getitem__(self, key: str) -> Any:
        if key not in self._fields:
            raise ModelNotFound(f"the GGUF file does not say {key}")
        return self._fields[key].contents()


def _tensors(
    reader: Any, facts: _Facts, progress: Callable[[LoadProgress], None]
) -> Iterator[tuple[str, torch.Tensor]]:
    """(transformers' name, contiguous bf16 tensor) for each tensor of the file."""
    total = len(reader.tensors)
    heads = int(facts["llama.attention.head_count"])
    kv_heads = int(facts.get("llama.attention.head_count_kv", heads))
    for done, tensor in enumerate(reader.tensors):
        progress(LoadProgress("converting", done, total, "tensors"))
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)
        if ".attn_q." in tensor.name:
            values = _unrotated(values, heads)
        elif ".attn_k." in tensor.name:
            values = _unrotated(values, kv_heads)
        yield _name(tensor.name), torch.from_numpy(np.require(values, requirements=["C", "W"])).to(torch.bfloat16)
    progress(LoadProgress("converting", total, total, "tensors"))


def _name(name: str) -> str:
    if name in WHOLE_NAMES:
        return WHOLE_NAMES[name]
    match = BLOCK.fullmatch(name)
    if match is None or match[2] not in NAMES:
        raise ModelNotFound(f"the GGUF file has a tensor {name}, which the Llama shape does not")
    return f"model.layers.{match[1]}.{NAMES[match[2]]}.weight"


def _unrotated(values: np.ndarray, heads: int) -> np.ndarray:
    """Undo llama.cpp's order of the rows of q and k: it interleaves the two halves that RoPE rotates together.

    `values` is (heads * head_size, hidden), and so is the result.
    """
    rows, hidden = values.shape
    return values.reshape(heads, rows // heads // 2, 2, hidden).swapaxes(1, 2).reshape(rows, hidden)


def _config(facts: _Facts, *, tied: bool) -> LlamaConfig:
    heads = int(facts["llama.attention.head_count"])
    return LlamaConfig(
        architectures=["LlamaForCausalLM"],
        vocab_size=len(facts["tokenizer.ggml.tokens"]),
        hidden_size=int(facts["llama.embedding_length"]),
        intermediate_size=int(facts["llama.feed_forward_length"]),
        num_hidden_layers=int(facts["llama.block_count"]),
        num_attention_heads=heads,
        num_key_value_heads=int(facts.get("llama.attention.head_count_kv", heads)),
        max_position_embeddings=int(facts["llama.context_length"]),
        rms_norm_eps=float(facts["llama.attention.layer_norm_rms_epsilon"]),
        rope_parameters={"rope_type": "default", "rope_theta": float(facts.get("llama.rope.freq_base", 10000.0))},
        tie_word_embeddings=tied,
        dtype="bfloat16",
        **_special_ids(facts),
    )


def _special_ids(facts: _Facts) -> dict[str, int]:
    ids = {"bos_token_id": "bos", "eos_token_id": "eos", "pad_token_id": "padding"}
    found = {key: facts.get(f"tokenizer.ggml.{word}_token_id") for key, word in ids.items()}
    return {key: int(value) for key, value in found.items() if value is not None}


def _generation_config(facts: _Facts) -> GenerationConfig:
    return GenerationConfig(**_special_ids(facts))


def _tokenizer(facts: _Facts) -> PreTrainedTokenizerFast:
    """A byte-level BPE; the control tokens are never split, nor made from what only looks like them in pieces."""
    tokens: list[str] = facts["tokenizer.ggml.tokens"]
    kinds: list[int] = facts["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in facts["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            *([pre_tokenizers.Digits(individual_digits=True)] if facts.get("tokenizer.ggml.pre") == "smollm" else []),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, kind in zip(tokens, kinds, strict=True)
            if kind == CONTROL_TOKEN
        ]
    )
    words = {"bos_token": "bos", "eos_token": "eos", "pad_token": "padding", "unk_token": "unknown"}
    ids = {key: facts.get(f"tokenizer.ggml.{word}_token_id") for key, word in words.items()}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        chat_template=facts.get("tokenizer.chat_template"),
        model_max_length=int(facts["llama.context_length"]),
        clean_up_tokenization_spaces=False,
        **{key: tokens[int(index)] for key, index in ids.items() if index is not None},
    )
