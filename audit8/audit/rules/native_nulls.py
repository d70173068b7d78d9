"""Checks of C and C++ on pointers that are followed first and compared with NULL afterwards.

The later test shows that the author expects NULL; the use before it does not. Both must be on every way through the
same block, with no new value between them.
"""

import re

from audit8.audit.rules.native_loops import LOOPS
from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, bare, callee, place

_TESTS = ("if_statement", "while_statement", "conditional_expression")
_BRANCHES = (
    "if_statement", "while_statement", "for_statement", "do_statement", "switch_statement", "case_statement",
    "conditional_expression", "for_range_loop", "else_clause", "lambda_expression",
)  # fmt: skip
_ATTRIBUTE = re.compile(r"nla_(?:get_\w+|data|len|strcmp|strl?cpy|strscpy|memcpy|parse_nested\w*)")
_NULLS = ("NULL", "nullptr", "0")
_MAX_TESTS = 60


def check_nulls(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        _attributes(function, report)
        tests = _tests(function)[:_MAX_TESTS]
        if not tests:
            continue
        uses, changes = _uses(function), _changes(function)
        for name, test in tests:
            before = [one for one in uses.get(name, []) if one.end <= test.start and _always_before(one, test)]
            if not before:
                continue
            last = max(before, key=lambda one: one.start)
            if not any(last.start < at < test.start for at in changes.get(name, [])) and not _in_loop(test, last):
                report.say("null-unchecked", last, 0.9)


def _attributes(function: Function, report: Report) -> None:
    """`nla_get_u32(tb[A])`: an attribute that a netlink message need not have, and no condition asks for it."""
    reads = [one for one in function.every("call_expression") if _ATTRIBUTE.fullmatch(callee(one))]
    if not reads:
        return
    asked = {
        place(part)
        for one in function.every("if_statement", "conditional_expression", "while_statement")
        if (condition := one.part("condition")) is not None
        for part in condition.walk()
        if part.kind == "subscript_expression"
    }
    for call in reads:
        first = next(iter(arguments(call)), None)
        if first is not None and first.kind == "subscript_expression" and place(first) not in asked:
            report.say("null-unchecked", call, 0.75)


def _tests(function: Function) -> list[tuple[str, Node]]:
    """The pointers that conditions compare with NULL."""
    found = []
    for node in function.every(*_TESTS):
        condition = node.part("condition")
        for one in condition.walk() if condition is not None else ():
            name = _tested(one)
            if name and _is_pointer(function, name):
                found.append((name, one))
    return found


def _tested(node: Node) -> str:
    if node.kind == "unary_expression" and node.kids[0].kind == "!":
        return place(node.kids[1])
    if node.kind == "binary_expression" and node.kids[1].kind in ("==", "!="):
        sides = [(node.kids[0], node.kids[2]), (node.kids[2], node.kids[0])]
        return next((place(one) for one, other in sides if _is_null(other)), "")
    if node.kind in ("parenthesized_expression", "condition_clause") and len(node.parts) == 1:
        return place(node.parts[0]) if node.parts[0].kind in ("identifier", "field_expression") else ""
    if node.kind == "binary_expression" and node.kids[1].kind == "&&":
        return place(node.kids[0]) if node.kids[0].kind == "identifier" else ""
    return ""


def _is_null(node: Node) -> bool:
    inner = bare(node)
    return inner is not None and (inner.text in _NULLS or inner.kind == "null")


def _is_pointer(function: Function, name: str) -> bool:
    found = function.locals.get(name)
    return found is not None and "*" in found.type and not found.counts


def _uses(function: Function) -> dict[str, list[Node]]:
    """Where a pointer is followed; an address of a member or sizeof follows nothing."""
    found: dict[str, list[Node]] = {}
    for node in function.every("field_expression", "pointer_expression"):
        is_arrow = node.kind == "field_expression" and any(kid.kind == "->" for kid in node.kids)
        is_star = node.kind == "pointer_expression" and node.kids[0].kind == "*"
        if is_arrow or is_star:
            name = place(node.kids[0] if is_arrow else node.kids[1])
            if name and not _follows_nothing(node):
                found.setdefault(name, []).append(node)
    return found


def _follows_nothing(node: Node) -> bool:
    for one in node.above():
        if one.kind == "sizeof_expression" or (one.kind == "pointer_expression" and one.text.startswith("&")):
            return True
        if one.kind not in ("field_expression", "subscript_expression", "parenthesized_expression"):
            return False
    return False


def _changes(function: Function) -> dict[str, list[int]]:
    """Where a name gets a new value, or its address is taken."""
    found: dict[str, list[int]] = {}
    for node in function.every("assignment_expression", "update_expression", "pointer_expression", "init_declarator"):
        if node.kind in ("assignment_expression", "update_expression"):
            found.setdefault(place(node.parts[0]), []).append(node.start)
        elif node.kind == "pointer_expression" and node.text.startswith("&"):
            found.setdefault(place(node.kids[1]), []).append(node.start)
        elif node.kind == "init_declarator":
            found.setdefault(node.kids[0].text.strip("* "), []).append(node.start)
    return found


def _always_before(use: Node, test: Node) -> bool:
    """Whether every way to `test` comes by `use`: what decides about the use holds the test too."""
    holders = {id(one) for one in test.above()}
    child = use
    for one in use.above():
        if id(one) in holders:
            return True
        short = one.kind == "binary_expression" and one.kids[1].kind in ("&&", "||") and child is not one.kids[0]
        if one.kind in _BRANCHES and not _is_condition(one, child):
            return False
        if short:
            return False
        child = one
    return False


def _is_condition(branch: Node, child: Node) -> bool:
    condition = branch.part("condition")
    return condition is child


def _in_loop(test: Node, use: Node) -> bool:
    """A test that belongs to a loop's head sees the values of later rounds."""
    return any(one.kind in LOOPS and one.start <= use.start for one in test.above())
