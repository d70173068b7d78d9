"""A report as SARIF 2.1.0, the format in which code hosts and editors take findings.

Knows the format and what its readers do with it: GitHub reads `security-severity` and CWE tags of rules, and shows
links that stand in a message, so none may. Rules are described in the report's language.
"""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from audit8 import __version__
from audit8.audit.classes import by_cwe
from audit8.audit.hidden import make_visible
from audit8.audit.order import SCORES
from audit8.audit.rules import RULES
from audit8.audit.texts import words
from audit8.findings import FileCoverage, Finding, Report, Suppressed
from audit8.types import Lang, Severity

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "audit8/v1"
BASE = "%SRCROOT%"
LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_NOTICES = {"skipped": "note", "left-out": "warning", "warning": "warning"}
_LANGUAGES: dict[Lang, str] = {"zh": "zh-CN", "en": "en-US"}
_CWE_NUMBER = re.compile(r"CWE-(\d+)")
_BRACKET = re.compile(r"[\[\]]")
_PLACEHOLDER = re.compile(r"\{(\d+)\}")

Node = dict[str, Any]


def to_sarif(report: Report) -> str:
    """One run with one result for each finding, the suppressed ones included and marked."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def rule_id_of(finding: Finding) -> str:
    """The static rule's id, or the class that the model claims, under a prefix of its own."""
    if finding.rule_id:
        return finding.rule_id
    known = by_cwe(finding.cwe)
    return f"model/{known.id if known else finding.cwe or 'other'}"


def _run(report: Report) -> Node:
    suppressed = [one.finding for one in report.suppressed]
    rules = _rules([*report.findings, *suppressed], report.lang)
    places = {rule["id"]: index for index, rule in enumerate(rules)}
    files = {file.file: index for index, file in enumerate(report.coverage)}
    results = [_result(one, report.lang, places, files) for one in report.findings]
    results += [
        _result(one.finding, report.lang, places, files) | {"suppressions": [_suppression(one)]}
        for one in report.suppressed
    ]
    return {
        "tool": {
            "driver": {
                "name": "Audit8",
                "version": __version__,
                "semanticVersion": __version__,
                "language": _LANGUAGES[report.lang],
                "rules": rules,
                "notifications": [{"id": name} for name in _NOTICES],
            }
        },
        "invocations": [_invocation(report)],
        "originalUriBaseIds": {BASE: {"description": _message("The folder that file names are relative to.")}},
        "artifacts": [_artifact(file, report.lang) for file in report.coverage],
        "results": results,
        "properties": _about(report),
    }


def _rules(findings: Iterable[Finding], lang: Lang) -> list[Node]:
    """What was found, each rule once, in the order of the first finding."""
    by_id: dict[str, list[Finding]] = {}
    for finding in findings:
        by_id.setdefault(rule_id_of(finding), []).append(finding)
    return [_rule(rule_id, found, lang) for rule_id, found in by_id.items()]


def _rule(rule_id: str, found: list[Finding], lang: Lang) -> Node:
    """A rule's own words where they are known; else those of its first finding."""
    first = found[0]
    rule = RULES.get(first.rule_id)
    known = by_cwe(first.cwe)
    title, why, fix = first.title, first.why, first.fix
    if rule is not None:
        title, why, fix = rule.title.of(lang), rule.why.of(lang), rule.fix.of(lang)
    elif not first.rule_id and known is not None:
        title, why, fix = known.title(lang), known.title(lang) if lang == "zh" else known.question, ""
    numbers = dict.fromkeys(match[1] for one in found if (match := _CWE_NUMBER.fullmatch(one.cwe)))
    properties: Node = {"tags": ["security", *(f"external/cwe/cwe-{int(number):03}" for number in numbers)]}
    if counting := [SCORES[one.severity] for one in found if one.counts]:
        properties["security-severity"] = str(max(counting))
    return {
        "id": rule_id,
        "name": "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", rule_id)),
        "shortDescription": _message(title),
        "fullDescription": _message(why or title),
        "help": _message(fix or why or title),
        "defaultConfiguration": {"level": LEVELS[min((one.severity for one in found), key=lambda one: one.rank)]},
        "properties": properties,
    }


def _result(finding: Finding, lang: Lang, places: dict[str, int], files: dict[str, int]) -> Node:
    rule_id = rule_id_of(finding)
    region = {"startLine": finding.start_line, "endLine": finding.start_line, "snippet": {"text": finding.quote}}
    physical: Node = {"artifactLocation": _location(finding.file, lang, files), "region": region}
    if finding.end_line > finding.start_line:
        physical["contextRegion"] = {"startLine": finding.start_line, "endLine": finding.end_line}
    parts = [f"{finding.title}{words('colon', lang)}{finding.why}" if finding.why else finding.title]
    if finding.fix:
        parts.append(f"{words('fix', lang)}{words('colon', lang)}{finding.fix}")
    return {
        "ruleId": rule_id,
        "ruleIndex": places[rule_id],
        # What does not count is for a person to look at; the format has no level for that.
        "kind": "fail" if finding.counts else "review",
        "level": LEVELS[finding.severity] if finding.counts else "none",
        "message": _message("\n".join(parts)),
        "locations": [{"physicalLocation": physical}],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "rank": round(100 * finding.confidence, 1),
        "suppressions": [],
        "properties": {
            "severity": finding.severity.value,
            "confidence": finding.confidence,
            "verdict": finding.verdict,
            "origin": finding.origin,
            "cwe": finding.cwe,
        },
    }


def _suppression(one: Suppressed) -> Node:
    node: Node = {"kind": "external" if one.by == "baseline" else "inSource", "status": "accepted"}
    return node | ({"justification": make_visible(one.reason)} if one.reason else {})


def _invocation(report: Report) -> Node:
    """The run succeeded; what it did not look at stands beside that, a notification each."""
    notices = [_notice("left-out", text) for text in report.left_out]
    notices += [_notice("warning", text) for text in report.warnings]
    for one in report.skipped:
        place = {"physicalLocation": {"artifactLocation": _location(one.file, report.lang, {})}}
        text = f"{one.file}{words('colon', report.lang)}{one.reason}"
        notices.append(_notice("skipped", text) | {"locations": [place], "properties": {"code": one.code}})
    node: Node = {"executionSuccessful": True, "toolExecutionNotifications": notices}
    return node | ({"endTimeUtc": ended} if (ended := _utc(report.created_at)) else {})


def _notice(name: str, text: str) -> Node:
    index = list(_NOTICES).index(name)
    return {"descriptor": {"id": name, "index": index}, "level": _NOTICES[name], "message": _message(text)}


def _artifact(file: FileCoverage, lang: Lang) -> Node:
    return {
        "location": _location(file.file, lang, {}),
        "roles": ["analysisTarget"],
        "sourceLanguage": file.language,
        "encoding": file.encoding,
        "properties": {
            "totalLines": file.total_lines,
            "readByModel": [[one.start_line, one.end_line] for one in file.read],
        },
    }


def _location(file: str, lang: Lang, files: dict[str, int]) -> Node:
    """A file's name as a relative reference: whatever is in it, no scheme, host or query."""
    node: Node = {
        "uri": quote(file or words("pasted", lang), safe="/", errors="replace").lstrip("/"),
        "uriBaseId": BASE,
    }
    return node | ({"index": files[file]} if file in files else {})


def _message(text: str) -> Node:
    """Plain text: what the format reads as a link or as a placeholder is written so that it is none."""
    plain = make_visible(text) or "-"
    if "](" in plain:
        plain = _BRACKET.sub(lambda match: "\\" + match.group(), plain)
    return {"text": _PLACEHOLDER.sub(r"{{\1}}", plain)}


def _about(report: Report) -> Node:
    return {
        "id": report.id,
        "riskLevel": report.risk_level.value,
        "model": report.model,
        "device": report.device,
        "quantisation": report.quantisation,
        "arithmetic": report.arithmetic,
        "budgetSeconds": report.budget_s,
        "totalSeconds": report.timings.total_s,
        "sentTo": report.sent_to,
    }


def _utc(text: str) -> str:
    """`text`, a time in ISO 8601, as the format wants it, or "" if it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return f"{at:%Y-%m-%dT%H:%M:%S}Z" if at.utcoffset() is not None and not at.utcoffset() else ""
