"""JavaScript's and TypeScript's syntax nodes as shapes."""

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
    Import,
    Many,
    Member,
    Name,
    Node,
    Param,
    Switch,
)

_NAMES = ("identifier", "shorthand_property_identifier_pattern", "shorthand_property_identifier")
_SAFE_TAGS = ("sql", "SQL", "Prisma.sql", "gql", "css", "graphql", "html", "prisma.$queryRaw", "prisma.$executeRaw")


def _template(low: Lower, node: SgNode) -> Node:
    line, parts = line_of(node), list[Node]()
    for child in named(node):
        if child.kind() == "template_substitution":
            parts.append(shapes.inside(low, child))
        else:
            parts.append(Fixed(line_of(child), child.text()))
    if all(isinstance(part, Fixed) for part in parts):
        return Fixed(line, "".join(part.text for part in parts if isinstance(part, Fixed)))
    return Build(line, parts)


def _call(low: Lower, node: SgNode) -> Node:
    arguments, function = node.field("arguments"), node.field("function")
    if arguments is not None and arguments.kind() == "template_string" and function is not None:
        tag = function.text()
        if tag.startswith(("styled", "css")) or tag in _SAFE_TAGS or tag.endswith((".sql", "$queryRaw", "$executeRaw")):
            return Fixed(line_of(node))
    if function is not None and function.kind() == "import":
        args, names = shapes.arguments_of(low, arguments)
        return Call(line_of(node), end_line_of(node), Name(line_of(node), "import"), args, names)
    return shapes.call("function", "arguments")(low, node)


def _declared(low: Lower, node: SgNode) -> Node:
    """`const {a, b: c} = value`: an assignment for each name; `require` is an import."""
    target, value = node.field("name"), node.field("value")
    module = _required(value)
    if module and target is not None:
        return Import(line_of(node), dict(_imported(target, module)))
    if target is not None and target.kind() == "object_pattern":
        return _all_unpacked(low, target, low.node(value))
    return shapes.assign("name", "value", type_="type")(low, node)


def _assigned(low: Lower, node: SgNode) -> Node:
    target = node.field("left")
    if target is not None and target.kind() == "object_pattern":
        return _all_unpacked(low, target, low.node(node.field("right")))
    return shapes.assign("left", "right")(low, node)


def _all_unpacked(low: Lower, target: SgNode, value: Node) -> Node:
    """The value is kept under a name of its own, so that it is looked at once."""
    line = line_of(target)
    kept = Name(line, "<unpacked>")
    return Block(line, [Assign(line, kept, value), *(_unpacked(low, child, kept) for child in named(target))])


def _unpacked(low: Lower, node: SgNode, source: Node) -> Node:
    line, parts = line_of(node), named(node)
    if node.kind() == "pair_pattern" and len(parts) == 2:
        inner = Member(line, source, parts[0].text())
        target = parts[1]
        if target.kind() == "object_pattern":
            return Block(line, [_unpacked(low, child, inner) for child in named(target)])
        return Assign(line, _target(low, target), inner)
    if node.kind() in ("object_assignment_pattern", "assignment_pattern") and parts:
        return _unpacked(low, parts[0], source)
    text = node.text() if node.kind() in _NAMES else parts[0].text() if parts else ""
    return Assign(line, Name(line, text), Member(line, source, text))


def _target(low: Lower, node: SgNode) -> Node:
    return low.node(named(node)[0]) if node.kind() == "assignment_pattern" and named(node) else low.node(node)


def _required(node: SgNode | None) -> str:
    """The module of `require("m")`, `require("m").promises`, `await import("m")`."""
    tail = ""
    while node is not None and node.kind() in ("member_expression", "await_expression"):
        found = node.field("property")
        tail = f".{found.text()}{tail}" if found is not None else tail
        node = node.field("object") if node.kind() == "member_expression" else next(iter(named(node)), None)
    if node is None or node.kind() != "call_expression":
        return ""
    function, arguments = node.field("function"), named(node.field("arguments"))
    if function is None or function.text() not in ("require", "import") or len(arguments) != 1:
        return ""
    return _module(arguments[0].text()) + tail if arguments[0].kind() == "string" else ""


def _module(text: str) -> str:
    return text.strip("\"'`").removeprefix("node:")


def _imported(target: SgNode, module: str) -> list[tuple[str, str]]:
    if target.kind() != "object_pattern":
        return [(target.text(), module)]
    found = []
    for child in named(target):
        parts = named(child)
        if child.kind() in _NAMES:
            found.append((child.text(), f"{module}.{child.text()}"))
        elif len(parts) == 2:
            found.append((parts[1].text(), f"{module}.{parts[0].text()}"))
    return found


def _import(low: Lower, node: SgNode) -> Node:
    names: dict[str, str] = {}
    source = node.field("source")
    module = _module(source.text()) if source is not None else ""
    for child in named(first_of_kind(node, "import_clause")):
        if child.kind() == "identifier":
            names[child.text()] = module
        elif child.kind() == "namespace_import":
            names[named(child)[0].text()] = module
        for one in named(child) if child.kind() == "named_imports" else ():
            parts = [part.text() for part in named(one)]
            if parts:
                names[parts[-1]] = f"{module}.{parts[0]}"
    return Import(line_of(node), names)


def _function(low: Lower, node: SgNode) -> Node:
    found = node.field("name")
    params = _params(node.field("parameters") or node.field("parameter"))
    body = low.block(node.field("body"))
    if node.kind() == "arrow_function" and not isinstance(body, Block):
        body = Block(body.line, [body])
    marks = " ".join(sibling.text() for sibling in _decorators(node))
    inline = node.kind() in ("arrow_function", "function_expression", "function", "generator_function")
    return Function(line_of(node), found.text() if found else "", params, body, marks, inline)


def _decorators(node: SgNode) -> list[SgNode]:
    found, before = [], node.prev()
    while node.kind() == "method_definition" and before is not None and before.kind() == "decorator":
        found.append(before)
        before = before.prev()
    return found


def _params(node: SgNode | None) -> list[Param]:
    if node is None:
        return []
    if node.kind() == "identifier":
        return [Param(node.text())]
    params: list[Param] = []
    for child in named(node):
        target = child.field("pattern") or child.field("left") or child
        kind = child.field("type")
        marks = " ".join(part.text() for part in named(child) if part.kind() == "decorator")
        if target.kind() == "object_pattern":
            params += [Param(name, "", "{}") for name, _ in _imported(target, "")]
        else:
            inner = first_of_kind(target, "identifier")
            text = target.text() if target.kind() in ("identifier", "this") or inner is None else inner.text()
            params.append(Param(text, kind.text().lstrip(": ") if kind else "", marks))
    return params


def _class(low: Lower, node: SgNode) -> Node:
    found = node.field("name")
    return Class(line_of(node), found.text() if found else "", "", low.block(node.field("body")))


def _switch(low: Lower, node: SgNode) -> Node:
    cases: list[tuple[list[Node], Node]] = []
    for child in named(node.field("body")):
        value = child.field("value")
        parts = [low.node(part) for part in named(child) if value is None or part.range() != value.range()]
        cases.append(([low.node(value)] if value is not None else [], Block(line_of(child), parts)))
    return Switch(line_of(node), low.node(node.field("value")), cases)


def _object(low: Lower, node: SgNode) -> Node:
    parts, keys = list[Node](), list[str]()
    for child in named(node):
        key, value = child.field("key"), child.field("value")
        keys.append(key.text().strip("\"'") if key is not None else "")
        parts.append(low.node(value) if value is not None else low.node(child))
    return Many(line_of(node), parts, keys)


def _jsx_attribute(low: Lower, node: SgNode) -> Node:
    parts = named(node)
    if len(parts) != 2:
        return Fixed(line_of(node))
    line = line_of(node)
    return Assign(line, Member(line, Name(line, "jsx"), parts[0].text()), low.node(parts[1]))


JAVASCRIPT: dict[str, Shape] = {
    **dict.fromkeys((*_NAMES, "this", "super", "property_identifier", "type_identifier"), shapes.name),
    **dict.fromkeys(("number", "true", "false", "null", "undefined", "type_annotation"), shapes.fixed),
    **dict.fromkeys(("type_arguments", "interface_declaration", "type_alias_declaration"), shapes.fixed),
    **dict.fromkeys(("program", "statement_block", "class_body", "export_statement"), shapes.block),
    **dict.fromkeys(("lexical_declaration", "variable_declaration", "finally_clause"), shapes.block),
    **dict.fromkeys(("expression_statement", "parenthesized_expression", "await_expression"), shapes.inside),
    **dict.fromkeys(("spread_element", "non_null_expression", "catch_clause", "jsx_expression"), shapes.inside),
    "as_expression": lambda low, node: low.node(named(node)[0]),
    "satisfies_expression": lambda low, node: low.node(named(node)[0]),
    "sequence_expression": shapes.last,
    "regex": shapes.pattern,
    "string": shapes.string("string_fragment"),
    "template_string": _template,
    "member_expression": shapes.member("object", "property"),
    "subscript_expression": shapes.index("object", "index"),
    "call_expression": _call,
    "new_expression": shapes.call("constructor", "arguments", new=True),
    "binary_expression": shapes.binary,
    "unary_expression": shapes.unary,
    "update_expression": shapes.fixed,
    "ternary_expression": shapes.choice("condition", "consequence", "alternative"),
    "variable_declarator": _declared,
    "assignment_expression": _assigned,
    "augmented_assignment_expression": shapes.assign("left", "right", adds=True),
    "field_definition": shapes.assign("property", "value"),
    "public_field_definition": shapes.assign("name", "value", type_="type"),
    "if_statement": shapes.if_chain,
    "for_in_statement": shapes.loop("left", "right"),
    "for_statement": shapes.loop(test="condition"),
    "while_statement": shapes.loop(test="condition"),
    "do_statement": shapes.loop(test="condition"),
    "switch_statement": _switch,
    "return_statement": shapes.leave(True),
    "throw_statement": shapes.leave(False),
    "break_statement": shapes.leave(False),
    "continue_statement": shapes.leave(False),
    **dict.fromkeys(("function_declaration", "function_expression", "arrow_function", "method_definition"), _function),
    **dict.fromkeys(("generator_function", "generator_function_declaration"), _function),
    "class_declaration": _class,
    "class": _class,
    "import_statement": _import,
    "object": _object,
    "pair": shapes.last,
    "try_statement": shapes.attempts,
    "jsx_attribute": _jsx_attribute,
}
