"""Pointers, members, elements and unions: what they point to, and memory that is used as another type."""

import re
from abc import ABC, abstractmethod
from dataclasses import replace

from audit8.audit.rules.native_calls import Calls
from audit8.audit.rules.native_memory import Checks
from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_tree import Node, place
from audit8.audit.rules.native_values import (
    INF,
    OUTSIDE,
    UNKNOWN,
    Obj,
    State,
    Value,
    bounds,
    fit,
    is_float,
    size_of,
)

_TAG = re.compile(r"(?:->|\.)\s*\w*(?:type|kind|tag)\w*\s*(?:==|!=|\))", re.IGNORECASE)


class Pointers(ABC):
    """The part of an evaluator that follows pointers; `value` evaluates any expression."""

    def __init__(self, unit: Unit, function: Function, checks: Checks) -> None:
        self.unit, self.function, self._checks = unit, function, checks
        self._calls = Calls(unit, checks)
        self._tagged = bool(_TAG.search(function.body.text))

    @abstractmethod
    def value(self, node: Node | None, state: State) -> Value: ...

    def _new(self, node: Node, state: State) -> Value:
        many = any(kid.kind == "new_declarator" for kid in node.kids)
        for part in node.parts[1:]:
            values = [self.value(kid, state) for kid in part.parts]
            if part.kind == "new_declarator" and values:
                self._checks.allocate(node, values[0], state)
        state.objs[node.start] = Obj("heap", line=node.line, new="new[]" if many else "new")
        return Value(nonzero=True, null="no", obj=node.start)

    def _delete(self, node: Node, state: State) -> Value:
        pointer = node.parts[-1]
        value = self.value(pointer, state)
        self._checks.release(node, pointer, value, state, "new[]" if "[" in node.text else "new")
        return UNKNOWN

    def _member(self, node: Node, state: State) -> Value:
        base = self.value(node.kids[0], state)
        if any(kid.kind == "->" for kid in node.kids):
            self._checks.deref(node, node.kids[0], base, state)
        key = place(node)
        self._union_read(node, state)
        if key in state.vars:
            return state.vars[key]
        found = self._checks.variable(node)
        value = Value(taint=base.taint)
        return fit(value, found.type, self.unit.structs) if found is not None and not found.counts else value

    def _element(self, node: Node, base: Value) -> Value:
        kind = self._checks.type_of(node)
        return (
            fit(Value(taint=base.taint, checked=base.checked), kind, self.unit.structs)
            if kind
            else Value(taint=base.taint)
        )

    def _subscript(self, node: Node, state: State) -> Value:
        base = self.value(node.kids[0], state)
        inside = node.kids[1].parts if node.kids[1].kind == "subscript_argument_list" else node.kids[2:3]
        at = self.value(inside[0], state) if inside else UNKNOWN
        self._checks.deref(node, node.kids[0], base, state)
        self._checks.index(node, node.kids[0], at, base, state)
        stored = state.vars.get(f"{place(node.kids[0])}[*]")
        return state.vars.get(place(node)) or stored or self._element(node, base)

    def _pointer(self, node: Node, state: State) -> Value:
        inner = node.kids[1]
        if node.kids[0].kind == "&":
            if inner.kind == "identifier":
                return self._address(inner, state)
            self.value(inner, state)
            base = self.value(inner.kids[0], state) if inner.kind == "subscript_expression" else UNKNOWN
            moved = inner.kind == "subscript_expression" and not inner.text.endswith("[0]")
            return Value(nonzero=True, null="no", obj=base.obj, moved=moved or base.moved, taint=base.taint)
        value = self.value(inner, state)
        self._checks.deref(node, inner, value, state)
        return state.vars.get(place(node)) or self._element(node, value)

    def _address(self, node: Node, state: State) -> Value:
        found = self._checks.variable(node)
        if found is None or node.text not in self.function.locals:
            return Value(nonzero=True, null="no")
        size = self.unit.bytes_of(found)
        kind = "static" if found.static else "array" if found.counts else "var"
        state.objs[found.node.start + 2] = Obj(kind, size or INF, found.type)
        return Value(nonzero=True, null="no", obj=found.node.start + 2, taint=state.vars.get(node.text, UNKNOWN).taint)

    def _taint_root(self, left: Node, value: Value, state: State) -> None:
        """`buf[i] = c` makes the text in `buf` as bad as `c`."""
        if "*" in self._checks.type_of(left):
            return
        if left.kind in ("subscript_expression", "pointer_expression") and value.taint == OUTSIDE:
            root = place(left.kids[0] if left.kind == "subscript_expression" else left.kids[1])
            if root in state.vars:
                state.vars[root] = replace(state.vars[root], taint=OUTSIDE)

    def _confused(self, node: Node, kind: str, value: Value, state: State) -> Value:
        """A pointer to what is one type becomes a pointer to another."""
        obj = state.objs.get(value.obj)
        if obj is None or "*" not in kind:
            return value
        if not obj.type and obj.kind == "heap" and "void" not in kind and kind.count("*") == 1:
            state.objs[value.obj] = replace(obj, type=_plain(kind))
            return value
        known = obj.kind in ("heap", "var", "param")
        other = known and not self._tagged and self._differ(obj.type, _plain(kind))
        larger = known and self.unit.structs.get(_plain(kind), 0) > obj.size
        as_pointer = obj.kind == "var" and kind.count("*") > 1 and bounds(obj.type, {}) is not None
        if other or larger or as_pointer:
            self._checks.say("type-confusion", node)
        return value

    def _differ(self, one: str, other: str) -> bool:
        """Whether memory of the type `one` makes no sense as `other`: numbers of another kind, unrelated structures."""
        one = _plain(one)
        any_type = ("", "void", "char", "auto", "uint8_t", "int8_t", "uchar", "BYTE", "u8", "sockaddr")
        if one in any_type or other in any_type or one == other:
            return False
        numbers = bounds(one, {}) is not None or is_float(one), bounds(other, {}) is not None or is_float(other)
        sizes = size_of(one, self.unit.structs), size_of(other, self.unit.structs)
        if all(numbers):
            return sizes[0] != sizes[1] or is_float(one) is not is_float(other)
        known = one in self.unit.structs and other in self.unit.structs
        related = self.unit.first_fields.get(one) == self.unit.first_fields.get(other)
        nested = other in self.unit.first_fields.get(one, "") or one in self.unit.first_fields.get(other, "")
        if known and not related and not nested:
            return True
        return numbers[0] and other in self.unit.structs

    def _union_of(self, node: Node) -> str:
        """The place of the union whose member `node` is, or ""."""
        if node.kind != "field_expression":
            return ""
        base = self._checks.variable(node.kids[0])
        words = base.type.replace("*", " ").split() if base is not None else []
        return place(node.kids[0]) if words[:1] == ["union"] or self.unit.unions & set(words) else ""

    def _union_read(self, node: Node, state: State) -> None:
        base = self._union_of(node)
        stored = state.vars.get(f"{base}.#") if base else None
        member = self.unit.fields.get(node.kids[-1].text)
        if stored is None or member is None or stored.exact in (None, member.node.start):
            return
        if node.up is not None and node.up.kind == "assignment_expression" and node.up.kids[0] is node:
            return
        self._checks.say("type-confusion", node)

    def _union_write(self, node: Node, state: State) -> None:
        member = self.unit.fields.get(node.kids[-1].text) if node.kids else None
        if (base := self._union_of(node)) and member is not None:
            state.vars[f"{base}.#"] = Value(member.node.start, member.node.start)


def _plain(kind: str) -> str:
    words = [
        word
        for word in kind.replace("*", " ").split()
        if word not in ("const", "struct", "volatile", "unsigned", "signed")
    ]
    return " ".join(words)
