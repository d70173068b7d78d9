"""From an HTTP request to a Job, in every form that front ends and curl users send code in.

Knows content types and field names. What bytes, languages and names mean is audit/'s matter. Existing front ends must
keep working, so an unknown field is accepted, and named in the job's warnings.
"""

import asyncio
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.requests import Request

from audit8.api.limits import check_depth
from audit8.api.schemas import CODE_FIELDS, MAX_FILES
from audit8.audit.archive import is_zip
from audit8.audit.collect import Collector
from audit8.audit.decode import decode
from audit8.audit.diff import looks_like_diff
from audit8.audit.hidden import one_line
from audit8.errors import BadRequest, EmptyCode, Undecodable
from audit8.settings import Settings
from audit8.types import Job, Lang

NAME_FIELDS = ("filename", "name")
ARCHIVE, DIFF = "zip", ("diff", "patch")  # what a part's language says of a part that is not source
_DIFF_LOOK = 20_000
_TYPES = {
    "application/zip": ARCHIVE,
    "application/x-zip-compressed": ARCHIVE,
    "text/x-diff": "diff",
    "text/x-patch": "diff",
}
_FORM_FIELDS = {*CODE_FIELDS, *NAME_FIELDS, "language", "lang"}
_QUERY = {"filename", "language", "lang", "format", "timeout_s"}  # format is export.py's
_FORM_BODY = re.compile(r"[!-~]*[%+][!-~]*")
WORDS: dict[str, dict[Lang, str]] = {
    "fields": {"en": "Unknown fields were ignored: {names}.", "zh": "已忽略未知字段：{names}。"},
    "lang": {
        "en": "Unknown report language '{given}'; zh and en are known.",
        "zh": "未知的报告语言“{given}”；可用 zh 和 en。",
    },
    "empty": {"en": "{name} is empty; there is nothing in it to audit.", "zh": "{name} 是空文件，没有可审计的内容。"},
}


@dataclass(frozen=True, slots=True)
class Part:
    """One file as it was sent."""

    name: str
    data: bytes | str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """What a request says, before anything is decoded. `lang` "" means that it does not say."""

    parts: tuple[Part, ...]
    lang: str = ""
    unknown: tuple[str, ...] = field(default=())


async def read_job(request: Request, settings: Settings) -> Job:
    """The job that a request asks for. Raises EmptyCode, Undecodable, TooLarge or BadRequest."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "multipart/form-data":
        submission = await _read_multipart(request, settings.max_body_bytes)
    else:
        submission = await asyncio.to_thread(read_body, await request.body(), content_type)
    submission = with_query(submission, request.query_params)
    return await asyncio.to_thread(make_job, submission, settings.lang)


def read_body(body: bytes, content_type: str) -> Submission:
    """JSON, what `curl -d` sends (a form type), or the raw source."""
    if content_type == "application/json" or content_type.endswith("+json"):
        return _from_json(load_object(body))
    if content_type == "application/x-www-form-urlencoded":
        return _from_form_type(body)
    return Submission((Part("", body, _TYPES.get(content_type, "")),))


def load_object(body: bytes) -> dict[str, object]:
    """A JSON object in any encoding that sources may have. Raises BadRequest, Undecodable, EmptyCode."""
    text = decode(body).text
    check_depth(text)
    try:
        value = json.loads(text, strict=False)  # strict would refuse a raw line end inside a string
    except (ValueError, RecursionError) as error:
        place = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadRequest(f"The body is not valid JSON{place}.", hint="Send plain source as text/plain.") from error
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.", hint='For example {"code": "..."}.')
    return value


def _from_form_type(body: bytes) -> Submission:
    """A JSON object if it is one; a real form if every field is one of ours; else source."""
    try:
        return _from_json(load_object(body))
    except BadRequest:
        pass
    text = body.decode("ascii", "replace")
    if _FORM_BODY.fullmatch(text):
        pairs = dict(parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="surrogateescape"))
        if pairs.keys() <= _FORM_FIELDS and any(name in pairs for name in CODE_FIELDS):
            return _from_json({name: value.encode(errors="surrogateescape") for name, value in pairs.items()})
    return Submission((Part("", body),))


def _from_json(given: Mapping[str, object]) -> Submission:
    known = {*CODE_FIELDS, *NAME_FIELDS, "language", "lang", "files"}
    unknown = [name for name in given if name not in known]
    files = [] if given.get("files") is None else given["files"]
    if not isinstance(files, list) or not all(isinstance(item, dict) for item in files):
        raise BadRequest('files must be a list of objects {"name", "code"}.', param="files")
    if len(files) > MAX_FILES:
        raise BadRequest(f"At most {MAX_FILES} files fit one job.", param="files", limit=MAX_FILES)
    language = _string(given, "language")
    parts = [_part(item, language) for item in files]
    for item in files:
        unknown += [f"files.{name}" for name in item if name not in {*CODE_FIELDS, *NAME_FIELDS, "language"}]
    if any(given.get(name) for name in CODE_FIELDS):
        parts.insert(0, _part(given, language))
    if not parts:
        raise _empty(given)
    return Submission(tuple(parts), _string(given, "lang"), tuple(unknown))


def _part(given: Mapping[str, object], language: str) -> Part:
    """The file that an object describes; of several code fields the first that is filled."""
    name = next((name for name in CODE_FIELDS if given.get(name)), "code")
    data = given.get(name) or ""
    if not isinstance(data, str | bytes):
        raise BadRequest(f"{name} must be a string.", param=name)
    filename = next((text for field_name in NAME_FIELDS if (text := _string(given, field_name))), "")
    return Part(filename, data, _string(given, "language") or language)


def _string(given: Mapping[str, object], name: str) -> str:
    value = given.get(name)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"{name} must be a string.", param=name)
    return value or ""


async def _read_multipart(request: Request, max_part_bytes: int) -> Submission:
    fields: dict[str, object] = {}
    uploads: list[Part] = []
    async with request.form(max_files=MAX_FILES, max_fields=MAX_FILES, max_part_size=max_part_bytes) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                uploads.append(Part(value.filename or "", await value.read()))
            else:
                fields[name] = value
    if not uploads:
        return _from_json(fields)
    language = _string(fields, "language")
    parts = [replace(part, language=language) for part in uploads]
    name = next((text for field_name in NAME_FIELDS if (text := _string(fields, field_name))), "")
    if name and len(parts) == 1:
        parts[0] = replace(parts[0], name=name)
    if any(fields.get(name) for name in CODE_FIELDS):
        parts.insert(0, replace(_part(fields, language), name=""))  # the name is the upload's
    unknown = tuple(name for name in fields if name not in _FORM_FIELDS)
    return Submission(tuple(parts), _string(fields, "lang"), unknown)


def with_query(submission: Submission, query: Mapping[str, str]) -> Submission:
    """Fill in what the body does not say from ?filename=, ?language= and ?lang=."""
    parts = submission.parts
    if len(parts) == 1 and not parts[0].name:
        parts = (replace(parts[0], name=query.get("filename", "")),)
    parts = tuple(part if part.language else replace(part, language=query.get("language", "")) for part in parts)
    unknown = (*submission.unknown, *(name for name in query if name not in _QUERY))
    return Submission(parts, submission.lang or query.get("lang", ""), unknown)


def make_job(submission: Submission, default_lang: Lang) -> Job:
    """Decode and name the sources. Raises EmptyCode if no file has any text, Undecodable."""
    warnings: list[str] = []
    lang = known_lang(submission.lang)
    if submission.lang and not lang:
        warnings.append(WORDS["lang"][default_lang].format(given=one_line(submission.lang, 20)))
    lang = lang or default_lang
    if submission.unknown:
        names = _listed(submission.unknown)
        warnings.append(WORDS["fields"][lang].format(names=names))
    many = len(submission.parts) > 1
    collector = Collector(lang, many=many)
    for number, part in enumerate(submission.parts, 1):
        _collect(collector, part, number, alone=not many)
    return collector.job(secrets.token_hex(8), tuple(warnings))


def _collect(collector: Collector, part: Part, number: int, *, alone: bool) -> None:
    """One part: an archive, a diff, or a file. Of several files an empty or binary one does not refuse the others."""
    label = one_line(part.name, 80) or f"#{number}"
    try:
        if isinstance(part.data, bytes) and _is_archive(part, part.data):
            collector.add_zip(part.data)
        elif _is_diff(part):
            collector.add_diff(part.data)
        else:
            collector.add(part.name, part.data, part.language or None)
    except EmptyCode:
        if alone:
            raise
        collector.warnings.append(WORDS["empty"][collector.lang].format(name=label))
    except Undecodable:
        if alone:
            raise
        collector.skip(label, "undecodable")


def _is_archive(part: Part, data: bytes) -> bool:
    return is_zip(data) and (part.language == ARCHIVE or not part.name or part.name.lower().endswith(".zip"))


def _is_diff(part: Part) -> bool:
    """A diff by type or name, or nameless text that begins as one."""
    named = part.language.lower() in DIFF or part.name.lower().endswith((".diff", ".patch"))
    if not named and (part.name or part.language):
        return False
    head = part.data[:_DIFF_LOOK]
    return looks_like_diff(head.decode("utf-8", "replace") if isinstance(head, bytes) else head, named=named)


def known_lang(value: str) -> Lang | None:
    """zh or en from what front ends send: "zh-CN", "EN", "en_US"; None for anything else."""
    primary = re.split("[-_]", value.strip().lower())[0]
    if primary == "zh":
        return "zh"
    return "en" if primary == "en" else None


def _listed(names: Sequence[str]) -> str:
    shown = [one_line(name, 40) for name in dict.fromkeys(names)]
    return ", ".join(shown[:10]) + (f", … ({len(shown)})" if len(shown) > 10 else "")


def _empty(given: Mapping[str, object]) -> EmptyCode:
    named = [name for name in given if name in CODE_FIELDS]
    what = f"{named[0]} is empty" if named else "the request has no code field"
    return EmptyCode(
        f"There is no code to audit: {what}.", hint=f"Send the code as one of: {', '.join(CODE_FIELDS)}.", param="code"
    )
