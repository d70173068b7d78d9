"""Brings a syntax tree down to the nodes of nodes.py by a grammar's table: kind of syntax node -> shape.

Knows no language. A kind that the table lacks becomes a `Many` of its parts. Depth is bounded: what lies deeper than
any honest code becomes an unknown.
"""

from collections.abc import Callable, Iterator, Mapping

from ast_grep_py import SgNode

from audit8.audit.flow.nodes import Block, Fixed, Many, Name, Node

_MAX_DEPTH = 70
UNKNOWN = "<unknown>"
ERROR = "<error>"  # A name: the error that the call just before may have given.

Shape = Callable[["Lower", SgNode], Node]


class Lower:
    """One text's lowering; `expression` and `block` are what the shapes call for the parts of a node."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self._depth = 0

    def node(self, node: SgNode | None) -> Node:
        """The node for a syntax node; for None something fixed."""
        if node is None:
            return Fixed(1)
        if self._depth >= _MAX_DEPTH:
            return Name(line_of(node), UNKNOWN)
        self._depth += 1
        try:
            shape = self._shapes.get(node.kind())
            return shape(self, node) if shape else Many(line_of(node), list(self.nodes(node)))
        finally:
            self._depth -= 1

    def nodes(self, node: SgNode | None) -> Iterator[Node]:
        """The nodes for the named children."""
        for child in named(node):
            yield self.node(child)

    def block(self, node: SgNode | None) -> Node:
        """The children as statements; a single statement that is no block as itself."""
        if node is None:
            return Block(1, [])
        return self.node(node)


def line_of(node: SgNode) -> int:
    return int(node.range().start.line) + 1


def end_line_of(node: SgNode) -> int:
    return int(node.range().end.line) + 1


def named(node: SgNode | None) -> list[SgNode]:
    """The children that are no punctuation and no comments."""
    if node is None:
        return []
    return [child for child in node.children() if child.is_named() and "comment" not in child.kind()]


def first_of_kind(node: SgNode | None, *kinds: str) -> SgNode | None:
    return next((child for child in named(node) if child.kind() in kinds), None)
