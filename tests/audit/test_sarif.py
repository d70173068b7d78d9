"""SARIF: valid by the format's own schema, whatever the report holds, and what code hosts read is there."""

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit8.audit.sarif import FINGERPRINT, to_sarif
from audit8.findings import FileCoverage, Finding, Report, Suppressed
from audit8.types import Lang, Severity, Skipped
from tests.audit.test_report import FINDING, SHOWN_ONLY, report

SCHEMA = Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.5.json"


@cache
def validator() -> Any:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


def run_of(made: Report) -> Any:
    log = json.loads(to_sarif(made))
    assert [error.message for error in validator().iter_errors(log)] == []
    assert log["version"] == "2.1.0"
    return log["runs"][0]


def test_the_schema_refuses_what_is_no_sarif() -> None:
    log = json.loads(to_sarif(report([FINDING])))
    log["runs"][0]["results"][0]["rank"] = 200
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    assert len(list(validator().iter_errors(log))) == 2


def test_a_finding_is_a_result_with_its_place_quote_and_fingerprint() -> None:
    finding = replace(FINDING, end_line=7, fingerprint="0123456789abcdef")
    run = run_of(report([finding]))
    [result] = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 5, "endLine": 5, "snippet": {"text": finding.quote}}
    assert place["contextRegion"] == {"startLine": 5, "endLine": 7}
    assert run["artifacts"][place["artifactLocation"]["index"]]["location"]["uri"] == "src/a.py"
    assert result["partialFingerprints"] == {FINGERPRINT: finding.fingerprint}
    assert (result["level"], result["rank"], result["suppressions"]) == ("error", 80.0, [])
    assert all(text in result["message"]["text"] for text in (finding.title, finding.why, finding.fix))
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert rule["id"] == result["ruleId"] == "shell-command"
    assert rule["properties"] == {"tags": ["security", "external/cwe/cwe-078"], "security-severity": "8.0"}


def test_a_rule_and_the_models_class_are_two_rules_and_each_stands_once() -> None:
    findings = [replace(FINDING, start_line=line, end_line=line) for line in (1, 3)]
    model = replace(FINDING, rule_id="", origin="model", cwe="CWE-89", start_line=9, end_line=9)
    rules = run_of(report([*findings, model]))["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["shell-command", "model/sql-injection"]


def test_what_does_not_count_is_for_review_and_weighs_nothing() -> None:
    run = run_of(report([SHOWN_ONLY]))
    assert (run["results"][0]["kind"], run["results"][0]["level"]) == ("review", "none")
    assert "security-severity" not in run["tool"]["driver"]["rules"][0]["properties"]


def test_suppressed_findings_are_results_that_say_by_what() -> None:
    made = replace(
        report([FINDING]),
        suppressed=(Suppressed(FINDING, "comment", "a reason"), Suppressed(FINDING, "baseline")),
    )
    said = [result["suppressions"] for result in run_of(made)["results"]]
    assert said == [
        [],
        [{"kind": "inSource", "status": "accepted", "justification": "a reason"}],
        [{"kind": "external", "status": "accepted"}],
    ]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_was_not_looked_at_is_a_notification(lang: Lang) -> None:
    made = replace(
        report([], lang), skipped=(Skipped("a b/中.png", "binary", "binary"),), left_out=("the judge of 3 claims",)
    )
    run = run_of(made)
    [invocation] = run["invocations"]
    notices = invocation["toolExecutionNotifications"]
    assert [notice["descriptor"]["id"] for notice in notices] == ["left-out", "warning", "skipped"]
    assert notices[0]["message"]["text"] == "the judge of 3 claims"
    place = notices[2]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place == "a%20b/%E4%B8%AD.png"
    assert invocation["endTimeUtc"] == "2024-01-01T00:00:00Z"
    assert run["tool"]["driver"]["language"] == {"en": "en-US", "zh": "zh-CN"}[lang]


def test_rules_are_described_in_the_language_of_the_report() -> None:
    rule = run_of(report([FINDING], "zh"))["tool"]["driver"]["rules"][0]
    for part in ("shortDescription", "fullDescription", "help"):
        assert re.search("[\u4e00-\u9fff]", rule[part]["text"])


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40), st.sampled_from(list(Severity)), st.floats(0, 1))
def test_hostile_text_makes_no_link_no_placeholder_and_no_invalid_file(
    text: str, severity: Severity, confidence: float
) -> None:
    hostile = replace(
        FINDING, title=text, why=text + "](http://x) {0}", fix=text, cwe=text, file=text, rule_id=text, quote=text,
        severity=severity, confidence=confidence,
    )  # fmt: skip
    made = replace(report([hostile], warnings=(text,)), created_at=text, model=text)
    made = replace(made, coverage=(FileCoverage(text, "python", "utf-8", 40),))
    run = run_of(made)
    said = run["results"][0]["message"]["text"]
    assert re.search(r"(?<!\\)\]\(", said) is None
    assert re.search(r"(?<!\{)\{\d+\}", said) is None
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"[\w.~%/-]+", uri, re.ASCII)


def test_five_thousand_findings_are_all_there() -> None:
    many: list[Finding] = [replace(FINDING, start_line=line, end_line=line) for line in range(1, 5001)]
    assert len(json.loads(to_sarif(report(many)))["runs"][0]["results"]) == 5000
