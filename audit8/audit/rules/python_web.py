"""Syntax-tree checks: templates without escaping, archives that say where to write, files anyone may change."""

import ast
import re
from collections.abc import Iterator

from audit8.audit.rules.python_expressions import is_value, keyword_of, last_name
from audit8.audit.rules.python_scope import Module, Scope

_PATH_TESTS = ("startswith", "commonpath", "commonprefix", "is_relative_to", "relative_to", "isabs")
_SAFE = re.compile(r"(?i)safe|valid|check|within|inside|traversal")
_PUBLIC_FOLDER = re.compile(r"/(?:var/)?tmp/")
_MAX_NODES = 3000
_TEMPORARY = ("tempfile.mktemp", "mktemp", "os.tempnam", "os.tmpnam")


def check_web(module: Module, node: ast.Call, scope: Scope) -> Iterator[str]:
    name = module.name_of(node.func)
    if name in ("jinja2.Environment", "Environment", "jinja2.sandbox.SandboxedEnvironment"):
        escape = keyword_of(node, "autoescape")
        known = name.startswith("jinja2") or keyword_of(node, "loader") is not None
        if (escape is None and known) or is_value(escape, False):
            yield "autoescape-off"


def check_files(module: Module, node: ast.Call, scope: Scope) -> Iterator[str]:
    checked = keyword_of(node, "filter") or keyword_of(node, "members")
    unpacks = last_name(node) in ("extractall", "extract") and checked is None and _is_tar(module, node, scope)
    if unpacks and not _looks_at_members(module, node):
        yield "archive-extraction"
    if module.name_of(node.func) in _TEMPORARY or _writes_known_place(module, node, scope):
        yield "temporary-name"
    if last_name(node) in ("chmod", "fchmod", "lchmod"):
        mode = keyword_of(node, "mode") or (node.args[-1] if node.args else None)
        if (
            isinstance(mode, ast.Constant)
            and isinstance(mode.value, int)
            and mode.value & 0o002
            and mode.value <= 0o7777
        ):
            yield "world-writable"


def _writes_known_place(module: Module, node: ast.Call, scope: Scope) -> bool:
    """`open("/tmp/name", "w")`, the name written out or put together: anybody may have put a link there."""
    mode = keyword_of(node, "mode") or (node.args[1] if len(node.args) > 1 else None)
    if module.name_of(node.func) not in ("open", "io.open", "codecs.open") or not node.args:
        return False
    if not isinstance(mode, ast.Constant) or not str(mode.value).startswith(("w", "a")):
        return False
    found = scope.find(node.args[0].id) if isinstance(node.args[0], ast.Name) else None
    return any(_begins_in_tmp(value) for value in (found[1] if found else [node.args[0]]))


def _begins_in_tmp(value: ast.expr | None) -> bool:
    """Whether a text begins with the name of a folder that everybody may write to, and is not only the folder."""
    for _ in range(20):
        if isinstance(value, ast.BinOp):
            value = value.left
        elif isinstance(value, ast.JoinedStr):
            value = value.values[0] if value.values else None
        elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "format":
            value = value.func.value
        else:
            break
    return isinstance(value, ast.Constant) and _PUBLIC_FOLDER.match(str(value.value)) is not None


def _looks_at_members(module: Module, node: ast.Call) -> bool:
    """Whether the function that unpacks compares paths, or asks somebody whether they are safe."""
    holder: ast.AST = node
    while holder in module.parents and not isinstance(holder, ast.FunctionDef | ast.AsyncFunctionDef):
        holder = module.parents[holder]
    pending, looked = [holder], 0
    while pending and looked < _MAX_NODES:
        one = pending.pop()
        looked += 1
        if isinstance(one, ast.Call) and (last_name(one) in _PATH_TESTS or _SAFE.search(last_name(one))):
            return True
        pending += ast.iter_child_nodes(one)
    return False


def _is_tar(module: Module, node: ast.Call, scope: Scope) -> bool:
    base = node.func.value if isinstance(node.func, ast.Attribute) else None
    found = scope.find(base.id) if isinstance(base, ast.Name) else None
    makers = found[1] if found else [base]
    named = isinstance(base, ast.Name) and "tar" in base.id.lower()
    return named or any(
        isinstance(maker, ast.Call) and module.name_of(maker.func).startswith("tarfile.") for maker in makers
    )
