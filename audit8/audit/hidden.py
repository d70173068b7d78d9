"""Characters that hide or reorder text, made visible.

Knows which characters a reader cannot see or that change the order of the others (bidirectional overrides).
Used for file names, model text and quoted code, all of which are hostile until shown otherwise.
"""

import re

# Bidirectional controls, zero-width characters, invisible operators, variation of line ends, the BOM inside text, tags.
_HIDDEN = "\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_CONTROL = "\x00-\x08\x0b-\x1f\x7f-\x9f"
BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_VISIBLE = re.compile(f"[{_CONTROL}{_HIDDEN}\ud800-\udfff]")
_WHITESPACE = re.compile(r"\s+")


def make_visible(text: str) -> str:
    """`text` with control, zero-width, bidirectional, tag and surrogate characters as `\\uXXXX` or `\\UXXXXXXXX`."""
    return _VISIBLE.sub(lambda match: _escaped(ord(match.group())), text)


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_line(text: str, limit: int) -> str:
    """`text` on one line, hidden characters visible, cut with an ellipsis to at most `limit` characters."""
    flat = make_visible(_WHITESPACE.sub(" ", text[: limit * 8])).strip()
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"
