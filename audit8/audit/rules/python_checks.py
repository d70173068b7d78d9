"""The static rules for Python source that parses: which check looks at which kind of node.

The claims' words are in the rules' tables; how values are followed is python_scope.py's.
"""

import ast
import threading
import warnings
from collections.abc import Callable, Iterator
from textwrap import dedent

from audit8.audit.rules import python_injection as injection
from audit8.audit.rules import python_protection as protection
from audit8.audit.rules import python_web as web
from audit8.audit.rules.python_scope import Module
from audit8.audit.rules.python_two import as_python_three
from audit8.audit.rules.rule import Hit

_MAX_CHARS = 2_000_000
# Up to Python 3.12 two threads that parse at once can fail each other (SystemError: "recursion depth mismatch"), and
# the filters of warnings are one for all threads.
_PARSING = threading.Lock()


def check_python(text: str) -> list[Hit] | None:
    """Where the rules fire, or None when the text does not parse as Python (the line rules then take over)."""
    if len(text) > _MAX_CHARS:
        return None
    try:
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # The parser warns about escapes in the code; not our concern.
            module = Module(_parsed(dedent(text)))
        return [
            _hit(rule_id, node)
            for node in module.nodes()
            for check in _CHECKS.get(type(node), ())
            for rule_id in check(module, node, module.scopes[node])
        ]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # A fragment, or text made to exhaust the parser.


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.parse(as_python_three(text))


def _hit(rule_id: str, node: ast.AST) -> Hit:
    line = getattr(node, "lineno", 1)
    return Hit(rule_id, line, min(getattr(node, "end_lineno", None) or line, line + 8))


_CHECKS: dict[type[ast.AST], tuple[Callable[..., Iterator[str]], ...]] = {
    ast.Call: (
        injection.check_objects,
        injection.check_xml,
        web.check_web,
        web.check_files,
        protection.check_crypto,
        protection.check_trust,
    ),
    ast.Attribute: (protection.check_attributes,),
    ast.Assign: (protection.check_assignments,),
}
