"""Which patterns are slow: those that really are, tried on a text that almost matches, and no others of these."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.rules.slow_patterns import is_slow


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(\w+\s?)+:",
        r"^\s+|(\s+)+$",
        r"(a|a)*b",
        r"(\w|\d)+$",
        r"(x+x+)+y",
        r"^(?:[a-z]+.)*!",
        r"/\A([\w+.]+)+@[a-z]+\z/",
        r"^(?:(a{2,})+b?)*$",
    ],
)
def test_repeated_repetition_is_slow(pattern: str) -> None:
    assert is_slow(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\w+$",
        r"(?:[a-z]+,)*$",
        r"(\d+)(,\d+)*$",
        r"^([a-z]+\.)*[a-z]+$",
        r"(.|\n)*x",
        r"(a+)+",
        r"(a{2})+$",
        r"([^\"\\]|\\.)*\"",
        r"(\s*,\s*)*$",
        "(" * 300,
        "(?=a)(a+)+$",
    ],
)
def test_these_are_not_said_to_be(pattern: str) -> None:
    assert not is_slow(pattern)


@given(st.text(alphabet="ab(|)*+?{},1[]\\^$.:!=<", max_size=60))
def test_any_text_is_answered(text: str) -> None:
    assert is_slow(text) in (True, False)
