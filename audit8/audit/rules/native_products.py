"""Checks of C and C++ on products of 32-bit numbers that become a size, or a wider number, without a look at them.

`malloc(width * height * 4)`: the product wraps before it is widened, and the memory is too small for what follows.
A comparison of one of the factors with anything, before it in the text, counts as a look.
"""

import re

from audit8.audit.rules.native_memory import Checks
from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_names import ALLOCATES
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, bare, callee, declared, names_in, place
from audit8.audit.rules.native_values import bounds, size_of

_SIZED = re.compile(
    r"(?:x|g_|z|os_|safe_|e)?(?:m|re|c)alloc\w*|alloca|kmalloc\w*|kzalloc|vmalloc|vzalloc|new_array|palloc\w*"
)
_BOUNDED = re.compile(r"MAX|LIMIT|check_\w*mul|__builtin_\w*mul|array_size|size_mul|overflow", re.IGNORECASE)
_CONSTANT = re.compile(r"k[A-Z]\w*")
_KERNEL = re.compile(r"(?:devm_)?(?:k|v|kv)[mz]alloc(?:_node)?")
_ORDERS = ("<", ">", "<=", ">=")
_LIKELY = 0.75


def check_products(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        checks = Checks(unit, function, report)
        looked: dict[str, int] = {}
        for name, at in _looked_at(function):
            looked[name] = min(at, looked.get(name, at))
        sizes = _sizes(function)
        for node in function.every("binary_expression"):
            if node.kids[1].kind != "*" or _inside_product(node):
                continue
            factors = _factors(unit, checks, node)
            if factors is None or any(looked.get(name, node.start) < node.start for name in factors):
                continue
            if _is_size(checks, node, sizes):
                report.say("integer-overflow", node, _LIKELY)
        for call in function.every("call_expression"):
            if _KERNEL.fullmatch(callee(call)):
                _counted(unit, call, looked, report)


def _counted(unit: Unit, call: Node, looked: dict[str, int], report: Report) -> None:
    """`kmalloc(n * sizeof(*p), ...)`: the kernel has kmalloc_array() for that, which looks."""
    for node in arguments(call)[:1]:
        if node.kind != "binary_expression" or node.kids[1].kind != "*":
            continue
        sides = [bare(one) for one in node.parts]
        counts = [one for one in sides if one is not None and one.kind != "sizeof_expression"]
        if len(counts) != 1 or unit.fold(counts[0]) is not None or counts[0].text.isupper():
            continue
        names = names_in(counts[0]) | {place(one) for one in counts[0].walk() if one.kind == "field_expression"}
        varies = counts[0].kind in ("identifier", "field_expression")
        if varies and not any(looked.get(name, node.start) < node.start for name in names):
            report.say("integer-overflow", call, _LIKELY)


def _inside_product(node: Node) -> bool:
    holder = node.up
    while holder is not None and holder.kind == "parenthesized_expression":
        holder = holder.up
    return holder is not None and holder.kind == "binary_expression" and holder.kids[1].kind == "*"


def _factors(unit: Unit, checks: Checks, node: Node) -> set[str] | None:
    """The names in a product that is calculated in 32 bits of at least two numbers that vary; None for another."""
    varying, names, pending = 0, set[str](), [node]
    while pending:
        one = pending.pop()
        while one.kind == "parenthesized_expression" and one.parts:
            one = one.parts[0]
        if one.kind == "binary_expression" and one.kids[1].kind == "*":
            pending += [one.kids[0], one.kids[2]]
            continue
        if unit.fold(one) is not None or one.text.isupper() or _CONSTANT.fullmatch(one.text):
            continue
        kind = checks.type_of(one)
        limits = bounds(kind, unit.structs) if kind else None
        if limits is None or size_of(kind, unit.structs) != 4:
            return None
        varying += 1
        names |= {place(part) for part in one.walk() if part.kind in ("identifier", "field_expression")}
    return names - {""} if varying > 1 else None


def _looked_at(function: Function) -> list[tuple[str, int]]:
    """The names that are compared in order or handed to a check, and where."""
    found = []
    for node in function.every("binary_expression", "call_expression"):
        is_order = node.kind == "binary_expression" and node.kids[1].kind in _ORDERS
        is_check = node.kind == "call_expression" and _BOUNDED.search(callee(node))
        if (is_order and not _steps_a_loop(node)) or is_check:
            names = names_in(node) | {place(one) for one in node.walk() if one.kind == "field_expression"}
            found += [(name, node.start) for name in names]
    return found


def _steps_a_loop(node: Node) -> bool:
    return node.up is not None and node.up.kind == "for_statement"


def _sizes(function: Function) -> set[str]:
    """The names that are handed to an allocation."""
    found = set[str]()
    for node in function.every("call_expression"):
        if _allocates(node):
            for one in arguments(node):
                found |= names_in(one)
    return found


def _allocates(node: Node) -> bool:
    return bool(_SIZED.fullmatch(callee(node)) or ALLOCATES.fullmatch(callee(node)))


def _is_size(checks: Checks, node: Node, sizes: set[str]) -> bool:
    """Whether the product is an allocation's size, or put into a wider number."""
    child = node
    for one in node.above():
        if one.kind in ("cast_expression", "call_expression"):
            wide = _is_wide(checks, " ".join(one.parts[0].text.split()))
            return wide if one.kind == "cast_expression" else _allocates(one)
        if one.kind == "init_declarator":
            name = declared(one.part("declarator"))
            found = checks.function.locals.get(name.text) if name is not None else None
            return found is not None and (_is_wide(checks, found.type) or found.name in sizes)
        if one.kind == "assignment_expression" and child is not one.kids[0]:
            target = bare(one.kids[0])
            return _is_wide(checks, checks.type_of(target)) or place(target) in sizes
        is_sum = one.kind == "binary_expression" and one.kids[1].kind in ("+", "-", "*")
        if not is_sum and one.kind not in ("parenthesized_expression", "argument_list"):
            return False
        child = one
    return False


def _is_wide(checks: Checks, kind: str) -> bool:
    return bool(kind) and bounds(kind, checks.unit.structs) is not None and size_of(kind, checks.unit.structs) == 8
