"""Evaluates the expressions of one function in a state and calls the checks on the way."""

from collections.abc import Callable
from dataclasses import replace

from audit8.audit.rules.native_memory import Checks
from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_narrow import LOOKS, Known, assume, key_of
from audit8.audit.rules.native_pointers import Pointers
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, bare, callee, decimal, literal_length, names_in, place
from audit8.audit.rules.native_values import (
    INF,
    OUTSIDE,
    UNKNOWN,
    Obj,
    State,
    Value,
    bounds,
    compute,
    const,
    fit,
    join,
    join_taint,
    size_of,
)

MAX_HEIGHT = 60
"""An expression nested deeper is not evaluated."""

_LARGEST = 4096  # What a structure that is declared elsewhere may take, in bytes.
_CONSTANTS = {"true": 1, "false": 0, "null": 0, "nullptr": 0, "char_literal": 0}
_ARITHMETIC = ("+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^")


class Expressions(Pointers):
    def __init__(self, unit: Unit, function: Function, report: Report) -> None:
        super().__init__(unit, function, Checks(unit, function, report))
        self._report = report
        self.known = Known(self.peek, self._validates)
        self._kinds: dict[str, Callable[[Node, State], Value]] = {
            "assignment_expression": self._assign,
            "binary_expression": self._binary,
            "call_expression": self._call,
            "cast_expression": self._cast,
            "conditional_expression": self._choice,
            "delete_expression": self._delete,
            "field_expression": self._member,
            "identifier": self._name,
            "new_expression": self._new,
            "pointer_expression": self._pointer,
            "subscript_expression": self._subscript,
            "sizeof_expression": self._sizeof,
            "string_literal": self._string,
            "unary_expression": self._unary,
            "update_expression": self._update,
        }

    def peek(self, node: Node, state: State) -> Value:
        """What an expression would be worth, without effects and reports."""
        quiet, self._report.quiet = self._report.quiet, True
        value = self.value(node, state.copy()) if node.height <= MAX_HEIGHT else UNKNOWN
        self._report.quiet = quiet
        return value

    def _validates(self, name: str) -> bool:
        own = self.unit.functions.get(name)
        return own is not None and bool(LOOKS.search(own.body.text))

    def value(self, node: Node | None, state: State) -> Value:
        while node is not None and node.kind in ("parenthesized_expression", "condition_clause"):
            node = node.parts[-1] if node.parts else None
        if node is None or node.kind == "lambda_expression":
            return UNKNOWN
        known = self.unit.fold(node) if node.kind != "identifier" else None
        if known is not None or node.kind in _CONSTANTS:
            return const(_CONSTANTS.get(node.kind, 0) if known is None else known)
        if node.kind == "number_literal":
            return const(decimal(node.text))
        evaluate = self._kinds.get(node.kind)
        if evaluate is not None:
            return evaluate(node, state)
        values = [self.value(part, state) for part in node.parts]
        return values[-1] if values and node.kind == "comma_expression" else UNKNOWN

    def _sizeof(self, node: Node, state: State) -> Value:
        inner = bare(node.parts[0]) if node.parts else None
        found = self._checks.variable(inner)
        size = self.unit.bytes_of(found) if found is not None else None
        if not size and inner is not None and inner.kind in ("pointer_expression", "subscript_expression"):
            size = size_of(self._checks.type_of(inner), self.unit.structs)
        return const(size) if size else Value(1, _LARGEST, nonzero=True, capped=True)

    def _name(self, node: Node, state: State) -> Value:
        name = node.text
        if name in state.vars:
            return state.vars[name]
        number = self.unit.constants.get(name)
        if number is not None:
            return const(number)
        found = self.unit.globals.get(name)
        if found is not None and found.counts:
            state.objs[-1000 - found.node.start] = Obj("static", self.unit.bytes_of(found) or INF, found.type)
            return Value(nonzero=True, null="no", obj=-1000 - found.node.start)
        return UNKNOWN

    def _string(self, node: Node, state: State) -> Value:
        state.objs.setdefault(node.start, Obj("text", literal_length(node.text) + 1, "char"))
        return Value(nonzero=True, null="no", obj=node.start)

    def _assign(self, node: Node, state: State) -> Value:
        left, sign, right = node.kids[0], node.kids[1].kind, node.kids[2]
        value = self.value(right, state)
        kind = self._checks.type_of(left)
        if left.kind != "identifier":
            self.value(left, state)
        if sign != "=":
            before = self.value(left, state)
            value = self._operate(node, sign[:-1], before, value, right)
        key = place(left)
        if sign == "=":
            value = self._confused(node, kind, value, state)
        value = fit(self._as_pointer(kind, right, value), kind, self.unit.structs)
        local = left.kind == "identifier" and left.text in self.function.locals
        if not local:
            state.escape(value.obj)
        if key:
            old = state.vars.get(key, UNKNOWN).obj
            if old and old != value.obj and local and "*" in kind:
                self._checks.lost(node, old, key, state)
            self._taint_root(left, value, state)
            if left.kind == "subscript_expression":
                state.vars.pop(f"{place(left.kids[0])}[*]", None)
            state.change(key, value)
            self._union_write(left, state)
        return value

    def _as_pointer(self, kind: str, right: Node, value: Value) -> Value:
        """A number from outside that becomes a pointer without a cast."""
        number = bounds(self._checks.type_of(right), {}) is not None if "*" in kind else False
        return replace(value, forged=True) if number and value.taint == OUTSIDE and not value.obj else value

    def _binary(self, node: Node, state: State) -> Value:
        operator = node.kids[1].kind
        left = self.value(node.kids[0], state)
        if operator in ("&&", "||", "and", "or"):
            right = state.copy()
            if assume(self.known, node.kids[0], right, operator in ("&&", "and"), left):
                self.value(node.kids[2], right)
            return left if left.exact == 0 and operator in ("&&", "and") else Value(0, 1)
        if operator == ">>" and "cin" in names_in(node.kids[0]):
            self._calls.filled(node.kids[2], state, OUTSIDE)
            return left
        right_value = self.value(node.kids[2], state)
        if operator == "<<" and (stream := self._stream(node)):
            before = state.vars.get(stream, UNKNOWN)
            state.vars[stream] = replace(before, taint=join_taint(before, right_value))
            return state.vars[stream]
        if operator in _ARITHMETIC:
            return self._operate(node, operator, left, right_value, node.kids[2])
        return _compared(operator, left, right_value)

    def _stream(self, node: Node) -> str:
        """The text stream of the function that a chain of << writes to."""
        while node.kind == "binary_expression" and node.kids[1].kind == "<<":
            node = node.kids[0]
        found = self.function.locals.get(node.text) if node.kind == "identifier" else None
        return node.text if found is not None and found.type.endswith("stringstream") else ""

    def _operate(self, node: Node, operator: str, left: Value, right: Value, divisor: Node) -> Value:
        if operator in ("/", "%"):
            self._checks.divide(node, divisor, right)
        if (left.obj or right.obj) and operator in ("+", "-"):
            pointer, step = (left, right) if left.obj else (right, left)
            if step.taint == OUTSIDE and not step.obj and not step.capped and step.hi > 2**20:
                pointer = replace(pointer, forged=True)
            back = operator == "-" and pointer.moved
            return replace(
                pointer, moved=not back and (pointer.moved or step.exact != 0), taint=join_taint(left, right), null="no"
            )
        if operator in ("+", "-") and "*" in self._checks.type_of(node.kids[0]):
            return Value(taint=left.taint, null="no", moved=not left.moved if operator == "-" else True)
        result = compute(operator, left, right)
        if operator in ("+", "-", "*"):
            self._checks.overflow(node, result, left, right)
        return replace(result, nonzero=result.lo > 0 or result.hi < 0)

    def _call(self, node: Node, state: State) -> Value:
        receiver = UNKNOWN
        if node.kids and node.kids[0].kind == "field_expression":
            receiver = self.value(node.kids[0].kids[0], state)
            self.value(node.kids[0], state)
        if node.kids and node.kids[0].kind == "subscript_expression":
            self.value(node.kids[0], state)
        if node.kids and node.kids[0].kind in ("identifier", "parenthesized_expression"):
            called = state.vars.get(place(node.kids[0]))
            if called is not None and called.forged:
                self._checks.say("untrusted-pointer", node)
        given = arguments(node)
        values = [self.value(one, state) for one in given]
        result = self._calls.effect(node, callee(node), given, values, state, receiver)
        if callee(node) in ("assert", "g_assert", "BUG_ON") and given:
            assume(self.known, given[0], state, callee(node) != "BUG_ON", UNKNOWN)
        key = key_of(node)
        return state.vars.get(key, result) if key.startswith("strlen(") else result

    def _cast(self, node: Node, state: State) -> Value:
        value = self.value(node.parts[-1], state)
        kind = " ".join(node.parts[0].text.split())
        if "*" in kind:
            from_number = "*" not in (self._checks.type_of(node.parts[-1]) or "*")
            if value.taint == OUTSIDE and from_number and not value.obj:
                return replace(value, forged=True)
            return self._confused(node, kind, value, state)
        return fit(value, kind, self.unit.structs)

    def _choice(self, node: Node, state: State) -> Value:
        condition, yes, no = node.part("condition"), node.part("consequence"), node.part("alternative")
        first = self.value(condition, state)
        values = []
        for part, truth in ((yes, True), (no, False)):
            branch = state.copy()
            if part is not None and condition is not None and assume(self.known, condition, branch, truth, first):
                values.append(self.value(part, branch))
                state.objs.update({key: obj for key, obj in branch.objs.items() if key not in state.objs})
        return join(values)

    def _unary(self, node: Node, state: State) -> Value:
        value = self.value(node.kids[1], state)
        if node.kids[0].kind == "-":
            return compute("-", const(0), value)
        if node.kids[0].kind in ("!", "not"):
            return const(0) if value.nonzero else const(1) if value.exact == 0 else Value(0, 1)
        return Value(taint=value.taint)

    def _update(self, node: Node, state: State) -> Value:
        target = node.parts[0]
        value = self.value(target, state)
        sign = "+" if "++" in node.text else "-"
        if value.obj or "*" in self._checks.type_of(target):
            after = replace(value, moved=sign == "+" or not value.moved)
        else:
            after = replace(compute(sign, value, const(1)), capped=value.capped, floored=value.floored)
            after = replace(after, nonzero=after.lo > 0 or after.hi < 0)
        after = fit(after, self._checks.type_of(target), self.unit.structs)
        if key := place(target):
            state.change(key, after)
        return after if node.kids[0] is not target else value


def _compared(operator: str, left: Value, right: Value) -> Value:
    outcomes = {
        "<": (left.hi < right.lo, left.lo >= right.hi),
        ">": (left.lo > right.hi, left.hi <= right.lo),
        "<=": (left.hi <= right.lo, left.lo > right.hi),
        ">=": (left.lo >= right.hi, left.hi < right.lo),
    }
    zero = left if right.exact == 0 else right if left.exact == 0 else None
    if operator in ("==", "!=") and zero is not None and (zero.nonzero or zero.null == "no"):
        return const(1 if operator == "!=" else 0)
    yes, no = outcomes.get(operator, (False, False))
    return const(1) if yes else const(0) if no else Value(0, 1)
