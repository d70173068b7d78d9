"""`audit8 scan` from its settings to its exit code: a job from paths, its events, what is accepted, the report.

Knows files, signals and exit codes. 0: nothing at or above --fail-on; 1: something; 2: it could not be done; 130:
broken off by Ctrl-C, and the report says what was known by then.
"""

import asyncio
import secrets
import sys
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from audit8.audit.baseline import Entry, read_baseline, write_baseline
from audit8.audit.suppress import apply, read_comments, renew
from audit8.client import Client, error_of, key_for_server
from audit8.engine.protocol import Engine
from audit8.errors import Audit8Error, BadRequest
from audit8.events import Event, Failed
from audit8.files.job import job_of_change, job_of_paths
from audit8.findings import Report
from audit8.pipeline.rules_only import NO_MODEL
from audit8.scan.flags import Wish
from audit8.scan.gathered import Gathered
from audit8.scan.local import run_rules_only, run_with
from audit8.scan.output import check_place, put, put_file, terminated_as_interrupted, undisturbed
from audit8.scan.progress import Display
from audit8.scan.words import say
from audit8.settings import Settings
from audit8.types import Job, LoadProgress, Severity

CLEAN, FOUND, FAILED, INTERRUPTED = 0, 1, 2, 130
_MAX_BASELINE_BYTES = 64 * 1024 * 1024

LoadEngine = Callable[[Settings, Callable[[LoadProgress], None]], Engine]


def scan(settings: Settings, wish: Wish, load_engine: LoadEngine | None = None) -> int:
    """Scan and write the report; the exit code. `load_engine` None: the model that `settings` name.

    Raises Audit8Error where there is no report to write: a path, a baseline, a model or a server is at fault.
    """
    display = Display(sys.stderr, settings.lang, quiet=wish.quiet)
    try:
        with terminated_as_interrupted():
            return _Scan(settings, wish, display, load_engine).run()
    except KeyboardInterrupt:  # before there was anything to report, or after
        return INTERRUPTED
    finally:
        display.clear()


@dataclass(slots=True)
class _Ended:
    """A scan's report; `code` where something else than the findings decides it."""

    report: Report
    code: int | None = None


class _Scan:
    """One run of the command."""

    def __init__(self, settings: Settings, wish: Wish, display: Display, load_engine: LoadEngine | None) -> None:
        self._settings = settings
        self._wish = wish
        self._display = display
        self._load = load_engine or _load_engine
        self._lang = settings.lang
        self._job = Job(secrets.token_hex(8), (), settings.lang)
        self._gathered = Gathered(self._job, NO_MODEL)

    def run(self) -> int:
        wish = self._wish
        check_place(wish.output)
        check_place(wish.write_baseline)
        baseline = _read_baseline(wish.baseline) if wish.baseline else ()
        client = Client(wish.server, key_for_server(wish.api_key_file)) if wish.server else None
        with client or nullcontext() as server:
            ended = self._audit(server)
        with undisturbed():
            self._display.clear()
            unseen = self._unseen(baseline, ended)
            report = apply(ended.report, baseline, read_comments(self._job.sources, self._lang), unseen=unseen)
            put(report, wish, self._lang)
            if ended.code is None and wish.write_baseline:
                self._write_baseline(wish.write_baseline, report, baseline, unseen)
                return CLEAN
        return _code(report, wish.fail_on) if ended.code is None else ended.code

    def _audit(self, server: Client | None) -> _Ended:
        """The report, whole or as far as it got. Raises Audit8Error if it did not even begin."""
        try:
            self._job = self._read_job()
            self._gathered = Gathered(self._job, NO_MODEL)
            if not self._job.sources:
                self._note(say("nothing", self._lang))
                asyncio.run(run_rules_only(self._job, self._take))
            elif server is not None:
                self._ask(server)
            elif self._wish.rules_only:
                asyncio.run(run_rules_only(self._job, self._take))
            else:
                engine = self._load(self._settings, self._display.loading)
                self._gathered.info = engine.info
                asyncio.run(run_with(engine, self._job, self._take, self._gathered.see))
        except KeyboardInterrupt:
            return _Ended(self._gathered.broken_off(say("interrupted", self._lang)), INTERRUPTED)
        except Audit8Error as error:
            if not self._gathered.begun:
                raise
            why = " ".join(filter(None, (error.message, error.hint)))
            self._note(why)
            return _Ended(self._gathered.broken_off(say("failed", self._lang, why=why)), FAILED)
        return _Ended(self._gathered.broken_off(""))

    def _ask(self, server: Client) -> None:
        if server.address.exposed:
            self._note(say("unencrypted", self._lang, address=server.url))
        self._gathered.info = server.engine()
        with closing(server.run(self._job)) as events:  # closed by Ctrl-C too: the server then cancels the job
            for event in events:
                if isinstance(event, Failed):
                    raise error_of(event.code, event.message, event.hint)
                self._take(event)

    def _take(self, event: Event) -> None:
        self._gathered.take(event)
        self._display.take(event)

    def _read_job(self) -> Job:
        paths, here = [Path(path) for path in self._wish.paths], Path.cwd()
        if self._wish.diff:
            folder = paths[0] if paths[0].is_dir() else paths[0].parent
            job = job_of_change(folder, self._lang, base=self._wish.diff, only=paths, may_be_empty=True)
        else:
            job = job_of_paths(paths, self._lang, base=here, may_be_empty=True)
        if not job.sources:
            return replace(job, warnings=(*job.warnings, say("nothing", self._lang)))
        given = "budget" in self._settings.model_fields_set  # a scan reads everything unless it is told not to
        return replace(job, budget_s=self._settings.budget if given else 0.0)

    def _unseen(self, baseline: tuple[Entry, ...], ended: _Ended) -> set[str]:
        """Files of which not every line was judged, and those that are there but were not part of the scan."""
        sources = self._job.sources
        named = {entry.file for entry in baseline}
        if ended.code is not None or ended.report.left_out:
            return named | {source.name for source in sources}
        elsewhere = named - {source.name for source in sources}
        return {source.name for source in sources if source.focus} | {name for name in elsewhere if _is_there(name)}

    def _write_baseline(self, path: Path, report: Report, baseline: tuple[Entry, ...], unseen: set[str]) -> None:
        today = datetime.now(UTC).date().isoformat()
        entries = renew(report, baseline, reason=say("accepted", self._lang), added=today, unseen=unseen)
        put_file(path, write_baseline(entries).encode("utf-8", "replace"))
        self._note(say("baseline_written", self._lang, path=str(path), count=len(entries)))

    def _note(self, text: str) -> None:
        if not self._wish.quiet:
            self._display.clear()
            print(f"audit8: {text}", file=sys.stderr, flush=True)


def _load_engine(settings: Settings, progress: Callable[[LoadProgress], None]) -> Engine:
    from audit8.startup import load_engine  # noqa: PLC0415 - the rules alone need none of it

    return load_engine(settings, progress)


def _code(report: Report, fail_on: str) -> int:
    if fail_on == "never":
        return CLEAN
    worst = Severity(fail_on).rank
    return FOUND if any(one.counts and one.severity.rank <= worst for one in report.findings) else CLEAN


def _read_baseline(path: Path) -> tuple[Entry, ...]:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BASELINE_BYTES + 1)
        if len(data) > _MAX_BASELINE_BYTES:
            raise BadRequest(f"The baseline {path} is larger than {_MAX_BASELINE_BYTES} bytes.")
        return read_baseline(data.decode("utf-8-sig"))
    except OSError as error:
        why = error.strerror or type(error).__name__
        hint = "Write one with audit8 scan PATH --write-baseline FILE."
        raise BadRequest(f"The baseline {path} cannot be read: {why}.", hint=hint) from error
    except UnicodeError as error:
        raise BadRequest(f"The baseline {path} is not UTF-8 text.") from error


def _is_there(name: str) -> bool:
    """Whether a file that a baseline names lies below this folder; a name that leads elsewhere is not looked at."""
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts and Path.cwd().joinpath(path).is_file()
