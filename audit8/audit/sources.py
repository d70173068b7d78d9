"""From what a user sent (a name and bytes or text) to a `Source`.

Knows that names are hostile text: they end up in logs, terminals and reports, and are never opened as a path.
"""

import re

from audit8.audit.decode import check_text, decode
from audit8.audit.hidden import make_visible, one_line
from audit8.audit.languages import detect, known
from audit8.audit.texts import words
from audit8.types import Lang, Source

_MAX_NAME_CHARS = 160
_MAX_PART_CHARS = 64
_MAX_RAW_CHARS = 2000
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean_name(name: str) -> str:
    """`name` fit for showing: path parts kept, hidden characters written out, each part and the whole shortened."""
    parts = [part for part in re.split(r"[\\/]", name.strip()[-_MAX_RAW_CHARS:]) if part not in ("", ".")]
    short = [_shorten(one_line(part, _MAX_RAW_CHARS)) for part in parts]
    kept = short[-1:]
    for part in reversed(short[:-1]):
        if len("/".join((part, *kept))) > _MAX_NAME_CHARS:
            return "/".join(("…", *kept))
        kept.insert(0, part)
    return "/".join(kept)


def make_source(
    name: str, data: bytes | str, language: str | None = None, *, lang: Lang = "en"
) -> tuple[Source, list[str]]:
    """One file as a `Source`, and warnings in `lang`.

    `name` "" is pasted code. `language` is what the user said it is; unknown or None means that it is detected.

    Raises:
        Undecodable: binary, or in an encoding that is not read.
        EmptyCode: nothing but white space.
    """
    shown = clean_name(name)
    label = shown or words("pasted", lang)
    warnings = []
    if isinstance(data, bytes):
        decoded = decode(data)
        text, encoding = decoded.text, decoded.encoding
        if encoding != "utf-8":
            warnings.append(words("decoded_as", lang, name=label, encoding=encoding.upper()))
    else:
        text, encoding = check_text(data), "utf-8"
    if _SURROGATES.search(text):
        text = _SURROGATES.sub("\ufffd", text)
        warnings.append(words("surrogates", lang, name=label))
    chosen = known(language) if language and language.strip() else None
    if chosen is None:
        chosen = detect(shown, text)
        if language and language.strip() and language.strip().lower() not in _DETECT:
            given = make_visible(language)[:40]
            warnings.append(words("unknown_language", lang, name=label, given=given, detected=chosen))
    return Source(shown, text, chosen, encoding), warnings


_DETECT = ("auto", "detect", "automatic")  # What front ends send for "find out yourself".


def _shorten(part: str) -> str:
    """A long name's beginning and end: the end holds the extension."""
    if len(part) <= _MAX_PART_CHARS:
        return part
    tail = 20
    return f"{part[: _MAX_PART_CHARS - tail - 1]}…{part[-tail:]}"
