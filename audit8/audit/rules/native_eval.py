"""The evaluator of one function: how it is entered, its statements, its ends, and what callers learn from them."""

from dataclasses import replace

from audit8.audit.rules.native_expressions import MAX_HEIGHT, Expressions
from audit8.audit.rules.native_model import Function, Unit, Variable
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node
from audit8.audit.rules.native_values import (
    INF,
    OUTSIDE,
    PARAMETER,
    UNKNOWN,
    Obj,
    State,
    Value,
    fit,
    join,
)

_MAX_GIVEN = 20


class Evaluator(Expressions):
    def __init__(self, unit: Unit, function: Function, report: Report) -> None:
        super().__init__(unit, function, report)
        self._ends: list[State] = []

    def begin(self) -> State:
        """The state in which the function is entered: what its callers in the file have been seen to give it."""
        state = State()
        for number, param in enumerate(self.function.params):
            state.vars[param.name] = self._given(number, param, state)
        return state

    def _given(self, number: int, param: Variable, state: State) -> Value:
        obj = -1 - number
        seen = [one[number] for one in self.function.summary.given[:_MAX_GIVEN] if number < len(one)]
        if self.function.name == "main":
            return Value(1 if number == 0 else -INF, taint=OUTSIDE, capped=number == 0, floored=number == 0)
        if not seen or "main" not in self.unit.functions:
            value = fit(Value(taint=PARAMETER), param.type, self.unit.structs)
            if "*" in param.type:
                state.objs[obj] = Obj("param", escaped=True)
                return replace(value, obj=obj)
            return value
        value = join([one for one, _ in seen])
        if "*" in param.type:
            objs = [one for _, one in seen if one is not None]
            same = {one.type for one in objs}
            size = min((one.size for one in objs), default=INF) if len(objs) == len(seen) else INF
            state.objs[obj] = Obj("param", size, same.pop() if len(same) == 1 else "")
            return replace(value, obj=obj, moved=False)
        return fit(value, param.type, self.unit.structs)

    def statement(self, node: Node, state: State) -> Value:
        """A statement without branches, or a condition."""
        if node.height > MAX_HEIGHT:
            return UNKNOWN
        if node.kind == "declaration":
            self._declare(node, state)
            return UNKNOWN
        if node.kind == "expression_statement":
            return self.value(node.parts[0], state) if node.parts else UNKNOWN
        return self.value(node, state)

    def _declare(self, node: Node, state: State) -> None:
        for one in self.unit.variables(node):
            value = self.value(one.value, state) if one.value is not None else UNKNOWN
            if one.counts:
                self._sized(node, state)
                size = self.unit.bytes_of(one)
                kind = "static" if one.static else "array"
                state.objs[one.node.start + 1] = Obj(kind, INF if size is None else size, one.type)
                value = Value(taint=value.taint, nonzero=True, null="no", obj=one.node.start + 1)
                state.change(one.name, value)
                if (elements := self._elements(one)) is not None:
                    state.vars[f"{one.name}[*]"] = elements
                continue
            if value.obj and "*" not in one.type and one.type != "auto":
                state.escape(value.obj)
                value = UNKNOWN
            value = self._confused(node, one.type, value, state)
            state.change(one.name, fit(value, one.type, self.unit.structs))

    def _elements(self, one: Variable) -> Value | None:
        """What the elements of an array of numbers can be that is declared with all of them."""
        if one.value is None or one.value.kind != "initializer_list" or len(one.counts) != 1:
            return None
        numbers = [self.unit.fold(part) for part in one.value.parts]
        known = [number for number in numbers if number is not None]
        if not known or len(known) < len(numbers):
            return None
        every = known if len(known) == one.counts[0] else [*known, 0]
        return Value(min(every), max(every), nonzero=0 not in every)

    def _sized(self, node: Node, state: State) -> None:
        for part in node.walk():
            if part.kind == "array_declarator" and (size := part.part("size")) is not None:
                value = self.value(size, state)
                if self.unit.fold(size) is None:
                    self._checks.allocate(node, value, state)

    def leave(self, node: Node, state: State) -> None:
        """A return statement."""
        state.left = node.line
        if not node.parts or node.height > MAX_HEIGHT:
            return
        value = self.value(node.parts[0], state)
        obj = state.objs.get(value.obj)
        if obj is not None and obj.kind in ("array", "var") and node.kind == "return_statement":
            self._checks.say("dangling-local", node)
        if obj is not None and obj.kind == "heap":
            self.function.summary.allocates = True
            if obj.freed:
                self._checks.say("free-then-use", node)
        state.escape(value.obj)
        self.function.summary.returns.append(replace(value, obj=0, moved=False))

    def finish(self, state: State) -> None:
        """The end of one path."""
        if not state.failed:
            self._checks.leaks(state, state.left or self.function.node.end_line)
        self._ends.append(state)

    def end(self, complete: bool) -> None:
        """After the last path: what callers may know of this function."""
        summary = self.function.summary
        summary.returns_never = complete and not self._ends
        for number, param in enumerate(self.function.params):
            objs = [state.objs.get(-1 - number) for state in self._ends]
            known = [one for one in objs if one is not None]
            if any(one.freed for one in known):
                summary.frees.add(number)
            if not all(one.freed for one in known):
                summary.spares.add(number)
            if any(one.escaped for one in known):
                summary.keeps.add(number)
            if any(state.vars.get(f"*{param.name}", UNKNOWN).taint == OUTSIDE for state in self._ends):
                summary.fills.add(number)
            if "*" in param.type and any(state.vars.get(param.name, UNKNOWN).taint == OUTSIDE for state in self._ends):
                summary.fills.add(number)
