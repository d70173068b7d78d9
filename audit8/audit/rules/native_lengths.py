"""Checks of C and C++ on lengths that nobody compares: copies as long as a packet says, sizes that are never read,
loops that look ahead, tables without a last entry.

Reads the text of a function, not its paths: any comparison of the same names anywhere in it silences a check.
"""

import re
from itertools import pairwise

from audit8.audit.rules.native_facts import Facts
from audit8.audit.rules.native_loops import LOOPS
from audit8.audit.rules.native_model import Unit, Variable
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, bare, callee, index_of, names_in, place
from audit8.audit.rules.native_values import bounds

_ORDERS = ("<", ">", "<=", ">=")
_COPIES = {"memcpy": (0, 2), "memmove": (0, 2), "strncpy": (0, 2), "bcopy": (1, 2), "skb_copy_bits": (2, 3)}
_MEASURES = re.compile(r"strn?len|valid|check|safe")
_STREAM_READS = re.compile(r"(?:.*(?:\.|->))(?:read|recv|receive|readsome)")
_SIZE_NAME = re.compile(r"(?i)\w*(?:len|length|size|sz|max|cap|capacity|limit|n|nbytes|count)")
_WRITES = re.compile(r"str(?:cpy|cat|ncpy|ncat)|stpcpy|v?sprintf|mem(?:cpy|move|set)|gets")
_END = re.compile(r"(?i)\w*(?:end|limit|last|stop|tail|max|eom|len|length|size|e)")
_LIKELY = 0.75
_MAX_LOOKED = 100  # Loops and copies of one function whose surroundings are read.


def check_lengths(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        facts = Facts(unit, function)
        _copies(facts, report)
        _texts(facts, report)
        _unread_room(facts, report)
        for loop in function.every(*LOOPS)[:_MAX_LOOKED]:
            _looks_ahead(facts, loop, report)
        for node in function.every("subscript_expression"):
            _into_table(facts, node, report)


# ---- copies


def _copies(facts: Facts, report: Report) -> None:
    """`memcpy(s->name, p + 2, p[1])`: the length stands in the data, and nothing compares it with the room."""
    copies = [one for one in facts.function.every("call_expression") if _is_copy(callee(one))]
    for call in copies[:_MAX_LOOKED]:
        name, given = callee(call), arguments(call)
        at = _COPIES.get(name) or ((0, 1) if _STREAM_READS.fullmatch(name) and len(given) == 2 else None)
        if at is None or len(given) <= max(at):
            continue
        target, length = bare(given[at[0]]), given[at[1]]
        key = place(length)
        known = target is not None and _room(facts, target)
        tests = [test for name in (key, *names_in(length)) for test in facts.compared.get(name, ())]
        if not known or any(_bounds_target(facts, test) for test in tests):
            continue
        if facts.is_from_memory(length) and facts.highest(key) > known:
            report.say("copy-past-end", call, _LIKELY)


def _is_copy(name: str) -> bool:
    return name in _COPIES or _STREAM_READS.fullmatch(name) is not None


def _texts(facts: Facts, report: Report) -> None:
    """`strcpy(s->name, name)`: what the caller gave goes into an array, and nobody asks how long it is."""
    given = {one.name for one in facts.function.params}
    asked = {
        place(one)
        for call in facts.function.every("call_expression")
        if _MEASURES.search(callee(call))
        for one in arguments(call)
    }
    for call in facts.function.every("call_expression"):
        parts = arguments(call)
        target = bare(parts[0]) if parts else None
        if target is None or not _is_loose_text(facts, target):
            continue
        for source in _sources(callee(call), parts):
            root = re.split(r"->|\.|\[", place(source))[0]
            same = source.kind == "field_expression" and target.kind == source.kind
            if root not in given or place(source) in asked or (same and target.kids[-1].text == source.kids[-1].text):
                continue
            report.say("unbounded-copy", call, _LIKELY)


def _sources(name: str, parts: list[Node]) -> list[Node]:
    """The texts that a call copies whole: all of what it is given, or what its format has a plain %s for."""
    if name in ("strcpy", "strcat", "stpcpy"):
        return parts[1:2]
    if name != "sprintf" or len(parts) < 3 or parts[1].kind != "string_literal":
        return []
    holes = re.findall(r"%(?:%|[-+ #0']*\d*(?:\.\d+)?(?:hh?|ll?|z|j|t|L)?[a-zA-Z])", parts[1].text)
    holes = [one for one in holes if one != "%%"]
    return [one for hole, one in zip(holes, parts[2:], strict=False) if re.fullmatch(r"%-?\d*s", hole)]


def _is_loose_text(facts: Facts, target: Node) -> bool:
    """An array of a structure, or one of the function's own whose size is a name that is defined elsewhere."""
    local = facts.function.locals.get(target.text) if target.kind == "identifier" else None
    if local is not None:
        return bool(local.counts) and local.counts[0] is None
    return target.kind == "field_expression" and bool(_room(facts, target))


def _bounds_target(facts: Facts, test: Node) -> bool:
    """Whether a test can be about the room: one with the size of the packet, a parameter of its own, cannot."""
    if test.kind != "binary_expression" or test.kids[1].kind not in _ORDERS:
        return True
    params = {one.name for one in facts.function.params if "*" in one.type or _SIZE_NAME.fullmatch(one.name)}
    pointers = {name for name, one in facts.function.locals.items() if "*" in one.type}
    return not any(
        side.kind == "identifier" and side.text in params | pointers for side in (test.kids[0], test.kids[2])
    )


def _room(facts: Facts, target: Node) -> float:
    """The size of an array, 1 where it is not known; 0 for what may have been allocated to fit."""
    if target.kind == "pointer_expression" and target.text.startswith("&"):
        return 0
    local = facts.function.locals.get(target.text) if target.kind == "identifier" else None
    if local is not None and local.counts:
        return facts.unit.bytes_of(local) or 1
    if target.kind != "field_expression" or facts.values.get(place(target)):
        return 0
    member = facts.unit.fields.get(target.kids[-1].text)
    if member is not None and member.type and not member.counts:
        return 0
    return (facts.unit.bytes_of(member) or 1) if member is not None else 1


def _unread_room(facts: Facts, report: Report) -> None:
    """A parameter says how much room there is, the memory before it is written, and nobody reads the parameter."""
    params = facts.function.params
    for target, size in pairwise(params):
        if not _is_room(facts, target, size) or any(
            one.text == size.name for one in facts.function.every("identifier")
        ):
            continue
        for node in facts.function.every("assignment_expression", "call_expression"):
            if _is_written(node, target.name):
                report.say("copy-past-end", node, _LIKELY)
                break


def _is_room(facts: Facts, target: Variable, size: Variable) -> bool:
    """Whether two parameters are memory to write to and its size."""
    is_target = target.type.count("*") == 1 and "const" not in target.node.text.split()
    return is_target and bounds(size.type, facts.unit.structs) is not None and bool(_SIZE_NAME.fullmatch(size.name))


def _is_written(node: Node, name: str) -> bool:
    if node.kind == "call_expression":
        given = arguments(node)
        return bool(_WRITES.fullmatch(callee(node))) and bool(given) and place(given[0]) == name
    left = bare(node.kids[0])
    if left is None or left.kind not in ("subscript_expression", "pointer_expression"):
        return False
    at = index_of(left) if left.kind == "subscript_expression" else None
    if at is not None and at.kind == "number_literal":
        return False
    base = left.kids[0] if left.kind == "subscript_expression" else left.kids[1]
    return place(base) == name or (base.kind == "update_expression" and name in names_in(base))


# ---- loops


def _looks_ahead(facts: Facts, loop: Node, report: Report) -> None:
    """`while (i < n)` reads `p[i + 1]`, or `while (p < end)` reads `p[1]`: one too far on the last round."""
    condition, body = bare(loop.part("condition")), loop.part("body")
    if condition is None or body is None:
        return
    pairs = [one for one in condition.walk() if one.kind == "binary_expression" and one.kids[1].kind == "<"]
    for test in pairs:
        at, limit = place(test.kids[0]), place(test.kids[2])
        variable = facts.function.locals.get(at)
        if variable is None or not limit or not _END.fullmatch(re.split(r"->|\.", limit)[-1]):
            continue
        others = [one for one in facts.compared.get(limit, []) if one is not test]
        if others or any(one is not test for one in facts.compared.get(at, [])):
            continue
        for node in body.walk():
            ahead = _ahead(facts, node, at, pointer="*" in variable.type)
            if ahead > 0 and ahead >= _step(facts, loop, at):
                report.say("read-past-end", node, _LIKELY)
                return


def _ahead(facts: Facts, node: Node, at: str, pointer: bool) -> int:
    """How far beyond the place that the loop tests an element of bytes is."""
    if node.kind != "subscript_expression":
        return 0
    index = index_of(node)
    if pointer:
        return (facts.unit.fold(index) or 0) if place(node.kids[0]) == at and facts.is_bytes(at) else 0
    is_sum = index is not None and index.kind == "binary_expression" and index.kids[1].kind == "+"
    if not is_sum or index is None or place(index.kids[0]) != at or not facts.is_bytes(place(node.kids[0])):
        return 0
    return facts.unit.fold(index.kids[2]) or 0


def _step(facts: Facts, loop: Node, at: str) -> int:
    """By how much each round goes on, where that is a number: `i += 2`."""
    steps = [one for one in loop.walk() if one.kind == "assignment_expression" and place(one.kids[0]) == at]
    folded = [facts.unit.fold(one.kids[2]) or 1 for one in steps if one.kids[1].kind == "+="]
    return max(folded, default=1) if len(folded) == len(steps) else 1


# ---- tables


def _into_table(facts: Facts, node: Node, report: Report) -> None:
    """`static const char *names[] = {...}; return names[kind]`, and nothing says how large `kind` is."""
    index, found = index_of(node), facts.variable(place(node.kids[0]))
    is_table = found is not None and len(found.counts) == 1 and found.value is not None
    if not is_table or found is None or found.value is None or found.value.kind != "initializer_list":
        return
    if index is None or index.kind not in ("identifier", "field_expression"):
        return
    key, one = place(index), facts.function.locals.get(place(index))
    limits = bounds(one.type, facts.unit.structs) if one is not None else None
    if one is None or limits is None or limits[1] < len(found.value.parts) or facts.compared.get(key):
        return
    given = one.name in {param.name for param in facts.function.params}
    if not (given and _is_called_anyhow(facts)) and not _is_loose(facts, key, given):
        return
    if key in facts.tested or key in facts.switched:
        return
    report.say("index-out-of-bounds", node, _LIKELY)


def _is_called_anyhow(facts: Facts) -> bool:
    """Whether nobody in the file calls the function: what it is given is not known."""
    return facts.function.name not in facts.unit.called


def _is_loose(facts: Facts, key: str, given: bool) -> bool:
    """Whether a name has one value, and that comes out of a structure, an element or a shift."""
    values = facts.values.get(key, [])
    if given or len(values) != 1:
        return False
    value = bare(values[0])
    if value is None:
        return False
    if value.kind == "binary_expression":
        return bool(value.kids[1].kind == ">>")
    return value.kind in ("field_expression", "subscript_expression") and "->" in value.text
