"""Runs one function over its paths: conditions narrow what is known, loops are widened, every path ends in `finish`.

A step is visited in at most `_MAX_STATES` different states and a function in as many steps as the caller allows; what
lies beyond is not looked at. Says nothing itself: the evaluator does.
"""

import math
from dataclasses import replace

from audit8.audit.rules.native_eval import Evaluator
from audit8.audit.rules.native_graph import MAX_HEIGHT, Graph, Step
from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_narrow import assume, mark_checked
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, bare, callee, place
from audit8.audit.rules.native_values import INF, OUTSIDE, State, Value, join_taint

_MAX_STATES = 40
_CHEAP_NAMES = 16  # A step costs more where more names are known.
_NO_RETURN = ("exit", "_exit", "abort", "_Exit", "quick_exit", "err", "errx", "longjmp", "pthread_exit")


def run_function(unit: Unit, function: Function, report: Report, steps: int) -> None:
    """Evaluates `function` on its paths in at most `steps`, adds to its summary and reports."""
    if function.body.height <= MAX_HEIGHT:
        _Paths(unit, function, report).run(steps)


class _Paths:
    def __init__(self, unit: Unit, function: Function, report: Report) -> None:
        self._eval = Evaluator(unit, function, report)
        self._graph = Graph(function.body)
        self._seen: dict[Step, set[object]] = {}
        self._tested: dict[int, list[Node]] = {}
        self._assigned: dict[int, dict[str, str]] = {}

    def run(self, steps: int) -> None:
        pending: list[tuple[Step | None, State]] = [(self._graph.first, self._eval.begin())]
        while pending and steps > 0:
            step, state = pending.pop()
            steps -= 1 + (len(state.vars) + len(state.objs)) // _CHEAP_NAMES
            if step is not None and self._is_new(step, state):
                pending += self._take(step, state)
        self._eval.end(not pending)

    def _is_new(self, step: Step, state: State) -> bool:
        seen, key = self._seen.setdefault(step, set()), state.key()
        if key in seen or len(seen) >= _MAX_STATES:
            return False
        seen.add(key)
        return True

    def _take(self, step: Step, state: State) -> list[tuple[Step | None, State]]:
        node = step.node
        if step.kind == "if":
            return self._branch(step, state)
        if step.kind == "case":
            return self._case(step, state)
        if step.kind == "loop" and node is not None:
            self._enter(node, state)
        elif step.kind == "leave" and node is not None:
            state.marks.pop(node.start, None)
            for condition in self._conditions(node):
                mark_checked(self._eval.known, condition, state)
        elif step.kind == "return" and node is not None:
            self._eval.leave(node, state)
        elif step.kind == "end":
            self._eval.finish(state)
            return []
        elif node is not None:
            self._eval.statement(node, state)
            if self._is_last(node):
                return []
        return [(step.next, state)]

    def _is_last(self, node: Node) -> bool:
        """Whether a call does not come back: exit() and its kind, or a function of the file that ends in one."""
        inner = node.parts[0] if node.kind == "expression_statement" and node.parts else node
        if inner.kind != "call_expression":
            return False
        own = self._eval.unit.functions.get(callee(inner))
        return own.summary.returns_never if own is not None else callee(inner) in _NO_RETURN

    def _branch(self, step: Step, state: State) -> list[tuple[Step | None, State]]:
        if step.node is None:
            return [(step.other, state.copy()), (step.next, state)]
        value = self._eval.statement(step.node, state)
        other, found = state.copy(), list[tuple[Step | None, State]]()
        if assume(self._eval.known, step.node, other, False, value):
            found.append((step.other, other))
        if assume(self._eval.known, step.node, state, True, value):
            found.append((step.next, state))
        return found

    def _case(self, step: Step, state: State) -> list[tuple[Step | None, State]]:
        key, number = place(step.subject), self._eval.unit.fold(step.node)
        inside, outside = state.copy(), state
        known = state.vars.get(key)
        if known is not None and number is not None:
            if known.lo > number or known.hi < number:
                return [(step.other, outside)]
            inside.vars[key] = replace(known, lo=number, hi=number)
        return [(step.other, outside), (step.next, inside)]

    def _enter(self, node: Node, state: State) -> None:
        """The first round is run as it is, so that no round at all is a path too; later ones stand for all others."""
        if node.start in state.marks:
            self._widen(node, state)
        else:
            state.marks[node.start] = None

    def _conditions(self, node: Node) -> list[Node]:
        """The conditions in a loop: it may look at each character of a text."""
        if node.start not in self._tested:
            found = [one.part("condition") for one in node.walk() if one.kind in ("if_statement", "while_statement")]
            self._tested[node.start] = [one for one in found if one is not None]
        return self._tested[node.start]

    def _widen(self, node: Node, state: State) -> None:
        """On entry, what the loop changes gets all the values it may take; on a later round it gets them again."""
        stored = state.marks.get(node.start)
        if stored is None:
            stored = {}
            for name, way in self._changes(node).items():
                before = state.vars.get(name)
                if before is not None and not before.obj:
                    stored[name] = _widened(before, way)
            state.marks[node.start] = stored
        for name, value in stored.items():
            now = state.vars.get(name, value)
            state.change(name, replace(value, taint=join_taint(now, value)))

    def _changes(self, node: Node) -> dict[str, str]:
        """The names that a loop assigns and which way they go: up, down or any."""
        if node.start not in self._assigned:
            found: dict[str, str] = {}
            begin = node.part("initializer")
            for one in node.walk():
                if begin is not None and begin.start <= one.start < begin.end:
                    continue
                name, way = _change(one)
                if name:
                    found[name] = way if found.get(name, way) == way else "any"
            self._assigned[node.start] = found
        return self._assigned[node.start]


def _change(node: Node) -> tuple[str, str]:
    if node.kind == "update_expression":
        return place(node.parts[0]), "up" if "++" in node.text else "down"
    if node.kind == "assignment_expression":
        name, sign = place(node.kids[0]), node.kids[1].kind
        value = bare(node.kids[2])
        if value is not None and sign in ("+=", "-=") and value.kind == "number_literal":
            return name, "up" if sign == "+=" else "down"
        return name, "any"
    if node.kind == "init_declarator":
        return "", ""
    if node.kind == "pointer_expression" and node.text.startswith("&"):
        return place(node.kids[1]), "any"
    return "", ""


def _widened(value: Value, way: str) -> Value:
    low = value.lo if way == "up" else -INF
    high = value.hi if way == "down" else INF
    if value.taint == OUTSIDE and not math.isfinite(low + high):
        return Value(low, high, taint=value.taint, capped=True, floored=True)
    return Value(low, high, taint=value.taint)
