"""What a user sent becomes a source; names are hostile until they are cleaned, and odd input is said, not hidden."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.sources import clean_name, make_source
from audit8.errors import EmptyCode, Undecodable


@given(st.text())
def test_a_clean_name_hides_nothing_and_is_short(name: str) -> None:
    clean = clean_name(name)
    assert len(clean) <= 170
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") or char == "\u00ad" for char in clean)


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("src/app/main.py", "src/app/main.py"),
        ("C:\\work\\a.py", "C:/work/a.py"),
        ("./a.py", "a.py"),
        ("/etc/passwd", "etc/passwd"),
        ("a\x1b[31m.py", "a\\u001b[31m.py"),
        ("invoice\u202efdp.py", "invoice\\u202efdp.py"),
        ("", ""),
    ],
)
def test_names(name: str, clean: str) -> None:
    assert clean_name(name) == clean


def test_a_long_path_keeps_its_end_and_says_so() -> None:
    name = clean_name("d/" * 300 + "x" * 100 + ".py")
    assert name.startswith("…/")
    assert name.endswith("x.py")


def test_a_plain_file_needs_no_words() -> None:
    source, warnings = make_source("a.py", b"x = 1\r\n", None)
    assert (source.text, source.language, source.encoding, warnings) == ("x = 1\n", "python", "utf-8", [])


def test_another_encoding_is_named() -> None:
    source, warnings = make_source("a.py", "# 你好，世界，这是注释\n".encode("gb18030"), None, lang="zh")
    assert source.encoding == "gb18030"
    assert "GB18030" in warnings[0]


def test_an_unknown_language_is_named_and_detected() -> None:
    source, warnings = make_source("a.py", "x = 1\n", "klingon")
    assert source.language == "python"
    assert "klingon" in warnings[0]


@pytest.mark.parametrize("language", [None, "", "  ", "auto"])
def test_no_language_is_no_mistake(language: str | None) -> None:
    assert make_source("a.py", "x = 1\n", language)[1] == []


def test_the_users_word_beats_the_name() -> None:
    assert make_source("a.txt", "x = 1\n", "JS")[0].language == "javascript"


def test_half_characters_are_replaced_and_said() -> None:
    source, warnings = make_source("a.py", "x = '\ud800'\n", None)
    assert source.text.encode() == "x = '\ufffd'\n".encode()
    assert len(warnings) == 1


@pytest.mark.parametrize(("data", "error"), [(" \n", EmptyCode), ("a\x00b", Undecodable), (b"\x00\x01", Undecodable)])
def test_refusals(data: str | bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        make_source("a.py", data, None)
