"""Log-probabilities of every next token of a text, as the fused decoder or a model of transformers gives them.

Knows windows of token ids; knows nothing of what the figures are for. Parts come as they are computed: the whole would
be gigabytes. Touches the model, so nothing else may run on it meanwhile.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from audit8.engine.build import operations_for
from audit8.engine.decoder import Decoder
from audit8.engine.device import classify
from audit8.engine.fused import FusedExecutor
from audit8.engine.generation import Executor
from audit8.engine.kernels.types import PAGE_TOKENS, DecodeScratch, Pages
from audit8.engine.stock import StockExecutor
from audit8.engine.weights import DecoderWeights

ROWS = 8  # windows of one decode step: a CPU's packed product is meant for few


@dataclass(frozen=True, slots=True)
class Part:
    """`logs` float32 [windows, places, vocab] on the CPU, of windows from `window` on and places from `place` on.

    A place's distribution is that of the token after it.
    """

    window: int
    place: int
    logs: Tensor


def windows_of(ids: Sequence[int], count: int, tokens: int) -> Tensor:
    """`count` windows of `tokens` tokens, evenly over the text: int64 [count, tokens]. Raises ValueError: too short."""
    stride = len(ids) // count
    if stride < tokens:
        raise ValueError(f"{len(ids)} tokens of text are too few for {count} windows of {tokens}")
    return torch.tensor([ids[at : at + tokens] for at in range(0, count * stride, stride)])


def parts_of(executor: Executor, windows: Tensor, device: str) -> Iterator[Part]:
    """What `executor`, which must be at rest, makes of `windows`, by the arithmetic it decodes with.

    Raises OutOfMemory, EngineFailure: while the parts are read; TypeError for an executor without a model.
    """
    try:
        if isinstance(executor, FusedExecutor):
            yield from decoder_parts(executor.weights, windows, torch.device(device))
        elif isinstance(executor, StockExecutor):
            yield from model_parts(executor.model, windows)
        else:
            raise TypeError(f"{type(executor).__name__} has no model to ask")
    except (RuntimeError, MemoryError) as error:
        raise classify(error) from error


def model_parts(model: Any, windows: Tensor) -> Iterator[Part]:
    """A causal LM of transformers: one forward pass and one part a window."""
    for index, window in enumerate(windows):
        with torch.inference_mode():
            logits = model(window[None].to(model.device), use_cache=False).logits
            logs = logits.float().log_softmax(-1).cpu()
        yield Part(index, 0, logs)


def decoder_parts(weights: DecoderWeights, windows: Tensor, device: torch.device) -> Iterator[Part]:
    """The fused engine's decode step: ROWS windows at once, token by token; one part a step."""
    for first in range(0, len(windows), ROWS):
        yield from _decoded(weights, windows[first : first + ROWS], first, device)


def _decoded(weights: DecoderWeights, windows: Tensor, first: int, device: torch.device) -> Iterator[Part]:
    count, tokens = windows.shape
    each = -(-tokens // PAGE_TOKENS)
    shape = (count * each, weights.kv_heads, PAGE_TOKENS, weights.head_dim)
    cache = [Pages(*(torch.zeros(shape, dtype=torch.float16, device=device) for _ in range(2))) for _ in weights.layers]
    decoder = Decoder(weights, operations_for(device), cache)
    scratch = DecodeScratch(count, weights.heads, weights.kv_heads, weights.head_dim, each, device)
    table = torch.arange(count * each, dtype=torch.int32, device=device).view(count, each)
    for at in range(tokens):
        positions = torch.full((count,), at, dtype=torch.int32, device=device)
        with torch.inference_mode():
            logits = decoder.decode(windows[:, at].to(device), positions, positions + 1, table, scratch)
            logs = logits.log_softmax(-1).cpu()
        yield Part(first, at, logs.unsqueeze(1))


def gather(parts: Iterator[Part], windows: Tensor) -> Tensor:
    """All parts together: float32 [windows, tokens, vocab]."""
    whole: Tensor | None = None
    for part in parts:
        if whole is None:
            whole = torch.empty(*windows.shape, part.logs.shape[2])
        count, places, _ = part.logs.shape
        whole[part.window : part.window + count, part.place : part.place + places] = part.logs
    if whole is None:
        raise ValueError("there are no windows")
    return whole
