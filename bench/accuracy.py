"""How far each 8-bit arithmetic is from the float32 model, on real weights and source code.

python bench/accuracy.py --model FOLDER [--model FOLDER ...] --out FILE.json [--windows 8 --tokens 192]

For each model: perplexity, KL divergence to float32 and top-1 agreement, over the next token at every place of
`windows` pieces of the standard library's source. `ours` is the fused engine's decode step as it runs on this device
(int8 weights, embedding and head included), `llm_int8` is stock bitsandbytes with threshold 6.
"""

import argparse
import gc
import inspect
import json
import platform
import statistics
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from audit8.engine import kernels, loading
from audit8.engine.build import Order, read_weights
from audit8.engine.cpu_ops import CpuOperations
from audit8.engine.decoder import Decoder
from audit8.engine.kernels.types import PAGE_TOKENS, DecodeScratch, Pages

DEVICE = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


def windows_of(folder: Path, count: int, tokens: int) -> Tensor:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(inspect.getsource(argparse), add_special_tokens=False, verbose=False)["input_ids"]
    stride = len(ids) // count
    assert stride >= tokens, "the text is too short for so many windows"
    return torch.tensor([ids[n * stride : n * stride + tokens] for n in range(count)])


def ours(folder: Path, ids: Tensor) -> Tensor:
    """Log-probabilities [windows, tokens, vocab]: every window a row of the decode step, token by token."""
    count, tokens = ids.shape
    order = Order(folder, "8bit", str(DEVICE), "fused", tokens)
    taken = read_weights(order, loading.read_frame(folder), tokens, lambda _: None)
    each = -(-tokens // PAGE_TOKENS)
    shape = (count * each, taken.kv_heads, PAGE_TOKENS, taken.head_dim)
    cache = [Pages(*(torch.zeros(shape, dtype=torch.float16, device=DEVICE) for _ in range(2))) for _ in taken.layers]
    decoder = Decoder(taken, kernels if DEVICE.type == "cuda" else CpuOperations(), cache)
    scratch = DecodeScratch(count, taken.heads, taken.kv_heads, taken.head_dim, each, DEVICE)
    table = torch.arange(count * each, dtype=torch.int32, device=DEVICE).view(count, each)
    steps = []
    for at in range(tokens):
        positions = torch.full((count,), at, dtype=torch.int32, device=DEVICE)
        logits = decoder.decode(ids[:, at].to(DEVICE), positions, positions + 1, table, scratch)
        steps.append(logits.log_softmax(-1).cpu())
    return torch.stack(steps, dim=1)


def transformers_logs(model: Any, ids: Tensor) -> Tensor:
    return torch.cat([model(window[None].to(model.device)).logits.float().log_softmax(-1).cpu() for window in ids])


def compare(logs: Tensor, exact: Tensor, ids: Tensor) -> dict[str, float]:
    def perplexity(of: Tensor) -> float:
        return float(of[:, :-1].gather(2, ids[:, 1:, None]).mean().neg().exp())

    kl = torch.cat([(one.exp() * (one - other)).sum(-1) for one, other in zip(exact, logs, strict=True)])
    return {
        "perplexity": round(perplexity(logs), 4),
        "perplexity_change_percent": round(100 * (perplexity(logs) / perplexity(exact) - 1), 3),
        "kl": round(float(kl.mean()), 6),
        "kl_standard_error": round(statistics.stdev(kl.tolist()) / len(kl) ** 0.5, 6),
        "top1_same_percent": round(100 * float((logs.argmax(-1) == exact.argmax(-1)).float().mean()), 2),
    }


def measure(folder: Path, count: int, tokens: int) -> dict[str, Any]:
    ids = windows_of(folder, count, tokens)
    with torch.inference_mode():
        exact = transformers_logs(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval(), ids)
        gc.collect()
        result: dict[str, Any] = {"fp32": compare(exact, exact, ids), "ours": compare(ours(folder, ids), exact, ids)}
        gc.collect()
        stock = loading.load(folder, "8bit", str(DEVICE), lambda _: None)
        result["llm_int8"] = compare(transformers_logs(stock, ids), exact, ids)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=192)
    options = parser.parse_args()
    result: dict[str, Any] = {
        "command": "python bench/accuracy.py " + " ".join(f"--model {folder.name}" for folder in options.model),
        "device": torch.cuda.get_device_name(0) if DEVICE.type == "cuda" else platform.machine(),
        "versions": {name: version(name) for name in ("torch", "transformers", "bitsandbytes")}
        | {"python": sys.version},
        "text": f"{options.windows} windows of {options.tokens} tokens of the standard library's argparse.py",
        "models": {},
    }
    for folder in options.model:
        result["models"][folder.name] = measure(folder, options.windows, options.tokens)
        print(folder.name, json.dumps(result["models"][folder.name]), flush=True)
        gc.collect()
    options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
