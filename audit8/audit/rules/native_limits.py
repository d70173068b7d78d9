"""Checks of C and C++ on limits that are one too large: `>` for `>=`, `<=` for `<`, a scan as wide as the array.

A name says that it is a count (`num_streams`, `nb_entries`, ARRAY_SIZE(...)); a greatest value (`max_id`) is none.
"""

import re

from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, bare, callee, index_of, place

_COUNT = re.compile(
    r"(?:.*(?:->|\.))?(?:num_?\w+|nb_\w+|nr_\w+|n_\w+|\w+_(?:count|cnt|num|nr)|count|\w*Count|num[A-Z]\w*|nelems|nentries|n[A-Z]\w*s)"
)
_SIZES = (
    "ARRAY_SIZE",
    "FF_ARRAY_ELEMS",
    "G_N_ELEMENTS",
    "NELEMS",
    "countof",
    "_countof",
    "ARRAYSIZE",
    "nitems",
    "N_ELEMENTS",
)
_LEAVES = ("return_statement", "goto_statement", "break_statement", "continue_statement", "throw_statement")
_WIDTH = re.compile(r"%(\*)?(\d+)?l?(?:\[\^?\]?[^\]]*\]|[a-zA-Z%])")
_SCANS = {"scanf": 0, "fscanf": 1, "sscanf": 1}
_LIKELY = 0.75
_MAX_TESTS = 100  # Of one function are looked at.


def check_limits(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        tests = [one for one in function.every("binary_expression") if one.kids[1].kind in (">", "<=")]
        for test in tests[:_MAX_TESTS]:
            if test.kids[1].kind == ">":
                _passes_count(function, test, report)
            else:
                _runs_to_count(test, report)
        for call in function.every("call_expression"):
            if callee(call) in _SCANS:
                _wide_scan(unit, function, call, report)


def _counts(node: Node, arrays: set[str]) -> bool:
    """Whether an expression is a number of elements: by its name, or of one of the arrays."""
    inner = bare(node)
    if inner is None:
        return False
    if inner.kind == "call_expression" and callee(inner) in _SIZES:
        return place(next(iter(arguments(inner)), None)) in arrays
    return bool(_COUNT.fullmatch(place(inner)))


def _passes_count(function: Function, test: Node, report: Report) -> None:
    """`if (i > s->num_parts) return; ... s->parts[i]`: the number itself is let through."""
    name = place(test.kids[0])
    leave = _if_that_leaves(test)
    if not name or leave is None:
        return
    used = [
        one for one in function.every("subscript_expression") if one.start > leave.end and place(index_of(one)) == name
    ]
    near = [one for one in used if _belongs(one, test.kids[2])]
    if near and _counts(test.kids[2], {place(one.kids[0]) for one in near}):
        report.say("index-out-of-bounds", test, _LIKELY)


def _belongs(used: Node, count: Node) -> bool:
    """Whether the array and the count are parts of the same structure, or the count is of this array."""
    inner = bare(count)
    base = used.kids[0]
    if inner is None:
        return False
    if inner.kind == "call_expression":
        return place(next(iter(arguments(inner)), None)) == place(base)
    if inner.kind == "field_expression" and inner.kids and base.kids:
        return base.kind == inner.kind and place(base.kids[0]) == place(inner.kids[0])
    return bool(inner.kind == "identifier")


def _if_that_leaves(test: Node) -> Node | None:
    """The `if` of which a test alone, or as one of several joined by ||, decides that the function goes elsewhere."""
    for up in test.above():
        if up.kind == "if_statement":
            then = up.part("consequence")
            last = then.parts[-1] if then is not None and then.kind == "compound_statement" and then.parts else then
            return up if last is not None and last.kind in _LEAVES else None
        is_or = up.kind == "binary_expression" and up.kids[1].kind == "||"
        if not is_or and up.kind not in ("parenthesized_expression", "condition_clause"):
            return None
    return None


def _runs_to_count(test: Node, report: Report) -> None:
    """`for (i = 0; i <= s->num_parts; i++) s->parts[i]`."""
    loop = test.up
    if loop is None or loop.kind != "for_statement":
        return
    begin, body, name = loop.part("initializer"), loop.part("body"), place(test.kids[0])
    if begin is None or body is None or not re.search(rf"\b{re.escape(name)}\s*=\s*0\b", begin.text):
        return
    used = [
        one for one in body.walk()
        if one.kind == "subscript_expression" and place(index_of(one)) == name and _belongs(one, test.kids[2])
    ]  # fmt: skip
    if used and _counts(test.kids[2], {place(one.kids[0]) for one in used}):
        report.say("index-out-of-bounds", test, _LIKELY)


def _wide_scan(unit: Unit, function: Function, call: Node, report: Report) -> None:
    """`char b[8]; sscanf(s, "%8s", b)`: the zero at the end has no room."""
    at, given = _SCANS[callee(call)], arguments(call)
    if len(given) <= at or given[at].kind != "string_literal":
        return
    holes = [one for one in _WIDTH.finditer(given[at].text) if not one.group(1) and one.group() != "%%"]
    for hole, target in zip(holes, given[at + 1 :], strict=False):
        found = function.locals.get(place(target))
        room = unit.bytes_of(found) if found is not None and found.counts else None
        is_text = hole.group()[-1] in "s]"
        if room is not None and is_text and hole.group(2) and int(hole.group(2)) >= room:
            report.say("unbounded-copy", call)
