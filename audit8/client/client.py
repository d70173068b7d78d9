"""The exchanges of `Client` with a server: one request, and the answer as it comes.

What goes wrong is raised as one of errors.py's, with the server's own words. Proxies of the environment are not used
and no redirect is followed: code goes to the address that was given, or nowhere.
"""

import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import httpx2

from audit8.audit.report_text import to_markdown
from audit8.client.answers import engine_of, error_of, event_of, object_of
from audit8.client.body import body_of, pasted
from audit8.errors import Audit8Error, BadRequest
from audit8.events import Event, Failed, Reported
from audit8.files.job import job_of_paths
from audit8.findings import Report
from audit8.remote.address import read_key, read_server
from audit8.remote.refusals import one_line
from audit8.remote.sse import EventReader, EventTooLarge
from audit8.types import EngineInfo, Job, Lang

KEY_VARIABLE = "AUDIT8_API_KEY"
SILENCE_S = 60.0  # a server sends a beat every ten seconds
CONNECT_S = 10.0
MAX_EVENT_BYTES = 256 * 1024 * 1024  # a report on many files is one event
_MAX_BODY_BYTES = 64 * 1024
_GONE = (httpx2.HTTPError, httpx2.StreamError, OSError)


class Client:
    """`url` of the server, `api_key` if it asks for one. `silence_s`: how long it may send nothing at all.

    `address`: the same URL, taken apart. Raises BadRequest for an address or a key that cannot be one.
    """

    def __init__(self, url: str = "http://localhost:8000", api_key: str = "", *, silence_s: float = SILENCE_S) -> None:
        self.address = read_server(url)
        self.url = self.address.url
        if not api_key.isascii() or not api_key.isprintable():
            raise BadRequest("The API key holds characters that no key has.", hint=f"Check its file or {KEY_VARIABLE}.")
        headers = {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {api_key}"} if api_key else {})}
        try:
            self._http = httpx2.Client(
                base_url=self.url,
                headers=headers,
                timeout=httpx2.Timeout(silence_s, connect=CONNECT_S),
                trust_env=False,
                verify=httpx2.create_ssl_context(),  # certificates the environment does name
            )
        except httpx2.InvalidURL as error:
            raise BadRequest(f"{one_line(url)} is not an address.") from error

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
            last = deque(events, maxlen=1).pop()
        if isinstance(last, Failed):
            raise error_of(last.code, last.message, last.hint)
        assert isinstance(last, Reported)
        return last.report

    def events(
        self,
        code: str | bytes = "",
        *,
        paths: Sequence[str | Path] = (),
        filename: str = "",
        language: str = "",
        lang: Lang | None = None,
    ) -> Generator[Event]:
        """The same audit as its events, the last one Reported or Failed. Raises as `audit` does, but for Failed.

        Closing the generator, or an exception in it such as Ctrl-C's, closes the connection at once, by which the
        server knows that the audit is cancelled.
        """
        if bool(code) == bool(paths):
            raise BadRequest("Give either code or paths.")
        if paths:
            job = job_of_paths([Path(path) for path in paths], lang or "en")
            yield from self._run(*body_of(job), job, lang)
        else:
            yield from self._run(*pasted(code, filename, language), None, lang)

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
        raise self._lost()

    def health(self) -> dict[str, Any]:
        """What GET /health says: state, model, device, memory, jobs."""
        with self._sent("GET", "/health") as answer:
            value = object_of(_start_of(answer))
        if "state" not in value:
            raise self._other_kind()
        return value

    def engine(self) -> EngineInfo:
        """What the server says it runs. `sends_to` names the server too, if that is another machine."""
        info = engine_of(self.health())
        return replace(info, model=info.model or self.url, sends_to=self._way(info.sends_to))

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
        except _GONE as error:
            why = str(error) or type(error).__name__
            hint = "Is the server running there? Start one with audit8 serve."
            raise Audit8Error(f"{self.url} does not answer: {one_line(why)}.", hint=hint) from error

    def _refused(self, answer: httpx2.Response) -> Audit8Error:
        where = f"{self.url} answered {answer.status_code}"
        said = object_of(_start_of(answer)).get("error")
        if not isinstance(said, dict):
            return Audit8Error(f"{where}.", hint="Check the address.")
        code, message, hint = (str(said.get(name) or "") for name in ("code", "message", "hint"))
        retry = answer.headers.get("retry-after", "")
        wait_s = int(retry) if retry.isdecimal() else 10
        return error_of(code, f"{where}: {message or 'no reason was given'}", hint, retry_after_s=wait_s)

    def _events_of(self, answer: httpx2.Response) -> Iterator[Event]:
        if "event-stream" not in answer.headers.get("content-type", ""):
            raise self._other_kind()
        reader = EventReader(MAX_EVENT_BYTES)
        try:
            for portion in answer.iter_raw():
                for sent in reader.feed(portion):
                    event = event_of(sent.name, sent.data)
                    if event is not None:
                        yield event
        except _GONE as error:
            raise self._lost() from error
        except EventTooLarge as error:
            raise Audit8Error(f"{self.url} sent an event that is too large.", hint="Audit it in parts.") from error
        except BadRequest as error:
            why = f"{self.url} sent what is no report: {error.message}"
            raise Audit8Error(why, hint="Is it of another version?") from error

    def _completed(self, event: Event, job: Job | None) -> Event:
        """A report that also says what was left out on this side, how it was read here, and where the code went."""
        if not isinstance(event, Reported):
            return event
        report = replace(event.report, sent_to=self._way(event.report.sent_to))
        if job:
            warnings = tuple(dict.fromkeys((*job.warnings, *report.warnings)))
            report = replace(report, skipped=(*job.skipped, *report.skipped), warnings=warnings)
        return Reported(replace(report, result=to_markdown(report)))

    def _way(self, beyond: str) -> str:
        """The other machines that see the code: the server's, and `beyond` it the one that it asks itself."""
        here = "" if self.address.local else self.url
        return ", ".join(dict.fromkeys(filter(None, (here, beyond))))

    def _lost(self) -> Audit8Error:
        return Audit8Error(f"{self.url} broke off before the report was there.", hint="Its log may say why.")

    def _other_kind(self) -> Audit8Error:
        return Audit8Error(f"What answers at {self.url} is not Audit8.", hint="Check the address.")


def key_for_server(file: Path | None) -> str:
    """The API key in `file`, else that of the environment; "" where there is none. Raises StartupError."""
    return read_key(file, "--api-key-file") or os.environ.get(KEY_VARIABLE, "").strip()


def _start_of(answer: httpx2.Response) -> bytes:
    """An answer that is no stream; of one that is too long the beginning, which is then no JSON."""
    body = b""
    for portion in answer.iter_raw():
        body += portion
        if len(body) > _MAX_BODY_BYTES:
            break
    return body
