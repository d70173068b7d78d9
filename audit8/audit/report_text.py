"""A report as Markdown, in Chinese or English.

Knows the order of a report and its marks; the sentences are report_facts.py's. All that came from the model or from the
code passes through markdown.py.
"""

from collections.abc import Sequence

from audit8.audit.languages import TEXT
from audit8.audit.markdown import code_block, code_span, escape
from audit8.audit.order import sorted_findings
from audit8.audit.report_facts import about, counted, facts_of, place_of, read_of
from audit8.audit.texts import words
from audit8.findings import Finding, Report, Suppressed
from audit8.types import Lang

_MAX_FINDINGS = 100
_MAX_FILTERED = 10
_MAX_SKIPPED = 20
_MAX_SUPPRESSED = 50


def to_markdown(report: Report) -> str:
    """The whole report as Markdown; `report.result` is not read."""
    lang = report.lang
    counting = sorted_findings(finding for finding in report.findings if finding.counts)
    shown_only = sorted_findings(finding for finding in report.findings if not finding.counts)
    level = words(report.risk_level.value, lang)
    parts = [
        f"# {words('report_title', lang)}",
        f"**{words('risk_level', lang)}{words('colon', lang)}{level}**\n\n{counted(report)}",
    ]
    if counting:
        parts += [f"## {words('findings', lang)}", *_section(counting, report)]
    if shown_only:
        parts += [
            f"## {words('demonstration', lang)}",
            words("demonstration_note", lang),
            *_section(shown_only, report),
        ]
    parts += [
        _suppressed(report.suppressed, lang),
        _list(words("left_out", lang), report.left_out),
        _coverage(report),
        _skipped(report),
        _about(report),
        _list(words("warnings", lang), report.warnings),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(findings: list[Finding], report: Report) -> list[str]:
    languages = {file.file: file.language for file in report.coverage}
    parts = [
        _finding(number, finding, report.lang, languages.get(finding.file, TEXT))
        for number, finding in enumerate(findings[:_MAX_FINDINGS], 1)
    ]
    hidden = len(findings) - _MAX_FINDINGS
    return [*parts, words("more_findings", report.lang, count=hidden)] if hidden > 0 else parts


def _finding(number: int, finding: Finding, lang: Lang, language: str) -> str:
    colon, comma = words("colon", lang), words("comma", lang)
    facts = [f"{label}{colon}{escape(value)}" if label else escape(value) for label, value in facts_of(finding, lang)]
    parts = [
        f"### {number}. {escape(finding.title)}",
        f"{words('place', lang)}{colon}{code_span(place_of(finding.file, finding.start_line, lang))}  \n"
        + comma.join(fact for fact in facts if fact),
        code_block(finding.quote, "" if language == TEXT else language),
    ]
    if finding.why:
        parts.append(f"**{words('why', lang)}{colon.strip()}** {escape(finding.why)}")
    if finding.fix:
        parts.append(f"**{words('fix', lang)}{colon.strip()}** {escape(finding.fix)}")
    return "\n\n".join(parts)


def _suppressed(suppressed: Sequence[Suppressed], lang: Lang) -> str:
    if not suppressed:
        return ""
    colon = words("colon", lang)
    items = []
    for one in suppressed[:_MAX_SUPPRESSED]:
        finding = one.finding
        by, reason = words(f"suppressed_by_{one.by}", lang), one.reason or words("no_reason", lang)
        items.append(
            f"- {code_span(place_of(finding.file, finding.start_line, lang))} {escape(finding.title, 120)} "
            f"({words(finding.severity.value, lang)}, {by}){colon}{escape(reason)}"
        )
    if (more := len(suppressed) - _MAX_SUPPRESSED) > 0:
        items.append(f"- {words('more_suppressed', lang, count=more)}")
    return f"## {words('suppressed', lang, count=len(suppressed))}\n\n" + "\n".join(items)


def _list(title: str, sentences: Sequence[str]) -> str:
    return f"## {title}\n\n" + "\n".join(f"- {escape(one)}" for one in sentences) if sentences else ""


def _coverage(report: Report) -> str:
    lang = report.lang
    lines = [
        f"- {code_span(file.file or words('pasted', lang))} ({escape(file.language)}, {escape(file.encoding)})"
        f"{words('colon', lang)}{read_of(file, report)}"
        for file in report.coverage
    ]
    text = [f"## {words('coverage', lang)}", "\n".join(lines), words("rules_read_all", lang) if lines else ""]
    if report.filtered:
        count = len(report.filtered)
        text.append(words("filtered", lang, count=count))
        items = [
            f"- {code_span(place_of(one.file, one.line, lang))} {escape(one.title, 120)}"
            f"{words('colon', lang)}{escape(one.reason)}"
            for one in report.filtered[:_MAX_FILTERED]
        ]
        if count > _MAX_FILTERED:
            items.append(f"- {words('more_filtered', lang, count=count - _MAX_FILTERED)}")
        text.append("\n".join(items))
    return "\n\n".join(part for part in text if part)


def _skipped(report: Report) -> str:
    count, lang = len(report.skipped), report.lang
    if not count:
        return ""
    colon = words("colon", lang)
    items = [f"- {code_span(one.file)}{colon}{escape(one.reason)}" for one in report.skipped[:_MAX_SKIPPED]]
    if count > _MAX_SKIPPED:
        items.append(f"- {words('more_skipped', lang, count=count - _MAX_SKIPPED)}")
    return "\n\n".join((words("skipped", lang, count=count), "\n".join(items)))


def _about(report: Report) -> str:
    lang = report.lang
    rows = (f"- {escape(label + words('colon', lang) + value)}" for label, value in about(report))
    return f"## {words('about', lang)}\n\n" + "\n".join(rows)
