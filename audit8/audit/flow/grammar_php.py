"""PHP's syntax nodes as shapes. Variables keep their dollar sign, `$this` is `this`; members and statics are dotted."""

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
    Import,
    Index,
    Leave,
    Loop,
    Many,
    Member,
    Name,
    Node,
    Param,
    Shell,
    Switch,
)

_LEAVES = ("die", "exit", "abort", "wp_die", "throw_if")
_LIST = "sequence_expression"


def _variable(low: Lower, node: SgNode) -> Node:
    text = node.text()
    return Name(line_of(node), "this" if text == "$this" else text)


def _plain(low: Lower, node: SgNode) -> Node:
    return Name(line_of(node), node.text().rpartition("\\")[2])


def _text(low: Lower, node: SgNode) -> Node:
    """A literal with variables in it."""
    line, parts = line_of(node), list[Node]()
    for child in named(node):
        if child.kind() in ("string_content", "escape_sequence", "nowdoc_string"):
            parts.append(Fixed(line_of(child), child.text()))
        elif child.kind() not in ("heredoc_start", "heredoc_end"):
            parts.append(low.node(child))
    if all(isinstance(part, Fixed) for part in parts):
        return Fixed(line, "".join(part.text for part in parts if isinstance(part, Fixed)))
    return Build(line, parts)


def _heredoc(low: Lower, node: SgNode) -> Node:
    body = first_of_kind(node, "heredoc_body", "nowdoc_body")
    return _text(low, body) if body is not None else Fixed(line_of(node))


def _arguments(low: Lower, node: SgNode | None) -> tuple[list[Node], list[str]]:
    args, names = list[Node](), list[str]()
    for child in named(node):
        label = child.field("name")
        parts = named(child)
        names.append(label.text() if label is not None else "")
        args.append(low.node(parts[-1]) if child.kind() == "argument" and parts else low.node(child))
    return args, names


def _call(low: Lower, node: SgNode) -> Node:
    """A call of a function, a method or a static method."""
    line, given = line_of(node), first_of_kind(node, "arguments")
    args, names = _arguments(low, given)
    base, found = node.field("object") or node.field("scope"), node.field("name") or node.field("function")
    text = found.text().rpartition("\\")[2] if found is not None else "call"
    function: Node
    if base is not None:
        function = Member(line, low.node(base), text)
    else:
        function = Name(line, text) if found is None or found.kind() in ("name", "qualified_name") else low.node(found)
    whole = Call(line, end_line_of(node), function, args, names)
    return Leave(line, whole, False) if base is None and text in _LEAVES else whole


def _new(low: Lower, node: SgNode) -> Node:
    kind = first_of_kind(node, "name", "qualified_name", "variable_name")
    args, names = _arguments(low, first_of_kind(node, "arguments"))
    text = kind.text().rpartition("\\")[2] if kind is not None else "class"
    return Call(line_of(node), end_line_of(node), Name(line_of(node), text), args, names, new=True)


def _statement(word: str) -> Shape:
    """A word of the language that takes values as a call does: echo, include, eval."""

    def lower(low: Lower, node: SgNode) -> Node:
        args = [part for child in named(node) for part in (named(child) if child.kind() == _LIST else [child])]
        line = line_of(node)
        return Call(line, end_line_of(node), Name(line, word), [low.node(one) for one in args], [""] * len(args))

    return lower


def _if(low: Lower, node: SgNode) -> Node:
    branches = [(low.node(node.field("condition")), low.block(node.field("body")))]
    other = None
    for clause in named(node):
        if clause.kind() == "else_if_clause":
            branches.append((low.node(clause.field("condition")), low.block(clause.field("body"))))
        elif clause.kind() == "else_clause":
            other = low.block(clause.field("body"))
    return If(line_of(node), branches, other)


def _foreach(low: Lower, node: SgNode) -> Node:
    parts, body = named(node), node.field("body")
    source, target = parts[0], parts[1] if len(parts) > 1 else parts[0]
    value = named(target)[-1] if target.kind() in ("pair", "by_ref") and named(target) else target
    return Loop(line_of(node), low.node(value), low.node(source), None, low.block(body))


def _switch(low: Lower, node: SgNode) -> Node:
    cases: list[tuple[list[Node], Node]] = []
    for child in named(node.field("body")):
        parts, value = named(child), child.field("value")
        patterns = [low.node(value)] if value is not None else []
        rest = parts[1:] if value is not None else parts
        cases.append((patterns, Block(line_of(child), [low.node(part) for part in rest])))
    subject = node.field("condition")
    return Switch(line_of(node), low.node(subject) if subject is not None else None, cases)


def _match(low: Lower, node: SgNode) -> Node:
    """One of the values, whichever condition holds."""
    branches = named(node.field("body"))
    return Many(line_of(node), [low.node(named(one)[-1]) for one in branches if named(one)])


def _array(low: Lower, node: SgNode) -> Node:
    parts, keys = list[Node](), list[str]()
    for child in named(node):
        inner = named(child)
        keyed = len(inner) == 2 and "string" in inner[0].kind()
        keys.append(inner[0].text().strip("'\"") if keyed else "")
        parts.append(low.node(inner[-1]) if inner else low.node(child))
    return Many(line_of(node), parts, keys)


def _function(low: Lower, node: SgNode) -> Node:
    found, body = node.field("name"), node.field("body")
    inline = node.kind() in ("anonymous_function", "anonymous_function_creation_expression", "arrow_function")
    params = [one for child in named(node.field("parameters")) if (one := _param(child)) is not None]
    whole = low.block(body) if body is not None else Block(line_of(node), [])
    return Function(line_of(node), found.text() if found else "", params, whole, "", inline)


def _param(node: SgNode) -> Param | None:
    target, kind = node.field("name") or first_of_kind(node, "variable_name"), node.field("type")
    if target is None:
        return None
    return Param(target.text(), kind.text().lstrip("?\\").rpartition("\\")[2] if kind is not None else "")


def _class(low: Lower, node: SgNode) -> Node:
    found, base = node.field("name"), first_of_kind(node, "base_clause")
    body = low.block(node.field("body"))
    return Class(line_of(node), found.text() if found else "", base.text() if base else "", body)


def _use(low: Lower, node: SgNode) -> Node:
    return Import(line_of(node), {})


def _property(low: Lower, node: SgNode) -> Node:
    name, value = first_of_kind(node, "variable_name"), named(node)[-1] if named(node) else None
    if name is None or value is None or value.kind() == "variable_name":
        return Fixed(line_of(node))
    target = Member(line_of(node), Name(line_of(node), "this"), name.text().lstrip("$"))
    return Assign(line_of(node), target, low.node(value))


def _subscript(low: Lower, node: SgNode) -> Node:
    parts = named(node)
    key = low.node(parts[1]) if len(parts) > 1 else Fixed(line_of(node))
    return Index(line_of(node), low.node(parts[0]), key)


def _choice(low: Lower, node: SgNode) -> Node:
    """`a ? b : c`; of `a ?: c` one of the two."""
    if node.field("body") is None:
        return shapes.many(low, node)
    return shapes.choice("condition", "body", "alternative")(low, node)


PHP: dict[str, Shape] = {
    "variable_name": _variable,
    **dict.fromkeys(("name", "qualified_name", "relative_scope", "dynamic_variable_name"), _plain),
    **dict.fromkeys(("integer", "float", "boolean", "null", "class_constant_access_expression"), shapes.fixed),
    **dict.fromkeys(("namespace_definition", "const_declaration"), shapes.fixed),
    "namespace_use_declaration": _use,
    **dict.fromkeys(
        ("program", "compound_statement", "colon_block", "declaration_list", "finally_clause"), shapes.block
    ),
    **dict.fromkeys(("expression_statement", "parenthesized_expression", "argument", "by_ref"), shapes.inside),
    **dict.fromkeys(("error_suppression_expression", "clone_expression", "variadic_unpacking"), shapes.inside),
    **dict.fromkeys(("encapsed_string", "string", "heredoc_body"), _text),
    "heredoc": _heredoc,
    "nowdoc": _heredoc,
    "shell_command_expression": lambda low, node: Shell(line_of(node), _text(low, node)),
    **dict.fromkeys(("function_call_expression", "member_call_expression", "scoped_call_expression"), _call),
    "nullsafe_member_call_expression": _call,
    "object_creation_expression": _new,
    **dict.fromkeys(("member_access_expression", "nullsafe_member_access_expression"), shapes.member("object", "name")),
    "scoped_property_access_expression": shapes.member("scope", "name"),
    "subscript_expression": _subscript,
    "binary_expression": shapes.binary,
    "unary_op_expression": shapes.unary,
    "update_expression": shapes.fixed,
    "conditional_expression": _choice,
    "cast_expression": shapes.cast("type", "value"),
    "assignment_expression": shapes.assign("left", "right"),
    "reference_assignment_expression": shapes.assign("left", "right"),
    "augmented_assignment_expression": shapes.assign("left", "right", adds=True),
    "array_creation_expression": _array,
    "match_expression": _match,
    "echo_statement": _statement("echo"),
    "print_intrinsic": _statement("print"),
    **dict.fromkeys(
        ("include_expression", "include_once_expression", "require_expression", "require_once_expression"),
        _statement("include"),
    ),
    "exit_statement": shapes.leave(False),
    "throw_expression": shapes.leave(False),
    "if_statement": _if,
    "foreach_statement": _foreach,
    "while_statement": shapes.loop(test="condition"),
    "do_statement": shapes.loop(test="condition"),
    "for_statement": shapes.loop(test="condition"),
    "switch_statement": _switch,
    "try_statement": shapes.attempts,
    "catch_clause": lambda low, node: low.block(node.field("body")),
    "return_statement": shapes.leave(True),
    "break_statement": shapes.leave(False),
    "continue_statement": shapes.leave(False),
    **dict.fromkeys(("function_definition", "method_declaration", "anonymous_function", "arrow_function"), _function),
    "anonymous_function_creation_expression": _function,
    **dict.fromkeys(("class_declaration", "trait_declaration"), _class),
    "property_element": _property,
}
