"""Checks of C and C++ on the names of files: temporary ones that can be guessed, and paths put together from what a
request or an archive says.
"""

import re

from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, callee, declared, place

_TEMPORARY = re.compile(r'L?"/(?:var/|usr/)?tmp/(?![^"]*X{6})')
_OPENS = re.compile(r"f?(?:re)?open(?:64)?|creat|std::ofstream|ofstream")
_FORMATS = {"sprintf": 1, "snprintf": 2, "asprintf": 1, "strcpy": 1, "strncpy": 1, "strcat": 1, "strlcpy": 1,
            "strncat": 1, "strlcat": 1}  # fmt: skip
_USES = re.compile(r"f?(?:re)?open(?:64|at)?|creat|unlink(?:at)?|remove|opendir|l?stat|mkdir|rename|rmdir|sendfile")
_ASKED = re.compile(
    r"(?i)(?:.*(?:->|\.))?(?:(?:req(?:uest)?|http|client)_?)?(?:uri|url|path_?info|resource|document|requested_?\w*|rel_?path)"
)
_ENTRY = re.compile(
    r"(?i)\w*(?:entry|header|hdr|member|dirent|zip|tar|file_?info|attach\w*|part|upload)\w*(?:->|\.)\w*(?:name|path)\w*"
)
_ENTRY_TYPE = re.compile(r"(?i)entry|header|hdr|member|zip|tar_|cpio|archive")
_LOOKS = re.compile(
    r'"\.\."|"\.\./|"/\.\."|realpath|canonical|sanit|basename|is_?safe|valid|normali[sz]e|O_NOFOLLOW|RESOLVE_BENEATH|traversal|\'/\'',
    re.IGNORECASE,
)
_MAKES_SAFELY = re.compile(r"\bmks?temp\b|\bmkdtemp\b")
_MAX_TEXTS = 10
_MAX_CALLS = 400  # Of one function are looked at.


def check_files(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        inside = function.every("call_expression")[:_MAX_CALLS]
        printed = _printed(inside)
        texts = _texts(function)
        for call in inside:
            if _OPENS.fullmatch(callee(call)):
                _temporary(function, call, printed, texts, report)
        looked = _LOOKS.search(function.body.text)
        for call in inside if not looked else ():
            _asked_for(function, call, printed, report)


def _printed(inside: list[Node]) -> dict[str, list[Node]]:
    """For each place the calls that put a text together there."""
    found: dict[str, list[Node]] = {}
    for call in inside:
        at, given = _FORMATS.get(callee(call)), arguments(call)
        if at is not None and len(given) > at:
            found.setdefault(place(given[0]) or given[0].text.lstrip("&"), []).append(call)
    return found


def _texts(function: Function) -> dict[str, list[Node]]:
    """For each name what it is declared with."""
    found: dict[str, list[Node]] = {}
    for node in function.every("init_declarator"):
        name, value = declared(node.part("declarator")), node.part("value")
        if name is not None and value is not None:
            found.setdefault(name.text, []).append(value)
    return found


def _temporary(
    function: Function, call: Node, printed: dict[str, list[Node]], declared_as: dict[str, list[Node]], report: Report
) -> None:
    """A file in the folder of all users is created under a name that is known beforehand."""
    given = arguments(call)
    if len(given) < 2 or not _creates(given[1]):
        return
    texts = [given[0], *declared_as.get(given[0].text, [])[:_MAX_TEXTS]]
    texts += [one for made in printed.get(place(given[0]), [])[:_MAX_TEXTS] for one in arguments(made)[1:3]]
    if any(_TEMPORARY.match(one.text) for one in texts) and not _MAKES_SAFELY.search(function.body.text):
        report.say("temporary-name", call)


def _creates(mode: Node) -> bool:
    """Whether a mode creates a file that may be there already."""
    if mode.kind == "string_literal":
        return re.search(r"[wa]", mode.text) is not None and "x" not in mode.text
    return "O_CREAT" in mode.text and "O_EXCL" not in mode.text


def _asked_for(function: Function, call: Node, printed: dict[str, list[Node]], report: Report) -> None:
    """A path that ends in what was asked for is opened, and nothing looks for .. in it."""
    given = arguments(call)
    if not _USES.fullmatch(callee(call)) or not given:
        return
    target = given[1 if callee(call).endswith("at") and len(given) > 1 else 0]
    for made in printed.get(place(target), [])[:_MAX_TEXTS]:
        at = _FORMATS[callee(made)]
        parts = arguments(made)[at:]
        names = [place(one) for one in parts if one.kind != "string_literal"]
        if made.start < call.start and any(_is_outside(function, name) for name in names if name):
            report.say("file-from-request", call, 0.75)


def _is_outside(function: Function, name: str) -> bool:
    """Whether a place holds what was asked for, or the name of an entry, by its own name or its structure's."""
    base, _, member = name.partition("->" if "->" in name else ".")
    found = function.locals.get(base)
    is_entry = found is not None and _ENTRY_TYPE.search(found.type) is not None and re.search(r"name|path", member)
    return bool(is_entry or _ASKED.fullmatch(name) or _ENTRY.fullmatch(name))
