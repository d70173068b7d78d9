"""Ruby's syntax nodes as shapes."""

from ast_grep_py import SgNode

from audit8.audit.flow import shapes
from audit8.audit.flow.lower import Lower, Shape, end_line_of, first_of_kind, line_of, named
from audit8.audit.flow.nodes import (
    Assign,
    Block,
    Build,
    Call,
    Class,
    Fixed,
    Function,
    If,
    Index,
    Leave,
    Logic,
    Many,
    Member,
    Name,
    Node,
    Param,
    Shell,
    Switch,
)

_LEAVES = ("raise", "redirect_to_and_return", "head_and_return", "abort", "fail", "throw", "exit", "halt")


def _call(low: Lower, node: SgNode) -> Node:
    line, base, found = line_of(node), node.field("receiver"), node.field("method")
    text = found.text() if found is not None else "call"
    function: Node = Member(line, low.node(base), text) if base is not None else Name(line, text)
    args, names = shapes.arguments_of(low, node.field("arguments"))
    given = node.field("block")
    if given is not None:
        args, names = [*args, _function(low, given)], [*names, "&"]
    whole = Call(line_of(found) if found is not None else line, end_line_of(node), function, args, names)
    return Leave(line, whole, False) if base is None and text in _LEAVES else whole


def _name(low: Lower, node: SgNode) -> Node:
    text = node.text()
    return Leave(line_of(node), None, False) if text in _LEAVES else Name(line_of(node), text)


def _element(low: Lower, node: SgNode) -> Node:
    parts = named(node)
    base = node.field("object") or parts[0]
    keys = [low.node(part) for part in parts[1:]]
    return Index(line_of(node), low.node(base), keys[0] if keys else Fixed(line_of(node)))


def _text(low: Lower, node: SgNode) -> Node:
    line, parts = line_of(node), list[Node]()
    for child in named(node):
        if child.kind() == "interpolation":
            parts.append(shapes.inside(low, child))
        elif child.kind() not in ("heredoc_end",):
            parts.append(Fixed(line_of(child), child.text()))
    if all(isinstance(part, Fixed) for part in parts):
        return Fixed(line, "".join(part.text for part in parts if isinstance(part, Fixed)))
    return Build(line, parts)


def _shell(low: Lower, node: SgNode) -> Node:
    return Shell(line_of(node), _text(low, node))


def _heredoc(low: Lower, node: SgNode) -> Node:
    """The text itself comes after the statement that begins it; the pairing is by order."""
    bodies = _bodies(node)
    return _text(low, bodies[0]) if bodies else Fixed(line_of(node))


def _bodies(node: SgNode) -> list[SgNode]:
    above = node.parent()
    for _ in range(12):
        if above is None:
            break
        for sibling in above.next_all():
            if sibling.kind() == "heredoc_body":
                return [sibling]
        inner = first_of_kind(above, "heredoc_body")
        if inner is not None:
            return [inner]
        above = above.parent()
    return []


def _branch(low: Lower, node: SgNode, negated: bool) -> Node:
    line = line_of(node)
    test = low.node(node.field("condition"))
    branches: list[tuple[Node, Node]] = [
        (Logic(line, "not", [test]) if negated else test, low.block(node.field("consequence")))
    ]
    current = node.field("alternative")
    while current is not None and current.kind() == "elsif":
        branches.append((low.node(current.field("condition")), low.block(current.field("consequence"))))
        current = current.field("alternative")
    return If(line, branches, low.block(current) if current is not None else None)


def _if(low: Lower, node: SgNode) -> Node:
    return _branch(low, node, negated=False)


def _unless(low: Lower, node: SgNode) -> Node:
    return _branch(low, node, negated=True)


def _modifier(negated: bool) -> Shape:
    def lower(low: Lower, node: SgNode) -> Node:
        line, test, body = line_of(node), low.node(node.field("condition")), low.node(node.field("body"))
        return If(line, [(Logic(line, "not", [test]) if negated else test, body)], None)

    return lower


def _case(low: Lower, node: SgNode) -> Node:
    cases: list[tuple[list[Node], Node]] = []
    for child in named(node):
        if child.kind() == "when":
            patterns = [shapes.inside(low, part) for part in named(child) if part.kind() == "pattern"]
            cases.append((patterns, low.block(child.field("body"))))
        elif child.kind() == "else":
            cases.append(([], low.block(child)))
    value = node.field("value")
    return Switch(line_of(node), low.node(value) if value is not None else None, cases)


def _function(low: Lower, node: SgNode) -> Node:
    found = node.field("name")
    body = node.field("body")
    whole = low.block(body) if body is not None else Block(line_of(node), [])
    if node.kind() == "lambda" and isinstance(whole, Function):
        whole = whole.body
    params = _params(node.field("parameters"))
    inline = node.kind() in ("block", "do_block", "lambda")
    return Function(line_of(node), found.text() if found else "", params, whole, "", inline)


def _params(node: SgNode | None) -> list[Param]:
    params = []
    for child in named(node):
        target = child if child.kind() == "identifier" else child.field("name") or first_of_kind(child, "identifier")
        if target is not None:
            params.append(Param(target.text()))
    return params


def _class(low: Lower, node: SgNode) -> Node:
    found, base = node.field("name"), node.field("superclass")
    body = low.block(node.field("body"))
    return Class(line_of(node), found.text() if found else "", base.text() if base else "", body)


def _assignment(low: Lower, node: SgNode) -> Node:
    left, right = node.field("left"), node.field("right")
    line = line_of(node)
    if left is not None and left.kind() == "left_assignment_list" and right is not None:
        values = [low.node(part) for part in named(right)] if "list" in right.kind() else [low.node(right)]
        targets = [low.node(part) for part in named(left)]
        if len(values) != len(targets):
            return Assign(line, Many(line, targets), Many(line, values))
        return Block(line, [Assign(line, one, value) for one, value in zip(targets, values, strict=True)])
    return shapes.assign("left", "right")(low, node)


RUBY: dict[str, Shape] = {
    **dict.fromkeys(("constant", "self", "instance_variable", "global_variable", "class_variable"), shapes.name),
    "identifier": _name,
    **dict.fromkeys(("integer", "float", "true", "false", "nil", "simple_symbol", "rational"), shapes.fixed),
    **dict.fromkeys(("hash_key_symbol", "character", "string_array", "symbol_array", "super"), shapes.fixed),
    **dict.fromkeys(("program", "body_statement", "then", "else", "do", "block_body", "begin"), shapes.block),
    **dict.fromkeys(("ensure", "begin_block", "parenthesized_statements"), shapes.block),
    "rescue": shapes.handler,
    "rescue_modifier": shapes.many,
    **dict.fromkeys(("splat_argument", "hash_splat_argument", "block_argument", "interpolation"), shapes.inside),
    "heredoc_body": shapes.fixed,
    "exceptions": shapes.fixed,
    "exception_variable": shapes.fixed,
    "delimited_symbol": _text,
    "regex": shapes.pattern,
    "string": _text,
    "chained_string": lambda low, node: Build(line_of(node), list(low.nodes(node))),
    "subshell": _shell,
    "heredoc_beginning": _heredoc,
    "scope_resolution": shapes.name,
    "element_reference": _element,
    "call": _call,
    "binary": shapes.binary,
    "unary": shapes.unary,
    "conditional": shapes.choice("condition", "consequence", "alternative"),
    "assignment": _assignment,
    "operator_assignment": shapes.assign("left", "right", adds=True),
    "pair": shapes.last,
    "if": _if,
    "unless": _unless,
    "if_modifier": _modifier(negated=False),
    "unless_modifier": _modifier(negated=True),
    "while": shapes.loop(test="condition"),
    "until": shapes.loop(),
    "for": shapes.loop("pattern", "value"),
    "in": shapes.inside,
    "case": _case,
    "return": shapes.leave(True),
    "break": shapes.leave(False),
    "next": shapes.leave(False),
    "method": _function,
    "singleton_method": _function,
    "lambda": _function,
    "block": _function,
    "do_block": _function,
    "class": _class,
    "module": _class,
}
