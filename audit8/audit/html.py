"""A report as one HTML file that stands alone: no script, nothing from outside, every finding beside its code line.

Knows the order and the elements; the sentences are report_facts.py's. All that came from the model or from the code is
escaped by the three functions that make `Markup`, and what is not `Markup` is escaped when it is put into an element.
"""

from collections.abc import Iterable, Sequence
from html import escape

from audit8.audit.hidden import make_visible
from audit8.audit.html_style import CSS, POLICY
from audit8.audit.order import sorted_findings
from audit8.audit.report_facts import about, counted, facts_of, place_of, read_of
from audit8.audit.texts import words
from audit8.findings import Finding, Report, Suppressed
from audit8.types import Lang

_MAX_CODE_CHARS = 2000
_LANGUAGES: dict[Lang, str] = {"zh": "zh-CN", "en": "en"}


class Markup(str):
    """Text that is HTML already; only `_tag`, `_text` and `_join` make it."""

    __slots__ = ()


def to_html(report: Report) -> str:
    """The whole report as a document; `report.result` is not read."""
    lang = report.lang
    counting = sorted_findings(one for one in report.findings if one.counts)
    shown_only = sorted_findings(one for one in report.findings if not one.counts)
    parts = [_head(report)]
    if counting:
        parts += [_tag("h2", words("findings", lang)), *_cards(counting, lang)]
    if shown_only:
        note = _tag("p", words("demonstration_note", lang), "dim")
        parts += [_tag("h2", words("demonstration", lang)), note, *_cards(shown_only, lang)]
    parts += [
        _suppressed(report.suppressed, lang),
        _list("left_out", report.left_out, lang),
        _list("warnings", report.warnings, lang),
        _coverage(report),
        _folded(
            words("filtered_title", lang, count=len(report.filtered)),
            [f"{place_of(one.file, one.line, lang)} {one.title}: {one.reason}" for one in report.filtered],
        ),
        _folded(
            words("skipped_title", lang, count=len(report.skipped)),
            [f"{one.file}: {one.reason}" for one in report.skipped],
        ),
        _about(report),
    ]
    return _document(report, parts)


def _document(report: Report, parts: Iterable[Markup]) -> str:
    title = _escaped(f"{words('report_title', report.lang)} {report.id}")
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="{_LANGUAGES[report.lang]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _head(report: Report) -> Markup:
    lang, level = report.lang, report.risk_level.value
    risk = _join(
        _text(words("risk_level", lang) + words("colon", lang)), _tag("span", words(level, lang), f"tag {level}")
    )
    return _join(
        _tag("h1", words("report_title", lang)),
        _tag("p", risk, "risk"),
        _tag("p", counted(report)),
    )


def _cards(findings: Sequence[Finding], lang: Lang) -> list[Markup]:
    return [_card(number, finding, lang) for number, finding in enumerate(findings, 1)]


def _card(number: int, finding: Finding, lang: Lang) -> Markup:
    """The code on one side, what is said of it on the other."""
    severity = finding.severity.value
    line = _join(_tag("span", str(finding.start_line), "number"), _text(_cut(finding.quote)))
    place = place_of(finding.file, finding.start_line, lang)
    code = _tag("figure", _join(_tag("figcaption", _tag("code", place)), _tag("pre", _tag("code", line))))
    colon = words("colon", lang)
    facts = words("comma", lang).join(
        f"{label}{colon}{value}" if label else value for label, value in facts_of(finding, lang)[1:] if value
    )
    said = [
        _tag("h3", _join(_text(f"{number}. {finding.title} "), _tag("span", words(severity, lang), f"tag {severity}"))),
        _tag("p", facts, "facts"),
    ]
    if finding.why:
        said.append(_tag("p", finding.why))
    if finding.fix:
        said.append(_tag("p", _join(_tag("strong", words("fix", lang) + colon), _text(finding.fix))))
    return _tag("article", _join(code, _tag("div", _join(*said), "text")))


def _suppressed(suppressed: Sequence[Suppressed], lang: Lang) -> Markup:
    if not suppressed:
        return _text("")
    colon, items = words("colon", lang), []
    for one in suppressed:
        finding = one.finding
        by, reason = words(f"suppressed_by_{one.by}", lang), one.reason or words("no_reason", lang)
        severity = words(finding.severity.value, lang)
        said = f" {finding.title} ({severity}, {by}){colon}{reason}"
        place = _tag("code", place_of(finding.file, finding.start_line, lang))
        items.append(_tag("li", _join(place, _text(said))))
    return _join(_tag("h2", words("suppressed", lang, count=len(suppressed))), _tag("ul", _join(*items)))


def _list(title: str, sentences: Sequence[str], lang: Lang) -> Markup:
    if not sentences:
        return _text("")
    return _join(_tag("h2", words(title, lang)), _tag("ul", _join(*(_tag("li", one) for one in sentences))))


def _folded(title: str, lines: Sequence[str]) -> Markup:
    if not lines:
        return _text("")
    items = _join(*(_tag("li", line) for line in lines))
    return _tag("details", _join(_tag("summary", title), _tag("ul", items)))


def _coverage(report: Report) -> Markup:
    lang = report.lang
    rows = [
        _row(file.file or words("pasted", lang), f"{file.language}, {file.encoding}", read_of(file, report))
        for file in report.coverage
    ]
    note = _tag("p", words("rules_read_all", lang), "dim") if rows else _text("")
    return _join(_tag("h2", words("coverage", lang)), _tag("table", _join(*rows)), note)


def _about(report: Report) -> Markup:
    lang = report.lang
    rows = [_row(label, value) for label, value in about(report)]
    if report.created_at:
        rows.append(_row(words("made_at", lang), report.created_at))
    return _join(_tag("h2", words("about", lang)), _tag("table", _join(*rows)))


def _row(head: str, *cells: str) -> Markup:
    return _tag("tr", _join(_tag("th", head), *(_tag("td", cell) for cell in cells)))


# ---- the only place where elements are made ----------------------------------------------------------------------


def _tag(name: str, inside: str, css: str = "") -> Markup:
    """An element; what is inside is escaped unless it was made here. `name` and `css` are ours, never from a report."""
    attribute = f' class="{escape(css)}"' if css else ""
    return Markup(f"<{name}{attribute}>{_escaped(inside)}</{name}>")


def _text(text: str) -> Markup:
    return Markup(_escaped(text))


def _join(*parts: str) -> Markup:
    return Markup("".join(map(_escaped, parts)))


def _escaped(text: str) -> str:
    return text if isinstance(text, Markup) else escape(make_visible(text))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CODE_CHARS else text[:_MAX_CODE_CHARS] + " …"
