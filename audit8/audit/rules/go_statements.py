"""Checks of Go's statements: what waits for the end of a function in a loop, what handlers share, bodies of any size.

Knows one function and what its own text says; who else locks is not known.
"""

import re
from collections.abc import Callable, Iterator

from ast_grep_py import SgNode

_CLOSES = re.compile(r"\bdefer\s+[\w.\[\]()]{1,80}\.(?:Close|Unlock|RUnlock|Rollback|Stop)\(\)\s*$")
_LOCKS = re.compile(r"\.(?:R?Lock|TryLock|Do|Store|Add|Swap|CompareAndSwap|Load)\(|\batomic\.|<-")
_LIMITS = re.compile(r"\b(?:MaxBytesReader|MaxBytesHandler|LimitReader|LimitedReader|ContentLength)\b")
_READS_ALL = re.compile(r"(?:io|ioutil)\.ReadAll\(\s*(?P<request>\w+)\.Body\s*\)")
_OPENED = re.compile(
    r"\w+\s*,\s*_\s*:=\s*(?:os\.(?:Open|OpenFile|Create|ReadFile|ReadDir)|ioutil\.(?:ReadFile|ReadDir)|"
    r"net\.(?:Dial|Listen)|http\.(?:Get|Post|NewRequest)|sql\.Open|template\.ParseFiles)\("
)
_DECODED = re.compile(r"(?:json|xml|yaml|proto)\.Unmarshal\(|(?:json|xml|gob)\.NewDecoder\([^()]{1,60}\)\.Decode\(")
_MAX_CHARS = 400


def check_defers(function: SgNode, nodes: list[SgNode]) -> Iterator[tuple[str, SgNode]]:
    """`defer f.Close()` in a loop: everything stays open until the function returns."""
    for node in nodes:
        if node.kind() == "defer_statement" and _short(node) and _CLOSES.search(node.text()) and _in_loop(node):
            yield "defer-in-loop", node


def _in_loop(node: SgNode) -> bool:
    """Whether a loop is around it, nearer than a function; one that is left after its first round is none."""
    inner = node
    for outer in node.ancestors():
        kind = outer.kind()
        if kind in ("func_literal", "function_declaration", "method_declaration"):
            return False
        if kind == "for_statement":
            last = _last_statement(outer)
            return last not in ("return_statement", "break_statement")
        inner = outer
    return inner is None


def _last_statement(loop: SgNode) -> str:
    body = loop.field("body")
    listed = [child for child in body.children() if child.is_named()] if body is not None else []
    if len(listed) == 1 and listed[0].kind() == "statement_list":
        listed = [child for child in listed[0].children() if child.is_named()]
    return listed[-1].kind() if listed else ""


def check_shared(function: SgNode, nodes: list[SgNode]) -> Iterator[tuple[str, SgNode]]:
    """A handler that changes a field of its receiver, which all requests share, without a lock."""
    receiver = _receiver(function)
    if not receiver or not _is_handler(function) or any(_LOCKS.search(_short(one)) for one in nodes if _is_call(one)):
        return
    for node in nodes:
        target = _changed(node)
        if re.match(rf"{re.escape(receiver)}\.\w", target):
            yield "handler-shares-state", node


def _is_call(node: SgNode) -> bool:
    return node.kind() in ("call_expression", "send_statement", "unary_expression")


def _changed(node: SgNode) -> str:
    """What a statement counts up, or which element of a map or list it sets."""
    kind = node.kind()
    if kind in ("inc_statement", "dec_statement"):
        return _short(node)
    left = node.field("left") if kind == "assignment_statement" else None
    if left is None:
        return ""
    text = _short(node)
    adds = re.match(r"[\w.\[\]()\" ]{1,120}?\s*(?:[-+*|]=|=\s*append\()", text)
    return _short(left) if adds or _short(left).endswith("]") else ""


def _receiver(function: SgNode) -> str:
    listed = function.field("receiver")
    found = re.match(r"\(\s*(\w+)\s+\*(\w+)", _short(listed)) if listed is not None else None
    # One of these belongs to one request.
    own = found is not None and re.search(r"(?i)context|request|response|writer|session|conn", found.group(2))
    return found.group(1) if found and not own else ""


def _is_handler(function: SgNode) -> bool:
    listed = function.field("parameters")
    return listed is not None and bool(re.search(r"http\.ResponseWriter|\*gin\.Context|echo\.Context", _short(listed)))


def check_bodies(function: SgNode, nodes: list[SgNode]) -> Iterator[tuple[str, SgNode]]:
    """The body of a request read as a whole, however long it is."""
    listed = function.field("parameters")
    requests = set(re.findall(r"\b(\w+)\s+\*http\.Request\b", _short(listed))) if listed is not None else set()
    found = [node for node in nodes if node.kind() == "call_expression" and _reads_all(node, requests)]
    if found and not any(_LIMITS.search(_short(node)) for node in nodes if node.kind() in _NAMED):
        for node in found:
            yield "body-unlimited", node


_NAMED = ("call_expression", "selector_expression")


def _reads_all(node: SgNode, requests: set[str]) -> bool:
    read = _READS_ALL.match(_short(node))
    return read is not None and read.group("request") in requests


def check_errors(function: SgNode, nodes: list[SgNode]) -> Iterator[tuple[str, SgNode]]:
    """The error of something that opens or reads, thrown away: what it gave is used as if it had worked."""
    patterns = {"short_var_declaration": _OPENED, "expression_statement": _DECODED}
    for node in nodes:
        dropped = patterns.get(node.kind())
        if dropped is not None and dropped.match(_short(node)):
            yield "error-dropped", node


def _short(node: SgNode) -> str:
    """The text of a node, "" for a long one."""
    span = node.range()
    return str(node.text()) if span.end.index - span.start.index <= _MAX_CHARS else ""


STATEMENTS: tuple[Callable[[SgNode, list[SgNode]], Iterator[tuple[str, SgNode]]], ...] = (
    check_defers,
    check_shared,
    check_bodies,
    check_errors,
)
