"""Checks of C++ on what the language alone has: iterators, references to what is gone, casts that may fail, containers
without the elements that are asked for, exceptions that nobody catches.
"""

import re
from collections.abc import Iterator

from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, callee, declared, index_of, names_in, place

_CHANGES = re.compile(
    r"erase|push_back|emplace_back|clear|pop_back|resize|push_front|pop_front|remove|removeAt|removeOne|append"
)
_VIEWS = re.compile(
    r"(?:std::)?(?:string_view|wstring_view|span\s*<.*>|QStringView|StringRef|StringPiece|absl::string_view)"
)
_OWNERS = re.compile(r"(?:std::)?(?:w?string|vector\s*<.*>|ostringstream|stringstream|QByteArray|array\s*<.*>)")
_SEQUENCES = re.compile(
    r"(?:std::)?(?:vector\s*<.*>|w?string|(?:w?string|absl::string)_view|span\s*<.*>|deque\s*<.*>|QByteArray)"
)
_LOOKS = re.compile(r"size|length|empty|isEmpty|count|at|ssize|resize|assign")
_ENDS = ("front", "back", "pop_back", "pop_front")
_CASTS = ("dynamic_cast", "qobject_cast", "dyn_cast", "std::dynamic_pointer_cast", "dynamic_pointer_cast")
_PARSES = re.compile(r"(?:std::)?sto(?:i|l|ll|ul|ull|f|d|ld)")
_JUMPS = ("return_statement", "break_statement", "goto_statement", "throw_statement", "co_return_statement")
_MAX_CASTS = 40  # Of one function are followed.
_CONDITIONS = ("if_statement", "while_statement", "for_statement", "conditional_expression", "do_statement")


def check_objects(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        for loop in function.every("for_statement", "for_range_loop"):
            _invalidated(loop, report)
        for way in function.every("return_statement"):
            _gone(function, way, report)
        _failed_casts(function, report)
        _missing_elements(function, report)
    _uncaught(unit, report)


# ---- iterators


def _invalidated(loop: Node, report: Report) -> None:
    """A loop over a container takes elements out of it, or adds some, and goes on with the old iterator."""
    body = loop.part("body")
    if body is None:
        return
    is_range = loop.kind == "for_range_loop"
    right = loop.part("right") if is_range else loop.part("update")
    stepped = names_in(right) if right is not None else set[str]()
    for call in body.walk():
        if call.kind != "call_expression" or call.up is None or call.up.kind != "expression_statement":
            continue
        head = call.kids[0]
        if head.kind != "field_expression" or not _CHANGES.fullmatch(head.kids[-1].text) or _leaves_after(call.up):
            continue
        if is_range and right is not None and head.kids[0].text == right.text:
            report.say("iterator-invalid", call)
        given = arguments(call)
        is_erased = head.kids[-1].text == "erase" and len(given) == 1 and given[0].kind == "identifier"
        if not is_range and is_erased and given[0].text in stepped:
            report.say("iterator-invalid", call)


def _leaves_after(statement: Node) -> bool:
    """Whether the block that a statement is in, or one around it, goes elsewhere afterwards."""
    block = statement.up
    return block is not None and any(one.kind in _JUMPS for one in block.parts if one.start > statement.start)


# ---- references and views


def _gone(function: Function, way: Node, report: Report) -> None:
    """A reference, a view or a pointer to a local object is returned."""
    value = way.parts[0] if way.parts else None
    if value is None:
        return
    declarator, kind = function.node.part("declarator"), function.node.part("type")
    is_reference = (
        declarator is not None and declarator.kind == "reference_declarator" and "&&" not in declarator.text[:2]
    )
    is_pointer = declarator is not None and declarator.kind == "pointer_declarator"
    is_view = kind is not None and bool(_VIEWS.fullmatch(kind.text))
    if (is_reference or is_view) and value.kind == "identifier" and _is_own(function, value.text, is_view):
        report.say("dangling-local", way)
    if (is_pointer or is_view) and value.kind == "call_expression" and not arguments(value):
        head = value.kids[0]
        owner = head.kids[0] if head.kind == "field_expression" and head.kids[-1].text in ("c_str", "data") else None
        if owner is not None and owner.kind == "identifier" and _is_own(function, owner.text, True):
            report.say("dangling-local", way)


def _is_own(function: Function, name: str, owner: bool) -> bool:
    """Whether a name is a local object of the function; with `owner`, one that holds memory."""
    found = function.locals.get(name)
    if found is None or found.static or "*" in found.type or found.counts or "static" in found.node.text.split()[:2]:
        return False
    is_parameter = found.node.kind == "parameter_declaration"
    return bool(_OWNERS.fullmatch(found.type)) if owner else not is_parameter and found.type != "auto"


# ---- casts that may fail


def _failed_casts(function: Function, report: Report) -> None:
    """The result of dynamic_cast is followed, and no condition looks at it."""
    casts = [one for one in function.every("call_expression") if _is_cast(one)]
    for call in casts[:_MAX_CASTS]:
        if call.up is None:
            continue
        if call.up.kind == "field_expression" and any(kid.kind == "->" for kid in call.up.kids):
            report.say("null-unchecked", call.up)
        holder = call.up if call.up.kind == "init_declarator" else None
        name = declared(holder.part("declarator")) if holder is not None else None
        if name is None or any(
            up.kind in ("if_statement", "condition_clause") for up in call.above() if up.start > call.start - 40
        ):
            continue
        if _is_asked(function, name.text):
            continue
        for use in function.every("field_expression"):
            is_arrow = any(kid.kind == "->" for kid in use.kids)
            if use.start > call.end and is_arrow and use.kids[0].text == name.text:
                report.say("null-unchecked", use)
                break


def _is_cast(call: Node) -> bool:
    head = call.kids[0] if call.kids else None
    if head is None or head.kind != "template_function" or "&" in head.text:
        return False
    return head.text.split("<")[0].strip() in _CASTS


def _is_asked(function: Function, name: str) -> bool:
    conditions = (one.part("condition") for one in function.every(*_CONDITIONS))
    tested = any(one is not None and name in names_in(one) for one in conditions)
    called = (
        call
        for call in function.every("call_expression")
        if re.search(r"(?i)assert|check|expect|require", callee(call))
    )
    return (
        tested
        or any(name in names_in(call) for call in called)
        or any(
            name in names_in(one)
            for one in function.every("binary_expression")
            if one.kids[1].kind in ("&&", "||", "==", "!=")
        )
    )


# ---- elements


def _missing_elements(function: Function, report: Report) -> None:
    """Elements of a container that the caller gave, at fixed places, and nobody asks how many it has."""
    names = {
        one.name for one in function.params if _SEQUENCES.fullmatch(one.type.rstrip("* ")) and one.type.count("*") < 2
    } - set(_asked_for_size(function))
    if not names:
        return
    for node in function.every("subscript_expression"):
        index = index_of(node)
        if place(node.kids[0]) in names and index is not None and index.kind == "number_literal":
            report.say("read-past-end", node, 0.75)
            names.discard(place(node.kids[0]))
    for call in function.every("call_expression"):
        head = call.kids[0]
        if head.kind == "field_expression" and head.kids[-1].text in _ENDS and head.kids[0].text in names:
            report.say("read-past-end", call, 0.75)
            names.discard(head.kids[0].text)


def _asked_for_size(function: Function) -> Iterator[str]:
    """The names whose size is asked for, or that are compared or walked through as a whole."""
    for one in function.every("field_expression"):
        if _LOOKS.fullmatch(one.kids[-1].text):
            yield one.kids[0].text
    for one in function.every("for_range_loop", "binary_expression", "call_expression"):
        if one.kind == "for_range_loop":
            right = one.part("right")
            yield right.text if right is not None else ""
        elif one.kind == "binary_expression" and one.kids[1].kind in ("==", "!="):
            yield from (one.kids[0].text, one.kids[2].text)
        elif one.kind == "call_expression":
            yield from (given.text for given in arguments(one))


# ---- exceptions


def _uncaught(unit: Unit, report: Report) -> None:
    """A whole program turns texts from its command line or input into numbers, and catches nothing."""
    if "main" not in unit.functions or any(one.kind in ("try_statement", "catch_clause") for one in unit.nodes):
        return
    for function in unit.functions.values():
        for call in function.every("call_expression"):
            given = arguments(call)
            if _PARSES.fullmatch(callee(call)) and given and given[0].kind != "string_literal":
                report.say("uncaught-exception", call)
