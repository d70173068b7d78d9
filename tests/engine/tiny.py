"""Tiny random models of every family that the decoder knows, quantised by bitsandbytes itself, and drivers for them.

Everything runs on the GPU with the real kernels where there is one, else on the CPU: the laws are the same.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

from audit8.engine import kernels
from audit8.engine.cpu_ops import CpuOperations
from audit8.engine.decoder import Operations
from audit8.engine.effort import Effort
from audit8.engine.fused import FusedExecutor
from audit8.engine.generation import Executor, Generation, Item
from audit8.engine.kernels.types import CHUNK_UNIT
from audit8.engine.packing import prepared
from audit8.engine.pages import PagePool
from audit8.engine.runner import Runner
from audit8.engine.weights import DecoderWeights, HeadKind, ReadOrder, read
from audit8.types import Piece, Sampling

DEVICE = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
OPS: Operations = kernels if DEVICE.type == "cuda" else CpuOperations()
CHUNK_TOKENS = CHUNK_UNIT if DEVICE.type == "cuda" else 64
SIZES: dict[str, Any] = {
    "vocab_size": 256,
    "hidden_size": 128,
    "intermediate_size": 192,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "max_position_embeddings": 1024,
    "tie_word_embeddings": False,
}
ROPE_LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 128,
}
CONFIGS: dict[str, PreTrainedConfig] = {
    "llama": LlamaConfig(**SIZES),
    "llama3-rope": LlamaConfig(**SIZES, rope_parameters=ROPE_LLAMA3),
    "llama-tied": LlamaConfig(**{**SIZES, "tie_word_embeddings": True}),
    "qwen2": Qwen2Config(**{**SIZES, "num_hidden_layers": 3}),
    "qwen3": Qwen3Config(**SIZES),
    "mistral-window": MistralConfig(**SIZES, sliding_window=48),
}


def save(name: str, folder: Path) -> Path:
    """A checkpoint with random weights, biases and norms included (fresh ones are all zeros and ones)."""
    torch.manual_seed(sum(map(ord, name)))
    model = AutoModelForCausalLM.from_config(CONFIGS[name])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model.save_pretrained(folder)
    return folder


def load_8bit(folder: Path) -> Any:
    config = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=6.0, llm_int8_has_fp16_weight=False)
    return AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=config, device_map={"": str(DEVICE)}, dtype=torch.float32
    ).eval()


def read_weights(folder: Path, head: HeadKind = "int8") -> DecoderWeights:
    """Ready for this device's operations, as the server has them."""
    return prepared(read_plain(folder, head), DEVICE)


def read_plain(folder: Path, head: HeadKind = "int8") -> DecoderWeights:
    """The codes themselves, as they are kept on disk."""
    order = ReadOrder(1024, head, lambda done, total: None)
    return read(folder, AutoConfig.from_pretrained(folder), DEVICE, order)


def make_executor(
    weights: DecoderWeights,
    *,
    page_count: int = 32,
    max_rows: int = 16,
    chunk_tokens: int = CHUNK_TOKENS,
    effort: Effort | None = None,
) -> tuple[FusedExecutor, PagePool]:
    runner = Runner(weights, OPS, DEVICE, max_rows=max_rows, max_pages=16, page_count=page_count)
    if DEVICE.type == "cuda":
        runner.capture(lambda done, total: None)
    pool = PagePool(page_count, reuse_tokens=chunk_tokens)
    executor = FusedExecutor(
        runner, pool, chunk_tokens=chunk_tokens * 2, shared_chunk_tokens=chunk_tokens, effort=effort
    )
    return executor, pool


class Answer:
    """Collects what one generation delivers."""

    def __init__(self, prompt: Sequence[int], sampling: Sampling, *, candidates: Sequence[int] = ()) -> None:
        self.items: list[Item] = []
        self.generation = Generation(
            prompt,
            sampling,
            deliver=self.items.append,
            decode=lambda ids: "".join(chr(token) for token in ids),
            eos_ids=frozenset(),
            candidates=candidates,
        )

    @property
    def tokens(self) -> list[int]:
        return self.generation.token_ids

    @property
    def text(self) -> str:
        return "".join(item.text for item in self.items if isinstance(item, Piece))


def run(executor: Executor, *answers: Answer, each_step: Callable[[], None] = lambda: None) -> None:
    for answer in answers:
        executor.add(answer.generation)
    for _ in range(10_000):
        if not executor.busy:
            return
        executor.step()
        each_step()
    raise AssertionError("the executor never came to rest")
