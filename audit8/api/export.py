"""The forms of a report over HTTP: which one a request asks for, its answer, and POST /api/export for a report at hand,
which is for the server's own page (access.py refuses others).

Knows media types and headers; how a report is written is audit/formats.py's.
"""

import asyncio
import re
from typing import cast

from fastapi import APIRouter, Request
from starlette.responses import Response

from audit8.api.schemas import EXPORT_BODY, EXPORT_RESPONSES, FORMAT_PARAMETER
from audit8.audit.formats import FORMATS, FORMS, Format, render
from audit8.audit.hidden import one_line
from audit8.audit.html_style import POLICY
from audit8.audit.report_json import read_report
from audit8.errors import BadRequest
from audit8.findings import Report

_QUALITY = re.compile(r"q=([01](?:\.\d{0,3})?)")
_FORM_OF_TYPE = {media: form for form in FORMATS for media in FORMS[form].accepts}
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


def make_router() -> APIRouter:
    router = APIRouter()

    @router.post(
        "/api/export",
        response_model=Report,
        responses=EXPORT_RESPONSES,
        openapi_extra={"requestBody": EXPORT_BODY, "parameters": [FORMAT_PARAMETER]},
    )
    async def export(request: Request) -> Response:
        """A report, as POST /audit answered it, in another form. Nothing is kept."""
        form = asked_form(request)
        report = await asyncio.to_thread(read_report, await request.body())
        return await answer_in(form, report)

    return router


def asked_form(request: Request) -> Format:
    """By `?format=`, else by the Accept header, else JSON. Raises BadRequest for a format that there is not."""
    asked = request.query_params.get("format")
    if asked is None:
        return _accepted(request.headers.get("accept", ""))
    if asked.lower() not in FORMATS:
        raise BadRequest(
            f"Unknown format '{one_line(asked, 20)}'.", hint=f"It is one of {', '.join(FORMATS)}.", param="format"
        )
    return cast(Format, asked.lower())


async def answer_in(form: Format, report: Report) -> Response:
    """The report as a body with its media type, and a name for whoever saves it."""
    text = await asyncio.to_thread(render, report, form)
    what = FORMS[form]
    name = f"audit8-{_UNSAFE.sub('', report.id)[:40] or 'report'}.{what.extension}"
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    if form == "html":
        headers["Content-Security-Policy"] = f"{POLICY}; frame-ancestors 'none'"  # it has its own style sheet
    return Response(text, media_type=what.accepts[0], headers=headers)


def _accepted(header: str) -> Format:
    """The form whose media type has the highest quality, the first of equals; JSON for `*/*` and what is not known."""
    best: tuple[float, Format] = (0.0, "json")
    for part in header.lower().split(","):
        media, _, rest = part.partition(";")
        form = _FORM_OF_TYPE.get(media.strip())
        quality = float(found[1]) if (found := _QUALITY.search(rest)) else 1.0
        if form and quality > best[0]:
            best = (quality, form)
    return best[1]
