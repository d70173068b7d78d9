"""Checks of C and C++ on memory that is filled piece by piece: loops without an end of the target, texts put together
in memory of a counted size, and numbers printed into arrays that are too short for them.
"""

import re

from audit8.audit.rules.native_loops import LOOPS
from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import (
    Node,
    arguments,
    bare,
    callee,
    calls,
    index_of,
    literal_length,
    names_in,
    place,
)
from audit8.audit.rules.native_values import is_unsigned

_COMPARES = ("<", ">", "<=", ">=", "==", "!=")
_CONVERSION = re.compile(r"%(?:%|[-+ #0']*(\*|\d+)?(?:\.(\*|\d+))?(hh|h|ll|l|z|j|t|L)?([a-zA-Z]))")
_DIGITS = {"hh": 3, "h": 5, "": 10, "l": 19, "ll": 19, "z": 19, "j": 19, "t": 19}
_MAX_LOOKED, _MAX_WRITTEN = 60, 20
_LIKELY = 0.75


def check_fills(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        left = _MAX_LOOKED  # Loops and allocations of one function whose surroundings are read.
        for node in function.body.walk():
            is_loop = node.kind in LOOPS
            allocates = node.kind == "call_expression" and callee(node) in ("malloc", "alloca", "xmalloc", "g_malloc")
            if (is_loop or allocates) and left > 0:
                left -= 1
                (_runs_on if is_loop else _put_together)(function, node, report)
            elif node.kind == "call_expression" and callee(node) == "sprintf":
                _printed(unit, function, node, report)


# ---- loops


def _runs_on(function: Function, loop: Node, report: Report) -> None:
    """`while (*s) buf[i++] = *s++`: the text ends the loop, and nothing looks at how far `i` has come."""
    condition = loop.part("condition")
    if condition is None or not _looks_into_text(function, condition):
        return
    written = [
        one for one in loop.walk() if one.kind == "assignment_expression" and one.kids[0].kind == "subscript_expression"
    ]
    for one in written[:_MAX_WRITTEN]:
        array, index = one.kids[0].kids[0], index_of(one.kids[0])
        found = function.locals.get(place(array))
        name = place(bare(index.parts[0]) if index is not None and index.kind == "update_expression" else index)
        if found is None or not found.counts or found.counts[0] is None or not name or index is None:
            continue
        grows = index.kind == "update_expression" or _steps(loop, name)
        if grows and not _is_compared(loop, name) and name in function.locals:
            report.say("index-out-of-bounds", one)


def _looks_into_text(function: Function, condition: Node) -> bool:
    """Whether the loop goes on as long as a text that is not of the function's own making has characters."""
    for one in condition.walk():
        if one.kind in ("pointer_expression", "subscript_expression") and one.text[:1] != "&":
            root = next((kid for kid in one.walk() if kid.kind == "identifier"), None)
            own = function.locals.get(root.text) if root is not None else None
            if own is None or "*" in own.type:
                return True
        if one.kind == "call_expression" and re.fullmatch(r"f?getc(?:har)?", callee(one)):
            return True
    return False


def _steps(loop: Node, name: str) -> bool:
    return any(one.kind == "update_expression" and place(one.parts[0]) == name for one in loop.walk())


def _is_compared(loop: Node, name: str) -> bool:
    return any(
        one.kind == "binary_expression" and one.kids[1].kind in _COMPARES and name in names_in(one)
        for one in loop.walk()
    )


# ---- memory of a counted size


def _put_together(function: Function, node: Node, report: Report) -> None:
    """malloc(strlen(a) + strlen(b) + 1), and then more characters than these are put there."""
    given = arguments(node)
    holder = node.up
    while holder is not None and holder.kind in ("cast_expression", "parenthesized_expression"):
        holder = holder.up
    if holder is None or len(given) != 1 or holder.kind not in ("init_declarator", "assignment_expression"):
        return
    target = holder.kids[0].text.strip("* ")
    room = _beyond_lengths(given[0])
    if room is None or not target.isidentifier():
        return
    used, last = 1, None
    for call in calls(function.body):
        to = arguments(call)
        if call.start < node.start or len(to) < 2 or place(to[0]) != target:
            continue
        if callee(call) in ("strcpy", "strcat"):
            extra = literal_length(to[1].text) if to[1].kind == "string_literal" else 0
        elif callee(call) == "sprintf" and to[1].kind == "string_literal":
            if any(found.group(4) not in ("s", None) for found in _CONVERSION.finditer(to[1].text)):
                return
            extra = literal_length(_CONVERSION.sub("", to[1].text))
        else:
            continue
        used, last = used + extra, call
        if any(up.kind in (*LOOPS, "if_statement", "switch_statement") for up in call.above()):
            return
    if last is not None and used > room:
        report.say("terminator-forgotten", node)


def _beyond_lengths(size: Node) -> int | None:
    """What a sum of strlen() calls has beside them; None where there is something else in it."""
    total, lengths, pending = 0, 0, [size]
    while pending:
        one = bare(pending.pop())
        if one is None:
            return None
        if one.kind == "binary_expression" and one.kids[1].kind == "+":
            pending += [one.kids[0], one.kids[2]]
        elif one.kind == "call_expression" and callee(one) == "strlen":
            lengths += 1
        elif one.kind == "number_literal" and one.text.isdigit():
            total += int(one.text)
        else:
            return None
    return total if lengths else None


# ---- numbers as text


def _printed(unit: Unit, function: Function, node: Node, report: Report) -> None:
    """sprintf() of numbers into an array that is too short: for their least width, or for their type's range."""
    given = arguments(node)
    if len(given) < 2 or given[1].kind != "string_literal":
        return
    inner = bare(given[0])
    name = inner.text if inner is not None and inner.kind == "identifier" else ""
    member = inner is not None and inner.kind == "field_expression"
    found = unit.fields.get(inner.kids[-1].text) if inner is not None and member else None
    found = found or function.locals.get(name) or (unit.globals.get(name) if name else None)
    room = unit.bytes_of(found) if found is not None and found.counts else None
    if room is None:
        return
    least = most = literal_length(_CONVERSION.sub("", given[1].text)) + 1
    holes = [one for one in _CONVERSION.finditer(given[1].text) if one.group(4)]
    least += sum(one.group() == "%%" for one in _CONVERSION.finditer(given[1].text))
    for hole, value in zip(holes, given[2:], strict=False):
        low, high = _widths(function, hole, value)
        least, most = least + low, most + high
    if least > room:
        report.say("unbounded-copy", node)
    elif most > room and room < 64:
        report.say("unbounded-copy", node, _LIKELY)


def _widths(function: Function, hole: re.Match[str], value: Node) -> tuple[int, int]:
    """The least and the greatest number of characters for one number; of a text nothing is known here."""
    width = int(hole.group(1)) if hole.group(1) and hole.group(1).isdigit() else 0
    kind, size = hole.group(4), hole.group(3) or ""
    if kind in "diu":
        digits = _DIGITS.get(size, 10)
        variable = function.locals.get(place(value))
        signed = kind != "u" and not (variable is not None and is_unsigned(variable.type))
        if variable is not None and variable.type.split()[-1:] in (["char"], ["uint8_t"], ["u8"]):
            digits = 3
        bounded = value.kind in ("binary_expression", "number_literal", "conditional_expression", "call_expression")
        return max(width, 1), max(width, 1 if bounded else digits + signed)
    if kind in "xXo":
        return max(width, 1), max(width, 1)
    if kind == "c":
        return max(width, 1), max(width, 1)
    return width, width
