"""An OpenAI-compatible server as an engine: what it was found to do, how fast it answers, and one audit through it.

python bench/remote.py URL [--model NAME] [--key-file F] [--streams 1,8] [--tokens 128] [--file FILE]
    [--audit-seconds 600] --out FILE

Nothing of the server is assumed: what it cannot do shows. `valid`: documents under a schema that satisfy it;
`scored`: the probabilities of yes and no to a plain question; `estimate_over_count`: the token estimate over what the
server counts, for the audited file.
"""

import argparse
import asyncio
import json
import time
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audit8.audit.sources import make_source
from audit8.errors import Audit8Error
from audit8.events import Failed, Reported
from audit8.remote.connect import Wanted, connect
from audit8.remote.counting import estimate
from audit8.remote.engine import RemoteEngine
from audit8.service import AuditService
from audit8.types import Finish, Job, Message, Piece, Sampling

SCHEMA = {
    "type": "object",
    "properties": {
        "line": {"type": "integer"},
        "safe": {"type": "boolean"},
        "why": {"type": "string", "maxLength": 40},
    },
    "required": ["line", "safe", "why"],
    "additionalProperties": False,
}
SAMPLE = Path(__file__).parents[1] / "static" / "samples" / "invoices.py.txt"
QUESTION = [Message("user", "Is water wet? Answer yes or no.")]


async def answer(engine: RemoteEngine, text: str, sampling: Sampling) -> tuple[str, float, Finish]:
    """The text, the seconds to its first piece, and the end."""
    began_s = time.monotonic()
    first_s, texts = 0.0, [""]
    async with aclosing(engine.stream([Message("user", text)], sampling)) as stream:
        async for item in stream:
            if isinstance(item, Finish):
                return "".join(texts), first_s, item
            first_s = first_s or time.monotonic() - began_s
            texts.append(item.text if isinstance(item, Piece) and not item.reasoning else "")
    raise AssertionError("no Finish")


async def speed(engine: RemoteEngine, streams: int, tokens: int) -> dict[str, Any]:
    """Tokens per second of `streams` answers at once, prompts included."""
    asks = [f"Write a long story about the number {number}." for number in range(streams)]
    began_s = time.monotonic()
    done = await asyncio.gather(*(answer(engine, ask, Sampling(max_tokens=tokens, seed=1)) for ask in asks))
    wall_s = time.monotonic() - began_s
    made = sum(finish.usage.completion_tokens for _, _, finish in done)
    first_s = sorted(first for _, first, _ in done)[streams // 2]
    return {"tokens": made, "tokens_per_s": round(made / wall_s, 1), "first_piece_ms": round(first_s * 1000, 1)}


async def documents(engine: RemoteEngine, count: int) -> dict[str, int]:
    valid = 0
    for number in range(count):
        sampling = Sampling(max_tokens=80, temperature=0.7, seed=number, schema=json.dumps(SCHEMA))
        try:
            _, _, finish = await answer(engine, "Which line of this program is unsafe? 1 eval(x)", sampling)
        except Audit8Error as error:
            print(f"document {number}: {error.message}")
            continue
        valid += finish.reason == "stop"  # the engine has checked it then
    return {"documents": count, "valid": valid}


async def audit(engine: RemoteEngine, name: str, code: bytes, limit_s: int) -> dict[str, Any]:
    source, _ = make_source(name, code, lang="en")
    counted = await asyncio.to_thread(engine.count_tokens, source.text)
    began_s = time.monotonic()
    job = Job("bench", (source,), "en")
    try:
        async with (
            asyncio.timeout(limit_s),
            aclosing(AuditService(lambda: engine, max_jobs=1).run_audit(job)) as events,
        ):
            last = [event async for event in events][-1]
    except TimeoutError:
        return {"not_done_after_s": limit_s}
    if isinstance(last, Failed):
        return {"failed": last.message}
    assert isinstance(last, Reported)
    report = last.report
    return {
        "lines": len(source.lines),
        "findings": len(report.findings),
        "seconds": round(time.monotonic() - began_s, 2),
        "usage": asdict(report.usage),
        "sent_to": report.sent_to,
        "estimate_over_count": round(estimate(source.text) / counted, 3),
    }


async def measure(
    engine: RemoteEngine, streams: list[int], tokens: int, source: tuple[str, bytes], limit_s: int
) -> dict[str, Any]:
    try:
        return {
            "scored": [round(value, 4) for value in await engine.score(QUESTION, ["yes", "no"])],
            "speed": {str(count): await speed(engine, count, tokens) for count in streams},
            "schema": await documents(engine, 10),
            "audit": await audit(engine, *source, limit_s),
        }
    finally:
        await engine.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--model", default="")
    parser.add_argument("--key-file", type=Path)
    parser.add_argument("--context-tokens", type=int, default=8192)
    parser.add_argument("--streams", default="1,8")
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--file", type=Path, default=SAMPLE)
    parser.add_argument("--audit-seconds", type=int, default=600)
    parser.add_argument("--server", default="", help="What the server is, for the record.")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    counts = [int(count) for count in given.streams.split(",")]
    name, code = given.file.name.removesuffix(".txt"), given.file.read_bytes()
    began_s = time.monotonic()
    wanted = Wanted([given.url], given.model, given.key_file, given.context_tokens, "en")
    engine = connect(wanted, lambda host: print(f"{host} is loading"))
    result = {
        "command": f"python bench/remote.py URL --streams {given.streams} --tokens {given.tokens} --out FILE",
        "server": given.server,
        "info": {**asdict(engine.info), "sends_to": bool(engine.info.sends_to)},
        "probed_s": round(time.monotonic() - began_s, 2),
        **asyncio.run(measure(engine, counts, given.tokens, (name, code), given.audit_seconds)),
    }
    given.out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
