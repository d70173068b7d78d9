"""Checks of C++ on web pages that are written piece by piece: a text of unknown origin between pieces of markup."""

import re

from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, place

_TAG = re.compile(r"</?(?:[a-zA-Z][a-zA-Z0-9]*[ />=]|(?:b|i|p|a|h[1-6]|td|tr|li|ul|div|span|html|body|title|tt|pre)\b)")
_TEXT = re.compile(r"(?i)\b(?:w?str(?:ing)?|string_view|QString|CString|Glib::ustring|std::string|char)\b")
_MAX_OPERANDS = 400


def check_markup(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        for node in function.body.walk():
            if _is_shift(node) and not (node.up is not None and _is_shift(node.up)):
                _chain(function, node, report)


def _is_shift(node: Node) -> bool:
    return bool(node.kind == "binary_expression" and node.kids[1].kind == "<<")


def _chain(function: Function, node: Node, report: Report) -> None:
    """`out << "<p>" << text`: every text that is not passed through a function stands in the page as it is."""
    operands: list[Node] = []
    one = node
    while _is_shift(one) and len(operands) < _MAX_OPERANDS:
        operands.append(one.kids[2])
        one = one.kids[0]
    if not any(part.kind in ("string_literal", "concatenated_string") and _TAG.search(part.text) for part in operands):
        return
    for part in operands:
        found = function.locals.get(place(part))
        named = found is not None and _TEXT.search(found.type) is not None and not found.counts
        given = found is not None and found.node.kind == "parameter_declaration"
        if found is not None and named and (given or not _is_made_here(found.value)):
            report.say("html-from-strings", part)


def _is_made_here(value: Node | None) -> bool:
    """Whether a local text comes from a literal, or from a function that escapes."""
    if value is None:
        return True
    return value.kind == "string_literal" or bool(re.search(r"(?i)escape|encode|sanit|quote", value.text))
