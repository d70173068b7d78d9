"""Checks of C and C++ on texts that may lack their terminating zero."""

import re

from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, callee, calls, literal_length, place

_TEXT_USE = re.compile(r"str(?!n)\w+|f?printf|sprintf|puts|fputs|ato[ifl]+|fopen|open|system")


def check_terminators(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        _terminators(unit, function, report)


def _terminators(unit: Unit, function: Function, report: Report) -> None:
    ended = {place(one.kids[0].kids[0]) for one in function.body.walk()
             if one.kind == "assignment_expression" and one.kids[0].kind == "subscript_expression"}  # fmt: skip
    cleared = {
        place(arguments(call)[0])
        for call in calls(function.body)
        if callee(call) in ("memset", "bzero") and arguments(call)
    }
    for call in calls(function.body):
        given = arguments(call)
        target = place(given[0]) if given else ""
        found = function.locals.get(target)
        if callee(call) != "strncpy" or len(given) != 3 or found is None or target in ended | cleared:
            continue
        size, source = unit.bytes_of(found), given[1]
        short = source.kind == "string_literal" and size is not None and literal_length(source.text) < size
        whole = (
            "".join(given[2].text.split()) in (f"sizeof({target})", f"sizeof{target}") or unit.fold(given[2]) == size
        )
        if whole and found.counts and found.value is None and not short and _read_later(function, target, call.end):
            report.say("terminator-missing", call)
    for variable in function.locals.values():
        if variable.counts and variable.type.endswith("char") and _is_bare_text(variable.value, variable.counts[0]):
            if _read_later(function, variable.name, variable.node.end) and variable.name not in ended:
                report.say("terminator-missing", variable.node)


def _is_bare_text(value: Node | None, count: int | None) -> bool:
    if value is None or count is None:
        return False
    if value.kind == "string_literal":
        return literal_length(value.text) == count
    parts = value.parts if value.kind == "initializer_list" else []
    return len(parts) == count and all(one.kind == "char_literal" and one.text != "'\\0'" for one in parts)


def _read_later(function: Function, name: str, after: int) -> bool:
    return any(
        call.start > after and _TEXT_USE.fullmatch(callee(call)) and name in [place(one) for one in arguments(call)]
        for call in calls(function.body)
    )
