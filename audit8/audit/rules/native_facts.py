"""What the text of one C or C++ function says about its names, without paths: their values, and what bounds them.

A comparison anywhere in the function counts as a look: these answers silence, they do not prove.
"""

import re
from functools import cached_property

from audit8.audit.rules.native_model import Function, Unit, Variable
from audit8.audit.rules.native_names import READS
from audit8.audit.rules.native_tree import Node, arguments, callee, declared, names_in, place
from audit8.audit.rules.native_values import bounds, size_of

ORDERS = ("<", ">", "<=", ">=")
_BOUNDS = re.compile(r"(?i)min|max|clamp|check|valid|assert|limit|likely")
_BYTE = re.compile(
    r"(?:const )?(?:unsigned char|char|u?int8_t|u8|__u8|u_char|uchar|BYTE|guint8|uint8|Byte|u_int8_t) ?\*"
)
_BYTES_MEMBER = re.compile(r"(?:->|\.)(?:\w*_)?(?:data|buf|buffer|pkt|packet|payload|ptr|msg|ies?|raw|bytes|input)$")
_FILLS = re.compile(r"(?i)(?:^|[._>])(?:f|p)?(?:read|recv|copy_from)\w*$")
_NET = re.compile(r"(?:ntoh|be\d*_?to|le\d*_?to)\w*", re.IGNORECASE)
_MAX_VALUES = 40  # Of one name are looked at.
_CONDITIONS = ("if_statement", "while_statement", "do_statement", "for_statement", "conditional_expression")


class Facts:
    """Of one function. The dictionaries are by the text of a place (`n`, `s->len`)."""

    def __init__(self, unit: Unit, function: Function) -> None:
        self.unit, self.function = unit, function
        self._from: dict[str, bool] = {}

    @cached_property
    def orders(self) -> list[Node]:
        """All comparisons by < and its kind."""
        return [one for one in self.function.every("binary_expression") if one.kids[1].kind in ORDERS]

    @cached_property
    def compared(self) -> dict[str, list[Node]]:
        """For each place the comparisons in order, the masks and the bounding calls that it is in."""
        found: dict[str, list[Node]] = {}
        masks = [one for one in self.function.every("binary_expression") if one.kids[1].kind in ("%", "&", ">>")]
        bounding = [one for one in self.function.every("call_expression") if _BOUNDS.search(callee(one))]
        for node in (*self.orders, *masks, *bounding):
            for name in _places(node):
                found.setdefault(name, []).append(node)
        return found

    @cached_property
    def values(self) -> dict[str, list[Node]]:
        """For each place the expressions that are assigned to it."""
        found: dict[str, list[Node]] = {}
        for node in self.function.every("init_declarator"):
            name, value = declared(node.part("declarator")), node.part("value")
            if name is not None and value is not None:
                found.setdefault(name.text, []).append(value)
        for node in self.function.every("assignment_expression"):
            if key := place(node.kids[0]):
                found.setdefault(key, []).append(node.kids[2])
        return found

    @cached_property
    def filled(self) -> set[str]:
        """The names whose address is handed to a call that reads into it."""
        reads = [one for one in self.function.every("call_expression") if _FILLS.search(callee(one))]
        stars = (part for call in reads for one in arguments(call) for part in one.walk())
        return {place(one.kids[1]) for one in stars if one.kind == "pointer_expression" and one.kids[0].kind == "&"}

    @cached_property
    def tested(self) -> dict[str, int]:
        """For each place where the first condition ends that looks at it in any way."""
        found: dict[str, int] = {}
        for node in self.function.every(*_CONDITIONS):
            condition = node.part("condition")
            for name in _places(condition) if condition is not None else ():
                found[name] = min(found.get(name, condition.end), condition.end) if condition else 0
        return found

    @cached_property
    def switched(self) -> set[str]:
        """The places that a switch looks at."""
        conditions = (one.part("condition") for one in self.function.every("switch_statement"))
        return {name for one in conditions if one is not None for name in _places(one)}

    def variable(self, name: str) -> Variable | None:
        return self.function.locals.get(name) or self.unit.globals.get(name)

    def is_from_memory(self, node: Node, deep: bool = True) -> bool:
        """Whether an expression is a number read out of bytes, or by a function that reads numbers, unbounded."""
        inside = list(node.walk())
        if any(self._bounds(one) for one in inside):
            return False
        if any(self._reads(one) for one in inside):
            return True
        if not deep or node.kind not in ("identifier", "field_expression"):
            return False
        key = place(node)
        if key not in self._from:
            values = self.values.get(key, [])[:_MAX_VALUES]
            self._from[key] = key in self.filled or any(self.is_from_memory(one, deep=False) for one in values)
        return self._from[key]

    def _bounds(self, node: Node) -> bool:
        is_rest = node.kind == "binary_expression" and node.kids[1].kind == "%"
        return is_rest or (node.kind == "call_expression" and _BOUNDS.search(callee(node)) is not None)

    def _reads(self, node: Node) -> bool:
        if node.kind == "call_expression":
            return bool(READS.fullmatch(callee(node)) or _NET.fullmatch(callee(node)))
        if node.kind == "subscript_expression":
            return self.is_bytes(place(node.kids[0]))
        is_star = node.kind == "pointer_expression" and node.kids[0].kind == "*"
        return is_star and self.is_bytes(place(node.kids[1]))

    def is_bytes(self, name: str) -> bool:
        """Whether a name is a pointer to bytes that is no text of the function's own."""
        found = self.variable(name.lstrip("*"))
        if found is None:
            return bool(_BYTES_MEMBER.search(name)) and self._member(name) is None
        stars = len(name) - len(name.lstrip("*"))
        kind = found.type if not stars else found.type[:-stars].rstrip()
        return not found.counts and _BYTE.fullmatch(kind) is not None

    def _member(self, name: str) -> Variable | None:
        return self.unit.fields.get(re.split(r"->|\.", name)[-1])

    def highest(self, name: str) -> float:
        """The greatest number that the type of a local variable or a member holds; infinite when nobody knows."""
        found = self.variable(name) or self._member(name)
        limits = bounds(found.type, self.unit.structs) if found is not None else None
        return limits[1] if limits is not None else float("inf")

    def bits(self, name: str) -> int:
        found = self.variable(name)
        return 8 * (size_of(found.type, self.unit.structs) or 0) if found is not None else 0


def _places(node: Node) -> set[str]:
    return names_in(node) | {
        place(one) for one in node.walk() if one.kind in ("field_expression", "subscript_expression")
    }
