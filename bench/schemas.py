"""Documents under the schemas of tests/engine/schemas.json: how many are whole and valid, and what a mask costs.

python bench/schemas.py FOLDER --out FILE [--documents 1000] [--model] [--engine auto]

FOLDER: a model's, of which only the tokenizer is used and tokens are drawn from random logits among those allowed; with
--model the model itself writes, through the whole engine, at temperature 1. Limits are tight: the shortest document
and a few tokens more. A document that does not end as a whole counts as not valid.
"""

import argparse
import asyncio
import json
import platform
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import torch

from audit8.engine import device, loading
from audit8.engine.build import EngineKind, Order, build
from audit8.engine.grammar import Grammar, Grammars
from audit8.engine.local import LocalEngine
from audit8.errors import BadRequest
from audit8.types import EngineInfo, Finish, Message, Piece, Sampling

SCHEMAS = Path(__file__).parents[1] / "tests" / "engine" / "schemas.json"
SPARE_TOKENS = (0, 1, 8, 40, 200, 600)  # above the shortest document


class Tally:
    """What came of the documents of one schema, and the seconds of each mask."""

    def __init__(self, name: str, schema: Any) -> None:
        self.name = name
        self._validator = jsonschema.Draft202012Validator(schema)
        self.documents = self.whole = self.valid = self.tokens = 0
        self.blank = 0
        self.mask_s: list[float] = []

    def count(self, text: str, ended: bool) -> None:
        self.documents += 1
        self.blank += "   " in text and not text.strip()
        try:
            value = json.loads(text)
        except ValueError:
            print(f"{self.name}: not JSON: {text[-200:]!r}")
            return
        self.whole += ended
        self.valid += ended and self._validator.is_valid(value)

    def row(self) -> dict[str, Any]:
        masks_us = np.array(self.mask_s or [0.0]) * 1e6
        return {
            "documents": self.documents,
            "whole": self.whole,
            "valid": self.valid,
            "tokens": self.tokens,
            "mask_us": {f"p{part}": round(float(np.percentile(masks_us, part)), 1) for part in (50, 90, 99)},
            "mask_mean_us": round(float(masks_us.mean()), 1),
        }


def least_tokens(grammar: Grammar) -> int:
    limit = 1
    while True:
        try:
            grammar.start(limit)
        except BadRequest:
            limit += 1
        else:
            return limit


def write(grammar: Grammar, limit: int, row: torch.Tensor, tally: Tally, random: np.random.Generator) -> list[int]:
    """Tokens of one document drawn from random logits."""
    constraint, ids = grammar.start(limit), []
    logits = random.standard_normal(row.numel() * 32, dtype=np.float32) * 3
    while len(ids) < limit:
        started = time.perf_counter()
        constraint.fill_mask(row)
        tally.mask_s.append(time.perf_counter() - started)
        allowed = np.flatnonzero(np.unpackbits(row.numpy().view(np.uint8), bitorder="little"))
        noise = random.gumbel(size=len(allowed)).astype(np.float32)
        ids.append(int(allowed[np.argmax(logits[allowed] + noise)]))
        if not constraint.accept(ids[-1]):
            raise AssertionError("a token of the mask was not accepted")
    return ids


def until_end(ids: list[int], eos_ids: frozenset[int]) -> Iterator[int]:
    for token in ids:
        if token in eos_ids:
            return
        yield token


def drawn(frame: loading.Frame, schemas: dict[str, Any], documents: int) -> list[Tally]:
    size = frame.config.get_text_config().vocab_size
    grammars = Grammars(frame.tokenizer, size, frame.eos_ids)
    row = torch.empty((size + 31) // 32, dtype=torch.int32)
    random = np.random.default_rng(0)
    tallies = []
    for name, schema in schemas.items():
        grammar, tally = grammars.compile(json.dumps(schema)), Tally(name, schema)
        least = least_tokens(grammar)
        for number in range(-(-documents // len(schemas))):
            limit = least + SPARE_TOKENS[number % len(SPARE_TOKENS)]
            ids = write(grammar, limit, row, tally, random)
            written = list(until_end(ids, frame.eos_ids))
            tally.tokens += len(written)
            tally.count(frame.tokenizer.decode(written), len(written) < len(ids))
        print(name, json.dumps(tally.row()), flush=True)
        tallies.append(tally)
    return tallies


async def asked(folder: Path, kind: EngineKind, schemas: dict[str, Any], documents: int) -> list[Tally]:
    name = device.probe().name
    built = build(Order(folder, "8bit", name, kind, context_tokens=2048), lambda _: None)
    engine = LocalEngine(
        tokenizer=built.frame.tokenizer,
        executor=built.executor,
        info=EngineInfo(folder.name, name, "8bit", built.arithmetic, built.context_tokens),
        eos_ids=built.frame.eos_ids,
        memory=lambda: device.memory(name),
        classify=device.classify,
        vocabulary=built.frame.config.get_text_config().vocab_size,
    )
    grammars = Grammars(
        built.frame.tokenizer, built.frame.config.get_text_config().vocab_size, built.frame.eos_ids
    )  # for the shortest lengths only
    turns = asyncio.Semaphore(max(1, built.parallel))

    async def one(schema: Any, least: int, number: int, tally: Tally) -> None:
        limit = least + SPARE_TOKENS[number % len(SPARE_TOKENS)]
        question = [Message("user", f"Write JSON under this schema: {json.dumps(schema)}")]
        wish = Sampling(max_tokens=limit, temperature=1.0, seed=number, schema=json.dumps(schema))
        async with turns:
            items = [item async for item in engine.stream(question, wish)]
        finish = items[-1]
        assert isinstance(finish, Finish)
        tally.tokens += finish.usage.completion_tokens
        tally.count("".join(item.text for item in items if isinstance(item, Piece)), finish.reason == "stop")

    tallies = [Tally(name, schema) for name, schema in schemas.items()]
    works = []
    for tally, schema in zip(tallies, schemas.values(), strict=True):
        least = least_tokens(grammars.compile(json.dumps(schema)))
        works += [one(schema, least, number, tally) for number in range(-(-documents // len(schemas)))]
    await asyncio.gather(*works)
    await engine.aclose()
    return tallies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--model", action="store_true")
    parser.add_argument("--engine", choices=["auto", "fused", "stock"], default="auto")
    options = parser.parse_args()
    schemas = json.loads(SCHEMAS.read_text(encoding="utf-8"))
    started = time.monotonic()
    if options.model:
        tallies = asyncio.run(asked(options.folder, options.engine, schemas, options.documents))
    else:
        tallies = drawn(loading.read_frame(options.folder), schemas, options.documents)
    total = sum(tally.documents for tally in tallies)
    result = {
        "command": f"python bench/schemas.py {options.folder.name} --documents {options.documents}"
        + (f" --model --engine {options.engine}" if options.model else ""),
        "machine": {"cpu": platform.machine(), "threads": torch.get_num_threads(), "cuda": torch.cuda.is_available()},
        "versions": {name: version(name) for name in ("llguidance", "torch", "transformers")},
        "documents": total,
        "valid_share": sum(tally.valid for tally in tallies) / total,
        "only_whitespace": sum(tally.blank for tally in tallies),
        "mask_mean_us": round(float(np.mean([one for tally in tallies for one in tally.mask_s] or [0.0])) * 1e6, 1),
        "seconds": round(time.monotonic() - started, 1),
        "schemas": {tally.name: tally.row() for tally in tallies},
    }
    options.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print({name: value for name, value in result.items() if name != "schemas"})


if __name__ == "__main__":
    main()
