"""The command line: flags made from the fields of Settings, and the commands. Knows words and exit codes, not work."""

import argparse
import logging
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from audit8 import __version__, catalogue
from audit8.api.app import create_app
from audit8.api.listen import open_sockets
from audit8.api.page import static_folder
from audit8.api.readiness import LoadEngine
from audit8.api.server import Server
from audit8.audit.sources import make_source
from audit8.compare.command import FIELDS as COMPARE_FIELDS
from audit8.compare.command import MAX_TOKENS, MIN_TOKENS, MINUTES, Wish, compare
from audit8.desktop import agrees, open_page
from audit8.doctor import command as doctor
from audit8.errors import Audit8Error, StartupError
from audit8.logs import prepare_log, prepare_streams
from audit8.mcp import command as mcp_command
from audit8.scan.command import FAILED, scan
from audit8.scan.flags import FIELDS as SCAN_FIELDS
from audit8.scan.flags import Wish as ScanWish
from audit8.scan.flags import add_flags as add_scan_flags
from audit8.scan.flags import take_wish
from audit8.settings import Settings

MAX_MINUTES = 24 * 60
READY_LINE = "Audit8 listens on {address} (stop it with Ctrl-C)"


def main(argv: Sequence[str] | None = None) -> int:
    """`audit8 serve [flags]`, `scan PATH... [flags]`, `compare [flags]`, `doctor`, `models`, `mcp`."""
    parser = argparse.ArgumentParser("audit8", description="A private code-security auditor on this machine.")
    parser.add_argument("--version", action="version", version=f"audit8 {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_flags(commands.add_parser("serve", help="start the server", allow_abbrev=False), tuple(Settings.model_fields))
    compares = commands.add_parser(
        "compare", help="measure the model beside its 16-bit original on this machine", allow_abbrev=False
    )
    _add_flags(compares, COMPARE_FIELDS)
    _add_compare_flags(compares)
    scans = commands.add_parser("scan", help="audit files, folders or a change", allow_abbrev=False)
    add_scan_flags(scans)
    _add_flags(scans, SCAN_FIELDS)
    doctors = commands.add_parser("doctor", help="check this machine, with a fix for each lack", allow_abbrev=False)
    _add_flags(doctors, doctor.FIELDS)
    doctor.add_flags(doctors)
    lists = commands.add_parser("models", help="which models fit this machine; fetch one", allow_abbrev=False)
    _add_flags(lists, catalogue.FIELDS)
    catalogue.add_flags(lists)
    serves_tools = commands.add_parser("mcp", help="serve the audit as tools for assistants", allow_abbrev=False)
    mcp_command.add_flags(serves_tools)
    _add_flags(serves_tools, mcp_command.FIELDS)
    given = vars(parser.parse_args(argv))
    command = given.pop("command")
    if command == "serve":
        return serve(_settings(parser, given))
    if command == "scan":
        scan_wish = take_wish(scans, given)
        return _scan(_settings(scans, given), scan_wish)
    if command == "doctor":
        asked = {name: given.pop(name) for name in ("as_json", "offline")}
        return _doctor(_settings(parser, given), **asked)
    if command == "models":
        wanted = {name: given.pop(name) for name in ("get", "as_json")}
        return _models(_settings(lists, given), **wanted)
    if command == "mcp":
        tools_wish = mcp_command.take_wish(serves_tools, given)
        return _serve_tools(_settings(serves_tools, given), tools_wish)
    if given.get("engine") == "openai":
        parser.error("compare measures a model of this machine: --engine openai has none here")
    sample = given.pop("sample")
    own = {name: given.pop(name) for name in ("tokens", "minutes", "as_json")}
    return _compare(_settings(parser, given), sample, **own)


def serve_main(argv: Sequence[str] | None = None) -> int:
    """`python simple_server_optimized.py [flags]`: the same as `audit8 serve [flags]`."""
    parser = argparse.ArgumentParser(description="Start the Audit8 server on this machine.", allow_abbrev=False)
    _add_flags(parser, tuple(Settings.model_fields))
    return serve(_settings(parser, vars(parser.parse_args(argv))))


def serve(settings: Settings, load_engine: LoadEngine | None = None) -> int:
    """Run the server until it is stopped; the exit code. `load_engine` None means the model that `settings` name."""
    _prepare_output(settings.log_level, settings.log_format)
    failures: list[Audit8Error] = []

    def stop(error: Audit8Error) -> None:
        failures.append(error)
        server.should_exit = True

    try:
        app = create_app(settings, load_engine or _loader(settings), stop)
        sockets = _open_sockets(settings)
    except StartupError as error:
        return _say(error)
    port = int(sockets[0].getsockname()[1])

    def listening() -> None:
        print(READY_LINE.format(address=f"http://{_shown(settings.host)}:{port}"), flush=True)
        if settings.open_page:
            open_page(settings.host, port)

    server = Server(app, app.state.lifecycle, listening)
    server.run(sockets)
    return _say(failures[0]) if failures else 0


def _open_sockets(settings: Settings) -> list[socket.socket]:
    """The sockets, on the next free port if the wanted one is taken and the user at the terminal agrees."""
    try:
        return open_sockets(settings.host, settings.port)
    except StartupError as error:
        free = int(error.details.get("free_port", 0))
        if not free or not agrees(error.message, free, settings.lang):
            raise
        return open_sockets(settings.host, free)


def _scan(settings: Settings, wish: ScanWish) -> int:
    _prepare_output("error" if wish.quiet else "warning")
    try:
        return scan(settings, wish)
    except Audit8Error as error:
        _say(error)
        return FAILED


def _serve_tools(settings: Settings, wish: mcp_command.Wish) -> int:
    _prepare_output(settings.log_level)
    try:
        return mcp_command.run(settings, wish)
    except Audit8Error as error:
        return _say(error)
    except KeyboardInterrupt:
        return 0


def _compare(settings: Settings, sample: Path | None, **wish: Any) -> int:
    """Compare the two sides of a model over `sample`, or a file of our own; `wish`: the other fields of Wish."""
    _prepare_output("warning")
    path = sample or static_folder() / "samples" / "invoices.py.txt"
    try:
        data = path.read_bytes()
    except OSError as error:
        return _say(StartupError(f"{path} cannot be read: {error.strerror}", hint="Give a file with --sample FILE."))
    try:
        source, _ = make_source(path.name.removesuffix(".txt"), data, lang=settings.lang)
        return compare(settings, Wish(source, **wish))
    except Audit8Error as error:
        return _say(error)


def _models(settings: Settings, **wanted: Any) -> int:
    _prepare_output("warning")
    try:
        return catalogue.run(settings, **wanted)
    except Audit8Error as error:
        return _say(error)
    except KeyboardInterrupt:
        return 130


def _doctor(settings: Settings, **asked: bool) -> int:
    _prepare_output("error")
    return doctor.run(settings, **asked)


def _loader(settings: Settings) -> LoadEngine:
    from audit8.startup import load_engine  # noqa: PLC0415 - serve can be given another engine, and tests do

    return lambda progress: load_engine(settings, progress)


# ---- flags ------------------------------------------------------------------------------------------------------


def _add_flags(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """One flag per named field; a flag that is not given leaves the field to the environment and the default."""
    for name in names:
        field = Settings.model_fields[name]
        flag = "--" + name.replace("_", "-")
        text = (field.description or "").replace("%", "%%") + _default_words(field)
        options: dict[str, Any] = {"dest": name, "help": text, "default": argparse.SUPPRESS}
        if field.annotation is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, **options)
        elif choices := [value for value in get_args(field.annotation) if isinstance(value, str)]:
            parser.add_argument(flag, choices=choices, **options)
        else:
            parser.add_argument(flag, metavar=name.rsplit("_", maxsplit=1)[-1].upper(), **options)


def _add_compare_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sample", metavar="FILE", type=Path, help="Code to audit. Default: a file of 61 lines.")
    parser.add_argument(
        "--tokens",
        type=_token_count,
        default=0,
        help="Length of the text that accuracy is measured over. Default: 512 on a CPU, 2048 on a GPU.",
    )
    parser.add_argument(
        "--minutes",
        type=_minutes,
        default=MINUTES,
        help="The longest that the audit of either side may take. Default: %(default)s.",
    )
    parser.add_argument("--json", dest="as_json", action="store_true", help="Print the figures as JSON.")


def _token_count(text: str) -> int:
    return _number(text, MIN_TOKENS, MAX_TOKENS)


def _minutes(text: str) -> int:
    return _number(text, 1, MAX_MINUTES)


def _number(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"must be a number between {least} and {most}")
    return int(text)


def _default_words(field: FieldInfo) -> str:
    if (
        field.default_factory
        or field.default is None
        or field.default in ((), False)
        or "efault" in str(field.description)
    ):
        return ""
    return f" Default: {field.default}."


def _settings(parser: argparse.ArgumentParser, given: dict[str, Any]) -> Settings:
    """The settings, or the parser's error: one line and exit code 2."""
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if not first["loc"]:  # two settings that do not go together
            parser.error(first["msg"].removeprefix("Value error, "))
        name = str(first["loc"][0])
        where = f"--{name.replace('_', '-')}" if name in given else f"the environment's AUDIT8_{name.upper()}"
        parser.error(f"{where}: {first['msg']}")


# ---- words ------------------------------------------------------------------------------------------------------


def _prepare_output(level: str, form: Literal["text", "json"] = "text") -> None:
    prepare_streams()
    prepare_log(level, form)
    for chatty in ("uvicorn", "httpx2"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _say(error: Audit8Error) -> int:
    """One clear line for an error that ends the program; exit code 1."""
    print(" ".join(part for part in (f"audit8: {error.message}", error.hint) if part), file=sys.stderr, flush=True)
    return 1


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
