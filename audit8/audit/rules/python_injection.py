"""Syntax-tree checks: readers of objects and XML that are told to trust what they read.

Each check gets one node and yields the ids of the rules that fire on it. What a value's way decides is flow's.
"""

import ast
from collections.abc import Iterator

from audit8.audit.rules.python_expressions import is_value, keyword_of, last_name
from audit8.audit.rules.python_scope import Module, Scope


def check_objects(module: Module, node: ast.Call, scope: Scope) -> Iterator[str]:
    if module.name_of(node.func) == "torch.load" and is_value(keyword_of(node, "weights_only"), False):
        yield "object-from-bytes"


def check_xml(module: Module, node: ast.Call, scope: Scope) -> Iterator[str]:
    name = module.name_of(node.func)
    if name.endswith("etree.XMLParser"):  # Only lxml's has these options.
        entities = keyword_of(node, "resolve_entities")
        if (
            is_value(entities, True)
            or is_value(keyword_of(node, "no_network"), False)
            or is_value(keyword_of(node, "load_dtd"), True)
        ):
            yield "xml-entities"
    elif _switches_entities_on(node):
        yield "xml-entities"


def _switches_entities_on(node: ast.Call) -> bool:
    """`parser.setFeature(feature_external_ges, True)` of xml.sax."""
    if last_name(node) != "setFeature" or len(node.args) != 2 or is_value(node.args[1], False):
        return False
    return "feature_external_ges" in ast.unparse(node.args[0])
