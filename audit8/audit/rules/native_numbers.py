"""Checks of C and C++ on numbers that go wrong before they are used: an index before the begin, a difference and a sum
that wrap around, and what snprintf() returns.

Reads the text of a function, not its paths: any comparison of the same names anywhere in it silences a check.
"""

import re

from audit8.audit.rules.native_facts import Facts
from audit8.audit.rules.native_model import Unit
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, bare, callee, index_of, names_in, place
from audit8.audit.rules.native_values import is_unsigned

_ORDERS = ("<", ">", "<=", ">=")
_END = re.compile(r"(?i)\w*(?:end|limit|last|stop|tail|max|eom|len|length|size|e)")
_LIKELY, _HALF = 0.75, 0.6
_MAX_LOOKED = 300  # Expressions of one function whose names are followed.
_MAX_PRINTED = 40


def check_numbers(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        facts = Facts(unit, function)
        ends = [one for one in function.every("subscript_expression") if _is_last(facts, one)]
        for node in ends[:_MAX_LOOKED]:
            _before_begin(facts, node, report)
        numbers = function.every("binary_expression")
        for node in [one for one in numbers if one.kids[1].kind == "-"][:_MAX_LOOKED]:
            _wraps(facts, node, report)
        for node in [one for one in numbers if one.kids[1].kind in _ORDERS][:_MAX_LOOKED]:
            _adds_first(facts, node, report)
        _printed_length(facts, report)


# ---- before the begin


def _is_last(facts: Facts, node: Node) -> bool:
    index = index_of(node)
    is_less = index is not None and index.kind == "binary_expression" and index.kids[1].kind == "-"
    return is_less and index is not None and facts.unit.fold(index.kids[2]) == 1


def _before_begin(facts: Facts, node: Node, report: Report) -> None:
    """`s[strlen(s) - 1]`: an empty text has no last character."""
    index = index_of(node)
    if index is None:
        return
    length = bare(index.kids[0])
    text = _length_of(facts, length)
    if length is None or not text or _is_filled(facts, text):
        return
    names = {place(length), text, f"*{text}", f"{text}[0]"}
    asked = any(facts.tested.get(name, node.end) < node.start for name in names if name)
    if not asked and not _is_guarded(node, names):
        report.say("read-past-end", node, _LIKELY)


def _length_of(facts: Facts, node: Node | None) -> str:
    """The text whose strlen() an expression is, or that a name was set to and nothing else."""
    values = facts.values.get(place(node), []) if node is not None and node.kind == "identifier" else []
    one = bare(values[0]) if len(values) == 1 else node
    if one is None or one.kind != "call_expression" or callee(one) != "strlen":
        return ""
    given = arguments(one)
    return place(given[0]) if given else ""


def _is_filled(facts: Facts, text: str) -> bool:
    """Whether fgets() or a literal made the text, so that it has a character."""
    found = facts.function.locals.get(text)
    if found is not None and (found.counts or found.value is not None):
        return True
    fills = ("fgets", "getline", "snprintf", "sprintf", "getcwd", "fgetln")
    return any(callee(one) in fills and text in names_in(one) for one in facts.function.every("call_expression"))


def _is_guarded(node: Node, names: set[str]) -> bool:
    """Whether an operand before it in the same condition looks at one of the names."""
    child = node
    for one in node.above():
        is_second = one.kind == "binary_expression" and one.kids[1].kind in ("&&", "||") and one.kids[2] is child
        if is_second and any(place(part) in names for part in one.kids[0].walk()):
            return True
        if one.kind.endswith("statement"):
            return False
        child = one
    return False


# ---- differences and sums


def _wraps(facts: Facts, node: Node, report: Report) -> None:
    """`n = total - 8 - m` where the data says `total`, in a type without a sign, and nothing asks for the least."""
    if node.up is not None and node.up.kind == "binary_expression" and node.up.kids[1].kind in ("-", *_ORDERS):
        return
    first, taken = _chain(node)
    key = place(first)
    if not key or first.kind not in ("identifier", "field_expression") or not facts.is_from_memory(first):
        return
    if not _becomes_size(facts, node):
        return
    names = set[str]().union(*(names_in(one) for one in taken))
    for test in facts.compared.get(key, []):
        if test.kind != "binary_expression" or _asks_for_least(facts, test, key, names):
            return
    report.say("integer-wraps", node, _LIKELY)


def _chain(node: Node) -> tuple[Node, list[Node]]:
    """Of `a - b - c`: a, and what is taken from it."""
    taken = []
    one = node
    while one.kind == "binary_expression" and one.kids[1].kind == "-":
        taken.append(one.kids[2])
        one = bare(one.kids[0]) or one.kids[0]
    return one, taken


def _becomes_size(facts: Facts, node: Node) -> bool:
    """Whether the difference is put into a number without a sign, or is a length that a call is given."""
    child = node
    for one in node.above():
        if one.kind == "argument_list":
            call = one.up
            return call is not None and bool(re.fullmatch(r"mem(?:cpy|move|set)|\w*alloc\w*|strn\w+", callee(call)))
        if one.kind == "init_declarator":
            name = one.kids[0].text
            found = facts.function.locals.get(name)
            return found is not None and is_unsigned(found.type)
        if one.kind == "assignment_expression" and one.kids[0] is not child:
            found = facts.variable(place(one.kids[0]))
            return found is not None and is_unsigned(found.type)
        if one.kind not in ("parenthesized_expression", "cast_expression"):
            return False
        child = one
    return False


def _asks_for_least(facts: Facts, test: Node, key: str, names: set[str]) -> bool:
    left, operator, right = test.kids[0], test.kids[1].kind, test.kids[2]
    if operator not in _ORDERS:
        return True
    other, sign = (right, operator) if key in (place(left), *map(place, left.walk())) else (left, operator)
    if facts.unit.fold(other) is not None or other.text.isupper() or names & names_in(other):
        return True
    if any(one.kind == "sizeof_expression" for one in other.walk()):
        return True
    return sign in ("<", "<=") if other is right else sign in (">", ">=")


def _adds_first(facts: Facts, node: Node, report: Report) -> None:
    """`p + n > end`: the sum itself may wrap around when the data says n."""
    for total, end in ((node.kids[0], node.kids[2]), (node.kids[2], node.kids[0])):
        inner = bare(total)
        if inner is None or inner.kind != "binary_expression" or inner.kids[1].kind != "+":
            continue
        base, added = bare(inner.kids[0]), bare(inner.kids[2])
        if base is None or added is None or added.kind != "identifier" or not place(end):
            continue
        root = facts.function.locals.get(place(base).lstrip("*"))
        if root is None or "*" not in root.type or not _END.fullmatch(place(end)):
            continue
        if facts.bits(added.text) >= 32 and facts.is_from_memory(added):
            report.say("integer-overflow", node, _HALF)


# ---- what snprintf() returns


def _printed_length(facts: Facts, report: Report) -> None:
    """`n = snprintf(b, sizeof(b), "%s", s)` and then n bytes of b: n is what there would have been."""
    made = ((name, bare(values[0])) for name, values in facts.values.items() if len(values) == 1)
    printed = [
        (name, call)
        for name, call in made
        if call is not None and call.kind == "call_expression" and callee(call) in ("snprintf", "vsnprintf")
    ]
    for name, call in printed[:_MAX_PRINTED]:
        if facts.compared.get(name):
            continue
        given = arguments(call)
        if len(given) < 3 or not re.search(r"%-?\d*s", given[2].text) or given[1].kind == "number_literal":
            continue
        target = place(given[0])
        for node in facts.function.every("call_expression", "subscript_expression"):
            if target and node.start > call.end and _takes(node, target, name):
                report.say("read-past-end", node, _LIKELY)
                break


def _takes(node: Node, target: str, length: str) -> bool:
    """Whether a call is given both the memory and the length, or the length is an index of it."""
    if node.kind == "subscript_expression":
        return place(node.kids[0]) == target and place(index_of(node)) == length
    names = [place(one) for one in arguments(node)]
    return target in names and length in names
