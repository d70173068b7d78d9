"""Checks of C and C++ on texts that may lack their terminating zero."""

import re

from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, callee, calls, literal_length, place

_TEXT_USE = re.compile(r"str(?!n)\w+|f?printf|sprintf|puts|fputs|ato[ifl]+|fopen|open|system")


def check_terminators(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        inside = list(calls(function.body))
        last_read = _last_reads(inside)
        ended = _ended(function, inside)
        for call in inside:
            is_cut = callee(call) == "strncpy" and _is_cut(unit, function, call, ended)
            if is_cut and last_read.get(place(arguments(call)[0]), 0) > call.end:
                report.say("terminator-missing", call)
        for variable in function.locals.values():
            bare_text = variable.counts and variable.type.endswith("char")
            if not bare_text or variable.name in ended or not _is_bare_text(variable.value, variable.counts[0]):
                continue
            if last_read.get(variable.name, 0) > variable.node.end:
                report.say("terminator-missing", variable.node)


def _last_reads(inside: list[Node]) -> dict[str, int]:
    """For each name where a call last reads it as a text."""
    found: dict[str, int] = {}
    for call in inside:
        if _TEXT_USE.fullmatch(callee(call)):
            found.update((place(one), call.start) for one in arguments(call))
    return found


def _ended(function: Function, inside: list[Node]) -> set[str]:
    """Names into which a single character is written, or that are cleared."""
    written = (one.kids[0] for one in function.body.walk() if one.kind == "assignment_expression")
    ended = {place(one.kids[0]) for one in written if one.kind == "subscript_expression"}
    cleared = (call for call in inside if callee(call) in ("memset", "bzero"))
    return ended | {place(given[0]) for call in cleared if (given := arguments(call))}


def _is_cut(unit: Unit, function: Function, call: Node, ended: set[str]) -> bool:
    """strncpy() that may fill the whole array with text."""
    given = arguments(call)
    target = place(given[0]) if given else ""
    found = function.locals.get(target)
    if len(given) != 3 or found is None or target in ended or not found.counts or found.value is not None:
        return False
    size, source = unit.bytes_of(found), given[1]
    if source.kind == "string_literal" and size is not None and literal_length(source.text) < size:
        return False
    length = "".join(given[2].text.split())
    return length in (f"sizeof({target})", f"sizeof{target}") or unit.fold(given[2]) == size


def _is_bare_text(value: Node | None, count: int | None) -> bool:
    if value is None or count is None:
        return False
    if value.kind == "string_literal":
        return literal_length(value.text) == count
    parts = value.parts if value.kind == "initializer_list" else []
    return len(parts) == count and all(one.kind == "char_literal" and one.text != "'\\0'" for one in parts)
