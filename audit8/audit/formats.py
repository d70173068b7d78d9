"""The forms a report can take, in one table: what HTTP, the history and the command line all use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from audit8.audit.html import to_html
from audit8.audit.report_json import to_json
from audit8.audit.report_text import to_markdown
from audit8.audit.sarif import to_sarif
from audit8.findings import Report

Format = Literal["json", "markdown", "sarif", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True, slots=True)
class Form:
    """`accepts`: the media types that ask for it; the first is what it is sent as."""

    write: Callable[[Report], str]
    accepts: tuple[str, ...]
    extension: str


FORMS: dict[Format, Form] = {
    "json": Form(lambda report: to_json(report) + "\n", ("application/json",), "json"),
    "markdown": Form(to_markdown, ("text/markdown",), "md"),
    "sarif": Form(to_sarif, ("application/sarif+json",), "sarif"),
    "html": Form(to_html, ("text/html",), "html"),
}


def render(report: Report, form: Format) -> str:
    """`report` as a text that UTF-8 can hold: half a surrogate pair in what a model wrote becomes a question mark."""
    return FORMS[form].write(report).encode("utf-8", "replace").decode("utf-8")
