"""Every rule fires on its failing examples and on none of its passing ones; comments and strings set none off."""

import tomllib
from pathlib import Path
from typing import NamedTuple, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit8.audit.classes import CLASSES, by_cwe
from audit8.audit.flow import LANGUAGES as LANGUAGES_OF_FLOW
from audit8.audit.flow import rules_of
from audit8.audit.ground import ground
from audit8.audit.languages import LANGUAGES
from audit8.audit.lexer import LEXERS
from audit8.audit.rules import RULES, run_rules
from audit8.audit.rules.run import CHECKERS
from audit8.findings import Candidate
from audit8.types import Lang, Source

FOLDER = Path(__file__).parent / "rule_examples"
# Languages that share their finders: an example in one of them is one for all.
SAME = {"typescript": "javascript", "html": "javascript", "kotlin": "java", "scala": "java", "cpp": "c"}
COMMENTS = {
    "#": ("python", "ruby", "bash", "yaml"),
    "//": ("javascript", "typescript", "java", "go", "c", "cpp", "csharp", "rust", "solidity", "kotlin", "php"),
}


class Example(NamedTuple):
    rule: str
    language: str
    bad: str
    good: list[str]


def examples() -> list[Example]:
    files = (tomllib.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.toml")))
    return [Example(**one) for file in files for one in file["examples"]]


ALL = examples()


def fired(text: str, language: str) -> list[Candidate]:
    return run_rules(Source("a", text, language), "en")


@pytest.mark.parametrize("example", ALL, ids=lambda example: f"{example.rule}-{example.language}")
def test_the_failing_example_fires_and_the_passing_ones_do_not(example: Example) -> None:
    rule = RULES[example.rule]
    assert rule.id in {claim.rule_id for claim in fired(example.bad, example.language)}
    for good in example.good:
        same = [claim for claim in fired(good, example.language) if by_cwe(claim.cwe) is CLASSES[rule.class_id]]
        assert same == [], good


def test_every_rule_has_examples_for_every_language_it_speaks() -> None:
    shown = {(one.rule, SAME.get(one.language, one.language)) for one in ALL if one.good}
    for rule in RULES.values():
        languages = {language for finder in rule.finders for language in finder.languages} | set(rule.checked)
        languages |= {"python"} if rule.python else set()
        languages |= {language for language in LANGUAGES_OF_FLOW if rule.id in rules_of(language)}
        for language in languages or {"text"}:
            assert (rule.id, SAME.get(language, language)) in shown, (rule.id, language)


def test_rules_are_whole() -> None:
    for rule in RULES.values():
        found = by_cwe(rule.cwe)
        assert found is CLASSES[rule.class_id]
        assert 0 < rule.confidence < 1
        for lang in get_args(Lang):
            assert all(part.of(lang) for part in (rule.title, rule.why, rule.fix))
        assert not any(part.en == part.zh for part in (rule.title, rule.why, rule.fix))
        for finder in rule.finders:
            assert set(finder.languages) <= set(LANGUAGES)
        assert set(rule.checked) <= set(CHECKERS)


@pytest.mark.parametrize(
    ("mark", "language"), [(mark, language) for mark, languages in COMMENTS.items() for language in languages]
)
def test_no_rule_fires_in_a_comment(mark: str, language: str) -> None:
    bad = [line for one in ALL if one.language == language for line in one.bad.splitlines() if "<?php" not in line]
    text = "\n".join(f"{mark} {line}" for line in bad if "\u202e" not in line)
    opening = "<?php\n" if language == "php" else ""
    assert fired(opening + text, language) == []


@pytest.mark.parametrize("language", ["python", "javascript", "java", "go", "c", "rust"])
def test_no_rule_fires_on_a_string_that_mentions_the_thing(language: str) -> None:
    mentions = [
        "eval(x)",
        "os.system(cmd)",
        "gets(b)",
        "pickle.loads(data)",
        "strcpy(a, b)",
        "exec.Command(x)",
        "el.innerHTML = name",
        "verify=False",
    ]
    for mention in mentions:
        assert fired(f'x = "{mention}";\n', language) == []
        assert fired(f'warn("do not use {mention} here");\n', language) == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_claim_is_in_the_reports_language_and_on_its_line(lang: Lang) -> None:
    source = Source("a.py", "import os\n\n\ndef f(x):\n    os.system('ls ' + x)\n", "python")
    claim = run_rules(source, lang)[0]
    assert (claim.line, claim.rule_id, claim.cwe) == (5, "shell-command", "CWE-78")
    assert claim.title == getattr(RULES["shell-command"].title, lang)


def test_python_that_does_not_parse_is_judged_by_lines() -> None:
    claims = fired("import os\nprint 'hello'\nos.system('ls ' + name)\n", "python")
    assert [(claim.rule_id, claim.line) for claim in claims] == [("shell-command", 3)]


def test_a_value_is_followed_within_a_function_and_not_beyond() -> None:
    text = (
        "import os\n\ndef a(x):\n    cmd = 'ls'\n    cmd += ' -l'\n    os.system(cmd)\n\n"
        "def b(x):\n    cmd = 'ls ' + x\n    os.system(cmd)\n\n"
        "def c(x):\n    if x not in ALLOWED:\n        raise ValueError\n    os.system('ls ' + x)\n"
    )
    assert [claim.line for claim in fired(text, "python")] == [10]


@given(
    st.lists(
        st.sampled_from([line + "\n" for one in ALL for line in one.bad.splitlines()] + ['"', "(", "/*", "'''", "{"]),
        max_size=12,
    ),
    st.sampled_from(sorted(LEXERS)),
)
@settings(max_examples=60, deadline=None)
def test_any_mixture_of_code_gives_claims_that_ground(lines: list[str], language: str) -> None:
    source = Source("a", "".join(lines), language)
    claims = run_rules(source, "en")
    findings, rejected = ground(claims, source, origin_counts=False)
    assert rejected == []
    assert all(finding.counts and finding.quote == source.lines[finding.start_line - 1] for finding in findings)
