"""Go's syntax nodes as shapes."""

from ast_grep_py import SgNode

from audit8.audit.flow import shapes
from audit8.audit.flow.lower import ERROR, UNKNOWN, Lower, Shape, end_line_of, line_of, named
from audit8.audit.flow.nodes import (
    Assign,
    Block,
    Call,
    Compare,
    Fixed,
    Function,
    Import,
    Loop,
    Many,
    Name,
    Node,
    Param,
    Switch,
)


def _import(low: Lower, node: SgNode) -> Node:
    path, alias = node.field("path"), node.field("name")
    module = path.text().strip('"`') if path is not None else ""
    local = alias.text() if alias is not None else module.rpartition("/")[2]
    if local.startswith("v") and local[1:].isdigit():
        local = module.split("/")[-2]
    return Import(line_of(node), {local: module})


def _string(low: Lower, node: SgNode) -> Node:
    return Fixed(line_of(node), node.text()[1:-1])


def _call(low: Lower, node: SgNode) -> Node:
    return shapes.call("function", "arguments")(low, node)


def _composite(low: Lower, node: SgNode) -> Node:
    """`T{A: a}` as `new T(A=a)`."""
    kind, body = node.field("type"), node.field("body")
    args, names = list[Node](), list[str]()
    for child in named(body):
        parts = named(child)
        keyed = child.kind() == "keyed_element" and len(parts) == 2
        names.append(parts[0].text().strip('"') if keyed else "")
        args.append(low.node(parts[1] if keyed else child))
    line = line_of(node)
    if kind is not None and kind.kind() == "map_type":
        return Many(line, args)  # A table: what it holds under a key is one of its values.
    return Call(line, end_line_of(node), Name(line, _type(kind)), args, names, new=True)


def _type(node: SgNode | None) -> str:
    return node.text().lstrip("*[].&") if node is not None else ""


def _assignment(low: Lower, node: SgNode) -> Node:
    """`a, b = f(), g()` pairwise; `a, b = f()` gives both the whole."""
    line, left, right = line_of(node), named(node.field("left")), named(node.field("right"))
    adds = shapes.operator_of(node) not in ("=", ":=")
    values = [low.node(part) for part in right]
    if len(left) == len(values) and not (
        len(left) == 1 and _is_error(left[0]) and right[0].kind() == "call_expression"
    ):
        pairs = list(zip(left, values, strict=True))
    else:
        # The last of several results is an error or a flag.
        return _results(low, line, left, right[0] if right else None, values)
    return Block(line, [Assign(line, low.node(target), value, adds) for target, value in pairs])


def _results(low: Lower, line: int, left: list[SgNode], right: SgNode | None, values: list[Node]) -> Node:
    if not values or right is None or not left:
        return Fixed(line)
    targets = [low.node(part) for part in left if not _is_error(part)][: max(1, len(left) - 1)]
    parts: list[Node] = [Assign(line, Many(line, targets), values[0])]
    parts += [Assign(line, low.node(part), Name(line, ERROR)) for part in left if _is_error(part)]
    key = right.field("index") if right.kind() == "index_expression" and len(left) == 2 else None
    if key is not None and key.kind() in ("identifier", "selector_expression"):
        parts.append(Assign(line, low.node(left[1]), Compare(line, "in", low.node(key), Fixed(line))))
    return Block(line, parts)


def _is_error(node: SgNode) -> bool:
    return node.text() in ("err", "e", "error", "er")


def _var(low: Lower, node: SgNode) -> Node:
    line, kind = line_of(node), node.field("type")
    names = [child for child in named(node) if child.kind() == "identifier"]
    values = [low.node(part) for part in named(node.field("value"))]
    if not values:
        values = [Name(line, UNKNOWN)] * len(names)
    if len(values) != len(names):
        return Assign(line, Many(line, [low.node(name) for name in names]), values[0], type=_type(kind))
    pairs = zip(names, values, strict=True)
    return Block(line, [Assign(line, low.node(name), value, type=_type(kind)) for name, value in pairs])


def _for(low: Lower, node: SgNode) -> Node:
    clause = next((child for child in named(node) if child.kind() in ("range_clause", "for_clause")), None)
    body = low.block(node.field("body"))
    line = line_of(node)
    if clause is not None and clause.kind() == "range_clause":
        left, right = clause.field("left"), clause.field("right")
        targets = named(left)
        target = low.node(targets[-1]) if targets else None
        return Loop(line, target, low.node(right), None, body)
    if clause is not None:
        start, test = clause.field("initializer"), clause.field("condition")
        whole = Loop(line, None, None, low.node(test) if test is not None else None, body)
        return Block(line, [low.node(start), whole]) if start is not None else whole
    tests = [child for child in named(node) if child.kind() != "block"]
    return Loop(line, None, None, low.node(tests[0]) if tests else None, body)


def _switch(low: Lower, node: SgNode) -> Node:
    cases: list[tuple[list[Node], Node]] = []
    value, start = node.field("value"), node.field("initializer")
    typed = node.kind() == "type_switch_statement"
    for child in named(node):
        if not child.kind().endswith("_case"):
            continue
        found = child.field("value")
        patterns = [low.node(part) for part in named(found)] if found is not None and not typed else []
        rest = [part for part in named(child) if found is None or part.range() != found.range()]
        cases.append((patterns, Block(line_of(child), [low.node(part) for part in rest])))
    whole = Switch(line_of(node), low.node(value) if value is not None else None, cases)
    return Block(line_of(node), [low.node(start), whole]) if start is not None else whole


def _function(low: Lower, node: SgNode) -> Node:
    found, receiver = node.field("name"), node.field("receiver")
    params = _params(node.field("parameters"))
    marks = "receiver " + " ".join(one.name for one in _params(receiver)) if receiver is not None else ""
    body = low.block(node.field("body"))
    return Function(line_of(node), found.text() if found else "", params, body, marks, node.kind() == "func_literal")


def _params(node: SgNode | None) -> list[Param]:
    params = []
    for child in named(node):
        kind = _type(child.field("type"))
        params += [Param(part.text(), kind) for part in named(child) if part.kind() == "identifier"]
    return params


def _conversion(low: Lower, node: SgNode) -> Node:
    return low.node(node.field("operand"))


GO: dict[str, Shape] = {
    **dict.fromkeys(("identifier", "field_identifier", "type_identifier", "package_identifier"), shapes.name),
    **dict.fromkeys(("int_literal", "float_literal", "rune_literal", "true", "false", "nil", "iota"), shapes.fixed),
    **dict.fromkeys(("type_declaration", "package_clause", "label_name"), shapes.fixed),
    **dict.fromkeys(("source_file", "block", "statement_list", "import_declaration"), shapes.block),
    **dict.fromkeys(("import_spec_list", "var_declaration", "const_declaration", "var_spec_list"), shapes.block),
    **dict.fromkeys(("expression_statement", "parenthesized_expression", "literal_element"), shapes.inside),
    **dict.fromkeys(("variadic_argument", "defer_statement", "go_statement", "expression_list"), shapes.inside),
    "slice_expression": lambda low, node: low.node(node.field("operand")),
    "type_assertion_expression": lambda low, node: low.node(node.field("operand")),
    "qualified_type": shapes.name,
    "import_spec": _import,
    "interpreted_string_literal": _string,
    "raw_string_literal": _string,
    "selector_expression": shapes.member("operand", "field"),
    "index_expression": shapes.index("operand", "index"),
    "call_expression": _call,
    "composite_literal": _composite,
    "type_conversion_expression": _conversion,
    "binary_expression": shapes.binary,
    "unary_expression": shapes.unary,
    "short_var_declaration": _assignment,
    "assignment_statement": _assignment,
    "var_spec": _var,
    "const_spec": _var,
    "if_statement": shapes.if_chain,
    "for_statement": _for,
    "expression_switch_statement": _switch,
    "type_switch_statement": _switch,
    "select_statement": _switch,
    "return_statement": shapes.leave(True),
    "break_statement": shapes.leave(False),
    "continue_statement": shapes.leave(False),
    "goto_statement": shapes.leave(False),
    "function_declaration": _function,
    "method_declaration": _function,
    "func_literal": _function,
    "literal_value": lambda low, node: Many(line_of(node), list(low.nodes(node))),
}
