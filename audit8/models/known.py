"""The models chosen for users who name none, with the shapes that tell their size before anything is downloaded."""

from dataclasses import dataclass, field
from typing import Any

from audit8.types import Lang


@dataclass(frozen=True, slots=True)
class KnownModel:
    """`id` is the same on the Hugging Face Hub and on ModelScope; `config` is the part of config.json that sizes it.

    `good_for` says it in each language.
    """

    id: str
    config: dict[str, Any]
    licence: str = ""
    good_for: dict[Lang, str] = field(default_factory=dict)


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
    "Apache-2.0",
    {"en": "code; the first choice where it fits", "zh": "代码；放得下时的首选"},
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
    "Apache-2.0",
    {"en": "small GPUs and CPUs; too small to judge findings", "zh": "小显卡和 CPU；太小，不能评判发现"},
)
R1_7B = KnownModel(
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B",
    CODER_7B.config,
    "MIT",
    {"en": "thinks before it answers; slower", "zh": "先思考再回答；较慢"},
)
KNOWN = (CODER_7B, R1_7B, CODER_1_5B)
