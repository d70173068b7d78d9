"""From a model folder to a running executor, by the best way that this machine and this model allow.

The ladder: fused kernels with CUDA graphs -> fused kernels without graphs -> transformers' own `generate`. Each step
down is taken for a reason that `Built.notes` says in words for the log.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from audit8.engine import cpu_products, kernels, loading, quantised, weights
from audit8.engine.cpu_ops import CpuOperations
from audit8.engine.decoder import Operations
from audit8.engine.device import GIB, memory
from audit8.engine.effort import CPU_EFFORT, GPU_EFFORT, Effort
from audit8.engine.fused import FusedExecutor
from audit8.engine.generation import Executor
from audit8.engine.kernels.types import CHUNK_UNIT, PAGE_TOKENS
from audit8.engine.packing import prepared
from audit8.engine.pages import PagePool, pages_for
from audit8.engine.runner import Runner, cache_bytes_per_page
from audit8.engine.stock import StockExecutor
from audit8.errors import DoesNotFit, ModelNotFound
from audit8.types import LoadProgress, Memory, Quant

EngineKind = Literal["auto", "fused", "stock"]
STOCK_ARITHMETIC = {
    "8bit": "LLM.int8 by bitsandbytes (outlier threshold 6.0), transformers' generate",
    "4bit": "NF4 by bitsandbytes, transformers' generate",
    "none": "the checkpoint's own 16 bit, transformers' generate",
}
FUSED_ARITHMETIC = "int8 weights (bitsandbytes' codes) times {activations} activations, {sums} sums{graphs}"
GPU_ROWS, CPU_ROWS = 64, 8
CACHED_CONTEXTS = 4  # an audit asks several questions at once; more room would only look like a need for memory
CPU_CHUNK_TOKENS = 256  # a 1.5B on two cores takes seconds for a chunk: the longest wait for a cancel
GPU_CHUNK_TOKENS, GPU_SHARED_CHUNK_TOKENS = 4096, 1024  # few launches alone; a short wait for those who answer
WORKSPACE_BYTES = 1024**3  # prefill activations, graphs, and something left for the desktop


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. `context_tokens` is the most; the model may have been made for less.

    `cache_tokens`: room for all sequences together; 0 means CACHED_CONTEXTS contexts, or what fits.
    `cache_dir`: where the int8 weights of the fused engine are kept for the next start; None keeps nothing.
    `gpu_bytes`: as in `loading.load`; the server never offloads. `speculation`: the fused engine's.
    """

    folder: Path
    quant: Quant
    device: str
    kind: EngineKind
    context_tokens: int
    head: weights.HeadKind = "int8"
    cache_tokens: int = 0
    trust_remote_code: bool = False
    cache_dir: Path | None = None
    gpu_bytes: int | None = None
    speculation: bool = True


@dataclass(frozen=True, slots=True)
class Built:
    """`notes`: why a rung of the ladder was passed over, and what the fused arithmetic does without.

    `weights_memory`: as measured when the model was in place, before the cache. `parallel`: answers at once.
    """

    executor: Executor
    frame: loading.Frame
    context_tokens: int
    arithmetic: str
    notes: tuple[str, ...]
    weights_memory: Memory
    parallel: int = 1


def build(order: Order, progress: Callable[[LoadProgress], None]) -> Built:
    """Load the model and make its executor.

    Raises:
        MissingDependency, ModelNotFound, Offloaded, DoesNotFit: as `loading.load`; ModelNotFound also when `kind` is
            "fused" and this model or machine cannot run it.
    """
    frame = loading.read_frame(order.folder, trust_remote_code=order.trust_remote_code)
    reason = why_not_fused(order, frame.config)
    if not reason:
        return _fused(order, frame, progress)
    if order.kind == "fused":
        raise ModelNotFound(f"--engine fused cannot run this: {reason}", hint="use --engine auto")
    return _stock(order, frame, progress, (f"the fused engine is not used: {reason}",))


def why_not_fused(order: Order, config: Any) -> str:
    """The reason for taking the last rung; "" if there is none. `config` is the model's own."""
    if order.kind == "stock":
        return "--engine stock asks for the original"
    if order.quant != "8bit":
        return "it needs 8-bit weights"
    if unknown := weights.unknown(config):
        return unknown
    return missing_kernels(order.device)


def missing_kernels(device: str) -> str:
    """Why the fused engine cannot run on `device` ("cuda:0" or "cpu"), whatever the model; "" if it can."""
    return kernels.unusable(torch.device(device)) if device.startswith("cuda") else ""


def _stock(
    order: Order, frame: loading.Frame, progress: Callable[[LoadProgress], None], notes: tuple[str, ...]
) -> Built:
    model = loading.load(
        order.folder,
        order.quant,
        order.device,
        progress,
        trust_remote_code=order.trust_remote_code,
        gpu_bytes=order.gpu_bytes,
    )
    return Built(
        executor=StockExecutor(model, eos_ids=frame.eos_ids, pad_id=frame.pad_id),
        frame=frame,
        context_tokens=min(order.context_tokens, frame.context_tokens),
        arithmetic=STOCK_ARITHMETIC[order.quant],
        notes=notes,
        weights_memory=memory(order.device),
    )


def read_weights(
    order: Order,
    frame: loading.Frame,
    context_tokens: int,
    progress: Callable[[LoadProgress], None],
    say: Callable[[str], None] = lambda _: None,
) -> weights.DecoderWeights:
    """The decoder's weights on the order's device, ready for its operations; raises MissingDependency, ModelNotFound.

    `say` takes notes about the weights that are kept on disk.
    """
    device = torch.device(order.device)

    def make() -> weights.DecoderWeights:
        loading.check_bitsandbytes()
        reading = weights.ReadOrder(
            context_tokens, order.head, lambda done, total: progress(LoadProgress("loading", done, total, "tensors"))
        )
        return weights.read(order.folder, frame.config, device, reading)

    with loading.in_words(order.folder):
        if order.cache_dir is None:
            return prepared(make(), device)
        wanted = quantised.Wanted(order.cache_dir, order.folder, frame.config, order.head, device, context_tokens)
        return prepared(quantised.obtain(wanted, make, progress, say), device)


def operations_for(device: torch.device) -> Operations:
    """The decoder's arithmetic on `device`."""
    return kernels if device.type == "cuda" else CpuOperations()


def _fused(order: Order, frame: loading.Frame, progress: Callable[[LoadProgress], None]) -> Built:
    device = torch.device(order.device)
    on_gpu = device.type == "cuda"
    context_tokens = min(order.context_tokens, frame.context_tokens)
    notes: list[str] = []
    read = read_weights(order, frame, context_tokens, progress, notes.append)
    weights_memory = memory(order.device)
    page_count = _page_count(read, order, context_tokens)
    runner = Runner(
        read,
        operations_for(device),
        device,
        max_rows=GPU_ROWS if on_gpu else CPU_ROWS,
        max_pages=pages_for(context_tokens),
        page_count=page_count,
    )
    notes += [
        "every activation is multiplied as it is: no outlier threshold is needed",
        f"KV cache: {page_count * PAGE_TOKENS} tokens, {page_count * cache_bytes_per_page(read) / GIB:.2f} GiB",
    ]
    if on_gpu:
        notes += _capture(runner, progress)
    pool = PagePool(runner.page_count, reuse_tokens=CHUNK_UNIT if on_gpu else CPU_CHUNK_TOKENS)
    return Built(
        executor=FusedExecutor(
            runner,
            pool,
            chunk_tokens=GPU_CHUNK_TOKENS if on_gpu else CPU_CHUNK_TOKENS,
            shared_chunk_tokens=GPU_SHARED_CHUNK_TOKENS if on_gpu else CPU_CHUNK_TOKENS,
            effort=effort_for(read, on_gpu) if order.speculation else None,
        ),
        frame=frame,
        context_tokens=context_tokens,
        arithmetic=_arithmetic(read, on_gpu, runner.has_graphs),
        notes=tuple(notes),
        weights_memory=weights_memory,
        parallel=runner.max_rows,
    )


def effort_for(read: weights.DecoderWeights, on_gpu: bool) -> Effort | None:
    """What guessed tokens cost; None where they may not be tried: a library's product changes bits with the rows."""
    if isinstance(read.head, torch.Tensor):
        return None
    return GPU_EFFORT if on_gpu else CPU_EFFORT


def _arithmetic(read: weights.DecoderWeights, on_gpu: bool, graphs: bool) -> str:
    """In words; a model's widest product, down, speaks for the others."""
    if isinstance(read.layers[0].down, cpu_products.PackedWeight):
        return FUSED_ARITHMETIC.format(activations="16-bit integer", sums="exact", graphs="")
    return FUSED_ARITHMETIC.format(
        activations="fp16" if on_gpu else "bf16", sums="float32", graphs=", CUDA graphs" if graphs else ""
    )


def _capture(runner: Runner, progress: Callable[[LoadProgress], None]) -> list[str]:
    """Record the graphs; without them the same kernels are launched one by one."""
    try:
        runner.capture(lambda done, total: progress(LoadProgress("warming", done, total, "steps")))
    except RuntimeError as error:
        runner.drop_graphs()
        return [f"CUDA graphs are not used: {error}"]
    return []


def _page_count(read: weights.DecoderWeights, order: Order, context_tokens: int) -> int:
    """As many pages as were asked for, or as memory allows; raises DoesNotFit below one context."""
    wanted = pages_for(max(order.cache_tokens or CACHED_CONTEXTS * context_tokens, context_tokens))
    if not order.device.startswith("cuda"):
        return wanted  # touched only when used
    free_bytes = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    fitting = (free_bytes - WORKSPACE_BYTES) // cache_bytes_per_page(read)
    if fitting < pages_for(context_tokens):
        raise DoesNotFit(
            f"after the weights there is room for {max(0, fitting) * PAGE_TOKENS} tokens of cache; "
            f"--context-tokens asks for {context_tokens}",
            hint="lower --context-tokens, close other programs that use the GPU, or use --quant 4bit",
        )
    return int(min(wanted, fitting))
