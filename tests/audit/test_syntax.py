"""The door to the grammars: every language that is listed has one, and nothing that is given to it ends the program."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.languages import LANGUAGES
from audit8.audit.syntax import GRAMMARS, MAX_CHARS, MAX_LINE_CHARS, parse


@pytest.mark.parametrize("language", GRAMMARS)
def test_every_listed_language_is_one_of_ours_and_parses(language: str) -> None:
    assert language in LANGUAGES
    root = parse("x", language)
    assert root is not None
    assert root.text() == "x"


@pytest.mark.parametrize("language", ["text", "no such language", ""])
def test_a_language_without_a_grammar_has_no_tree(language: str) -> None:
    assert parse("x = 1", language) is None


def test_what_is_too_large_has_no_tree() -> None:
    assert parse("x" * (MAX_LINE_CHARS + 1), "python") is None
    assert parse("x\n" * (MAX_CHARS // 2 + 1), "python") is None


def test_the_name_tells_tsx() -> None:
    text = "const a = <b>text</b>;"
    tsx, plain = parse(text, "typescript", "a.tsx"), parse(text, "typescript", "a.ts")
    assert tsx is not None
    assert plain is not None
    assert tsx.find(kind="jsx_element") is not None
    assert plain.find(kind="ERROR") is not None


def test_positions_are_in_characters() -> None:
    root = parse("名 = 'é'\nfoo(1)\n", "python")
    assert root is not None
    call = root.find(kind="call")
    assert call is not None
    assert (call.range().start.line, call.range().start.column) == (1, 0)
    string = root.find(kind="string")
    assert string is not None
    assert string.range().start.column == 4


@given(text=st.text(max_size=200), language=st.sampled_from(sorted(GRAMMARS)))
def test_any_text_has_a_tree(text: str, language: str) -> None:
    assert parse(text, language) is not None
