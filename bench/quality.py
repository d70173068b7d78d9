"""Detection quality of the whole audit on labelled code, and what each of its stages adds.

python bench/quality.py FILE.jsonl [FILE.jsonl ...] --model FOLDER --answers STORE.jsonl [--out RESULT.json]

The model's answers are kept in STORE.jsonl by the hash of model and prompt: what was asked once costs nothing again.
No explanations are written. Figures are scoring.py's; each stage is a run of the whole pipeline with others switched
off. `--evidence FILE` writes what was said about each candidate.
"""

import argparse
import asyncio
import json
import platform
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from audit8.audit.parse import parse_candidates
from audit8.audit.questions import show
from audit8.findings import Finding
from audit8.pipeline import Run, Stages
from audit8.types import Chunk, Finish, Job, Sampling, Source
from bench.answers import StoredEngine, engine_from
from bench.rules import read
from bench.scoring import NEAR_LINES, Case, Claim, by, family_of, is_flagged, score, table

MODEL_ONLY = Stages(rules=False, texts=False)
STAGES: dict[str, Stages | None] = {
    "rules": Stages(listing=False, sweep=False, judge=False, texts=False),
    "generic_prompt": None,
    "model_list": Stages(rules=False, sweep=False, judge=False, texts=False),
    "model_list_judged": Stages(rules=False, sweep=False, texts=False),
    "judge_off": Stages(judge=False, texts=False),
    "all": Stages(texts=False),
}
GENERIC = """\
Find the security vulnerabilities in this code. Answer with a JSON array of objects with the fields "line" and "cwe", \
as in [{"line": 1, "cwe": "CWE-601"}]. If there is none, answer: []"""
GENERIC_TOKENS = 200


@dataclass(slots=True)
class Outcome:
    """What one stage said about the cases."""

    claims: dict[str, list[Claim]] = field(default_factory=dict)
    findings: int = 0
    verbatim: int = 0
    seconds: float = 0.0
    evidence: list[dict[str, Any]] = field(default_factory=list)


@asynccontextmanager
async def at_once() -> AsyncGenerator[None]:
    yield


async def audit(case: Case, engine: StoredEngine, stages: Stages, outcome: Outcome) -> None:
    source = Source("", case.code, case.language)
    run = Run(Job(case.id, (source,), "en"), engine, at_once, stages)
    async for _ in run.events():
        pass
    found = run.record.findings
    outcome.claims[case.id] = [Claim(one.start_line, one.cwe) for one in found]
    outcome.findings += len(found)
    outcome.verbatim += sum(_is_verbatim(one, source) for one in found)
    for one in run.record.judged:
        claim = Claim(one.finding.start_line, one.finding.cwe)
        if family_of(claim.cwe) == case.family:  # of other families nothing is known
            true = case.vulnerable and is_flagged(case, [claim])
            known = {"id": case.id, "set": case.set, "cwe": claim.cwe, "true": true}
            outcome.evidence.append({**known, **asdict(one.evidence)})


async def ask_generically(case: Case, engine: StoredEngine, outcome: Outcome) -> None:
    """One prompt as people write it, without a list of classes, judge or rules."""
    chunk = Chunk(Source("", case.code, case.language), 1, max(1, case.code.count("\n")))
    text = ""
    async for item in engine.stream(show(chunk, 4096).ask(GENERIC), Sampling(GENERIC_TOKENS)):
        text += "" if isinstance(item, Finish) else item.text
    outcome.claims[case.id] = [Claim(one.line, one.cwe) for one in parse_candidates(text)]


async def measure(cases: Sequence[Case], engine: StoredEngine, names: Sequence[str]) -> dict[str, Outcome]:
    outcomes = {name: Outcome() for name in names}
    for number, case in enumerate(cases, 1):
        for name, outcome in outcomes.items():
            stages, before_s = STAGES[name], engine.seconds
            if stages is None:
                await ask_generically(case, engine, outcome)
            else:
                await audit(case, engine, stages, outcome)
            outcome.seconds += engine.seconds - before_s
        print(f"\r{number} of {len(cases)} cases", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    await engine.aclose()
    return outcomes


def figures_of(cases: Sequence[Case], claims: dict[str, list[Claim]]) -> dict[str, Any]:
    """The figures of one stage, by name, with their 95 % intervals."""
    total = score(cases, claims)
    placed = [case for case in cases if case.vulnerable and case.lines]
    same = [case for case in placed if any(family_of(one.cwe) == case.family for one in claims[case.id])]
    shares = {
        "pairs_right": total.pairs_right,
        "same_family_fpr": total.false_rate,
        "precision": total.precision,
        "recall": total.recall,
    }
    return {
        **{name: round(share.value, 4) if share.whole else None for name, share in shares.items()},
        "f1": round(total.f1, 4),
        "pairs": total.pairs,
        "pairs_both_vulnerable": total.both_flagged,
        "pairs_both_safe": total.neither,
        "pairs_reversed": total.reversed,
        "line_hit": round(sum(is_flagged(case, claims[case.id]) for case in same) / len(same), 4) if same else None,
        "intervals": {name: [round(edge, 4) for edge in share.interval] for name, share in shares.items()},
    }


def result(cases: Sequence[Case], engine: StoredEngine, outcomes: dict[str, Outcome], command: str) -> dict[str, Any]:
    whole = outcomes["all"]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "model": engine.info.model,
        "arithmetic": engine.info.arithmetic,
        "device": engine.info.device,
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "commit": commit.stdout.strip(),
        "command": command,
        "cases": len(cases),
        "note": f"A hit is a finding of the labelled family within {NEAR_LINES} lines. No 7B model was measured.",
        **figures_of(cases, whole.claims),
        "quotes_verbatim": whole.verbatim / whole.findings if whole.findings else 1.0,
        "valid_json": engine.valid / engine.documents if engine.documents else 1.0,
        "seconds_per_file": round(whole.seconds / len(cases), 2),
        "stages": {name: figures_of(cases, outcome.claims) for name, outcome in outcomes.items()},
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--answers", type=Path, required=True, help="where answers are kept between runs")
    parser.add_argument("--stages", default=",".join(STAGES), help="default: %(default)s")
    parser.add_argument("--pairs-only", action="store_true")
    parser.add_argument("--context-tokens", type=int, default=8192)
    parser.add_argument("--name", default="", help="what the model is called, if the answers know another name")
    parser.add_argument("--evidence", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(argv)
    found = {case.id: case for cases in read(options.files).values() for case in cases}
    cases = [case for case in found.values() if case.pair or not options.pairs_only]
    engine = engine_from(options.model, options.answers, options.context_tokens, options.name)
    outcomes = asyncio.run(measure(cases, engine, options.stages.split(",")))
    for name, outcome in outcomes.items():
        print(f"\n{name}\n" + table("set", {**by(lambda case: case.set, cases), "all": cases}, outcome.claims))
    for key in ("language", "family"):
        groups = by(lambda case, key=key: getattr(case, key), cases)  # type: ignore[misc]
        print(f"\n{table(key, groups, outcomes[list(outcomes)[-1]].claims)}")
    if options.evidence:
        lines = [json.dumps({**one, "stage": name}) for name, each in outcomes.items() for one in each.evidence]
        options.evidence.write_text("\n".join(lines) + "\n", "utf-8")
    if options.out:
        shown = (
            "python bench/quality.py "
            + " ".join(path.name for path in options.files)
            + f" --model {options.model.name}"
        )
        options.out.write_text(json.dumps(result(cases, engine, outcomes, shown), indent=1) + "\n", "utf-8")
    return 0


def _is_verbatim(finding: Finding, source: Source) -> bool:
    return finding.quote == source.lines[finding.start_line - 1]


if __name__ == "__main__":
    sys.exit(main())
