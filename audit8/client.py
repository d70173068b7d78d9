"""A small client of a running server: code or paths in, a typed report out.

    from audit8 import Client

    with Client("http://localhost:8000") as client:
        report = client.audit(paths=["src"])

Blocking, and light to import: no torch. What goes wrong is raised as one of errors.py's, with the server's own words.
Proxies of the environment are not used and no redirect is followed: code goes to the address that was given.
"""

import io
import json
import zipfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Self

import httpx2
from pydantic import TypeAdapter, ValidationError

from audit8 import errors
from audit8.errors import Audit8Error, BadRequest, Unavailable
from audit8.events import Accepted, Event, Failed, Found, Progress, Reported, Token, Withdrawn
from audit8.files.job import job_of_paths
from audit8.findings import Report
from audit8.remote.address import is_loopback
from audit8.remote.refusals import one_line
from audit8.remote.sse import EventReader, EventTooLarge
from audit8.types import Job, Lang

SILENCE_S = 60.0  # a server sends a beat every ten seconds
CONNECT_S = 10.0
JSON_BYTES, JSON_FILES = 256 * 1024, 500  # more goes as an archive
_NO_KIND = "What answers at {url} is not Audit8."


class Client:
    """`url` of the server, `api_key` if it asks for one. `silence_s`: how long it may send nothing at all."""

    def __init__(self, url: str = "http://localhost:8000", api_key: str = "", *, silence_s: float = SILENCE_S) -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        timeout = httpx2.Timeout(silence_s, connect=CONNECT_S)
        try:
            self._http = httpx2.Client(base_url=self.url, headers=headers, timeout=timeout, trust_env=False)
            self._local = is_loopback(httpx2.URL(self.url).host)
        except (httpx2.InvalidURL, UnicodeEncodeError) as error:
            raise BadRequest(f"{one_line(url)} is no address, or the key is no key.") from error

    def audit(
        self,
        code: str | bytes = "",
        *,
        paths: Sequence[str | Path] = (),
        filename: str = "",
        language: str = "",
        lang: Lang | None = None,
    ) -> Report:
        """The report on `code`, or on the files and folders `paths`. `lang`: of the report, default the server's.

        Raises BadRequest, EmptyCode, TooLarge, QueueFull, NotReady and the other errors of the server, and
        Audit8Error where no server answers.
        """
        with closing(self.events(code, paths=paths, filename=filename, language=language, lang=lang)) as events:
            for event in events:
                if isinstance(event, Failed):
                    raise error_of(event.code, event.message, event.hint)
                if isinstance(event, Reported):
                    return event.report
        raise Audit8Error(f"{self.url} broke off before the report was there.", hint="Its log may say why.")

    def events(
        self,
        code: str | bytes = "",
        *,
        paths: Sequence[str | Path] = (),
        filename: str = "",
        language: str = "",
        lang: Lang | None = None,
    ) -> Generator[Event]:
        """The same audit as its events, the last one Reported or Failed. Closing the generator cancels the audit."""
        if bool(code) == bool(paths):
            raise BadRequest("Give either code or paths.")
        if paths:
            job = job_of_paths([Path(path) for path in paths], lang or "en")
            yield from self._run(*body_of(job), job, lang)
        else:
            yield from self._run(*_pasted(code, filename, language), None, lang)

    def run(self, job: Job) -> Generator[Event]:
        """The events of a job that has been gathered already, as those of `events`."""
        return self._run(*body_of(job), job, job.lang)

    def _run(self, body: bytes, kind: str, job: Job | None, lang: Lang | None) -> Generator[Event]:
        headers = {"Content-Type": kind, "Accept": "text/event-stream"}
        asked = {"lang": lang} if lang else {}
        with self._sent("POST", "/audit", content=body, headers=headers, params=asked) as answer:
            for event in self._events_of(answer):
                yield self._completed(event, job)
                if isinstance(event, Reported | Failed):
                    return

    def health(self) -> dict[str, Any]:
        """What GET /health says: state, model, device, memory, jobs."""
        with self._sent("GET", "/health") as answer:
            value = _object(answer.read())
        if "state" not in value:
            raise Audit8Error(_NO_KIND.format(url=self.url), hint="Check the address.")
        return value

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- one exchange -------------------------------------------------------------------------------------------

    @contextmanager
    def _sent(self, method: str, path: str, **request: Any) -> Iterator[httpx2.Response]:
        """An answer whose status is 200; every failure is one of our errors."""
        try:
            with self._http.stream(method, path, **request) as answer:
                if answer.status_code != httpx2.codes.OK:
                    raise self._refused(answer)
                yield answer
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            why = str(error) or type(error).__name__
            hint = "Is the server running there? Start one with audit8 serve."
            raise Audit8Error(f"{self.url} does not answer: {one_line(why)}.", hint=hint) from error

    def _refused(self, answer: httpx2.Response) -> Audit8Error:
        said = _object(answer.read()).get("error")
        if not isinstance(said, dict):
            return Audit8Error(f"{self.url} answered {answer.status_code}.", hint="Check the address.")
        retry = answer.headers.get("retry-after", "")
        wait_s = int(retry) if retry.isdecimal() else 10
        return error_of(*(str(said.get(name) or "") for name in ("code", "message", "hint")), retry_after_s=wait_s)

    def _events_of(self, answer: httpx2.Response) -> Iterator[Event]:
        if "event-stream" not in answer.headers.get("content-type", ""):
            raise Audit8Error(_NO_KIND.format(url=self.url), hint="Check the address.")
        reader = EventReader()
        try:
            for portion in answer.iter_raw():
                for sent in reader.feed(portion):
                    event = _event(sent.name, sent.data)
                    if event is not None:
                        yield event
        except (ValidationError, EventTooLarge) as error:
            raise Audit8Error(f"{self.url} sent what is no report.", hint="Is it of another version?") from error

    def _completed(self, event: Event, job: Job | None) -> Event:
        """A report that also says what was left out on this side, and where the code went."""
        if not isinstance(event, Reported):
            return event
        report = event.report
        if not self._local and not report.sent_to:
            report = replace(report, sent_to=self.url)
        if job:
            warnings = (*job.warnings, *report.warnings)
            report = replace(report, skipped=(*job.skipped, *report.skipped), warnings=warnings)
        return Reported(report)


def body_of(job: Job) -> tuple[bytes, str]:
    """A job's sources as one body, and its type: JSON for few, an archive for many."""
    if len(job.sources) <= JSON_FILES and sum(len(one.text) for one in job.sources) <= JSON_BYTES:
        files = [{"name": one.name, "code": one.text, "language": one.language} for one in job.sources]
        return json.dumps({"files": files}, ensure_ascii=False).encode(errors="replace"), "application/json"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in job.sources:
            archive.writestr(source.name, source.text.encode(errors="replace"))
    return packed.getvalue(), "application/zip"


def error_of(code: str, message: str, hint: str, *, retry_after_s: int = 10) -> Audit8Error:
    """The exception of a code; Audit8Error itself for a code that this version does not know."""
    kind = _kinds().get(code, Audit8Error)
    message, hint = one_line(message) or "no reason was given", one_line(hint)
    if issubclass(kind, Unavailable):
        return kind(message, hint=hint, retry_after_s=retry_after_s)
    return kind(message, hint=hint)


@cache
def _kinds() -> dict[str, type[Audit8Error]]:
    """Every exception of errors.py by its code; where two share one, the more general."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Audit8Error)]
    return {kind.code: kind for kind in sorted(kinds, key=lambda kind: -len(kind.__mro__))}


def _pasted(code: str | bytes, filename: str, language: str) -> tuple[bytes, str]:
    if isinstance(code, bytes) and not filename and not language:
        return code, "text/plain"
    text = code.decode(errors="replace") if isinstance(code, bytes) else code
    sent = {"code": text, "filename": filename, "language": language}
    return json.dumps(sent, ensure_ascii=False).encode(errors="replace"), "application/json"


def _event(name: str, data: str) -> Event | None:
    """None for an event of a newer server, which this version can do without."""
    adapter = _adapters().get(name)
    if adapter is None:
        return None
    if name == "finding":
        data = f'{{"finding":{data}}}'
    elif name == "report":
        data = f'{{"report":{data}}}'
    event: Event = adapter.validate_json(data)
    return event


@cache
def _adapters() -> dict[str, TypeAdapter[Any]]:
    kinds: dict[str, type[Event]] = {
        "accepted": Accepted,
        "progress": Progress,
        "token": Token,
        "finding": Found,
        "withdrawn": Withdrawn,
        "report": Reported,
        "error": Failed,
    }
    return {name: TypeAdapter(kind) for name, kind in kinds.items()}


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
