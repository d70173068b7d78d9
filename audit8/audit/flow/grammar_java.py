"""Java's syntax nodes as shapes."""

from ast_grep_py import SgNode

from audit8.audit.flow import shapes
from audit8.audit.flow.lower import Lower, Shape, end_line_of, first_of_kind, line_of, named
from audit8.audit.flow.nodes import (
    Assign,
    Block,
    Call,
    Class,
    Function,
    Import,
    Loop,
    Member,
    Name,
    Node,
    Param,
    Switch,
)


def _call(low: Lower, node: SgNode) -> Node:
    """`a.b(c)`: a call of a member."""
    line, base, found = line_of(node), node.field("object"), node.field("name")
    text = found.text() if found is not None else ""
    function: Node = Member(line, low.node(base), text) if base is not None else Name(line, text)
    args, names = shapes.arguments_of(low, node.field("arguments"))
    # The line of a chained call is the one of its name: a chain may run over many.
    return Call(line_of(found) if found is not None else line, end_line_of(node), function, args, names)


def _new(low: Lower, node: SgNode) -> Node:
    kind = node.field("type")
    args, names = shapes.arguments_of(low, node.field("arguments"))
    body = first_of_kind(node, "class_body")
    line = line_of(node)
    if body is not None:
        args, names = [*args, low.node(body)], [*names, "body"]
    return Call(line, end_line_of(node), Name(line, _type(kind)), args, names, new=True)


def _type(node: SgNode | None) -> str:
    return node.text().partition("<")[0].rpartition(".")[2] if node is not None else ""


def _local(low: Lower, node: SgNode) -> Node:
    kind = _type(node.field("type"))
    found = [child for child in named(node) if child.kind() == "variable_declarator"]
    return Block(line_of(node), [_declared(low, child, kind) for child in found])


def _declared(low: Lower, node: SgNode, kind: str) -> Node:
    target, value = node.field("name"), node.field("value")
    line = line_of(node)
    new = low.node(value) if value is not None else Name(line, "<unset>")
    return Assign(line, low.node(target), new, type=kind)


def _resource(low: Lower, node: SgNode) -> Node:
    if node.field("name") is None:
        return shapes.inside(low, node)
    return _declared(low, node, _type(node.field("type")))


def _function(low: Lower, node: SgNode) -> Node:
    found = node.field("name")
    marks = first_of_kind(node, "modifiers")
    return Function(
        line_of(found) if found is not None else line_of(node),
        found.text() if found else "",
        _params(node.field("parameters")),
        low.block(node.field("body")),
        marks.text() if marks else "",
        node.kind() == "lambda_expression",
    )


def _params(node: SgNode | None) -> list[Param]:
    if node is not None and node.kind() == "identifier":
        return [Param(node.text())]
    params = []
    for child in named(node):
        target = child if child.kind() == "identifier" else child.field("name")
        declarator = first_of_kind(child, "variable_declarator")
        target = target or (declarator.field("name") if declarator is not None else None)
        marks = first_of_kind(child, "modifiers")
        if target is not None:
            params.append(Param(target.text(), _type(child.field("type")), marks.text() if marks else ""))
    return params


def _class(low: Lower, node: SgNode) -> Node:
    found, marks = node.field("name"), first_of_kind(node, "modifiers")
    body = low.block(node.field("body"))
    return Class(line_of(node), found.text() if found else "", marks.text() if marks else "", body)


def _switch(low: Lower, node: SgNode) -> Node:
    cases: list[tuple[list[Node], Node]] = []
    for child in named(node.field("body")):
        labels = [part for part in named(child) if part.kind() == "switch_label"]
        patterns = [low.node(part) for label in labels for part in named(label)]
        rest = [low.node(part) for part in named(child) if part.kind() != "switch_label"]
        cases.append((patterns, Block(line_of(child), rest)))
    return Switch(line_of(node), low.node(node.field("condition")), cases)


def _each(low: Lower, node: SgNode) -> Node:
    target = Assign(
        line_of(node), low.node(node.field("name")), Name(line_of(node), "<unset>"), type=_type(node.field("type"))
    )
    body = Block(line_of(node), [low.block(node.field("body"))])
    return Loop(line_of(node), target.target, low.node(node.field("value")), None, body)


def _import(low: Lower, node: SgNode) -> Node:
    text = node.text().removeprefix("import").strip(" ;").removeprefix("static ").strip()
    return Import(line_of(node), {text.rpartition(".")[2]: text.rpartition(".")[2]})


JAVA: dict[str, Shape] = {
    **dict.fromkeys(("identifier", "this", "super", "type_identifier", "scoped_identifier"), shapes.name),
    **dict.fromkeys(
        (
            "decimal_integer_literal",
            "hex_integer_literal",
            "decimal_floating_point_literal",
            "character_literal",
            "true",
            "false",
            "null_literal",
            "class_literal",
            "modifiers",
            "integral_type",
            "array_type",
            "dimensions",
            "update_expression",
            "method_reference",
        ),
        shapes.fixed,
    ),
    **dict.fromkeys(("program", "block", "class_body", "constructor_body", "finally_clause"), shapes.block),
    **dict.fromkeys(("try_statement", "try_with_resources_statement"), shapes.attempts),
    "resource_specification": shapes.block,
    **dict.fromkeys(("synchronized_statement", "labeled_statement", "static_initializer"), shapes.block),
    **dict.fromkeys(("expression_statement", "parenthesized_expression"), shapes.inside),
    "catch_clause": lambda low, node: low.block(node.field("body")),
    "string_literal": shapes.string("string_fragment"),
    "field_access": shapes.member("object", "field"),
    "array_access": shapes.index("array", "index"),
    "method_invocation": _call,
    "object_creation_expression": _new,
    "binary_expression": shapes.binary,
    "instanceof_expression": shapes.fixed,
    "unary_expression": shapes.unary,
    "ternary_expression": shapes.choice("condition", "consequence", "alternative"),
    "cast_expression": shapes.cast("type", "value"),
    "assignment_expression": shapes.assign("left", "right", adds=True),
    "local_variable_declaration": _local,
    "field_declaration": _local,
    "resource": _resource,
    "if_statement": shapes.if_chain,
    "for_statement": shapes.loop(test="condition"),
    "enhanced_for_statement": _each,
    "while_statement": shapes.loop(test="condition"),
    "do_statement": shapes.loop(test="condition"),
    "switch_expression": _switch,
    "switch_statement": _switch,
    "return_statement": shapes.leave(True),
    "throw_statement": shapes.leave(False),
    "break_statement": shapes.leave(False),
    "continue_statement": shapes.leave(False),
    "method_declaration": _function,
    "constructor_declaration": _function,
    "lambda_expression": _function,
    "class_declaration": _class,
    "interface_declaration": _class,
    "enum_declaration": _class,
    "import_declaration": _import,
}
