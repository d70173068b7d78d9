"""Small questions about Python expressions: keywords of a call, names near it."""

import ast

from audit8.audit.rules.python_scope import Module


def keyword_of(node: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in node.keywords if keyword.arg == name), None)


def is_value(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def first_of(node: ast.Call) -> ast.expr | None:
    return node.args[0] if node.args else None


def last_name(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def words_in(node: ast.AST) -> str:
    """The names in an expression."""
    return " ".join(
        name
        for part in ast.walk(node)
        for name in (getattr(part, "id", ""), getattr(part, "attr", ""), getattr(part, "arg", "") or "")
    )


def words_near(module: Module, node: ast.AST) -> str:
    """The names around an expression: what it is assigned to, what it is called with, the function it is in."""
    names = [words_in(node)]
    parent = module.parents.get(node)
    while parent is not None:
        if isinstance(parent, ast.Assign):
            names += [getattr(target, "id", getattr(target, "attr", "")) for target in parent.targets]
        elif isinstance(parent, ast.keyword):
            names.append(parent.arg or "")
        elif isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
            names.append(parent.name)
            break
        parent = module.parents.get(parent)
    return " ".join(names)
