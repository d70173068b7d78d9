"""The rotary embedding's tables for every position, by transformers' own formulas. Knows nothing of the kernels."""

from typing import Any

import torch
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from audit8.engine.kernels.types import Rotary


def rotary_tables(config: Any, head_dim: int, device: torch.device, context_tokens: int) -> Rotary:
    """`cos` and `sin` [context_tokens, head_dim / 2] on `device`; computed on the CPU, so alike everywhere.

    The formulas are asked for by name: a model's own class would cost a second of imports at each start.
    """
    rope = config.rope_parameters
    if rope["rope_type"] == "default":
        frequencies = 1.0 / rope["rope_theta"] ** (torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
        scaling = 1.0
    else:
        frequencies, scaling = ROPE_INIT_FUNCTIONS[rope["rope_type"]](config)
    angles = torch.arange(context_tokens, dtype=torch.float32)[:, None] * frequencies.float()
    return Rotary((angles.cos() * scaling).to(device), (angles.sin() * scaling).to(device))
