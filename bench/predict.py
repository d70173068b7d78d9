"""How many seconds an audit takes on cards that nobody here has: counted work over each card's published limits.

python bench/predict.py --tokenizer FOLDER [--lines 300] [--out FILE]

The pipeline really runs, over a sample program of the page and ordinary code behind it, with an engine that counts:
prompt tokens that are not in the prefix cache yet (128 to a page), and decode steps (answers that run together share
them). It answers as a model would that names five places, believes half of what it is asked, and writes full texts.
Seconds: tokens x FLOP over the card's FP16 tensor rate (float32 sums, dense) x a share, steps x weight bytes over
its bandwidth x a share. The shares are lower than what the engine reached on an H100 (bench/results/engine-h100.json:
58 % and 78 %), since consumer cards run other kernels. A prediction, never a measurement.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from audit8.engine.fake import FAKE_INFO, FakeEngine
from audit8.events import Reported
from audit8.pipeline import Run
from audit8.types import Finish, Job, Message, Piece, Sampling, Source, Usage
from bench.answers import counter

PARAMETERS = 7.6e9  # of the 7B shape; two operations each and token
WEIGHT_BYTES = 7.12 * 2**30  # measured: bench/results/engine-h100.json
PAGE_TOKENS = 128  # a prompt is shared up to a multiple of this
COMPUTE_SHARE, BANDWIDTH_SHARE = 0.45, 0.65
START_S = 0.3  # queue, HTTP, static rules
# Published: TFLOP/s of FP16 tensor cores with float32 sums, dense; GB/s of memory.
CARDS = {
    "RTX 3060 12GB": (25.5, 360.0),
    "RTX 4060 Ti 16GB": (44.1, 288.0),
    "RTX 4070 12GB": (58.3, 504.0),
    "RTX 4090 24GB": (165.2, 1008.0),
}
TEXT = '{"why": "' + "an outside value reaches this call unchecked " * 5 + '", "fix": "' + "check it first " * 14 + '"}'


@dataclass(slots=True)
class Work:
    """What was counted. `steps`: decode steps, with answers that run together counted once."""

    prefill_tokens: int = 0
    questions: int = 0
    steps: float = 0.0


class Counting(FakeEngine):
    """Answers like a busy model and counts what a real engine would have to do."""

    def __init__(self, folder: Path, lines: int) -> None:
        super().__init__(replace(FAKE_INFO, model="a-7b", parallel=64))
        self._tokens = counter(folder)
        self._lines = lines
        self._cached: set[str] = set()
        self.work = Work()

    def count_tokens(self, text: str) -> int:
        return self._tokens(text)

    def _take(self, messages: Sequence[Message]) -> None:
        code, mark, question = messages[-1].content.rpartition("\n</code-")
        total, shared = self._tokens(code + mark + question), self._tokens(code)
        if code in self._cached:
            total -= shared // PAGE_TOKENS * PAGE_TOKENS
        self._cached.add(code)
        self.work.prefill_tokens += total
        self.work.questions += 1

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece | Finish]:
        self._take(messages)
        schema = json.loads(sampling.schema or "{}")
        step = self._lines // 6
        listed = [{"line": step * place, "class": "path-traversal"} for place in range(1, 6)]
        text = json.dumps(listed) if schema.get("type") == "array" else TEXT if "properties" in schema else "7"
        tokens = min(sampling.max_tokens, self._tokens(text))
        together = 8 if "properties" in schema else 1  # explanations are written side by side
        self.work.steps += tokens / together
        yield Piece(text)
        yield Finish("stop", Usage(0, tokens))

    async def score(self, messages: Sequence[Message], candidates: Sequence[str]) -> list[float]:
        self._take(messages)
        flawed = self.work.questions % 2 == 0
        return [0.97, 0.03] if flawed else [0.03, 0.97]


@asynccontextmanager
async def at_once() -> AsyncGenerator[None]:
    yield


def sample(lines: int) -> str:
    """A sample program of the page, with its many flaws, and ordinary code after it: `lines` lines."""
    root = Path(__file__).resolve().parents[1]
    paths = [root / "static" / "samples" / "invoices.py.txt", *sorted((root / "audit8" / "models").glob("*.py"))]
    text = "\n".join(path.read_text("utf-8") for path in paths)
    return "\n".join(text.split("\n")[:lines]) + "\n"


async def count(code: str, folder: Path, lines: int) -> tuple[Work, int]:
    """The work of an audit of `code`, and how many findings it had."""
    engine = Counting(folder, lines)
    findings = 0
    async for event in Run(Job("predict", (Source("app.py", code, "python"),), "en"), engine, at_once).events():
        if isinstance(event, Reported):
            findings = len(event.report.findings)
    return engine.work, findings


def seconds_on(card: str, work: Work) -> float:
    tflops, gigabytes = CARDS[card]
    prefill_s = work.prefill_tokens * 2 * PARAMETERS / (tflops * 1e12 * COMPUTE_SHARE)
    decode_s = work.steps * WEIGHT_BYTES / (gigabytes * 1e9 * BANDWIDTH_SHARE)
    return START_S + prefill_s + decode_s


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=300)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(argv)
    work, findings = asyncio.run(count(sample(options.lines), options.tokenizer, options.lines))
    result = {
        "what": "a prediction, not a measurement: see bench/predict.py for its assumptions",
        "command": f"python bench/predict.py --tokenizer {options.tokenizer.name} --lines {options.lines}",
        "lines": options.lines,
        "findings": findings,
        "prefill_tokens": work.prefill_tokens,
        "questions": work.questions,
        "decode_steps": round(work.steps),
        "compute_share": COMPUTE_SHARE,
        "bandwidth_share": BANDWIDTH_SHARE,
        "seconds": {card: round(seconds_on(card, work), 1) for card in CARDS},
    }
    text = json.dumps(result, indent=1) + "\n"
    print(text, end="")
    if options.out:
        options.out.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
