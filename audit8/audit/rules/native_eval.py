"""Evaluates the expressions of one function in a state, calls the checks on the way, and sums the function up."""

import re
from dataclasses import replace

from audit8.audit.rules.native_calls import Calls
from audit8.audit.rules.native_memory import Checks
from audit8.audit.rules.native_model import Function, Unit, Variable
from audit8.audit.rules.native_narrow import LOOKS, Known, assume, key_of
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, bare, callee, character, literal_length, names_in, place
from audit8.audit.rules.native_values import (
    INF,
    OUTSIDE,
    PARAMETER,
    UNKNOWN,
    Obj,
    State,
    Value,
    bounds,
    compute,
    const,
    fit,
    is_float,
    join_taint,
    size_of,
)

_MAX_HEIGHT = 60
_ARITHMETIC = ("+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^")
_MAX_GIVEN = 20
_TAG = re.compile(r"(?:->|\.)\s*\w*(?:type|kind|tag)\w*\s*(?:==|!=|\))", re.IGNORECASE)


class Evaluator:
    def __init__(self, unit: Unit, function: Function, report: Report) -> None:
        self.unit, self.function, self._report = unit, function, report
        self._checks = Checks(unit, function, report)
        self._calls = Calls(unit, self._checks)
        self.known = Known(self.peek, self._validates)
        self._ends: list[State] = []
        self._tagged = bool(_TAG.search(function.body.text))
        self._kinds = {
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
            "string_literal": self._string,
            "unary_expression": self._unary,
            "update_expression": self._update,
        }

    # ---- what paths ask for

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
        if node.height > _MAX_HEIGHT:
            return UNKNOWN
        if node.kind == "declaration":
            self._declare(node, state)
            return UNKNOWN
        if node.kind == "expression_statement":
            return self.value(node.parts[0], state) if node.parts else UNKNOWN
        return self.value(node, state)

    def peek(self, node: Node, state: State) -> Value:
        """What an expression would be worth, without effects and reports."""
        quiet, self._report.quiet = self._report.quiet, True
        value = self.value(node, state.copy()) if node.height <= _MAX_HEIGHT else UNKNOWN
        self._report.quiet = quiet
        return value

    def _validates(self, name: str) -> bool:
        own = self.unit.functions.get(name)
        return own is not None and bool(LOOKS.search(own.body.text))

    def leave(self, node: Node, state: State) -> None:
        """A return statement."""
        state.left = node.line
        if not node.parts or node.height > _MAX_HEIGHT:
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
            if "*" in param.type and any(
                state.vars.get(param.name, UNKNOWN).taint == OUTSIDE for state in self._ends
            ):
                summary.fills.add(number)

    # ---- expressions

    def value(self, node: Node | None, state: State) -> Value:
        while node is not None and node.kind in ("parenthesized_expression", "condition_clause"):
            node = node.parts[-1] if node.parts else None
        if node is None:
            return UNKNOWN
        known = self.unit.fold(node) if node.kind != "identifier" else None
        if known is not None:
            return const(known)
        if node.kind in ("true", "false", "null", "nullptr"):
            return const(1 if node.kind == "true" else 0)
        if node.kind == "char_literal":
            return const(character(node.text) or 0)
        if node.kind in ("lambda_expression", "sizeof_expression"):
            return self._sizeof(node, state) if node.kind == "sizeof_expression" else UNKNOWN
        evaluate = self._kinds.get(node.kind)
        if evaluate is not None:
            return evaluate(node, state)
        values = [self.value(part, state) for part in node.parts]
        return values[-1] if values and node.kind == "comma_expression" else UNKNOWN

    def _sizeof(self, node: Node, state: State) -> Value:
        inner = bare(node.parts[0]) if node.parts else None
        found = self._checks.variable(inner)
        size = self.unit.bytes_of(found) if found is not None else None
        return const(size) if size else Value(1, nonzero=True)

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
            elif value.obj and "*" not in one.type and one.type != "auto":
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
                    self._checks.allocate(node, value)

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
        value = fit(value, kind, self.unit.structs)
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
        elif obj.kind in ("heap", "var", "param") and self._differ(obj.type, _plain(kind)) and not self._tagged:
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
        if operator in _ARITHMETIC:
            return self._operate(node, operator, left, right_value, node.kids[2])
        return _compared(operator, left, right_value)

    def _operate(self, node: Node, operator: str, left: Value, right: Value, divisor: Node) -> Value:
        if operator in ("/", "%"):
            self._checks.divide(node, divisor, right)
        if (left.obj or right.obj) and operator in ("+", "-"):
            pointer, step = (left, right) if left.obj else (right, left)
            if step.taint == OUTSIDE and not step.obj and not step.capped and step.hi > 2**20:
                pointer = replace(pointer, forged=True)
            return replace(pointer, moved=pointer.moved or step.exact != 0, taint=join_taint(left, right), null="no")
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

    def _new(self, node: Node, state: State) -> Value:
        many = any(kid.kind == "new_declarator" for kid in node.kids)
        for part in node.parts[1:]:
            values = [self.value(kid, state) for kid in part.parts]
            if part.kind == "new_declarator" and values:
                self._checks.allocate(node, values[0])
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

    def _subscript(self, node: Node, state: State) -> Value:
        base = self.value(node.kids[0], state)
        inside = node.kids[1].parts if node.kids[1].kind == "subscript_argument_list" else node.kids[2:3]
        at = self.value(inside[0], state) if inside else UNKNOWN
        self._checks.deref(node, node.kids[0], base, state)
        self._checks.index(node, node.kids[0], at, base, state)
        stored = state.vars.get(f"{place(node.kids[0])}[*]")
        return state.vars.get(place(node)) or stored or self._element(node, base)

    def _element(self, node: Node, base: Value) -> Value:
        kind = self._checks.type_of(node)
        return fit(Value(taint=base.taint, checked=base.checked), kind, self.unit.structs) if kind else Value(
            taint=base.taint
        )

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
        if value.obj:
            after = replace(value, moved=True)
        else:
            after = replace(compute(sign, value, const(1)), capped=value.capped, floored=value.floored)
            after = replace(after, nonzero=after.lo > 0 or after.hi < 0)
        after = fit(after, self._checks.type_of(target), self.unit.structs)
        if key := place(target):
            state.change(key, after)
        return after if node.kids[0] is not target else value


def join(values: list[Value]) -> Value:
    """A value that may be any of these."""
    if not values:
        return UNKNOWN
    nulls = {one.null for one in values}
    null = nulls.pop() if len(nulls) == 1 else "maybe" if nulls & {"null", "maybe"} else ""
    return Value(
        min(one.lo for one in values),
        max(one.hi for one in values),
        join_taint(*values),
        capped=all(one.capped for one in values if one.taint == OUTSIDE or one.hi == INF),
        floored=all(one.floored for one in values if one.taint == OUTSIDE or one.lo == -INF),
        nonzero=all(one.nonzero for one in values),
        obj=values[0].obj if len({one.obj for one in values}) == 1 else 0,
        null=null,
        forged=any(one.forged for one in values),
        checked=all(one.checked for one in values if one.taint == OUTSIDE),
    )


def _compared(operator: str, left: Value, right: Value) -> Value:
    outcomes = {"<": (left.hi < right.lo, left.lo >= right.hi), ">": (left.lo > right.hi, left.hi <= right.lo),
                "<=": (left.hi <= right.lo, left.lo > right.hi), ">=": (left.lo >= right.hi, left.hi < right.lo)}  # fmt: skip
    zero = left if right.exact == 0 else right if left.exact == 0 else None
    if operator in ("==", "!=") and zero is not None and (zero.nonzero or zero.null == "no"):
        return const(1 if operator == "!=" else 0)
    yes, no = outcomes.get(operator, (False, False))
    return const(1) if yes else const(0) if no else Value(0, 1)


def _plain(kind: str) -> str:
    words = [word for word in kind.replace("*", " ").split() if word not in ("const", "struct", "volatile", "unsigned", "signed")]
    return " ".join(words)
