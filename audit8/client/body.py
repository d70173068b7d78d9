"""A job as the body of one request to POST /audit.

Few files go as JSON, many as a zip archive, which is five times smaller. A change goes as a diff in which every line of
its files stands, so that the server reads the code around it too. Texts go as they were decoded here, in UTF-8; what
that cannot say is replaced.
"""

import io
import json
import zipfile

from audit8.types import Job, LineRange, Source

MAX_JSON_BYTES = 256 * 1024
MAX_JSON_FILES = 500
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same job makes the same bytes


def body_of(job: Job) -> tuple[bytes, str]:
    """The body and its content type."""
    if any(source.focus for source in job.sources):
        diff = "".join(map(diff_of, job.sources))
        return _json({"files": [{"name": "change.diff", "code": diff, "language": "diff"}]}), "application/json"
    if len(job.sources) <= MAX_JSON_FILES and sum(len(one.text) for one in job.sources) <= MAX_JSON_BYTES:
        files = [{"name": one.name, "code": one.text, "language": one.language} for one in job.sources]
        return _json({"files": files}), "application/json"
    return _zip(job.sources), "application/zip"


def pasted(code: str | bytes, filename: str, language: str) -> tuple[bytes, str]:
    """The body and its content type for code that is no file here; bytes go as they are if nothing is said of them."""
    if isinstance(code, bytes) and not filename and not language:
        return code, "text/plain"
    text = code.decode(errors="replace") if isinstance(code, bytes) else code
    return _json({"code": text, "filename": filename, "language": language}), "application/json"


def diff_of(source: Source) -> str:
    """A source with a focus as a diff: its changed lines as added ones, all that is given as their context."""
    lines = source.lines
    changed = {line for one in source.focus for line in range(one.start_line, one.end_line + 1)}
    parts = [f"--- {_quoted('a/' + source.name)}\n+++ {_quoted('b/' + source.name)}\n"]
    for given in source.given or (LineRange(1, len(lines)),):
        numbers = range(given.start_line, min(given.end_line, len(lines)) + 1)
        added = sum(number in changed for number in numbers)
        parts.append(f"@@ -{given.start_line},{len(numbers) - added} +{given.start_line},{len(numbers)} @@\n")
        parts += [f"{'+' if number in changed else ' '}{lines[number - 1]}\n" for number in numbers]
    return "".join(parts)


def _quoted(path: str) -> str:
    """A path as git writes it where it holds what a line of a diff may not."""
    if not any(char in '"\\' or ord(char) < 32 for char in path):
        return path
    escaped = "".join(
        f"\\{char}" if char in '"\\' else f"\\{ord(char):03o}" if ord(char) < 32 else char for char in path
    )
    return f'"{escaped}"'


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


def _zip(sources: tuple[Source, ...]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in sources:
            entry = zipfile.ZipInfo(source.name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, source.text.encode(errors="replace"))
    return packed.getvalue()
