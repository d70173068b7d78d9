"""Bytes become text in the encodings we promise, with line numbers as editors show them, or a refusal in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.decode import decode
from audit8.errors import EmptyCode, Undecodable

CHINESE = "# 计算用户的余额，然后写入日志\nprint('你好，世界')\n"
CODE = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1).filter(lambda s: s.strip())


@given(CODE)
def test_utf8_comes_back_as_it_was(text: str) -> None:
    assert decode(text.encode()).text == text.removeprefix("\ufeff")


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (CHINESE.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + CHINESE.encode(), "utf-8"),
        (CHINESE.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + CHINESE.encode("utf-16-be"), "utf-16"),
        (CHINESE.encode("gb18030"), "gb18030"),
        (CHINESE.encode("gbk"), "gb18030"),
    ],
)
def test_every_promised_encoding(data: bytes, encoding: str) -> None:
    decoded = decode(data)
    assert (decoded.text, decoded.encoding) == (CHINESE, encoding)


@given(st.lists(st.sampled_from(["a", "\n", "\r\n", "\r", "é"])))
def test_any_line_end_becomes_one_newline(parts: list[str]) -> None:
    text = "".join(parts)
    # "\r" followed by "\n" is one line end, however it came about.
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.strip():
        assert decode(text.encode()).text == expected
        assert "\r" not in decode(text.encode()).text


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"MZ\x90\x00\x03",
        bytes(range(1, 32)) * 4,
        "sch\u00f6ne Gr\u00fc\u00dfe, caf\u00e9 d\u00e9j\u00e0 vu".encode("latin-1"),
        b"\xff\xfea",
        b"\xff\xfe\x00\x00a\x00\x00\x00",
        b"print('\xff\xff\xff')",
        b"\xef\xbb\xbf\xff\xfe",
    ],
)
def test_what_is_not_text_is_refused_with_a_way_out(data: bytes) -> None:
    with pytest.raises(Undecodable) as caught:
        decode(data)
    assert "UTF-8" in caught.value.hint


@given(st.binary(max_size=400))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    try:
        text = decode(data).text
    except (Undecodable, EmptyCode):
        return
    assert text.strip()
    assert "\x00" not in text


@pytest.mark.parametrize("data", [b"", b" \r\n\t \n", b"\xef\xbb\xbf", "\u3000\n".encode()])
def test_white_space_alone_is_no_code(data: bytes) -> None:
    with pytest.raises(EmptyCode):
        decode(data)
