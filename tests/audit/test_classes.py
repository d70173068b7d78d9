"""The closed list is closed: every name, alias and CWE number means one class."""

import re

from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.classes import CLASSES, by_cwe, by_name, for_language, normalise_cwe
from audit8.audit.languages import LANGUAGES


def test_no_cwe_belongs_to_two_classes() -> None:
    numbers = [number for one in CLASSES.values() for number in (one.cwe, *(f"CWE-{also}" for also in one.also))]
    assert len(numbers) == len(set(numbers))


def test_every_class_is_whole() -> None:
    for one in CLASSES.values():
        assert re.fullmatch(r"[a-z-]+", one.id)
        assert re.fullmatch(r"CWE-\d+", one.cwe)
        assert one.question.endswith("?")
        assert one.en != one.zh
        assert set(one.languages) <= set(LANGUAGES)


def test_a_class_is_known_by_every_spelling() -> None:
    for one in CLASSES.values():
        for name in (one.id, one.id.upper(), one.id.replace("-", " "), one.en, one.zh, one.cwe, one.cwe.lower()):
            assert by_name(name) is one
    found = by_name("CWE-089: SQLi")
    assert found is not None
    assert found.id == "sql-injection"


def test_every_language_is_asked_about_something_worst_first() -> None:
    for language in LANGUAGES:
        ranks = [one.severity.rank for one in for_language(language)]
        assert len(ranks) >= 5
        assert ranks == sorted(ranks)


def test_memory_questions_are_for_languages_with_memory_errors() -> None:
    assert "use-after-free" in {one.id for one in for_language("c")}
    assert "use-after-free" not in {one.id for one in for_language("python")}


@given(st.text(max_size=100))
def test_any_name_is_some_class_or_none(name: str) -> None:
    found = by_name(name)
    assert found is None or found in CLASSES.values()
    assert normalise_cwe(name) == "" or by_cwe(normalise_cwe(name)) in (None, *CLASSES.values())
