"""Puts short macros with arguments of a C or C++ file in the place of their uses, so that the parser sees what they do.

One line for one line; macros within macros, with # or of several lines stay as they are. Knows no includes and no #if.
"""

import re

from audit8.audit.lexer import look

_MACRO = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)\(([\w, \t]{0,60})\)[ \t]+([^\n\\#\"']{1,100})$", re.MULTILINE
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_MAX_MACROS, _MAX_USES, _MAX_ARGUMENTS, _MAX_CHARS = 40, 400, 80, 300


def expanded(text: str, language: str) -> str:
    """`text` with its short macros put in; as it is when it defines none."""
    macros = dict[str, tuple[list[str], str]]()
    code = look(text, language).code if "define" in text else ""
    for found in _MACRO.finditer(code):
        names = [one.strip() for one in found.group(2).split(",")]
        if found.group(1) not in macros and len(macros) < _MAX_MACROS and all(names):
            macros[found.group(1)] = (names, found.group(3).strip())
    if not macros:
        return text
    uses = re.compile(rf"\b({'|'.join(map(re.escape, macros))})\(([^()\n]{{0,{_MAX_ARGUMENTS}}})\)")
    pieces, at = list[str](), 0
    for number, use in enumerate(uses.finditer(code)):
        begin = code.rfind("\n", 0, use.start()) + 1
        if number >= _MAX_USES or code[begin : begin + 40].lstrip().startswith("#"):
            continue
        names, body = macros[use.group(1)]
        given = [one.strip() for one in text[use.start(2) : use.end(2)].split(",")]
        put = _put(body, dict(zip(names, given, strict=False)))
        if len(given) == len(names) and len(put) <= _MAX_CHARS:
            pieces += [text[at : use.start()], put]
            at = use.end()
    return "".join([*pieces, text[at:]])


def _put(body: str, given: dict[str, str]) -> str:
    return _NAME.sub(lambda one: given.get(one.group(), one.group()), body)
