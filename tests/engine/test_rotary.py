"""The tables are those of the model's own class in transformers, to the bit."""

from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from audit8.engine.rotary import rotary_tables
from audit8.engine.weights import STATIC_ROPE, head_dim_of
from tests.engine import tiny

ROPES: dict[str, dict[str, Any]] = {
    "default": {"rope_theta": 1000000.0},
    "linear": {"rope_theta": 10000.0, "factor": 2.0},
    "llama3": tiny.ROPE_LLAMA3,
    "yarn": {"rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 256},
}


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3", "mistral-window"])
@pytest.mark.parametrize("rope", STATIC_ROPE)
def test_the_tables_are_those_of_transformers(family: str, rope: str) -> None:
    kind = type(tiny.CONFIGS[family])
    config = kind(**tiny.SIZES, rope_parameters={**ROPES[rope], "rope_type": rope})
    with torch.device("meta"):
        theirs = type(AutoModelForCausalLM.from_config(config).model.rotary_emb)
    cos, sin = theirs(config)(torch.zeros(1), torch.arange(300)[None])
    ours = rotary_tables(config, head_dim_of(config), torch.device("cpu"), 300)
    assert torch.equal(ours.cos, cos[0, :, :32])
    assert torch.equal(ours.sin, sin[0, :, :32])
