"""The shapes that most languages share, as makers of table entries for lower.py: a call, a member, an assignment, ...

Each maker is given the names that a grammar uses for the fields.
"""

from ast_grep_py import SgNode

from audit8.audit.flow.lower import Lower, Shape, end_line_of, line_of, named
from audit8.audit.flow.nodes import (
    Assign,
    Block,
    Build,
    Call,
    Cast,
    Compare,
    Fixed,
    If,
    Index,
    Leave,
    Logic,
    Loop,
    Many,
    Member,
    Name,
    Node,
    Try,
)

_COMPARISONS = {
    "==": "==",
    "===": "==",
    "!=": "!=",
    "!==": "!=",
    "=~": "=~",
    "!~": "!~",
    "in": "in",
    "not in": "not in",
}
_ORDERS = ("<", ">", "<=", ">=", "<=>", "instanceof", "is", "is not", "<>")
_HANDLERS = ("catch_clause", "except_clause", "except_group_clause")
_LOGIC = {"&&": "and", "and": "and", "||": "or", "or": "or", "!": "not", "not": "not"}


def fixed(low: Lower, node: SgNode) -> Node:
    return Fixed(line_of(node), "" if named(node) else node.text()[:40])


def pattern(low: Lower, node: SgNode) -> Node:
    """A regular expression, written out."""
    return Fixed(line_of(node), node.text()[:200])


def name(low: Lower, node: SgNode) -> Node:
    return Name(line_of(node), node.text())


def inside(low: Lower, node: SgNode) -> Node:
    """Brackets and wrappers around one thing."""
    parts = named(node)
    return low.node(parts[0]) if len(parts) == 1 else Many(line_of(node), [low.node(part) for part in parts])


def block(low: Lower, node: SgNode) -> Node:
    return Block(line_of(node), list(low.nodes(node)))


def attempts(low: Lower, node: SgNode) -> Node:
    """A body and its handlers."""
    parts = named(node)
    caught = [part for part in parts if part.kind() in _HANDLERS]
    rest = [low.node(part) for part in parts if part.kind() not in _HANDLERS]
    return Try(line_of(node), rest, [low.node(part) for part in caught])


def handler(low: Lower, node: SgNode) -> Node:
    """A handler that stands beside the statements it belongs to."""
    return Try(line_of(node), [], [block(low, node)])


def many(low: Lower, node: SgNode) -> Node:
    return Many(line_of(node), list(low.nodes(node)))


def last(low: Lower, node: SgNode) -> Node:
    parts = named(node)
    return low.node(parts[-1]) if parts else Fixed(line_of(node))


def string(contents: str, holes: str = "") -> Shape:
    """A literal whose `contents` nodes hold its text and whose `holes` nodes hold expressions."""

    def lower(low: Lower, node: SgNode) -> Node:
        parts: list[Node] = []
        for child in named(node):
            kind = child.kind()
            if kind == holes:
                parts.append(inside(low, child))
            elif kind.endswith(("content", "fragment", "escape_sequence", contents)):
                parts.append(Fixed(line_of(child), child.text()))
        if any(not isinstance(part, Fixed) for part in parts):
            return Build(line_of(node), parts)
        return Fixed(line_of(node), "".join(part.text for part in parts if isinstance(part, Fixed)) or _bare(node))

    return lower


def _bare(node: SgNode) -> str:
    return "" if named(node) else node.text().strip("\"'`")


def member(base: str, property_: str) -> Shape:
    def lower(low: Lower, node: SgNode) -> Node:
        found = node.field(property_)
        return Member(line_of(node), low.node(node.field(base)), found.text() if found else "")

    return lower


def index(base: str, key: str) -> Shape:
    def lower(low: Lower, node: SgNode) -> Node:
        return Index(line_of(node), low.node(node.field(base)), low.node(node.field(key)))

    return lower


def call(function: str, arguments: str, new: bool = False) -> Shape:
    def lower(low: Lower, node: SgNode) -> Node:
        args, names = arguments_of(low, node.field(arguments))
        return Call(line_of(node), end_line_of(node), low.node(node.field(function)), args, names, new)

    return lower


def arguments_of(low: Lower, node: SgNode | None) -> tuple[list[Node], list[str]]:
    """The arguments and their keywords."""
    if node is not None and node.kind() in ("template_string", "generator_expression"):
        return [low.node(node)], [""]
    args, names = [], []
    for child in named(node):
        parts = named(child)
        if child.kind() in ("keyword_argument", "pair") and len(parts) == 2:
            names.append(parts[0].text().strip(":\"'"))
            args.append(low.node(parts[1]))
        else:
            names.append("")
            args.append(low.node(child))
    return args, names


def operands(node: SgNode, kind: str) -> tuple[list[SgNode], list[str]]:
    """A left-deep chain of binary nodes as operands and operators, left to right; no recursion."""
    parts, operators = list[SgNode](), list[str]()
    while node.kind() == kind:
        left, right, operator = node.field("left"), node.field("right"), operator_of(node)
        if left is None or right is None or (operators and operator != operators[-1]):
            break
        parts.append(right)
        operators.append(operator)
        node = left
    return [node, *reversed(parts)], operators


def operator_of(node: SgNode) -> str:
    found = node.field("operator")
    if found is not None:
        return str(found.text())
    return next((str(child.text()) for child in node.children() if not child.is_named()), "")


def binary(low: Lower, node: SgNode) -> Node:
    """Chains of + build text; tests become Compare or Logic; other arithmetic is a number."""
    line = line_of(node)
    parts, operators = operands(node, node.kind())
    operator = operators[0] if operators else ""
    lowered = [low.node(part) for part in parts] if operators else list(low.nodes(node))
    if operator in ("+", ".", "%", "<<"):
        return Build(line, lowered) if operator != "%" else formatted(line, lowered)
    if operator in _LOGIC:
        return Logic(line, _LOGIC[operator], lowered)
    if operator in _COMPARISONS and len(lowered) == 2:
        return Compare(line, _COMPARISONS[operator], lowered[0], lowered[1])
    if operator in _ORDERS and len(lowered) == 2:
        return Compare(line, "<", lowered[0], lowered[1])
    if operator in ("??", "?:", "|"):
        return Many(line, lowered)
    between = [part for one in lowered for part in (Fixed(line, "/"), one)][1:]  # Of a path, where the parts are texts.
    return Build(line, between) if operator == "/" else Cast(line, "int", Many(line, lowered))


def formatted(line: int, parts: list[Node]) -> Node:
    """`text % values` (Python, Ruby) as the call that it is."""
    return Call(line, line, Member(line, parts[0], "%"), parts[1:], [""] * (len(parts) - 1))


def unary(low: Lower, node: SgNode) -> Node:
    parts = [low.node(child) for child in named(node)]
    operator = operator_of(node)
    if operator in ("!", "not") or node.kind() == "not_operator":
        return Logic(line_of(node), "not", parts)
    if operator in ("-", "+", "~", "typeof", "delete", "void", "^", "defined?"):
        return Cast(line_of(node), "int", Many(line_of(node), parts))
    return parts[0] if len(parts) == 1 else Many(line_of(node), parts)


def assign(left: str, right: str, adds: bool = False, type_: str = "") -> Shape:
    def lower(low: Lower, node: SgNode) -> Node:
        target, value = node.field(left), node.field(right)
        declared = node.field(type_) if type_ else None
        if target is None:
            return many(low, node)
        new = low.node(value) if value is not None else Name(line_of(node), "<unset>")
        adding = adds and operator_of(node) not in ("=", "||=", "??=", "&&=", ":=")
        return Assign(line_of(node), low.node(target), new, adding, declared.text() if declared else "")

    return lower


def choice(test: str, then: str, other: str) -> Shape:
    """A conditional expression."""

    def lower(low: Lower, node: SgNode) -> Node:
        alternative = node.field(other)
        return If(
            line_of(node),
            [(low.node(node.field(test)), low.node(node.field(then)))],
            low.node(alternative) if alternative is not None else None,
        )

    return lower


def if_chain(low: Lower, node: SgNode) -> Node:
    """`if ... else if ...` in C's style as one list of branches; Go's initialiser runs before."""
    line, branches, before = line_of(node), list[tuple[Node, Node]](), list[Node]()
    current: SgNode | None = node
    while current is not None and current.kind() == "if_statement":
        start = current.field("initializer")
        if start is not None:
            before.append(low.node(start))
        branches.append((low.node(current.field("condition")), low.node(current.field("consequence"))))
        current = current.field("alternative")
        if current is not None and current.kind() == "else_clause":
            current = next(iter(named(current)), None)
    whole = If(line, branches, low.node(current) if current is not None else None)
    return Block(line, [*before, whole]) if before else whole


def loop(target: str = "", source: str = "", test: str = "", body: str = "body") -> Shape:
    def part(low: Lower, node: SgNode, field: str) -> Node | None:
        found = node.field(field) if field else None
        return low.node(found) if found is not None else None

    def lower(low: Lower, node: SgNode) -> Node:
        head = [part(low, node, field) for field in ("initializer", "increment")]
        whole = Loop(
            line_of(node),
            part(low, node, target),
            part(low, node, source),
            part(low, node, test),
            low.block(node.field(body)),
        )
        extra = [one for one in head if one is not None]
        return Block(line_of(node), [*extra, whole]) if extra else whole

    return lower


def leave(returns: bool) -> Shape:
    def lower(low: Lower, node: SgNode) -> Node:
        parts = list(low.nodes(node))
        value = None if not parts else parts[0] if len(parts) == 1 else Many(line_of(node), parts)
        return Leave(line_of(node), value, returns)

    return lower


def cast(type_: str, value: str) -> Shape:
    def lower(low: Lower, node: SgNode) -> Node:
        kind = node.field(type_)
        return Cast(line_of(node), kind.text() if kind else "", low.node(node.field(value)))

    return lower
