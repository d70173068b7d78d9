"""A model may say anything: what is a claim is kept, what is not is dropped, nothing raises."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit8.audit.parse import MAX_CANDIDATES, parse_candidates
from audit8.types import Severity

CLAIM = {"line": 3, "class": "sql-injection", "why": "name reaches the query", "fix": "bind it"}
JSON = json.dumps([CLAIM, {**CLAIM, "line": 9}])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["line", "class", "why", "fix", "x"]), inner, max_size=5)
    ),
    max_leaves=25,
)


@pytest.mark.parametrize(
    "text",
    [
        JSON,
        f"```json\n{JSON}\n```",
        f"Here is what I found:\n\n{JSON}\n\nI hope this helps {{}} [].",
        json.dumps({"findings": json.loads(JSON)}),
        json.dumps({"result": {"vulnerabilities": json.loads(JSON)}}),
        "\n".join(json.dumps(one) for one in json.loads(JSON)),
        JSON.replace('"}', '",}'),
        JSON[:-1] + ', {"line": 12, "class": "xss", "why": "cut of',
        '{"findings": ' + JSON[:-1] + ', {"line": 1',
    ],
)
def test_claims_survive_their_wrapping(text: str) -> None:
    claims = parse_candidates(text)
    assert [claim.line for claim in claims] == [3, 9]
    assert {(claim.title, claim.cwe, claim.severity) for claim in claims} == {
        ("SQL injection", "CWE-89", Severity.HIGH)
    }
    assert claims[0].why == "name reaches the query"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (7, (7, 7)),
        ("7", (7, 7)),
        ("L7-9", (7, 9)),
        ([7, 9], (7, 9)),
        (7.0, (7, 7)),
        (True, (0, 0)),
        (-7, (0, 0)),
        (1e400, (0, 0)),
        (10**30, (0, 0)),
        (None, (0, 0)),
        ({}, (0, 0)),
        ("x", (0, 0)),
        ([9, 7], (9, 9)),
    ],
)
def test_line_numbers_as_models_write_them(line: object, expected: tuple[int, int]) -> None:
    claims = parse_candidates(json.dumps({**CLAIM, "line": line}))
    assert (claims[0].line, claims[0].end_line) == expected


def test_titles_are_in_the_reports_language() -> None:
    assert parse_candidates(JSON, "zh")[0].title == "SQL 注入"


def test_an_unknown_class_keeps_its_name() -> None:
    claim = parse_candidates('{"line": 1, "class": "Bad \\u202e luck\\n", "severity": "low"}')[0]
    assert (claim.title, claim.cwe, claim.severity) == ("Bad \\u202e luck", "", Severity.LOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "No issues found.",
        "[{}]",
        '{"class": "none", "line": 1}',
        '{"line": 3}',
        "{" * 10,
        "null",
        '{"class": ""}',
    ],
)
def test_no_claim_is_no_claim(text: str) -> None:
    assert parse_candidates(text) == []


def test_lengths_and_counts_are_capped() -> None:
    many = json.dumps(
        [{"line": number, "class": "x" * 9000, "why": "y" * 9000, "fix": "z" * 9000} for number in range(1, 200)]
    )
    claims = parse_candidates(many)
    assert len(claims) <= MAX_CANDIDATES
    assert all(len(claim.title) <= 120 and len(claim.why) <= 600 and len(claim.fix) <= 600 for claim in claims)


def test_repetition_is_one_claim() -> None:
    assert len(parse_candidates(JSON * 20)) == 2


@given(VALUES)
def test_any_json_is_read_without_an_error(value: object) -> None:
    for claim in parse_candidates(json.dumps(value)):
        assert claim.title
        assert 0 <= claim.line <= claim.end_line


@given(st.text(st.sampled_from('{}[]":,\\ntrueclass0123456789eE+-. \u0000\ud800'), max_size=300))
def test_any_soup_is_read_without_an_error(text: str) -> None:
    assert all(claim.title for claim in parse_candidates(text))


@given(st.integers(0, len(JSON)))
@settings(max_examples=40)
def test_a_cut_anywhere_keeps_the_complete_claims(end: int) -> None:
    assert len(parse_candidates(JSON[:end])) == JSON[:end].count('"}')


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 40_000,
        '{"line": ' + "9" * 100_000 + "}",
        '{"class": "' + "x" * 199_000,
        '{"line":1,"class":' * 10_000,
        "{" * 200_000,
        '{"a":[' * 30_000,
    ],
)
def test_answers_made_to_exhaust_the_parser_end_soon(text: str) -> None:
    began = time.monotonic()
    parse_candidates(text)
    assert time.monotonic() - began < 5
