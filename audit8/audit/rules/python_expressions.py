"""Small questions about Python expressions: keywords of a call, names near it, text that is built from values."""

import ast

from audit8.audit.rules.python_scope import Module, operands

HOLE = "\x01"  # Stands for a value in a text that is built from values.


def keyword_of(node: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in node.keywords if keyword.arg == name), None)


def is_value(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def first_of(node: ast.Call) -> ast.expr | None:
    return node.args[0] if node.args else None


def last_name(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def words_near(module: Module, node: ast.AST) -> str:
    """The names around an expression: what it is assigned to, what it is called with, the function it is in."""
    names = [
        name
        for part in ast.walk(node)
        for name in (getattr(part, "id", ""), getattr(part, "attr", ""), getattr(part, "arg", "") or "")
    ]
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


def built_text(node: ast.expr) -> str | None:
    """The literal text of an expression that puts values into a string, HOLE where a value goes; else None."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return literal_text(node.left)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return "".join(literal_text(part) or HOLE for part in operands(node))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return literal_text(node.func.value)
    return None


def literal_text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr | ast.BinOp):
        return built_text(node)
    return None


def values_in(node: ast.expr) -> list[ast.expr]:
    """The expressions that `_built_text` showed as holes."""
    if isinstance(node, ast.JoinedStr):
        return [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
    if isinstance(node, ast.BinOp):
        return [
            value for part in operands(node) for value in ([part] if literal_text(part) is None else values_in(part))
        ]
    if isinstance(node, ast.Call):
        return [*node.args, *(keyword.value for keyword in node.keywords)]
    return []
