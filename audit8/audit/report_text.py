"""A report as Markdown, in Chinese or English.

Knows the order and the words of a report. All that came from the model or from the code passes through markdown.py.
"""

from collections import Counter
from collections.abc import Iterable

from audit8.audit.languages import TEXT
from audit8.audit.markdown import code_block, code_span, escape
from audit8.audit.texts import words
from audit8.findings import FileCoverage, Finding, Report
from audit8.types import Lang, LineRange, Severity

_MAX_FINDINGS = 100
_MAX_FILTERED = 10
_MAX_SKIPPED = 20
_MAX_RANGES = 12


def to_markdown(report: Report) -> str:
    """The whole report as Markdown; `report.result` is not read."""
    lang = report.lang
    counting = sorted_findings(finding for finding in report.findings if finding.counts)
    shown_only = sorted_findings(finding for finding in report.findings if not finding.counts)
    parts = [f"# {words('report_title', lang)}", _summary(report, counting)]
    if counting:
        parts += [f"## {words('findings', lang)}", *_section(counting, report)]
    if shown_only:
        parts += [
            f"## {words('demonstration', lang)}",
            words("demonstration_note", lang),
            *_section(shown_only, report),
        ]
    parts += [_coverage(report), _skipped(report), _about(report)]
    if report.warnings:
        parts += [f"## {words('warnings', lang)}", "\n".join(f"- {escape(warning)}" for warning in report.warnings)]
    return "\n\n".join(part for part in parts if part) + "\n"


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """By severity, then confidence (highest first), then place."""
    return sorted(findings, key=lambda one: (one.severity.rank, -one.confidence, one.file, one.start_line))


def _summary(report: Report, counting: list[Finding]) -> str:
    lang = report.lang
    level = words(report.risk_level.value, lang)
    risk = f"**{words('risk_level', lang)}{words('colon', lang)}{level}**"
    if not counting:
        return f"{risk}\n\n{words('none_found', lang)}"
    by_severity = Counter(finding.severity for finding in counting)
    counts = words("comma", lang).join(
        f"{by_severity[severity]} {words(severity.value, lang)}" for severity in Severity if by_severity[severity]
    )
    lines = sum(file.total_lines for file in report.coverage)
    return f"{risk}\n\n" + words(
        "counted", lang, count=len(counting), files=len(report.coverage), lines=lines, by_severity=counts
    )


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
    name = finding.file or words("pasted", lang)
    origin = words("by_rule" if finding.origin == "rule" else "by_model", lang)
    if finding.rule_id:
        origin += f" {code_span(finding.rule_id)}"
    facts = [
        f"{words('severity', lang)}{colon}{words(finding.severity.value, lang)}",
        escape(finding.cwe),
        f"{words('confidence', lang)}{colon}{finding.confidence:.0%}",
        f"{words('found_by', lang)}{colon}{origin}",
    ]
    parts = [
        f"### {number}. {escape(finding.title)}",
        f"{words('place', lang)}{colon}{code_span(f'{name}:{finding.start_line}')}  \n"
        + comma.join(fact for fact in facts if fact),
        code_block(finding.quote, "" if language == TEXT else language),
    ]
    if finding.why:
        parts.append(f"**{words('why', lang)}{colon.strip()}** {escape(finding.why)}")
    if finding.fix:
        parts.append(f"**{words('fix', lang)}{colon.strip()}** {escape(finding.fix)}")
    return "\n\n".join(parts)


def _coverage(report: Report) -> str:
    lang = report.lang
    lines = [
        f"- {code_span(file.file or words('pasted', lang))} ({escape(file.language)}, {escape(file.encoding)})"
        f"{words('colon', lang)}{_read(file, lang)}"
        for file in report.coverage
    ]
    text = [f"## {words('coverage', lang)}", "\n".join(lines), words("rules_read_all", lang)]
    if report.filtered:
        count = len(report.filtered)
        text.append(words("filtered", lang, count=count))
        pasted = words("pasted", lang)
        items = [
            f"- {code_span(f'{one.file or pasted}:{one.line}')} {escape(one.title, 120)}"
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


def _read(file: FileCoverage, lang: Lang) -> str:
    read = sum(one.end_line - one.start_line + 1 for one in file.read)
    if read >= file.total_lines:
        return words("read_whole", lang, total=file.total_lines)
    if not read:
        return words("read_nothing", lang, total=file.total_lines)
    return words(
        "read_part",
        lang,
        read=read,
        total=file.total_lines,
        ranges=_ranges(file.read),
        missing=_ranges(unread(file)),
    )


def unread(file: FileCoverage) -> tuple[LineRange, ...]:
    """The lines of a file that the model did not read whole."""
    gaps, next_line = [], 1
    for one in file.read:
        if one.start_line > next_line:
            gaps.append(LineRange(next_line, one.start_line - 1))
        next_line = one.end_line + 1
    if next_line <= file.total_lines:
        gaps.append(LineRange(next_line, file.total_lines))
    return tuple(gaps)


def _ranges(ranges: tuple[LineRange, ...]) -> str:
    shown = [
        str(one.start_line) if one.start_line == one.end_line else f"{one.start_line}-{one.end_line}"
        for one in ranges[:_MAX_RANGES]
    ]
    return ", ".join(shown) + (" …" if len(ranges) > _MAX_RANGES else "")


def _about(report: Report) -> str:
    lang, colon, times = report.lang, words("colon", report.lang), report.timings
    spent = words(
        "time_parts",
        lang,
        total=f"{times.total_s:.1f}",
        queued=f"{times.queued_s:.1f}",
        prefill=f"{times.prefill_s:.1f}",
        decode=f"{times.decode_s:.1f}",
        speed=f"{times.tokens_per_s:.1f}",
    )
    used = words("token_parts", lang, prompt=report.usage.prompt_tokens, completion=report.usage.completion_tokens)
    return "\n".join(
        (
            f"## {words('about', lang)}\n",
            f"- {words('model', lang)}{colon}{escape(report.model)}",
            f"- {words('device', lang)}{colon}{escape(report.device)}",
            f"- {words('time', lang)}{colon}{spent}",
            f"- {words('tokens', lang)}{colon}{used}",
        )
    )
