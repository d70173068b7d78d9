"""Python's syntax nodes as shapes."""

from ast_grep_py import SgNode

from audit8.audit.flow import shapes
from audit8.audit.flow.lower import Lower, Shape, end_line_of, first_of_kind, line_of, named
from audit8.audit.flow.nodes import (
    Assign,
    Block,
    Build,
    Call,
    Class,
    Compare,
    Fixed,
    Function,
    If,
    Import,
    Leave,
    Logic,
    Loop,
    Many,
    Member,
    Name,
    Node,
    Param,
    Switch,
)

_LEAVES = ("abort", "flask.abort", "sys.exit", "exit", "quit", "os._exit")


def _string(low: Lower, node: SgNode) -> Node:
    line, parts = line_of(node), list[Node]()
    for child in named(node):
        if child.kind() == "interpolation":
            inner = named(child)
            parts.append(low.node(inner[0]) if inner else Fixed(line))
        elif child.kind() == "string_content":
            parts.append(Fixed(line_of(child), child.text()))
    if all(isinstance(part, Fixed) for part in parts):
        return Fixed(line, "".join(part.text for part in parts if isinstance(part, Fixed)))
    return Build(line, parts)


def _conditional(low: Lower, node: SgNode) -> Node:
    parts = list(low.nodes(node))
    if len(parts) != 3:
        return Many(line_of(node), parts)
    return If(line_of(node), [(parts[1], parts[0])], parts[2])


def _comparison(low: Lower, node: SgNode) -> Node:
    parts = list(low.nodes(node))
    words = [child.text() for child in node.children() if not child.is_named() or child.kind() in ("not in", "is not")]
    if len(parts) != 2:
        return Logic(line_of(node), "and", parts)
    word = " ".join(words)
    operator = word if word in ("==", "!=", "in", "not in") else "<"
    return Compare(line_of(node), operator, parts[0], parts[1])


def _boolean(low: Lower, node: SgNode) -> Node:
    parts, operators = shapes.operands(node, "boolean_operator")
    return Logic(line_of(node), operators[0] if operators else "or", [low.node(part) for part in parts])


def _if(low: Lower, node: SgNode) -> Node:
    branches = [(low.node(node.field("condition")), low.block(node.field("consequence")))]
    other = None
    for clause in named(node):
        if clause.kind() == "elif_clause":
            branches.append((low.node(clause.field("condition")), low.block(clause.field("consequence"))))
        elif clause.kind() == "else_clause":
            other = low.block(clause.field("body"))
    return If(line_of(node), branches, other)


def _as(low: Lower, node: SgNode) -> Node:
    parts = named(node)
    if len(parts) < 2 or parts[-1].kind() != "as_pattern_target":
        return shapes.many(low, node)
    return Assign(line_of(node), shapes.inside(low, parts[-1]), low.node(parts[0]))


def _function(low: Lower, node: SgNode) -> Node:
    return _defined(low, node, "")


def _defined(low: Lower, node: SgNode, marks: str) -> Node:
    found = node.field("name")
    return Function(
        line_of(node),
        found.text() if found else "",
        _params(node.field("parameters")),
        low.block(node.field("body")),
        marks,
        node.kind() == "lambda",
    )


def _params(node: SgNode | None) -> list[Param]:
    params = []
    for child in named(node):
        target = child if child.kind() == "identifier" else child.field("name") or first_of_kind(child, "identifier")
        kind = child.field("type")
        default = child.field("value")
        if target is not None:
            params.append(Param(target.text(), kind.text() if kind else "", default.text() if default else ""))
    return params


def _decorated(low: Lower, node: SgNode) -> Node:
    marks = " ".join(child.text() for child in named(node) if child.kind() == "decorator")
    inner = node.field("definition")
    if inner is None:
        return shapes.many(low, node)
    return _defined(low, inner, marks) if inner.kind() == "function_definition" else _class(low, inner)


def _class(low: Lower, node: SgNode) -> Node:
    found, bases = node.field("name"), node.field("superclasses")
    marks = bases.text() if bases else ""
    return Class(line_of(node), found.text() if found else "", marks, low.block(node.field("body")))


def _import(low: Lower, node: SgNode) -> Node:
    names = {}
    module = node.field("module_name")
    origin = f"{module.text().lstrip('.')}." if module else ""
    for child in named(node):
        if module is not None and child.range().start == module.range().start:
            continue
        if child.kind() == "aliased_import":
            whole, alias = child.field("name"), child.field("alias")
            if whole is not None and alias is not None:
                names[alias.text()] = origin + whole.text()
        elif child.kind() == "dotted_name":
            text = child.text()
            names[text if module else text.partition(".")[0]] = origin + (text if module else text.partition(".")[0])
    return Import(line_of(node), names)


def _comprehension(low: Lower, node: SgNode) -> Node:
    clauses: list[Node] = []
    for child in named(node):
        if child.kind() == "for_in_clause":
            target, source = child.field("left"), child.field("right")
            clauses.append(Loop(line_of(child), low.node(target), low.node(source), None, Block(line_of(child), [])))
        elif child.kind() == "if_clause":
            test = shapes.inside(low, child)
            clauses.append(If(line_of(child), [(Logic(line_of(child), "not", [test]), Leave(1, None, False))], None))
    body = node.field("body")
    return Block(line_of(node), [*clauses, low.node(body)])


def _match(low: Lower, node: SgNode) -> Node:
    cases = []
    for child in named(node.field("body")) or named(node):
        if child.kind() == "case_clause":
            patterns = [low.node(part) for part in named(child) if part.kind() == "case_pattern"]
            wild = any(part.text() == "_" for part in named(child))
            cases.append(([] if wild else patterns, low.block(child.field("consequence"))))
    subject = node.field("subject")
    return Switch(line_of(node), low.node(subject), cases)


def _print(low: Lower, node: SgNode) -> Node:
    parts = list(low.nodes(node))
    return Call(line_of(node), end_line_of(node), Name(line_of(node), "print"), parts, [""] * len(parts))


def _statement(low: Lower, node: SgNode) -> Node:
    """An expression for its own sake; some calls do not come back."""
    whole = shapes.inside(low, node)
    if isinstance(whole, Call) and _dotted(whole.function) in _LEAVES:
        return Leave(whole.line, whole, False)
    return whole


def _dotted(node: Node) -> str:
    if isinstance(node, Member) and isinstance(node.base, Name):
        return f"{node.base.id}.{node.name}"
    return node.id if isinstance(node, Name) else ""


PYTHON: dict[str, Shape] = {
    "identifier": shapes.name,
    "string": _string,
    "concatenated_string": lambda low, node: Build(line_of(node), list(low.nodes(node))),
    "integer": shapes.fixed,
    "float": shapes.fixed,
    "true": shapes.fixed,
    "false": shapes.fixed,
    "none": shapes.fixed,
    "type": shapes.fixed,
    "module": shapes.block,
    "block": shapes.block,
    "expression_statement": _statement,
    "parenthesized_expression": shapes.inside,
    "await": shapes.inside,
    "list_splat": shapes.inside,
    "dictionary_splat": shapes.inside,
    "attribute": shapes.member("object", "attribute"),
    "subscript": shapes.index("value", "subscript"),
    "call": shapes.call("function", "arguments"),
    "binary_operator": shapes.binary,
    "unary_operator": shapes.unary,
    "not_operator": shapes.unary,
    "boolean_operator": _boolean,
    "comparison_operator": _comparison,
    "conditional_expression": _conditional,
    "named_expression": shapes.assign("name", "value"),
    "assignment": shapes.assign("left", "right", type_="type"),
    "augmented_assignment": shapes.assign("left", "right", adds=True),
    "pair": shapes.last,
    "if_statement": _if,
    "for_statement": shapes.loop("left", "right"),
    "while_statement": shapes.loop(test="condition"),
    "as_pattern": _as,
    "return_statement": shapes.leave(True),
    "raise_statement": shapes.leave(False),
    "break_statement": shapes.leave(False),
    "continue_statement": shapes.leave(False),
    "function_definition": _function,
    "lambda": _function,
    "decorated_definition": _decorated,
    "class_definition": _class,
    "import_statement": _import,
    "import_from_statement": _import,
    "list_comprehension": _comprehension,
    "set_comprehension": _comprehension,
    "generator_expression": _comprehension,
    "dictionary_comprehension": _comprehension,
    "match_statement": _match,
    "try_statement": shapes.attempts,
    "print_statement": _print,
}
