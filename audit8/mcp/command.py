"""`audit8 mcp` from its flags to its exit code: who audits, what may be read, and the server on standard input.

Knows flags. Does not import the SDK before it is needed, so that its absence can be said in words.
"""

import argparse
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit8.client import KEY_VARIABLE, Client, key_for_server
from audit8.engine.protocol import Engine
from audit8.errors import MissingDependency
from audit8.mcp.auditors import Auditor, ByModel, ByRules, ByServer
from audit8.mcp.roots import Roots
from audit8.settings import LOCAL_ENGINE, REMOTE_ENGINE, Settings

# The settings of a model that this process loads itself; with --server or --rules-only they would say nothing.
ENGINE_FIELDS = tuple(
    name
    for name in Settings.model_fields
    if name in LOCAL_ENGINE | REMOTE_ENGINE | {"engine", "context_tokens", "cache_dir"}
)
FIELDS = (*ENGINE_FIELDS, "lang", "log_level")

LoadEngine = Callable[[Settings], Engine]


@dataclass(frozen=True, slots=True)
class Wish:
    """The flags that are no settings."""

    roots: tuple[Path, ...] = ()
    server: str = ""
    api_key_file: Path | None = None
    rules_only: bool = False


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root",
        dest="roots",
        metavar="FOLDER",
        type=Path,
        action="append",
        default=[],
        help="A folder that audit_path may read; may be given several times. Default: none, and no audit_path.",
    )
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--server", metavar="URL", default="", help="A running server that audits: http://localhost:8000.")
    who.add_argument("--rules-only", action="store_true", help="Audit with the static rules alone, without a model.")
    parser.add_argument(
        "--api-key-file", metavar="FILE", type=Path, help=f"File with the server's key. Default: ${KEY_VARIABLE}."
    )


def take_wish(parser: argparse.ArgumentParser, given: dict[str, Any]) -> Wish:
    """The wish out of the parsed flags, which then hold settings only; flags that say nothing are refused."""
    wish = Wish(tuple(given.pop("roots")), given.pop("server"), given.pop("api_key_file"), given.pop("rules_only"))
    who = "--server" if wish.server else "--rules-only" if wish.rules_only else ""
    if who and (named := [name for name in ENGINE_FIELDS if name in given]):
        parser.error(f"--{named[0].replace('_', '-')} is for a model of this process, not for {who}")
    if wish.api_key_file and not wish.server:
        parser.error("--api-key-file is for --server only")
    return wish


def run(settings: Settings, wish: Wish, load_engine: LoadEngine | None = None) -> int:
    """Serve until standard input ends; the exit code. Raises Audit8Error in words. `load_engine`: in tests another."""
    roots = Roots(wish.roots)
    auditor = _auditor(settings, wish, load_engine or _load)
    try:
        from audit8.mcp.tools import make_server  # noqa: PLC0415 - the SDK is an extra
    except ModuleNotFoundError as error:
        raise MissingDependency(
            f"The package {error.name} is not installed; `audit8 mcp` needs it.",
            hint="python -m pip install -r requirements-mcp.txt",
        ) from None
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # what a library prints goes astray at once, not into the protocol
    sends = bool(wish.server) or settings.engine == "openai"
    make_server(auditor, roots, settings.lang, sends=sends).run("stdio")
    return 0


def _auditor(settings: Settings, wish: Wish, load_engine: LoadEngine) -> Auditor:
    if wish.rules_only:
        return ByRules()
    if not wish.server:
        return ByModel(lambda: load_engine(settings))
    return ByServer(Client(wish.server, key_for_server(wish.api_key_file)))


def _load(settings: Settings) -> Engine:
    from audit8.startup import load_engine  # noqa: PLC0415 - the rules alone need none of it

    return load_engine(settings, lambda _: None)
