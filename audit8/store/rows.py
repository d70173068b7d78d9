"""From a job and how it ended to a row of the history, and back. Pure; knows the list's columns, nothing of SQLite."""

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from audit8.audit.classes import by_cwe
from audit8.audit.hidden import one_line
from audit8.audit.languages import LANGUAGES
from audit8.events import Failed
from audit8.findings import Finding, Report, RiskLevel
from audit8.types import Job, Lang, Source

TITLE_CHARS = 120
NAMES_SHOWN = 3
PASTED: dict[Lang, str] = {"en": "pasted code", "zh": "粘贴的代码"}


@dataclass(frozen=True, slots=True)
class Item:
    """One audit as the list shows it. `risk_level` is None and `error` a sentence where it failed.

    `counts`: the findings that count, by severity; severities without any are left out.
    """

    id: str
    created_at: str
    title: str
    risk_level: RiskLevel | None
    counts: dict[str, int]
    files: int
    lines: int
    language: str
    lang: Lang
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An item with what it is found by and its contents: JSON, compressed."""

    item: Item
    search: str
    report: bytes
    sources: bytes


def row_of(job: Job, end: Report | Failed, created_at: str) -> Row:
    """`created_at` is used where there is no report that has its own."""
    report = end if isinstance(end, Report) else None
    findings = report.findings if report else ()
    item = Item(
        id=job.id,
        created_at=report.created_at if report else created_at,
        title=title_of(job.sources, job.lang),
        risk_level=report.risk_level if report else None,
        counts=dict(Counter(finding.severity.value for finding in findings if finding.counts)),
        files=len(job.sources),
        lines=sum(len(source.lines) for source in job.sources),
        language=_main_language(job.sources),
        lang=job.lang,
        error=end.message if isinstance(end, Failed) else None,
    )
    sources = [{"name": one.name, "text": one.text, "language": one.language} for one in job.sources]
    return Row(
        item, _search_text(item.title, job.sources, findings), pack(asdict(report) if report else None), pack(sources)
    )


def title_of(sources: Sequence[Source], lang: Lang) -> str:
    """The files' names; of pasted code the first line that says something."""
    names = [source.name for source in sources if source.name]
    if not names:
        lines = (line for source in sources for line in source.lines)
        said = next((line for line in lines if any(character.isalnum() for character in line)), "")
        return one_line(said, TITLE_CHARS) or PASTED[lang]
    more = f" (+{len(sources) - NAMES_SHOWN})" if len(sources) > NAMES_SHOWN else ""
    return one_line(", ".join(names[:NAMES_SHOWN]), TITLE_CHARS - len(more)) + more


def patterns(query: str) -> list[str]:
    """A pattern for SQL's LIKE with the escape character `\\` for each word of `query`: all have to match."""
    words = storable(query).casefold().split()
    return ["%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%" for word in words]


def pack(value: object) -> bytes:
    return zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))


def unpack(data: bytes) -> Any:
    return json.loads(zlib.decompress(data))


def storable(text: str) -> str:
    """`text` without halves of surrogate pairs, which neither UTF-8 nor SQLite can hold."""
    return text.encode(errors="replace").decode()


def _main_language(sources: Iterable[Source]) -> str:
    """The language that most of the text is in."""
    sizes: Counter[str] = Counter()
    for source in sources:
        sizes[source.language] += len(source.text)
    return sizes.most_common(1)[0][0] if sizes else ""


def _search_text(title: str, sources: Iterable[Source], findings: Iterable[Finding]) -> str:
    parts = [title]
    for source in sources:
        known = LANGUAGES.get(source.language)
        parts += [source.name, source.language, known.name if known else ""]
    for finding in findings:
        parts += [finding.title, finding.cwe]
        if kind := by_cwe(finding.cwe):
            parts += [kind.id, kind.en, kind.zh]
    return storable("\n".join(dict.fromkeys(part for part in parts if part)).casefold())
