"""The syntax tree of C and C++ as light nodes: kinds, places in the text, and the few questions that checks ask of it.

Knows the shape of tree-sitter's trees for the two languages. Knows no rule. Everything here is iterative: the text may
be nested as deeply as somebody likes, and `height` says how deep it is.
"""

import math
import re
from collections.abc import Iterator

from ast_grep_py import SgNode

_SPACE = re.compile(r"\s+")
_INTEGER = re.compile(r"(0[xX][0-9a-fA-F']+|0[bB][01']+|[0-9']+)[uUlLzZ]*")
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]+|[0-7]{1,3}|.)", re.DOTALL)
_SIMPLE_ESCAPES = {"\\n": 10, "\\t": 9, "\\r": 13, "\\0": 0, "\\\\": 92, "\\'": 39, '\\"': 34, "\\a": 7, "\\b": 8}
NAMES = ("identifier", "field_identifier", "type_identifier")
FUNCTION = "function_definition"


class Node:
    """One node without comments below it. `line` counts from 1; `height` is the depth of what is below."""

    __slots__ = ("_source", "_tree", "end", "end_line", "height", "kids", "kind", "line", "named", "start", "up")

    def __init__(self, tree: SgNode, source: str, up: "Node | None") -> None:
        span = tree.range()
        self.kind = tree.kind()
        self.named = tree.is_named()
        self.start, self.end = span.start.index, span.end.index
        self.line, self.end_line = span.start.line + 1, span.end.line + 1
        self.height = 0
        self.kids: list[Node] = []
        self.up = up
        self._tree, self._source = tree, source

    @property
    def text(self) -> str:
        return self._source[self.start : self.end]

    @property
    def parts(self) -> list["Node"]:
        """The children that are not punctuation."""
        return [kid for kid in self.kids if kid.named]

    def part(self, name: str) -> "Node | None":
        """The child in the grammar's field `name`."""
        found = self._tree.field(name)
        if found is None:
            return None
        span = found.range()
        at = (span.start.index, span.end.index)
        return next((kid for kid in self.kids if (kid.start, kid.end) == at), None)

    def walk(self) -> Iterator["Node"]:
        """This node and all below it, in the order of the text."""
        pending = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(node.kids))

    def above(self) -> Iterator["Node"]:
        node = self.up
        while node is not None:
            yield node
            node = node.up


def grow(root: SgNode, source: str) -> Node:
    """The light tree of `root`."""
    top = Node(root, source, None)
    made, pending = [top], [(root, top)]
    while pending:
        tree, node = pending.pop()
        for child in tree.children():
            if child.kind() == "comment":
                continue
            kid = Node(child, source, node)
            node.kids.append(kid)
            made.append(kid)
            pending.append((child, kid))
    for node in reversed(made):
        if node.up is not None:
            node.up.height = max(node.up.height, node.height + 1)
    return top


def bare(node: Node | None) -> Node | None:
    """The expression inside brackets and casts."""
    while node is not None and node.kind in ("parenthesized_expression", "cast_expression", "condition_clause"):
        parts = node.parts
        node = parts[-1] if parts else None
    return node


def place(node: Node | None) -> str:
    """The text without spaces of what can be assigned to (`p`, `s->buf`, `a[i]`, `*p`), brackets and casts off."""
    node = bare(node)
    if node is None or node.end - node.start > 120:
        return ""
    if node.kind == "pointer_expression" and not node.text.startswith("*"):
        return ""
    if node.kind in ("identifier", "field_expression", "subscript_expression", "pointer_expression", "this"):
        return _SPACE.sub("", node.text)
    return ""


def callee(node: Node) -> str:
    """What a call calls: a name, `s->f`, `std::f` without `std::`; "" for any other expression."""
    head = node.kids[0] if node.kids else None
    if head is None or head.kind not in ("identifier", "field_expression", "qualified_identifier"):
        return ""
    return _SPACE.sub("", head.text).removeprefix("std::").removeprefix("::")


def arguments(node: Node) -> list[Node]:
    """The arguments of a call."""
    found = node.part("arguments")
    return found.parts if found is not None else []


def calls(node: Node) -> Iterator[Node]:
    return (one for one in node.walk() if one.kind == "call_expression")


def index_of(node: Node) -> Node | None:
    """What stands between the brackets of a subscript."""
    inside = node.kids[1].parts if node.kids[1].kind == "subscript_argument_list" else node.kids[2:3]
    return bare(inside[0]) if inside else None


def names_in(node: Node) -> set[str]:
    """Every plain name in an expression, members excluded."""
    return {one.text for one in node.walk() if one.kind == "identifier"}


def declared(node: Node | None) -> Node | None:
    """The name that a declarator declares, whatever pointers, arrays and brackets are around it."""
    while node is not None and node.kind not in NAMES:
        inner = node.part("declarator")
        if inner is None:
            inner = next((kid for kid in node.parts if "declarator" in kid.kind or kid.kind in NAMES), None)
        node = inner
    return node


def integer(text: str) -> int | None:
    """The value of an integer literal."""
    found = _INTEGER.fullmatch(text)
    if found is None:
        return None
    digits = found.group(1).replace("'", "")
    try:
        if digits[:1] == "0" and digits[1:].isdigit():
            return int(digits, 8)
        return int(digits, 0)
    except ValueError:
        return None


def decimal(text: str) -> float:
    """The value of a literal with a point; not a number when it is none."""
    try:
        return float(text.rstrip("fFlL"))
    except ValueError:
        return math.nan


def character(text: str) -> int | None:
    """The value of a character literal."""
    inner = text[text.find("'") + 1 : -1]
    if len(inner) == 1:
        return ord(inner)
    return _SIMPLE_ESCAPES.get(inner)


def literal_length(text: str) -> int:
    """How many characters a string literal holds, without the terminating zero."""
    return len(_ESCAPE.sub("x", text[text.find('"') + 1 : text.rfind('"')]))
