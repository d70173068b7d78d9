"""Hostile text inside Markdown stays text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.markdown import code_block, code_span, escape

HOSTILE = st.text(st.sampled_from("`*_<>[]()!#\\&|~-+=.1) \n\tx:/@\u202e\u200b$w"), max_size=60)
UNESCAPED = re.compile(r"(?<!\\)(?:\\\\)*[`*<>\[\]|~]")


@given(HOSTILE)
def test_escaped_text_is_one_line_without_live_marks(text: str) -> None:
    out = escape(text)
    assert "\n" not in out
    assert UNESCAPED.search(out) is None
    assert "\u202e" not in out
    assert not re.match(r"(?:#|[-+] |\d+[.)])", out)


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>"),
        ("![x](http://a.example/)", "!\\[x\\](http\\://a.example/)"),
        ("user_id = 1", "user_id = 1"),
        ("# head", "\\# head"),
        ("1. item", "1\\. item"),
        ("a\n\n## b", "a ## b"),
        ("&lt;b&gt;", "\\&lt;b\\&gt;"),
        ("用 __import__ 执行", "用 \\__import_\\_ 执行"),
    ],
)
def test_examples(text: str, out: str) -> None:
    assert escape(text) == out


@given(HOSTILE)
def test_nothing_closes_a_code_block(text: str) -> None:
    line = text.replace("\n", " ")
    opening, *body, closing = code_block(line, "python").split("\n")
    fence = closing
    assert opening == fence + "python"
    assert len(body) == 1
    assert fence not in body[0]


@given(HOSTILE)
def test_nothing_closes_a_code_span(text: str) -> None:
    out = code_span(text)
    mark = re.match(r"`+", out)
    assert mark is not None
    assert out.endswith(mark.group())
    assert mark.group() not in out[mark.end() : -mark.end()]


def test_a_long_line_is_cut_visibly() -> None:
    assert len(code_block("x" * 10_000)) < 400
    assert "…" in code_block("x" * 10_000)
