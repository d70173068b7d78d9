"""Walks through the nodes of one file in order and follows values from where they come in to where they do harm.

Knows statements, functions and variables; values are expressions.py's, calls are calls.py's, tests are guards.py's.
Every node is looked at a bounded number of times: a loop's body twice where it is the outermost, a function once in
each of two rounds.
"""

from dataclasses import replace

from audit8.audit.flow import nodes as n
from audit8.audit.flow.expressions import HANDLERS, Expressions
from audit8.audit.flow.guards import refine
from audit8.audit.flow.state import PAGE, Frame, path_of
from audit8.audit.flow.value import FIXED, NOTHING, OUTSIDE, PARAMETER, UNKNOWN, Value, join, kind_of

_PLAIN = (
    r"^(?:self|cls|this|db|conn|connection|cursor|cur|logger|log|ctx|context|tx|session|res|response|resp|rw|w|next|"
    r"err|e|ex|error|app|router|server|mapper|em|entityManager|statement|stmt|done|cb|callback|resolve|reject|opts)$"
)
_BOUND = ("self", "cls")  # Not among a call's arguments.
_SUBJECTS = (n.Call, n.Compare, n.Logic)


class Walk(Expressions):
    """One walk through one file; `pending` are the named functions it came by, `fixed_functions` those whose callers
    give them only what the program fixes."""

    _loops = 0
    pending: list[tuple[n.Function, dict[str, Value]]]
    fixed_functions: frozenset[str] = frozenset()

    # ---- statements ---------------------------------------------------------------------------------------------

    def block(self, node: n.Block) -> Value:
        last = NOTHING
        for part in node.parts:
            last = self.value(part)
        return last

    def attempt(self, node: n.Try) -> Value:
        values = [self.value(part) for part in node.parts]
        for handler in node.handlers:
            ways = [dict(self.variables)]
            values.append(self._way(handler, ways))
            self.merge(ways)
        self.ended = False
        return join(values)

    def assign(self, node: n.Assign) -> Value:
        known = set(self.early)
        value = self._named(node) if isinstance(node.value, n.Function) else self.value(node.value)
        for place in self.early.keys() - known:
            self.early[place].add(path_of(node.target))
        if node.type:
            if self.matcher.fits(self.spec.number_types, node.type):
                value = Value(kind=value.kind, text=value.text)
            else:
                value = replace(value, kind=node.type if not value.kind or node.type[:1].isupper() else value.kind)
        if isinstance(node.value, _SUBJECTS) and path_of(node.target):
            self.tests[path_of(node.target)] = node.value
        self._store(node.target, value, node.line, node.adds)
        return value

    def _named(self, node: n.Assign) -> Value:
        """A function that gets a name here is one of the file's functions."""
        assert isinstance(node.value, n.Function)
        path = path_of(node.target)
        of_object = path.startswith(("exports.", "module.exports.")) or ".prototype." in path
        name = path.rpartition(".")[2] if of_object else path
        if not name or "." in name:
            return self.value(node.value)
        self.pending.append((replace(node.value, name=name, inline=False), self.variables))
        return Value(FIXED, kind=name)

    def _store(self, target: n.Node, value: Value, line: int, adds: bool = False) -> None:
        if isinstance(target, n.Many):
            for part in target.parts:
                self._store(part, value, line, adds)
            return
        path = path_of(target)
        if isinstance(target, n.Member | n.Index):
            way = kind_of(self.value(target.base).kind, target.name if isinstance(target, n.Member) else "[]")
            for sink in self.matcher.members(way):
                self.report(sink, value, line, line)
        if isinstance(target, n.Index) and not path:
            path = path_of(target.base)
            adds = adds or bool(path)
        if path:
            if adds:
                value = self.built([self.variables.get(path, NOTHING), value], line)
            elif isinstance(target, n.Index):
                self._widen(path_of(target.base), value)
            self.variables[path] = replace(value, origins=value.origins | {path})

    def _widen(self, path: str, value: Value) -> None:
        old = self.variables.get(path)
        if old is not None and value.level > old.level:
            self.variables[path] = replace(
                old, level=value.level, clean=value.clean, params=value.params, rest=value.rest
            )

    def branch(self, node: n.If) -> Value:
        ways, values = list[dict[str, Value]](), list[Value]()
        for test, body in node.branches:
            self.value(test)
            before = dict(self.variables)
            refine(self, test, True)
            values.append(self._way(body, ways))
            self.variables = before
            refine(self, test, False)
        if node.other is not None:
            values.append(self._way(node.other, ways))
        else:
            ways.append(self.variables)
        self.ended = not ways
        self.merge(ways)
        return join(values)

    def _way(self, body: n.Node, ways: list[dict[str, Value]]) -> Value:
        """One way through a branch; its variables count afterwards unless it leaves."""
        self.ended = False
        value = self.value(body)
        if not self.ended:
            ways.append(self.variables)
        return value

    def switch(self, node: n.Switch) -> Value:
        self.value(node.subject)
        ways, values, before = list[dict[str, Value]](), list[Value](), self.variables
        for patterns, body in node.cases:
            self.variables = dict(before)
            for pattern in patterns:
                self.value(pattern)
                if node.subject is not None:
                    refine(self, n.Compare(node.line, "==", node.subject, pattern), True)
                else:
                    refine(self, pattern, True)
            values.append(self._way(body, ways))
            if self.ended and isinstance(body, n.Block) and _breaks(body):
                ways.append(self.variables)
        self.ended = False
        self.merge([*ways, before] if all(patterns for patterns, _ in node.cases) or not ways else ways)
        return join(values)

    def loop(self, node: n.Loop) -> Value:
        source = self.value(node.source)
        before = dict(self.variables)
        self._loops += 1
        for _ in range(2 if self._loops == 1 else 1):
            if node.target is not None:
                self._store(node.target, replace(source, text="", built=False), node.line)
            if node.test is not None:
                self.value(node.test)
                refine(self, node.test, True)
            self.value(node.body)
        self._loops -= 1
        self.ended = False
        self.merge([before, self.variables])
        return NOTHING

    def leave(self, node: n.Leave) -> Value:
        if node.returns:
            value = self.value(node.value)
            self.frame.returned.append(value)
            if self.spec.view is not None:
                self.report(self.spec.view, value, node.line, node.line)
            markup = value.built and "<" in value.text
            if PAGE not in self.variables and (markup or self.matcher.fits(self.spec.handler, self.frame.marks)):
                self.report_returned(value, node.line)
        else:
            self.quiet += 1
            self.value(node.value)
            self.quiet -= 1
        self.ended = True
        return NOTHING

    def report_returned(self, value: Value, line: int) -> None:
        for sink in self.spec.returned:
            if self.report(sink, value, line, line):
                return

    # ---- functions ----------------------------------------------------------------------------------------------

    def function(self, node: n.Function) -> Value:
        if node.inline:
            return self.closure(node, Value(PARAMETER))
        self.pending.append((node, self.variables))
        return NOTHING

    def class_(self, node: n.Class) -> Value:
        before = dict(self.variables)
        for bases, members in self.spec.class_fields:
            if self.matcher.fits(bases, node.marks):
                self.variables.update({name: Value(OUTSIDE, kind=name) for name in members})
        self.value(node.body)
        for path, value in [*self.variables.items()]:
            if path not in before:
                self.variables.setdefault(f"this.{path}", value)
        fields, self.variables = self.variables, before
        self.pending = [(one, fields if env is fields else env) for one, env in self.pending]
        return NOTHING

    def closure(self, node: n.Function, given: Value) -> Value:
        """A function where it stands: it sees the variables, and what it changes in them stays."""
        before, frame, ended = dict(self.variables), self.frame, self.ended
        self.frame = Frame(frame.name, node.marks, summary=frame.summary)
        self._bind(node, given)
        last = self.value(node.body)
        result = join([*self.frame.returned, last])
        self.frame, self.ended = frame, ended
        after, self.variables = self.variables, before
        for path, value in before.items():
            if after.get(path, value) is not value:
                self.variables[path] = join([value, after[path]])
        return replace(result, kind="", params=frozenset())

    def run(self, node: n.Function, variables: dict[str, Value]) -> None:
        """A named function, on its own."""
        self.variables, self.tests, self.early, self.ended = dict(variables), {}, {}, False
        self.frame = Frame(node.name, node.marks, frozenset(param.name for param in node.params))
        for names, members in self.spec.method_fields:
            if self.matcher.fits(names, node.name):
                self.variables.update({name: Value(OUTSIDE, kind=name) for name in members})
        self._bind(node, None)
        last = self.value(node.body)
        self.frame.summary.returned = join([*self.frame.returned, last])
        self.summaries[node.name] = self.frame.summary

    def _bind(self, node: n.Function, given: Value | None) -> None:
        handler = self.matcher.fits(self.spec.handler, node.marks)
        fixed = node.name in self.fixed_functions and not node.marks  # A method may be called through an interface.
        bound = bool(node.params) and node.params[0].name in _BOUND
        for at, param in enumerate(node.params):
            value = self._parameter(param, at - bound, handler, given)
            # What a shell or a query is made of stays a text from elsewhere.
            self.variables[param.name] = replace(value, level=UNKNOWN) if fixed and value.level else value

    def _parameter(self, param: n.Param, at: int, handler: bool, given: Value | None) -> Value:
        origins = frozenset([param.name])
        for names, types, kind in self.spec.requests:
            if self.matcher.fits(types, param.type) if types else self.matcher.fits(names, param.name):
                return Value(FIXED, kind=kind, origins=origins)
        if param.type and self.matcher.fits(self.spec.number_types, param.type):
            return NOTHING
        kind = param.type.lstrip("*&") or param.name
        # The text of an error that is handed on quotes what could not be read.
        if self.matcher.fits(_PLAIN, param.name) and param.type != "error":
            return Value(UNKNOWN, kind=kind, origins=origins)
        if given is not None:
            return replace(given, kind=kind, origins=origins, text="", built=False)
        if handler or (param.marks and self.matcher.fits(self.spec.sources, param.marks)):
            return Value(OUTSIDE, kind=kind, origins=origins)
        return Value(PARAMETER, kind=kind, params=frozenset([at]), origins=origins)

    def import_(self, node: n.Import) -> Value:
        self.imports.update(node.names)
        return NOTHING


def _breaks(body: n.Block) -> bool:
    """Whether a case ends with a break rather than with leaving the function."""
    last = body.parts[-1] if body.parts else None
    return isinstance(last, n.Leave) and not last.returns and last.value is None


HANDLERS.update(
    {
        n.Block: Walk.block,
        n.Try: Walk.attempt,
        n.Assign: Walk.assign,
        n.If: Walk.branch,
        n.Switch: Walk.switch,
        n.Loop: Walk.loop,
        n.Leave: Walk.leave,
        n.Function: Walk.function,
        n.Class: Walk.class_,
        n.Import: Walk.import_,
    }
)
