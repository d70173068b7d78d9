"""The flags of `audit8 scan` beside the settings of the model, and which of them exclude each other.

docs/scan.md lists them; a test compares. Knows words, not work.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from audit8.audit.formats import FORMATS

# The settings that decide which model reads the code and how; those of the server itself have no meaning here.
FIELDS = (
    "model",
    "source",
    "quant",
    "engine",
    "head",
    "lang",
    "trust_remote_code",
    "cache_dir",
    "quantised_cache",
    "context_tokens",
    "cache_tokens",
)
FAIL_ON = ("critical", "high", "medium", "low", "never")
_NOT_OF_THE_MODEL = {"lang"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for. `diff` "": whole files, else the revision to compare with; `server` "": none."""

    paths: Sequence[str]
    diff: str = ""
    form: str = "text"
    output: Path | None = None
    fail_on: str = "high"
    baseline: Path | None = None
    write_baseline: Path | None = None
    server: str = ""
    api_key_file: Path | None = None
    rules_only: bool = False
    quiet: bool = False


def add_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="A file, a folder or a zip archive.")
    add("--diff", metavar="REV", default="", help="Judge only what has changed since this git revision.")
    add("--format", dest="form", choices=("text", *FORMATS), default="text", help="Default: %(default)s.")
    add("--output", metavar="FILE", type=Path, help="Where the report goes. Default: standard output.")
    add(
        "--fail-on",
        choices=FAIL_ON,
        default="high",
        help="The least severity that makes the exit code 1. Default: %(default)s.",
    )
    add("--baseline", metavar="FILE", type=Path, help="Findings that are accepted.")
    add("--write-baseline", metavar="FILE", type=Path, help="Accept what is found: write it there, and exit with 0.")
    add("--server", metavar="URL", default="", help="Let a running server read the code.")
    add("--api-key-file", metavar="FILE", type=Path, help="The server's API key. Default: AUDIT8_API_KEY, if set.")
    add("--rules-only", action="store_true", help="No model: the static rules alone.")
    add("--quiet", action="store_true", help="Nothing on standard error but errors.")


def take_wish(parser: argparse.ArgumentParser, given: dict[str, Any]) -> Wish:
    """The wish, its flags taken out of `given`, in which those of the model are left. Ends the program on nonsense."""
    wish = Wish(**{field.name: given.pop(field.name) for field in fields(Wish)})
    if wish.server and wish.rules_only:
        parser.error("--rules-only: a server has its model; leave --server out")
    if wish.api_key_file and not wish.server:
        parser.error("--api-key-file: there is no --server to send it to")
    if wish.write_baseline and wish.diff:
        parser.error("--write-baseline: with --diff only the changed lines would be accepted; leave --diff out")
    other = "--server" if wish.server else "--rules-only" if wish.rules_only else ""
    for name in given:
        if other and name not in _NOT_OF_THE_MODEL:
            parser.error(f"--{name.replace('_', '-')}: has no meaning with {other}")
    return wish
