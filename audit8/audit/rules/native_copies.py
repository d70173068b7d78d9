"""Calls that fill buffers: input, copies and formatted text, and whether the target has the room."""

import re
from dataclasses import replace

from audit8.audit.rules.native_memory import Checks
from audit8.audit.rules.native_model import Unit
from audit8.audit.rules.native_names import FILLS
from audit8.audit.rules.native_tree import Node, bare, callee, literal_length, names_in, place
from audit8.audit.rules.native_values import (
    INF,
    OUTSIDE,
    PARAMETER,
    UNKNOWN,
    Obj,
    State,
    Value,
    compute,
    fit,
    join_taint,
)

# Which argument is the target and which the length (two: a product).
_BOUNDED = {
    "memcpy": (0, 2), "memmove": (0, 2), "memset": (0, 2), "strncpy": (0, 2), "strlcpy": (0, 2), "wmemcpy": (0, 2),
    "snprintf": (0, 1), "vsnprintf": (0, 1), "fgets": (0, 1), "getcwd": (0, 1), "read": (1, 2), "recv": (1, 2),
    "recvfrom": (1, 2), "bcopy": (1, 2), "fread": (0, 1, 2), **FILLS,
}  # fmt: skip
_INPUTS = {"fgets": 0, "gets": 0, "read": 1, "recv": 1, "recvfrom": 1, "fread": 0, "getline": 0, "getdelim": 0,
           **{name: at[0] for name, at in FILLS.items()}}  # fmt: skip
_SCANS = {"scanf": 0, "fscanf": 1, "sscanf": 1, "scanf_s": 0, "wscanf": 0}
_COPIES = {"strcpy": 1, "strcat": 1, "strncpy": 1, "strncat": 1, "memcpy": 1, "memmove": 1, "strlcpy": 1, "stpcpy": 1,
           "sprintf": 2, "snprintf": 3, "asprintf": 2, "vsprintf": 2, "strlcat": 1}  # fmt: skip
_CONVERSION = re.compile(r"%(?:%|[-+ #0]*(\*|\d+)?(?:\.(\*|\d+))?(?:hh|h|ll|l|z|j|t|L)?([a-zA-Z\[]))")


class Copies:
    def __init__(self, unit: Unit, checks: Checks) -> None:
        self._unit, self._checks = unit, checks

    def _input(self, name: str, given: list[Node], values: list[Value], state: State) -> None:
        if name in _SCANS:
            first = _SCANS[name] + 1
            outside = name != "sscanf" or (bool(values) and values[0].taint == OUTSIDE)
            for one in given[first:]:
                self.filled(one, state, OUTSIDE if outside else 0)
        elif name == "getline" and len(given) > 1 and not given[0].text.startswith("&"):
            self.filled(given[1], state, OUTSIDE)
        elif name in ("getline", "getdelim", "asprintf") and given and given[0].text.startswith("&"):
            state.objs[given[0].start] = Obj("heap", line=given[0].line, escaped=True)
            taint = OUTSIDE if name[0] == "g" else join_taint(*values[2:])
            state.change(place(given[0].kids[1]), Value(obj=given[0].start, taint=taint))
        elif name in _INPUTS and len(given) > _INPUTS[name]:
            self.filled(given[_INPUTS[name]], state, OUTSIDE)
            if name == "fgets" and len(values) > 1 and values[1].hi < INF:
                state.vars[f"strlen({place(given[0])})"] = Value(0, values[1].hi - 1, taint=OUTSIDE)

    def filled(self, node: Node, state: State, taint: int) -> None:
        node = bare(node) or node
        if node.kind == "pointer_expression" and node.text.startswith("&"):
            key, inner = place(node.kids[1]), node.kids[1]
            kind = self._checks.type_of(inner)
            if key:
                from_outside = Value(
                    taint=taint, forged="*" in kind and taint == OUTSIDE and "getline" not in _call(node)
                )
                state.change(key, self._fit(from_outside, kind))
            if inner.kind == "subscript_expression" and taint == OUTSIDE and (root := place(inner.kids[0])):
                state.vars[root] = replace(state.vars.get(root, UNKNOWN), taint=taint, checked=False)
        elif key := place(node):
            state.vars[key] = replace(state.vars.get(key, UNKNOWN), taint=taint, checked=False)

    def _fit(self, value: Value, kind: str) -> Value:
        return fit(value, kind, self._unit.structs)

    def _copy(self, node: Node, name: str, given: list[Node], values: list[Value], state: State) -> None:
        bounded = _BOUNDED.get(name)
        if bounded is not None and len(given) > max(bounded):
            length = values[bounded[1]]
            if len(bounded) == 3:
                length = compute("*", length, values[bounded[2]])
            self._checks.copy(node, given[bounded[0]], values[bounded[0]], length, state)
            if name in ("memcpy", "memmove"):
                self._checks.read(node, given[1], values[1], length, state)
        if name in ("write", "send", "sendto") and len(given) > 2:
            self._checks.read(node, given[1], values[1], values[2], state)
        if name == "fwrite" and len(given) > 2:
            self._checks.read(node, given[0], values[0], compute("*", values[1], values[2]), state)
        if name in ("strcpy", "strcat", "stpcpy", "sprintf", "vsprintf") and len(given) > 1:
            self._unbounded(node, name, given, values, state)
        first = _COPIES.get(name)
        if first is not None and len(given) > first and (key := _target(given[0])):
            before = state.vars.get(key, UNKNOWN)
            sources = [v for v, g in zip(values[first:], given[first:], strict=True) if not self._is_number(g)]
            kept = before.taint if "cat" in name else 0
            bad = [one for one in sources if one.taint == OUTSIDE]
            taint = max(kept, join_taint(*sources))
            checked = bool(bad) and all(one.checked for one in bad)
            whole = given[0].kind == "pointer_expression" and "*" in self._checks.type_of(bare(given[0].kids[1]))
            state.vars[key] = replace(before, taint=taint, checked=checked, forged=whole and taint == OUTSIDE)
            if given[0].kind == "subscript_expression" and taint == OUTSIDE and (root := place(given[0].kids[0])):
                state.vars[root] = replace(state.vars.get(root, UNKNOWN), taint=taint, checked=checked)
        if name == "realpath" and len(given) > 1 and (key := _target(given[1])):
            state.vars[key] = replace(state.vars.get(key, UNKNOWN), taint=values[0].taint, resolved=True)

    def _is_number(self, node: Node) -> bool:
        kind = self._checks.type_of(node)
        return bool(kind) and "*" not in kind

    def _unbounded(self, node: Node, name: str, given: list[Node], values: list[Value], state: State) -> None:
        """strcpy() and its kind into something whose size is known."""
        room = self._checks.room(given[0], values[0], state)
        if room == INF:
            return
        sources, literal = [(given[1], values[1])], 0
        if name.endswith("sprintf"):
            sources, literal = _holes(given, values)
        for one, value in sources:
            most = self._length(one, value, state)
            unknown = value.taint == OUTSIDE or (value.taint == PARAMETER and most == INF)
            exact = most != INF and value.obj and state.objs.get(value.obj, Obj("")).kind == "text"
            if most + literal >= room and (unknown or exact) and not value.capped:
                self._checks.say("unbounded-copy", node)
        if not sources and literal >= room:
            self._checks.say("unbounded-copy", node)

    def _length(self, node: Node, value: Value, state: State) -> float:
        asked = state.vars.get(f"strlen({place(node)})")
        if asked is not None and (asked.capped or asked.hi < INF):
            return asked.hi if not asked.capped else -INF
        return self._checks.room(node, value, state) - 1


def _holes(given: list[Node], values: list[Value]) -> tuple[list[tuple[Node, Value]], int]:
    """The arguments for each %s without a precision, and how long the rest of the format is."""
    text = given[1].text
    if given[1].kind != "string_literal":
        return [], 0
    holes, at = list[tuple[Node, Value]](), 2
    for found in _CONVERSION.finditer(text):
        if found.group(3) is None:
            continue
        if found.group(3) == "s" and found.group(2) is None and at < len(given):
            holes.append((given[at], values[at]))
        at += 1 + (found.group(1) == "*") + (found.group(2) == "*")
    plain = _CONVERSION.sub("", text)
    return holes, literal_length(plain)


def _target(node: Node) -> str:
    """The place that a copy writes to: `b` for `b`, `b + n` and `&b[n]`."""
    if key := place(node):
        return key
    names = names_in(node)
    return names.pop() if len(names) == 1 else ""


def _call(node: Node) -> str:
    return next((callee(one) for one in node.above() if one.kind == "call_expression"), "")
