"""Speed and memory of the engine beside stock bitsandbytes and the 16-bit model, everything in one run.

python bench/engine.py --model FOLDER --out bench/results/engine.json [--skip stock,fp16] [--streams 1,8,16,64]
    [--context 1024] [--prefill 4096] [--cap-gib 7.5]

FOLDER: any model of a known family; `bench/random_model.py` makes one of the 7B shape. Medians throughout.
"""

import argparse
import gc
import itertools
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from audit8.engine import loading
from audit8.engine.build import Built, Order, build, read_weights
from audit8.engine.generation import Generation
from audit8.engine.kernels.types import Int8Weight
from audit8.engine.weights import DecoderWeights
from audit8.types import Sampling

DECODED = 96
CUDA = torch.cuda.is_available()
DEVICE = "cuda:0" if CUDA else "cpu"


def sync() -> None:
    if CUDA:
        torch.cuda.synchronize()


def median_s(work: Callable[[], Any], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        sync()
        start = time.perf_counter()
        work()
        sync()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def bandwidth_gb_s() -> float:
    """Bytes read plus written by a large copy."""
    size = 2 * 1024**3 if CUDA else 256 * 1024**2
    source = torch.empty(size, dtype=torch.uint8, device=DEVICE).random_()
    target = torch.empty_like(source)
    target.copy_(source)
    return 2 * size / median_s(lambda: target.copy_(source), 10) / 1e9


class Timed(Protocol):
    """What `drive` times: a generation, and the time of each of its tokens."""

    generation: Generation
    times: list[float]


class Stream:
    """One sequence driven through the executor, with the time of each token."""

    def __init__(self, length: int, max_tokens: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.times: list[float] = []
        self.generation = Generation(
            torch.randint(0, 256, (length,), generator=generator).tolist(),
            Sampling(max_tokens=max_tokens),
            deliver=lambda _: None,
            decode=lambda ids: "x" * len(ids),
            eos_ids=frozenset(),
        )


def drive(built: Built, streams: Sequence[Timed]) -> None:
    for stream in streams:
        built.executor.add(stream.generation)
    seen = [0] * len(streams)
    while built.executor.busy:
        built.executor.step()
        now = time.perf_counter()
        for index, stream in enumerate(streams):
            fresh = len(stream.generation.token_ids) - seen[index]
            stream.times += [now] * fresh
            seen[index] += fresh


def decode_tok_s(built: Built, count: int, context_tokens: int) -> float:
    """Tokens a second of `count` streams together, once all of them run, from the median step."""
    streams = [Stream(context_tokens, DECODED, 1000 * count + n) for n in range(count)]
    drive(built, streams)
    return count / median_step_s(streams)


def median_step_s(streams: Sequence[Timed]) -> float:
    """The median step while all of them run."""
    begin = max(stream.times[0] for stream in streams)
    end = min(stream.times[-1] for stream in streams)
    steps = sorted({when for stream in streams for when in stream.times if begin <= when <= end})
    return statistics.median(after - before for before, after in itertools.pairwise(steps[3:]))


def time_to_first_s(built: Built, length: int, seed: int) -> float:
    stream = Stream(length, 1, seed)
    sync()
    start = time.perf_counter()
    drive(built, [stream])
    return stream.times[0] - start


def loading_peak(folder: Path, cap_gib: float) -> dict[str, Any]:
    """The most that the allocator holds from the start of loading to the last weight in place, under a hard cap."""
    torch.cuda.set_per_process_memory_fraction(cap_gib * 2**30 / torch.cuda.mem_get_info()[1])
    torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    order = Order(folder, "8bit", DEVICE, "auto", 8192)
    read = read_weights(order, loading.read_frame(folder), 8192, lambda _: None)
    result = {
        "loading_cap_gib": cap_gib,
        "first_load_s": round(time.perf_counter() - start, 2),
        "weights_gib": round(torch.cuda.memory_allocated() / 2**30, 3),
        "peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 3),
        "bytes_per_token": bytes_per_token(read),
    }
    print("loading under a cap:", json.dumps(result), flush=True)
    torch.cuda.set_per_process_memory_fraction(1.0)
    return result


def bytes_per_token(read: DecoderWeights) -> int:
    """What a decode step must read: every matrix of every layer, and the head."""
    matrices = [matrix for layer in read.layers for matrix in (layer.qkv, layer.o, layer.gate_up, layer.down)]
    head = read.head.codes if isinstance(read.head, Int8Weight) else read.head
    return sum(matrix.codes.numel() for matrix in matrices) + head.numel() * head.element_size()


def ours(folder: Path, streams: list[int], context_tokens: int, prefill_tokens: int) -> dict[str, Any]:
    start = time.perf_counter()
    stages: dict[str, float] = {}
    order = Order(
        folder, "8bit", DEVICE, "auto", 8192, cache_tokens=max(streams) * 2 * context_tokens, speculation=False
    )
    built = build(order, lambda p: stages.setdefault(p.stage, time.perf_counter() - start))
    ready_s = time.perf_counter() - start
    print("ours:", built.arithmetic, "|", "; ".join(built.notes), f"| ready in {ready_s:.1f} s", flush=True)
    result: dict[str, Any] = {
        "arithmetic": built.arithmetic,
        "load_s": round(stages.get("warming", ready_s), 2),
        "ready_s": round(ready_s, 2),
    }
    drive(built, [Stream(100, 8, 1)])
    time_to_first_s(built, prefill_tokens, 7)
    long = statistics.median([time_to_first_s(built, prefill_tokens, 20 + n) for n in range(5)])
    result["prefill_tok_s"] = round(prefill_tokens / long)
    for name in ("ttft_ms", "ttft_cached_ms"):  # the same prompts again: their beginnings are cached by then
        times = [time_to_first_s(built, prefill_tokens // 2, 30 + n) for n in range(5)]
        result[name] = round(1000 * statistics.median(times), 2)
    print("ours:", json.dumps(result), flush=True)
    result["decode_tok_s"] = {}
    for count in streams:
        result["decode_tok_s"][str(count)] = round(decode_tok_s(built, count, context_tokens), 1)
        print("ours:", count, "streams", result["decode_tok_s"][str(count)], "tokens/s", flush=True)
    return result


def transformers_speed(
    folder: Path, quantised: bool, tokens: int, context_tokens: int, prefill_tokens: int
) -> dict[str, Any]:
    """transformers' generate, as the plain server used it."""
    config = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=6.0) if quantised else None
    model = AutoModelForCausalLM.from_pretrained(
        folder, device_map={"": DEVICE}, dtype=torch.float16 if CUDA else "auto", quantization_config=config
    )
    result: dict[str, Any] = {}
    if CUDA:
        result["weights_gib"] = round(torch.cuda.memory_allocated() / 2**30, 3)
    prompt = torch.randint(0, 256, (1, context_tokens), device=DEVICE)
    long = torch.randint(0, 256, (1, prefill_tokens), device=DEVICE)

    def generate(count: int) -> None:
        model.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=count, do_sample=False, eos_token_id=None
        )

    with torch.inference_mode():
        generate(2)
        first = median_s(lambda: generate(1), 3)
        many = median_s(lambda: generate(1 + tokens), 3)
        result["tok_s"] = round(tokens / (many - first), 2)
        model(long, logits_to_keep=1)
        result["prefill_tok_s"] = round(prefill_tokens / median_s(lambda: model(long, logits_to_keep=1), 3))
    print("stock 8 bit:" if quantised else "16 bit:", json.dumps(result), flush=True)
    return result


def forget() -> None:
    gc.collect()
    if CUDA:
        torch.cuda.empty_cache()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--skip", default="")
    parser.add_argument("--streams", default="1,8,16,64")
    parser.add_argument("--context", type=int, default=1024, help="tokens before the decoded ones")
    parser.add_argument("--prefill", type=int, default=4096, help="tokens of the long prompt; half of them for ttft")
    parser.add_argument("--cap-gib", type=float, default=0.0, help="load once under this allocator cap")
    options = parser.parse_args()
    result: dict[str, Any] = {
        "command": "python " + " ".join(sys.argv),
        "hardware": torch.cuda.get_device_name(0) if CUDA else platform.processor() or platform.machine(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "transformers", "bitsandbytes")},
        },
        "context_tokens": options.context,
        "prefill_tokens": options.prefill,
        "bandwidth_gb_s": round(bandwidth_gb_s(), 1),
    }

    def add(more: dict[str, Any]) -> None:
        result.update(more)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n")
        forget()

    forget()
    if CUDA and options.cap_gib:
        add(loading_peak(options.model, options.cap_gib))
        limit_tok_s = result["bandwidth_gb_s"] * 1e9 / result["bytes_per_token"]
        add({"limit_tok_s": round(limit_tok_s, 1)})
    sizes = (options.context, options.prefill)
    add(ours(options.model, [int(count) for count in options.streams.split(",")], *sizes))
    skip = options.skip.split(",")
    if "stock" not in skip:
        stock = transformers_speed(options.model, True, 16, *sizes)
        add({f"stock_bnb_{name}": value for name, value in stock.items()})
    if "fp16" not in skip:
        plain = transformers_speed(options.model, False, 32, *sizes)
        add({f"fp16_{name}": value for name, value in plain.items()})


if __name__ == "__main__":
    main()
