"""How good the static rules are alone, on labelled cases.

python bench/rules.py FILE [FILE ...] [--language go] [--by language,family] [--list]

A file is JSON lines of cases, or TOML of pairs (pairs.py).
Prints per file, and per language and family over all files, what scoring.py defines. `--list` names the cases that
were missed or wrongly flagged by id and family, never their code.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from audit8.audit.rules import run_rules
from audit8.types import Source
from bench.pairs import pairs_in
from bench.scoring import Case, Claim, by, score, table

_KEYS = {
    "set": lambda case: case.set,
    "language": lambda case: case.language,
    "family": lambda case: case.family,
    "cell": lambda case: f"{case.language} {case.family}",
}


def read(paths: Sequence[Path]) -> dict[str, list[Case]]:
    """The cases of each file, by the file's name; a case that is in several files is one case of each."""
    return {_title(path): _cases(path) for path in paths}


def _title(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}" if path.suffix == ".toml" else path.stem


def _cases(path: Path) -> list[Case]:
    if path.suffix == ".toml":
        return pairs_in(path)
    return [Case.of(json.loads(line)) for line in path.read_text("utf-8").splitlines() if line.strip()]


def claims_of(case: Case) -> list[Claim]:
    found = run_rules(Source(case.id, case.code, case.language), "en")
    return [Claim(one.line, one.cwe) for one in found]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--language", default="", help="only these languages, with commas between")
    parser.add_argument("--by", default="cell", help=f"also by: {', '.join(_KEYS)}, with commas between")
    parser.add_argument("--list", action="store_true", help="the ids of missed and wrongly flagged cases")
    options = parser.parse_args(argv)
    wanted = set(filter(None, options.language.split(",")))
    files = {
        name: [case for case in cases if not wanted or case.language in wanted]
        for name, cases in read(options.files).items()
    }
    every = list({case.id: case for cases in files.values() for case in cases}.values())
    began = time.perf_counter()
    claims = {case.id: claims_of(case) for case in every}
    print(table("file", {**files, "all": every}, claims))
    for name in filter(None, options.by.split(",")):
        print("\n" + table(name, by(_KEYS[name], every), claims))
    if options.list:
        total = score(every, claims)
        families = {case.id: f"{case.language} {case.family}" for case in every}
        for word, ids in (("missed", total.missed), ("wrong", total.wrong)):
            print("".join(f"\n{word}: {one} {families[one]}" for one in ids))
    print(f"\n{len(every)} cases in {time.perf_counter() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
