"""The checks of C and C++ that look at values on a path: what a pointer points to, an index, a length, a divisor."""

import math
from dataclasses import replace

from audit8.audit.rules.native_model import Function, Unit, Variable
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, bare, callee, index_of, place
from audit8.audit.rules.native_values import INF, OUTSIDE, PARAMETER, Obj, State, Value, bounds, is_float, size_of

_COMPARES = ("<", ">", "<=", ">=", "==", "!=")
_LARGE = 2**20
_LIKELY = 0.75  # The share of what rests on a function's name.
_NUMBERS = {"atoi": "int", "atol": "long", "atoll": "long", "strtol": "long", "strtoul": "unsigned long", "rand": "int",
            "strtoll": "long", "strtoull": "unsigned long", "getchar": "int", "fgetc": "int", "strlen": "size_t",
            "atof": "double", "strtod": "double", "sizeof": "size_t", "read": "ssize_t", "recv": "ssize_t"}  # fmt: skip


class Checks:
    def __init__(self, unit: Unit, function: Function, report: Report) -> None:
        self.unit, self.function, self._report = unit, function, report
        self.say = report.say

    # ---- what is known about names and types

    def variable(self, node: Node | None) -> Variable | None:
        """The declaration behind a name or a member."""
        node = bare(node)
        if node is not None and node.kind == "identifier":
            return self.function.local(node.text, node.start) or self.unit.globals.get(node.text)
        if node is not None and node.kind == "field_expression":
            return self.unit.fields.get(node.kids[-1].text)
        return None

    def type_of(self, node: Node | None) -> str:
        """The type of an expression, "" when it is not known."""
        while node is not None and node.kind == "parenthesized_expression":
            node = node.parts[0] if node.parts else None
        if node is None:
            return ""
        if node.kind == "cast_expression":
            return " ".join(node.parts[0].text.split())
        if node.kind in ("subscript_expression", "pointer_expression"):
            return self._element_type(node)
        if node.kind == "binary_expression" and node.kids[1].kind not in _COMPARES:
            return self._wider(self.type_of(node.kids[0]), self.type_of(node.kids[2]))
        found = self.variable(node)
        return _type_by_itself(node) if found is None else f"{found.type} *" if found.counts else found.type

    def _element_type(self, node: Node) -> str:
        root, depth = self._root(node)
        one = self.variable(root)
        stars = max(0, depth - len(one.counts)) if one else 0
        return one.type[: len(one.type) - stars].strip() if one and one.type.count("*") >= stars else ""

    def _wider(self, one: str, other: str) -> str:
        if "*" in one or "*" in other:
            return one if "*" in one else other
        if is_float(one) or is_float(other):
            return "double"
        if not one or not other:
            return ""
        sizes = size_of(one, self.unit.structs) or 4, size_of(other, self.unit.structs) or 4
        if max(sizes) < 4:
            return "int"
        return one if sizes[0] > sizes[1] or (sizes[0] == sizes[1] and bounds(one, {}) and "uns" in one) else other

    def _root(self, node: Node) -> tuple[Node | None, int]:
        depth: int = 0
        one: Node | None = node
        while one is not None and one.kind in ("subscript_expression", "pointer_expression"):
            depth += 1
            one = bare(one.kids[0] if one.kind == "subscript_expression" else one.kids[1])
        return one, depth

    def room(self, node: Node, value: Value, state: State) -> float:
        """How many bytes there are where `node` points; infinite when nobody knows."""
        inner = bare(node)
        if inner is not None and inner.kind == "pointer_expression" and inner.text.startswith("&"):
            inner = bare(inner.kids[1])
            found = self.variable(inner)
            return (self.unit.bytes_of(found) or INF) if found else INF
        found = self.variable(inner)
        if found is not None and found.counts:
            return self.unit.bytes_of(found) or INF
        obj = state.objs.get(value.obj)
        return INF if obj is None or value.moved else obj.size

    # ---- checks

    def deref(self, node: Node, pointer: Node, value: Value, state: State) -> None:
        """`pointer`, worth `value`, is followed at `node`."""
        if value.forged:
            self.say("untrusted-pointer", node)
        obj = state.objs.get(value.obj)
        if obj is not None and (obj.freed or obj.ended):
            self.say("free-then-use", node, 1.0 if obj.freed else _LIKELY)
        elif value.null in ("null", "maybe"):
            self.say("null-unchecked", node, _LIKELY if value.found else 1.0)
        key = place(pointer)
        if key in state.vars and value.null in ("null", "maybe"):
            state.vars[key] = replace(state.vars[key], null="no", nonzero=True, lo=-INF, hi=INF)

    def passed(self, node: Node, given: Node, kind: str) -> None:
        """`&x` of a number is handed to a parameter that points to numbers of another kind."""
        inner = bare(given)
        if inner is not given or inner is None or inner.kind != "pointer_expression" or kind.count("*") != 1:
            return
        found = self.variable(inner.kids[1]) if inner.text.startswith("&") else None
        if found is None or found.counts or "*" in found.type:
            return
        if is_float(found.type) is not is_float(kind.rstrip("* ")) and bounds(kind.rstrip("* "), {}) is not None:
            self.say("type-confusion", node)

    def used(self, node: Node, value: Value, state: State) -> None:
        """A pointer is handed to somebody who will follow it."""
        obj = state.objs.get(value.obj)
        if obj is not None and obj.freed:
            self._too_early("free-then-use", node, obj)

    def index(self, node: Node, base: Node, at: Value, pointer: Value, state: State) -> None:
        """`base[at]`: both ends against the array's length."""
        if at.checked or (node.up is not None and node.up.kind == "pointer_expression" and node.up.text[0] == "&"):
            return
        if self._is_own_end(index_of(node), base):
            return
        outside = at.taint == OUTSIDE
        known = math.isfinite(at.lo) and at.lo < 0 and not pointer.moved
        if at.lo < 0 and not at.floored and (outside or (known and self._is_array(base))):
            self.say("index-out-of-bounds", node)
        count = self._count(node, base, pointer, state)
        past = at.hi >= count and (math.isfinite(at.hi) or outside)
        if (past and not at.capped) or (outside and not at.capped and count == INF and at.hi > _LARGE):
            self.say("index-out-of-bounds", node)

    def _is_own_end(self, length: Node | None, text: Node) -> bool:
        """`strlen(s) - 1` for `s`, also by way of a variable: never past the end of `s`."""
        if length is not None and length.kind == "binary_expression" and length.kids[1].kind == "-":
            length = bare(length.kids[0])
        if length is not None and length.kind == "identifier":
            found = self.function.locals.get(length.text)
            length = bare(found.value) if found is not None else None
        if length is None or length.kind != "call_expression" or callee(length) != "strlen":
            return False
        return [place(one) for one in arguments(length)] == [place(text)]

    def _count(self, node: Node, base: Node, pointer: Value, state: State) -> float:
        root, depth = self._root(node)
        found = self.variable(root)
        if found is not None and depth <= len(found.counts):
            count = found.counts[depth - 1]
            return INF if count is None else count
        obj = state.objs.get(pointer.obj)
        kind = self.type_of(base)
        if obj is None or pointer.moved or depth > 1 or not kind.endswith("*"):
            return INF
        size = size_of(kind[:-1].strip(), self.unit.structs)
        return obj.size // size if size else INF

    def copy(self, node: Node, target: Node, value: Value, length: Value, state: State) -> None:
        """`length` bytes are written to `target`."""
        room = self.room(target, value, state)
        if any(self._is_own_end(bare(one), target) for one in arguments(node)):
            return
        outside = length.taint == OUTSIDE
        long = length.hi > room and not length.capped and (outside or math.isfinite(length.hi))
        if long or (outside and length.lo < 0 and not length.floored):
            self.say("copy-past-end", node)
        elif (
            room == INF and outside and not length.capped and length.hi > _LARGE and self._is_member(target, value)
        ) or (length.taint == PARAMETER and length.hi > room and not length.capped and self._is_array(target)):
            self.say("copy-past-end", node, _LIKELY)

    def _is_member(self, target: Node, value: Value) -> bool:
        """Whether the target is part of a structure and no memory that was allocated here."""
        inner = bare(target)
        return inner is not None and inner.kind == "field_expression" and not value.obj

    def _is_array(self, target: Node) -> bool:
        inner = bare(target)
        found = self.function.locals.get(inner.text) if inner is not None and inner.kind == "identifier" else None
        return found is not None and bool(found.counts)

    def read(self, node: Node, source: Node, value: Value, length: Value, state: State) -> None:
        """`length` bytes are read from `source`."""
        obj = state.objs.get(value.obj)
        room = obj.size if obj is not None and obj.kind == "text" else self.room(source, value, state)
        unbounded = length.taint == OUTSIDE and not length.capped and length.hi > room
        if unbounded or (length.lo > room and math.isfinite(length.lo)):
            self.say("read-past-end", node)

    def divide(self, node: Node, divisor: Node, value: Value) -> None:
        if value.nonzero:
            return
        sure = value.exact == 0 or (
            value.lo <= 0 <= value.hi and math.isfinite(value.lo) and math.isfinite(value.hi) and not value.capped
        )
        if sure or (value.taint == OUTSIDE and value.lo <= 0 <= value.hi):
            self.say("divide-by-zero", node)

    def overflow(self, node: Node, result: Value, left: Value, right: Value) -> None:
        """Arithmetic with something from outside that nothing bounds, in a type that the result does not fit."""
        kind = self.type_of(node.kids[0] if node.kind == "assignment_expression" else node)
        limits = bounds(kind, self.unit.structs) if kind else None
        if limits is None:
            return
        sure = result.lo > limits[1] or (result.hi < limits[0] and limits[0] < 0)
        known = math.isfinite(result.hi) and result.hi > limits[1] and not (left.capped or right.capped)
        if sure or known:
            self.say("integer-overflow", node)
        if OUTSIDE not in (left.taint, right.taint) or (limits[0] == 0 and right.exact == 1):
            return
        if any(one.kind == "binary_expression" and one.kids[1].kind in _COMPARES for one in _expression_above(node)):
            return
        free_high = not any(one.taint == OUTSIDE and one.capped for one in (left, right))
        free_low = not any(one.taint == OUTSIDE and one.floored for one in (left, right))
        if (result.hi > limits[1] and free_high) or (result.lo < limits[0] and free_low and free_high):
            self.say("integer-overflow", node)

    def allocate(self, node: Node, size: Value, state: State) -> None:
        """Something of `size` is allocated: nothing bounds it, or how often that is done."""
        loop = next((one for one in node.above() if one.kind in ("for_statement", "while_statement")), None)
        condition = loop.part("condition") if loop is not None else None
        tests = [one for one in condition.walk() if one.kind == "binary_expression"] if condition is not None else []
        for name in (place(side) for one in tests if one.kids[1].kind in _COMPARES[:4] for side in one.parts):
            often = state.vars.get(name)
            if often is not None and often.taint == OUTSIDE and not often.capped and often.hi > _LARGE:
                self.say("allocation-unlimited", node)
        if size.taint == OUTSIDE and not size.capped and size.hi > 2**24:
            self.say("allocation-unlimited", node)
            if any(one.kind == "binary_expression" and one.kids[1].kind == "*" for one in arguments(node)):
                self.say("integer-overflow", node, _LIKELY)

    def release(self, node: Node, pointer: Node, value: Value, state: State, how: str) -> Value:
        """free() or delete of `pointer`; the value of it afterwards."""
        obj = state.objs.get(value.obj)
        if obj is not None and obj.freed:
            self._too_early("double-free", node, obj)
        elif obj is not None and how and obj.new and obj.new != how and not value.moved:
            self.say("mismatched-release", node)
        elif (
            obj is not None
            and (obj.kind in ("array", "static", "var", "text") or (value.moved and obj.kind in ("heap", "param")))
        ) or (obj is None and value.moved and value.null != "null"):
            self.say("free-of-other", node)
        if obj is None and value.null != "null" and place(pointer):
            value = replace(value, obj=node.start)
            state.objs[node.start] = Obj("heap", escaped=True)
            state.vars[place(pointer)] = value
        state.release(value.obj, node.line)
        return value

    def _too_early(self, rule_id: str, node: Node, obj: Obj) -> None:
        """Where a label leads to what frees or uses it again the first free() is the mistake, else what comes later."""
        labels = [one.line for one in self.function.every("labeled_statement")]
        if obj.freed_line and any(obj.freed_line < line <= node.line for line in labels):
            self._report.say_line(rule_id, obj.freed_line, obj.freed_line)
        else:
            self.say(rule_id, node)

    def lost(self, node: Node, obj: int, key: str, state: State) -> None:
        """The place `key` gets a new value: whether it held the last pointer to `obj`."""
        held = state.objs.get(obj)
        if held is None or held.kind not in ("heap", "file") or held.freed or held.escaped:
            return
        if not any(value.obj == obj for name, value in state.vars.items() if name != key):
            self._leak(held, node.line)
            state.escape(obj)

    def leaks(self, state: State, line: int) -> None:
        """At the end of a path."""
        for obj in state.objs.values():
            if obj.kind in ("heap", "file") and not obj.freed and not obj.escaped:
                self._leak(obj, line)

    def _leak(self, obj: Obj, line: int) -> None:
        self._report.say_line("memory-leak" if obj.kind == "heap" else "handle-leak", line, line)


def _type_by_itself(node: Node) -> str:
    if node.kind in ("number_literal", "char_literal"):
        return "double" if "." in node.text else "long" if node.text[-1:] in "lL" else "int"
    if node.kind == "call_expression":
        return _NUMBERS.get(callee(node), "")
    return "size_t" if node.kind == "sizeof_expression" else ""


def _expression_above(node: Node) -> list[Node]:
    found = []
    for one in node.above():
        if not one.kind.endswith("expression"):
            break
        found.append(one)
    return found
