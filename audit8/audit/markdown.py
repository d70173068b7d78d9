"""Hostile text inside Markdown: escaped, fenced, and unable to break out.

Knows Markdown's (CommonMark and GFM) active characters. Does not know reports; see report_text.py.
"""

import re

from audit8.audit.hidden import make_visible, one_line

_MAX_INLINE_CHARS = 1000
_MAX_CODE_CHARS = 300
_ACTIVE = re.compile(r"[\\`*\[\]<>|~$]|&(?=#?\w{1,32};)|(?<!\w)_|_(?!\w)|:(?=//)|(?<=\bwww)\.|@(?=\w)|^[#+-]")
_BACKTICKS = re.compile(r"`+")
_ORDERED = re.compile(r"^(\d{1,9})([.)])")


def escape(text: str, limit: int = _MAX_INLINE_CHARS) -> str:
    """`text` as plain words on one line: no markup, HTML, link, mention or line of its own."""
    flat = one_line(text, limit)
    escaped = _ACTIVE.sub(lambda match: "\\" + match.group(), flat)
    return _ORDERED.sub(r"\1\\\2", escaped)


def code_span(text: str, limit: int = _MAX_CODE_CHARS) -> str:
    """`text` as an inline code span whose marks are longer than any run of backticks inside."""
    flat = one_line(text, limit)
    mark = "`" * (_longest_run(flat) + 1)
    pad = " " if flat.startswith(("`", " ")) or flat.endswith(("`", " ")) or not flat else ""
    return f"{mark}{pad}{flat}{pad}{mark}"


def code_block(text: str, info: str = "", limit: int = _MAX_CODE_CHARS) -> str:
    """`text` as a fenced block whose fence is longer than any run of backticks inside; a long line is cut visibly."""
    shown = make_visible(text[: limit + 1])
    shown = shown if len(text) <= limit else make_visible(text[:limit]) + " …"
    fence = "`" * max(3, _longest_run(shown) + 1)
    return f"{fence}{info}\n{shown}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
