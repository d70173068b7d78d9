"""How far each 8-bit arithmetic is from the float32 model, on real weights and source code.

python bench/accuracy.py --model FOLDER [--model FOLDER ...] --out FILE.json [--windows 8 --tokens 192]

For each model: perplexity, KL divergence to float32 and top-1 agreement, over the next token at every place of
`windows` pieces of the standard library's source. `ours` is the fused engine's decode step as it runs on this device
(int8 weights, embedding and head included), `llm_int8` is stock bitsandbytes with threshold 6.
"""

import argparse
import gc
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from audit8.compare import reference
from audit8.engine import likelihood, loading
from audit8.engine.build import Order, read_weights
from audit8.engine.closeness import Tally, following_of

DEVICE = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


def windows_of(folder: Path, count: int, tokens: int) -> Tensor:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(reference.text(), add_special_tokens=False, verbose=False)["input_ids"]
    return likelihood.windows_of(ids, count, tokens)


def ours(folder: Path, ids: Tensor) -> Tensor:
    """Log-probabilities [windows, tokens, vocab] of the fused engine's decode step."""
    tokens = ids.shape[1]
    order = Order(folder, "8bit", str(DEVICE), "fused", tokens)
    weights = read_weights(order, loading.read_frame(folder), tokens, lambda _: None)
    return likelihood.gather(likelihood.decoder_parts(weights, ids, DEVICE), ids)


def transformers_logs(model: Any, ids: Tensor) -> Tensor:
    return likelihood.gather(likelihood.model_parts(model, ids), ids)


def compare(logs: Tensor, exact: Tensor, ids: Tensor) -> dict[str, float]:
    tally = Tally()
    for one, other, following in zip(exact, logs, following_of(ids), strict=True):
        tally.add(one, other, following)
    found = tally.result()
    return {
        "perplexity": round(found.perplexity, 4),
        "perplexity_change_percent": round(found.perplexity_change_percent, 3),
        "perplexity_change_standard_error": round(found.perplexity_change_error, 3),
        "kl": round(found.kl, 6),
        "kl_standard_error": round(found.kl_error, 6),
        "top1_same_percent": round(found.top1_same_percent, 2),
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
