"""The models chosen for users who name none, with the shapes that tell their size before anything is downloaded."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class KnownModel:
    """`id` is the same on the Hugging Face Hub and on ModelScope; `config` is the part of config.json that sizes it."""

    id: str
    config: dict[str, Any]


CODER_7B = KnownModel(
    "Qwen/Qwen2.5-Coder-7B-Instruct",
    {
        "model_type": "qwen2",
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152064,
        "tie_word_embeddings": False,
    },
)
CODER_1_5B = KnownModel(
    "Qwen/Qwen2.5-Coder-1.5B-Instruct",
    {
        "model_type": "qwen2",
        "hidden_size": 1536,
        "intermediate_size": 8960,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
        "vocab_size": 151936,
        "tie_word_embeddings": True,
    },
)
