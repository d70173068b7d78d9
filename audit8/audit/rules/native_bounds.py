"""Checks of C and C++ on arrays whose bound nobody looks at: an index that is the length, a loop as long as the input
says, a buffer whose given size is never read.
"""

import re

from audit8.audit.rules.native_model import Function, Unit, Variable
from audit8.audit.rules.native_names import READS
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, callee, index_of, names_in, place
from audit8.audit.rules.native_values import bounds

_ORDERS = ("<", ">", "<=", ">=")
_LENGTHS = re.compile(r"(?i)(?:buf|data|pkt|packet|msg|in|src|frame|payload|input)?_?(?:size|len|length|nbytes|count)")
_BYTES = re.compile(r"(?:const )?(?:unsigned )?(?:char|u?int8_t|u8|u_char|uchar|BYTE|guint8|uint8) ?\*")
_MAX_LOOKED = 200  # Loops and copies of one function: each may read all of it.
_COPIES = ("memcpy", "memmove", "strncpy", "bcopy")
_CHECKS = re.compile(r"(?i)check|test|assert|require|ensure|verify|valid|need|avail|remain")
_LIKELY = 0.75
_HALF = 0.6


def check_bounds(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        compared, left = _compared(function), _MAX_LOOKED
        for node in function.every("subscript_expression", "for_statement", "call_expression"):
            if node.kind == "subscript_expression":
                _index_is_length(function, node, report)
            elif node.kind == "for_statement" and left > 0:
                left -= 1
                _long_loop(unit, function, node, compared, report)
            elif node.kind == "call_expression" and callee(node) in _COPIES and left > 0:
                left -= 1
                _long_copy(unit, function, node, compared, report)
        _unread_size(unit, function, report)


def _index_is_length(function: Function, node: Node, report: Report) -> None:
    """`char line[N]; line[N] = 0`, where N is known by its name only."""
    found, at = function.locals.get(place(node.kids[0])), index_of(node)
    if found is None or len(found.counts) != 1 or found.counts[0] is not None or at is None:
        return
    if node.up is not None and node.up.kind == "pointer_expression" and node.up.text.startswith("&"):
        return
    declared = [one for one in found.node.walk() if one.kind == "array_declarator" and one.kids[0].text == found.name]
    size = declared[0].part("size") if declared else None
    if size is not None and size.kind == "identifier" and size.text == at.text and size.text.isupper():
        report.say("index-out-of-bounds", node)


def _is_order(node: Node) -> bool:
    return bool(node.kind == "binary_expression" and node.kids[1].kind in _ORDERS)


def _compared(function: Function) -> dict[str, list[Node]]:
    """The comparisons in order that each name is in, and calls that bound it."""
    found: dict[str, list[Node]] = {}
    for node in function.every("binary_expression", "call_expression"):
        is_order = _is_order(node)
        is_bound = node.kind == "call_expression" and re.search(r"(?i)min|max|clamp|check|valid|assert", callee(node))
        is_mask = node.kind == "binary_expression" and node.kids[1].kind in ("%", "&")
        if is_order or is_bound or is_mask:
            for name in names_in(node):
                found.setdefault(name, []).append(node)
    return found


def _long_loop(unit: Unit, function: Function, loop: Node, compared: dict[str, list[Node]], report: Report) -> None:
    """`for (i = 0; i < n; i++) array[i] = ...` where input or the caller says n, and nothing compares it."""
    condition, body = loop.part("condition"), loop.part("body")
    if (
        condition is None
        or body is None
        or condition.kind != "binary_expression"
        or condition.kids[1].kind not in _ORDERS
    ):
        return
    index, limit = place(condition.kids[0]), place(condition.kids[2])
    found = function.locals.get(limit)
    if not index or found is None or found.counts or bounds(found.type, unit.structs) is None:
        return
    if any(one is not condition for one in compared.get(limit, [])) or not _is_given(function, found):
        return
    for node in body.walk():
        written = node.kids[0] if node.kind == "assignment_expression" else None
        if written is None or written.kind != "subscript_expression":
            continue
        at, array = index_of(written), function.locals.get(place(written.kids[0]))
        if array is not None and array.counts and array.counts[0] and at is not None and place(at) == index:
            report.say("index-out-of-bounds", node, _LIKELY)


def _long_copy(unit: Unit, function: Function, call: Node, compared: dict[str, list[Node]], report: Report) -> None:
    """`memcpy(array, p, n)` where n was read from memory, can be larger than the array, and nothing compares it."""
    given = arguments(call)
    target = function.locals.get(place(given[0])) if len(given) == 3 else None
    length = function.locals.get(place(given[2])) if len(given) == 3 else None
    if target is None or length is None or not target.counts or length.counts or length in function.params:
        return
    room, limits = unit.bytes_of(target), bounds(length.type, unit.structs)
    if room is None or limits is None or limits[1] <= room or compared.get(length.name):
        return
    if _is_given(function, length):
        report.say("copy-past-end", call, _LIKELY)


def _is_given(function: Function, variable: Variable) -> bool:
    """Whether a number is a parameter, or was read from memory or by a function that reads numbers."""
    if any(one.name == variable.name for one in function.params):
        return True
    values = [variable.value] if variable.value is not None else []
    values += [one.kids[2] for one in function.every("assignment_expression") if place(one.kids[0]) == variable.name]
    return any(
        part.kind == "subscript_expression" or (part.kind == "call_expression" and READS.fullmatch(callee(part)))
        for value in values
        for part in value.walk()
    )


def _unread_size(unit: Unit, function: Function, report: Report) -> None:
    """A parameter says how large a buffer is, and the buffer is read at fixed places before anybody looks at it."""
    sizes = [one for one in function.params if _LENGTHS.fullmatch(one.name) and bounds(one.type, unit.structs)]
    buffers = [one.name for one in function.params if _BYTES.fullmatch(one.type)]
    if len(sizes) != 1 or len(buffers) != 1:
        return
    mentions = [one.start for one in function.every("identifier") if one.text == sizes[0].name]
    mentions += [one.start for one in function.every("call_expression") if _CHECKS.search(callee(one))]
    looked = min(mentions, default=function.body.end)
    names = {buffers[0]}
    for one in function.every("init_declarator"):
        if buffers[0] in names_in(one.kids[-1]) and "*" in one.kids[0].text:
            names.add(one.kids[0].text.strip("* "))
    for node in function.every("subscript_expression"):
        at = index_of(node) if place(node.kids[0]) in names else None
        if at is not None and (unit.fold(at) or 0) > 0 and node.start < looked:
            report.say("read-past-end", node, _HALF)
            return
    for call in function.every("call_expression"):
        if READS.fullmatch(callee(call)) and names & names_in(call) and call.start < looked:
            report.say("read-past-end", call, _HALF)
            return
