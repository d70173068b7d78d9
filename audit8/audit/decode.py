"""Bytes to text: UTF-8, UTF-16 with a byte order mark, GB18030. Anything else is refused in words.

Knows encodings and line ends. Does not know languages or file names. GB18030 accepts nearly every byte sequence, so
bytes count as GB18030 only if what they say looks like Chinese.
"""

import codecs
import re
from dataclasses import dataclass

from audit8.errors import EmptyCode, Undecodable

_MAX_CONTROL_SHARE = 0.02
_MIN_GB2312_SHARE = 0.7
# Tab, line ends, form feed, backspace and escape do occur in source text.
_CONTROL = re.compile("[\x01-\x07\x0e-\x1a\x1c-\x1f\x7f]")
_NON_ASCII = re.compile("[^\x00-\x7f]+")
_HINT = "Save the file as UTF-8 and send it again. UTF-8, UTF-16 with a byte order mark and GB18030 are read."


@dataclass(frozen=True, slots=True)
class Decoded:
    """`text` has `\\n` line ends and no byte order mark; `encoding` is utf-8, utf-16 or gb18030."""

    text: str
    encoding: str


def decode(data: bytes) -> Decoded:
    """Decode one file.

    Raises:
        Undecodable: binary data, or text in an encoding that is not read here.
        EmptyCode: nothing but white space.
    """
    text, encoding = to_text(data)
    return Decoded(check_text(text), encoding)


def check_text(text: str) -> str:
    """`text` with `\\n` line ends (`\\r\\n` and a lone `\\r` end a line too, as editors show it).

    Raises:
        Undecodable: a NUL character, or mostly control characters: this is not source code.
        EmptyCode: nothing but white space.
    """
    if "\x00" in text:
        raise Undecodable("This is binary data: it contains NUL characters.", hint=_HINT)
    if len(_CONTROL.findall(text)) > _MAX_CONTROL_SHARE * len(text):
        raise Undecodable("This is binary data: too many control characters for source code.", hint=_HINT)
    if not text.strip():
        raise EmptyCode("There is no code to audit: the text is empty.", hint="Paste or send some source code.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def to_text(data: bytes) -> tuple[str, str]:
    """Text with its line ends as they are, and its encoding. Raises Undecodable."""
    if data.startswith(codecs.BOM_UTF8):
        return _strict(data[len(codecs.BOM_UTF8) :], "utf-8")
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Undecodable("This text is UTF-32, which is not read.", hint=_HINT)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _strict(data, "utf-16")
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _gb18030(data), "gb18030"


def _strict(data: bytes, encoding: str) -> tuple[str, str]:
    """Decode what a byte order mark promised."""
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError as error:
        message = f"The byte order mark says {encoding.upper()}, but byte {error.start} does not fit it."
        raise Undecodable(message, hint=_HINT, byte=error.start) from error


def _gb18030(data: bytes) -> str:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as error:
        message = f"Neither UTF-8 nor GB18030: byte {error.start} fits neither."
        raise Undecodable(message, hint=_HINT, byte=error.start) from error
    foreign = "".join(_NON_ASCII.findall(text))
    # Latin-1 and binary bytes decode too, but to rare characters; Chinese text is mostly GB2312.
    common = len(foreign.encode("gb2312", "ignore").decode("gb2312"))
    if common < _MIN_GB2312_SHARE * len(foreign):
        raise Undecodable("Not UTF-8, and as GB18030 it is not plausible text.", hint=_HINT)
    return text
