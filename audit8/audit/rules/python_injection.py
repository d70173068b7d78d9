"""Syntax-tree checks: outside text that reaches a query, a shell, an interpreter, or a reader of objects or XML.

Each check gets one node and yields the ids of the rules that fire on it.
"""

import ast
import re
from collections.abc import Iterator

from audit8.audit.query_text import SQL
from audit8.audit.rules import python_calls as calls
from audit8.audit.rules.python_expressions import (
    built_text,
    first_of,
    is_value,
    keyword_of,
    last_name,
    values_in,
)
from audit8.audit.rules.python_scope import Module, Scope

_SQL = re.compile(SQL)


def check_sql(module: Module, node: ast.expr, scope: Scope) -> Iterator[str]:
    parent = module.parents.get(node)
    if isinstance(parent, ast.BinOp | ast.FormattedValue):
        return  # A part of a larger text, which is looked at as a whole.
    if isinstance(parent, ast.Attribute):
        parent = module.parents.get(parent)
    if isinstance(parent, ast.Raise) or (
        isinstance(parent, ast.Call)
        and (last_name(parent) in calls.TALK or last_name(parent).endswith(("Error", "Exception")))
    ):
        return
    text = built_text(node)
    if text and _SQL.search(text) and any(module.varies(value, scope, calls.SQL_SAFE) for value in values_in(node)):
        yield "sql-from-strings"


def check_commands(module: Module, node: ast.Call, scope: Scope) -> Iterator[str]:
    name, first = module.name_of(node.func), first_of(node) or keyword_of(node, "args") or keyword_of(node, "cmd")
    if name in calls.SHELL and module.varies(first, scope, calls.SHELL_QUOTE):
        yield "shell-command"
    elif name in calls.SUBPROCESS:
        shell = keyword_of(node, "shell")
        in_shell = shell is not None and not (isinstance(shell, ast.Constant) and not shell.value)
        if (in_shell and module.varies(first, scope, calls.SHELL_QUOTE)) or (
            isinstance(first, ast.List)
            and len(first.elts) >= 3
            and _is_shell_list(first)
            and module.varies(first.elts[2], scope, calls.SHELL_QUOTE)
        ):
            yield "shell-command"


def _is_shell_list(node: ast.List) -> bool:
    words = [part.value if isinstance(part, ast.Constant) else None for part in node.elts[:2]]
    return str(words[0]).rpartition("/")[2] in ("sh", "bash", "dash", "zsh", "cmd", "cmd.exe") and words[1] in (
        "-c",
        "-lc",
        "/c",
        "/C",
    )


def check_code(module: Module, node: ast.Call, scope: Scope) -> Iterator[str]:
    name = module.name_of(node.func)
    if name in ("eval", "exec", "builtins.eval", "builtins.exec") and module.varies(first_of(node), scope):
        yield "code-from-text"
    if (name in calls.TEMPLATES or _is_environment_template(node)) and module.varies(first_of(node), scope):
        built = first_of(node)
        if built is not None and (
            built_text(built) is not None or module.from_request(built, scope) or isinstance(built, ast.Name)
        ):
            yield "template-from-text"


def check_objects(module: Module, node: ast.Call, scope: Scope) -> Iterator[str]:
    name, first = module.name_of(node.func), first_of(node)
    if name in calls.PICKLE and first is not None:
        copied = isinstance(first, ast.Call) and last_name(first) == "dumps"
        if not copied and module.varies(first, scope):
            yield "object-from-bytes"
    if name in ("torch.load",) and is_value(keyword_of(node, "weights_only"), False):
        yield "object-from-bytes"
    if name in ("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.unsafe_load_all", "yaml.full_load"):
        loader = keyword_of(node, "Loader") or (node.args[1] if len(node.args) > 1 else None)
        safe = (loader is not None and "Safe" in ast.unparse(loader)) or (
            loader is not None and "BaseLoader" in ast.unparse(loader)
        )
        if not safe and module.varies(first, scope):
            yield "yaml-load"


def check_xml(module: Module, node: ast.Call, scope: Scope) -> Iterator[str]:
    name = module.name_of(node.func)
    if name.endswith("etree.XMLParser") and "lxml" in name:
        entities = keyword_of(node, "resolve_entities")
        if (
            is_value(entities, True)
            or is_value(keyword_of(node, "no_network"), False)
            or is_value(keyword_of(node, "load_dtd"), True)
        ):
            yield "xml-entities"
    elif name.startswith("lxml.") and name.rpartition(".")[2] in ("parse", "fromstring", "XML", "iterparse"):
        # lxml before 5.0 resolved entities unless told not to.
        if len(node.args) < 2 and keyword_of(node, "parser") is None and module.from_request(first_of(node), scope):
            yield "xml-entities"
    elif _switches_entities_on(node):
        yield "xml-entities"


def _switches_entities_on(node: ast.Call) -> bool:
    """`parser.setFeature(feature_external_ges, True)` of xml.sax."""
    if last_name(node) != "setFeature" or len(node.args) != 2 or is_value(node.args[1], False):
        return False
    return "feature_external_ges" in ast.unparse(node.args[0])


def _is_environment_template(node: ast.Call) -> bool:
    """`env.from_string(...)`: other classes have a method of this name too."""
    receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
    return last_name(node) == "from_string" and receiver is not None and "env" in ast.unparse(receiver).lower()
