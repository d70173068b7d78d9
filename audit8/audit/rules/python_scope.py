"""What a Python function's syntax tree says about the values in it: constant, variable, or from a request.

Knows assignments within one function and its enclosing scopes, imports, checks against constants, and conversions
that make a value harmless. Follows no calls into other functions.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from audit8.audit.rules import python_calls as calls

_MAX_DEPTH = 60
_SETTLED_WORDS = ("table", "schema", "prefix", "column", "placeholder")
_FunctionDef = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_WHOLE = (
    ast.BoolOp,
    ast.JoinedStr,
    ast.FormattedValue,
    ast.UnaryOp,
    ast.Tuple,
    ast.List,
    ast.Set,
    ast.Dict,
    ast.Starred,
)


@dataclass(slots=True)
class Scope:
    """One function (or the module): the names it binds, and the names it checks against constants."""

    parent: "Scope | None"
    values: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)
    route_parameters: set[str] = field(default_factory=set)

    def find(self, name: str) -> "tuple[Scope, list[ast.expr | None]] | None":
        """The nearest scope that binds `name` and all values given to it there (None: not known)."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope, scope.values[name]
            scope = scope.parent
        return None


class Module:
    """A parsed module: which scope each node is in, what the imported names mean, and each node's parent."""

    def __init__(self, tree: ast.Module) -> None:
        self.imports: dict[str, str] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        self.scopes: dict[ast.AST, Scope] = {}
        self._known: dict[tuple[str, int, str, frozenset[str]], bool] = {}
        self._read(tree)

    def nodes(self) -> Iterator[ast.AST]:
        """Every node, outer ones first."""
        yield from self.scopes

    def name_of(self, node: ast.AST) -> str:
        """The dotted name of an expression with imports resolved ("os.system"), or ""."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        parts.append(self.imports.get(node.id, node.id))
        return ".".join(reversed(parts))

    def varies(self, node: ast.AST | None, scope: Scope, safe: frozenset[str] = frozenset(), depth: int = 0) -> bool:
        """Whether the expression may hold text that the source does not fix. `safe` calls make a value harmless."""
        if node is None or depth > _MAX_DEPTH:
            return True
        if isinstance(node, ast.Constant | ast.Compare):
            return False
        if isinstance(node, ast.Name):
            return self._name_varies(node.id, scope, safe, depth)
        if isinstance(node, ast.Attribute):
            settled = node.attr.isupper() or any(word in node.attr.lower() for word in _SETTLED_WORDS)
            return not settled and not node.attr.startswith("__")
        if isinstance(node, ast.Call):
            return self._call_varies(node, scope, safe, depth)
        parts = _parts(node)
        # "?" * n is as fixed as its text; every other expression varies with any of its parts.
        combine = all if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) else any
        return parts is None or combine(self.varies(part, scope, safe, depth + 1) for part in parts)

    def from_request(
        self, node: ast.AST | None, scope: Scope, safe: frozenset[str] = frozenset(), depth: int = 0
    ) -> bool:
        """Whether the expression visibly holds a part of an HTTP request that no `safe` call has cleaned."""
        if node is None or depth > _MAX_DEPTH or isinstance(node, ast.Constant | ast.Compare):
            return False
        if isinstance(node, ast.Name):
            return self._name_from_request(node.id, scope, safe, depth)
        if isinstance(node, ast.Attribute) and node.attr in calls.REQUEST_ATTRIBUTES and self._is_request(node.value):
            return True
        if isinstance(node, ast.Call) and self.is_call_to(node, safe | calls.NUMERIC):
            return False
        if isinstance(node, ast.IfExp):
            return any(self.from_request(part, scope, safe, depth + 1) for part in (node.body, node.orelse))
        return any(self.from_request(child, scope, safe, depth + 1) for child in ast.iter_child_nodes(node))

    def is_call_to(self, node: ast.Call, names: frozenset[str]) -> bool:
        """Whether a call's full name or its last part is in `names`."""
        name = self.name_of(node.func)
        last = node.func.attr if isinstance(node.func, ast.Attribute) else name.rpartition(".")[2]
        return name in names or last in names

    # ---- reading the tree ---------------------------------------------------------------------------------------

    def _read(self, tree: ast.Module) -> None:
        """One pass without recursion: hostile code nests deeply."""
        pending: list[tuple[ast.AST, Scope]] = [(tree, Scope(None))]
        while pending:
            node, scope = pending.pop()
            self.scopes[node] = scope
            self._bind(node, scope)
            inner = self._function_scope(node, scope) if isinstance(node, _FunctionDef) else scope
            for child in reversed(list(ast.iter_child_nodes(node))):
                self.parents[child] = node
                pending.append((child, inner))

    def _function_scope(self, node: _FunctionDef, outer: Scope) -> Scope:
        scope = Scope(outer)
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        arguments += [extra for extra in (node.args.vararg, node.args.kwarg) if extra]
        for argument in arguments:
            scope.values[argument.arg] = [None]
        if not isinstance(node, ast.Lambda) and any(_is_route(decorator) for decorator in node.decorator_list):
            texts = (a.arg for a in arguments if not _is_number(a.annotation) and a.arg not in ("self", "request"))
            scope.route_parameters.update(texts)
        return scope

    def _bind(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.imports[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                self.imports[alias.asname or alias.name] = f"{node.module or ''}.{alias.name}".lstrip(".")
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                _bind_target(target, node.value, scope)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
            _bind_target(node.target, node.value, scope)
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            _bind_target(node.target, node.iter, scope)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            _bind_target(node.optional_vars, node.context_expr, scope)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            _note_membership(node.left, node.comparators[0], scope)
        elif isinstance(node, ast.Call):
            _note_check(node, scope)

    # ---- the answers ----------------------------------------------------------------------------------------------

    def _name_varies(self, name: str, scope: Scope, safe: frozenset[str], depth: int) -> bool:
        if name in scope.checked:
            return False
        found = scope.find(name)
        if found is None:
            return not (name.isupper() and len(name) > 1)  # An imported constant.
        home, values = found
        key = ("varies", id(home), name, safe)
        if key not in self._known:
            self._known[key] = False  # A name built from itself varies only if something else in it does.
            self._known[key] = any(self.varies(value, home, safe, depth + 1) for value in values)
        return self._known[key]

    def _call_varies(self, node: ast.Call, scope: Scope, safe: frozenset[str], depth: int) -> bool:
        if self.is_call_to(node, safe | calls.NUMERIC):
            return False
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        if isinstance(node.func, ast.Attribute) and node.func.attr in calls.STRING_METHODS:
            parts = (node.func.value, *arguments)
            return any(self.varies(part, scope, safe, depth + 1) for part in parts)
        if isinstance(node.func, ast.Name) and node.func.id in (
            "str",
            "repr",
            "list",
            "tuple",
            "sorted",
            "set",
            "range",
            "dict",
        ):
            return any(self.varies(part, scope, safe, depth + 1) for part in arguments)
        return True

    def _name_from_request(self, name: str, scope: Scope, safe: frozenset[str], depth: int) -> bool:
        if name in scope.checked:
            return False
        found = scope.find(name)
        if found is None:
            return False
        home, values = found
        if name in home.route_parameters and len(values) == 1:
            return True
        key = ("request", id(home), name, safe)
        if key not in self._known:
            self._known[key] = False
            self._known[key] = any(self.from_request(value, home, safe, depth + 1) for value in values)
        return self._known[key]

    def _is_request(self, node: ast.AST) -> bool:
        name = self.name_of(node)
        return name in calls.REQUEST_NAMES or name.endswith(".request")


def operands(node: ast.expr) -> list[ast.expr]:
    """The parts of a chain `a + b + c` (or with %), left to right; a long chain is no deep recursion."""
    parts = []
    while isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Mult):
        parts.append(node.right)
        node = node.left
    return [node, *reversed(parts)]


def _parts(node: ast.AST) -> list[ast.expr] | None:
    """The expressions whose text becomes part of `node`'s value, or None for what is not followed."""
    parts: list[ast.expr] | None = None
    if isinstance(node, ast.Subscript):
        parts = [node.value]
    elif isinstance(node, ast.IfExp):
        parts = [node.body, node.orelse]
    elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp):
        parts = [node.elt]
    elif isinstance(node, ast.BinOp):
        parts = [node.left, node.right] if isinstance(node.op, ast.Mult) else operands(node)
    elif isinstance(node, _WHOLE):
        parts = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return parts


def _bind_target(target: ast.expr, value: ast.expr | None, scope: Scope) -> None:
    """All names in a target get the value; of an unpacked value each name gets the whole."""
    if isinstance(target, ast.Name):
        scope.values.setdefault(target.id, []).append(value)
    elif isinstance(target, ast.Tuple | ast.List):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) else None
        for index, part in enumerate(target.elts):
            _bind_target(part, parts[index] if parts else value, scope)
    elif isinstance(target, ast.Starred):
        _bind_target(target.value, value, scope)


def _note_check(node: ast.Call, scope: Scope) -> None:
    """`re.fullmatch(p, name)`, `name.isdigit()`, `path.startswith(root)`: the value is looked at before it is used."""
    if not isinstance(node.func, ast.Attribute):
        return
    if node.func.attr in (
        "isdigit",
        "isalnum",
        "isidentifier",
        "isdecimal",
        "startswith",
        "is_relative_to",
        "isnumeric",
    ):
        base = node.func.value
        names = [part.id for part in ast.walk(base) if isinstance(part, ast.Name)]
        scope.checked.update(names)
    elif node.func.attr in ("match", "fullmatch", "commonpath", "commonprefix", "relative_to"):
        scope.checked.update(
            part.id for argument in node.args for part in ast.walk(argument) if isinstance(part, ast.Name)
        )


def _note_membership(left: ast.expr, right: ast.expr, scope: Scope) -> None:
    """`name in ALLOWED` and `".." in name`: the value is looked at before it is used."""
    of_request = isinstance(right, ast.Attribute) and right.attr in calls.REQUEST_ATTRIBUTES
    if isinstance(left, ast.Name) and not isinstance(right, ast.Constant) and not of_request:
        scope.checked.add(left.id)
    elif isinstance(right, ast.Name) and isinstance(left, ast.Constant) and left.value in ("..", "../", "/", "\\"):
        scope.checked.add(right.id)


def _is_route(node: ast.expr) -> bool:
    target = node.func if isinstance(node, ast.Call) else node
    return isinstance(target, ast.Attribute) and target.attr in calls.ROUTE_DECORATORS


def _is_number(annotation: ast.expr | None) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id in ("int", "float", "bool", "UUID")
