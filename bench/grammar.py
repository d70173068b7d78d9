"""What a JSON schema costs, and whether what comes out is JSON: the fused executor with a real model's tokenizer.

python bench/grammar.py --model FOLDER --tokenizer FOLDER --out FILE [--streams 16] [--documents 1000]

`grammar_overhead`: the median step of so many greedy streams under a schema over that of as many without, in one run,
while there is ample room to close the document; where room is scarce, closings are searched for and a step is slower.
`valid_json`: the share of documents, by random sampling with little room, that parse and hold to their schema. Weights
may be random (`bench/random_model.py`): what they say is then noise, which is the hardest case for a grammar.
"""

import argparse
import itertools
import json
import random
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import torch
from engine import DEVICE, decode_tok_s, drive, median_step_s
from transformers import AutoTokenizer

from audit8.engine.build import Built, Order, build
from audit8.engine.generation import Generation
from audit8.engine.grammar import Grammars
from audit8.types import Finish, Sampling

SCHEMAS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[1] / "tests" / "engine" / "schemas.json").read_text(encoding="utf-8")
)
LONG = {"type": "array", "items": {"enum": ["critical", "high", "low"]}, "minItems": 60}


class Document:
    """One answer under a schema, with the time of each token."""

    def __init__(self, grammars: Grammars, tokenizer: Any, schema: Any, sampling: Sampling, seed: int) -> None:
        self.schema = schema
        self.text = ""
        self.times: list[float] = []
        self.finish: Finish | None = None
        self.failed = False
        generator = torch.Generator().manual_seed(seed)
        self.generation = Generation(
            torch.randint(0, 256, (64,), generator=generator).tolist(),
            sampling,
            deliver=self.take,
            decode=lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True)),
            eos_ids=frozenset({tokenizer.eos_token_id}),
            constraint=grammars.compile(json.dumps(schema)).start(sampling.max_tokens),
        )

    def take(self, item: Any) -> None:
        if isinstance(item, Finish):
            self.finish = item
        elif hasattr(item, "text"):
            self.text += item.text
        else:
            self.failed = True

    @property
    def valid(self) -> bool:
        try:
            jsonschema.validate(json.loads(self.text), self.schema)
        except (ValueError, jsonschema.ValidationError):
            return False
        return self.finish is not None and self.finish.reason == "stop"


def held_step_s(built: Built, grammars: Grammars, tokenizer: Any, streams: int, max_tokens: int) -> float:
    """The median step of `streams` greedy documents that were promised `max_tokens` and are cut off before."""
    held = [Document(grammars, tokenizer, LONG, Sampling(max_tokens=max_tokens), n) for n in range(streams)]
    for document in held:
        document.generation.sampling = Sampling(max_tokens=120)
    drive(built, held)
    return median_step_s(held)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--documents", type=int, default=1000)
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    built = build(
        Order(options.model, "8bit", DEVICE, "auto", 2048, cache_tokens=2048 * 64, speculation=False), lambda _: None
    )
    grammars = Grammars(tokenizer, int(built.frame.config.vocab_size), frozenset({tokenizer.eos_token_id}))
    free = options.streams / decode_tok_s(built, options.streams, 64)
    roomy, tight = (held_step_s(built, grammars, tokenizer, options.streams, room) for room in (200_000, 1_500))
    result: dict[str, Any] = {
        "command": "python " + " ".join(sys.argv),
        "hardware": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu",
        "versions": {name: version(name) for name in ("torch", "transformers", "llguidance")},
        "streams": options.streams,
        "free_step_ms": round(free * 1e3, 3),
        "held_step_ms": round(roomy * 1e3, 3),
        "grammar_overhead": round(roomy / free, 3),
        "held_step_ms_where_room_is_scarce": round(tight * 1e3, 3),
    }
    print(json.dumps(result), flush=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    chance = random.Random(0)
    names = [name for name, _ in zip(itertools.cycle(SCHEMAS), range(options.documents), strict=False)]
    documents = []
    for seed, name in enumerate(names):
        least = len(grammars.compile(json.dumps(SCHEMAS[name]))._plan.closing) + 1
        sampling = Sampling(max_tokens=least + chance.randint(0, 60), temperature=1.0, seed=seed)
        documents.append(Document(grammars, tokenizer, SCHEMAS[name], sampling, seed))
    start = time.perf_counter()
    drive(built, documents)
    bad = sorted({name for name, document in zip(names, documents, strict=True) if not document.valid})
    result |= {
        "documents": len(documents),
        "schemas": len(SCHEMAS),
        "valid_json": sum(document.valid for document in documents) / len(documents),
        "not_valid_under": bad,
        "documents_s": round(time.perf_counter() - start, 1),
    }
    print(json.dumps(result), flush=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
