"""What a Python function's syntax tree says about the names in it: what they are bound to, what imports mean.

Knows assignments within one function and its enclosing scopes. How values flow is audit8/audit/flow's.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_MAX_VALUES = 50
_FunctionDef = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(slots=True)
class Scope:
    """One function (or the module): the names it binds."""

    parent: "Scope | None"
    values: dict[str, list[ast.expr | None]] = field(default_factory=dict)

    def find(self, name: str) -> "tuple[Scope, list[ast.expr | None]] | None":
        """The nearest scope that binds `name` and the values given to it there (None: not known), a bounded number."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope, scope.values[name][:_MAX_VALUES]
            scope = scope.parent
        return None


class Module:
    """A parsed module: which scope each node is in, what the imported names mean, and each node's parent."""

    def __init__(self, tree: ast.Module) -> None:
        self.imports: dict[str, str] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        self.scopes: dict[ast.AST, Scope] = {}
        self._facts: dict[tuple[ast.AST, object], dict[str, str]] = {}
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

    def facts(self, holder: ast.AST, ask: Callable[[ast.AST], dict[str, str]]) -> dict[str, str]:
        """What `ask` says of a function, asked once: there may be many calls in it that want to know."""
        if (holder, ask) not in self._facts:
            self._facts[(holder, ask)] = ask(holder)
        return self._facts[(holder, ask)]

    def _read(self, tree: ast.Module) -> None:
        """One pass without recursion: hostile code nests deeply."""
        pending: list[tuple[ast.AST, Scope]] = [(tree, Scope(None))]
        while pending:
            node, scope = pending.pop()
            self.scopes[node] = scope
            self._bind(node, scope)
            inner = _function_scope(node, scope) if isinstance(node, _FunctionDef) else scope
            for child in reversed(list(ast.iter_child_nodes(node))):
                self.parents[child] = node
                pending.append((child, inner))

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


def _function_scope(node: _FunctionDef, outer: Scope) -> Scope:
    scope = Scope(outer)
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments += [extra for extra in (node.args.vararg, node.args.kwarg) if extra]
    for argument in arguments:
        scope.values[argument.arg] = [None]
    usual = [*node.args.posonlyargs, *node.args.args]
    for argument, default in zip(usual[len(usual) - len(node.args.defaults) :], node.args.defaults, strict=True):
        scope.values[argument.arg].append(default)
    for argument, keyword_default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        scope.values[argument.arg].append(keyword_default)
    return scope


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
