"""The static rules for Go that need types: conversions that lose bits, and indexes beyond a counted slice.

Knows the types that a function's own text shows (parameters, declarations, literals, a few calls). A conversion counts
as looked at on a side when a comparison before it bounds the value on that side; one side is not the other. Sizes of
memory (len, cap) are taken to fit.
"""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from audit8.audit.rules.go_lengths import array_lengths, is_beyond, made_length, names_of, parts_of
from audit8.audit.rules.go_statements import STATEMENTS
from audit8.audit.rules.rule import Hit
from audit8.audit.syntax import parse

_INT = re.compile(r"(u?)int(8|16|32|64)?")
_ALIASES = {"byte": "uint8", "rune": "int32", "uintptr": "uint64"}
_FUNCTIONS = ("function_declaration", "method_declaration", "func_literal")
_RESULTS = {
    "strconv.Atoi": "int", "rand.Int": "int", "rand.Intn": "int", "rand.Int63": "int64", "rand.Uint32": "uint32",
    "binary.BigEndian.Uint64": "uint64", "binary.LittleEndian.Uint64": "uint64", "binary.BigEndian.Uint32": "uint32",
    "binary.LittleEndian.Uint32": "uint32", "time.Now().Unix": "int64", "time.Now().UnixNano": "int64",
}  # fmt: skip
_NUMBER = re.compile(r"-?(?:0[xX][0-9a-fA-F_]+|[0-9][0-9_]*)")
_ARITHMETIC = ("+", "-", "*", "/", "<<", "|", "^")
_FLIP = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_COMPARISONS = ("<", ">", "<=", ">=", "==", "!=")
_MAX_EXPRESSION_CHARS = 300
_MAX_FUNCTION_NODES = 20_000


def check_go(text: str) -> list[Hit] | None:
    """Where the rules fire in Go source, or None when there is no tree of it."""
    root = parse(text, "go")
    if root is None:
        return None
    hits: dict[tuple[str, int], Hit] = {}
    globals_ = dict(_declared(root))
    for function in _functions(root):
        nodes = list(_inside(function))
        if len(nodes) <= _MAX_FUNCTION_NODES:
            for rule, node in _check(nodes, {**globals_, **_parameters(function)}):
                line = node.range().start.line + 1
                hits.setdefault((rule, line), Hit(rule, line, node.range().end.line + 1))
            for check in STATEMENTS:
                for rule, node in check(function, nodes):
                    line = node.range().start.line + 1
                    hits.setdefault((rule, line), Hit(rule, line, line))
    return list(hits.values())


def _functions(root: SgNode) -> Iterator[SgNode]:
    """The outermost functions: what is inside them sees their names."""
    pending = [root]
    while pending:
        node = pending.pop()
        if node.kind() in _FUNCTIONS:
            yield node
        else:
            pending += node.children()


def _inside(node: SgNode) -> Iterator[SgNode]:
    pending = [node]
    while pending:
        one = pending.pop()
        yield one
        pending += reversed(one.children())


def _parameters(function: SgNode) -> dict[str, str]:
    declared = [one for one in _inside(function) if one.kind() == "parameter_declaration"]
    return {name: kind for one in declared for name, kind in names_of(one)}


def _declared(root: SgNode) -> Iterator[tuple[str, str]]:
    for child in root.children():
        if child.kind() == "var_declaration":
            for one in _inside(child):
                if one.kind() == "var_spec":
                    yield from names_of(one)


def _check(nodes: list[SgNode], types: dict[str, str]) -> Iterator[tuple[str, SgNode]]:
    """One pass in the order of the text: types and comparisons are known as far as it has come."""
    looked: set[tuple[str, str]] = set()
    lengths: dict[str, int] = {}
    parsed: dict[str, SgNode] = {}
    for node in nodes:
        kind = node.kind()
        if kind == "var_spec":
            types.update(names_of(node))
            lengths.update(array_lengths(node))
        elif kind in ("short_var_declaration", "assignment_statement"):
            _assign(node, types, lengths)
            parsed.update(_parsed(node))
        elif kind == "range_clause":
            _range(node, types)
        elif kind == "unary_expression" and _operator(node) == "&":
            lengths.pop(_short(parts_of(node)[-1]) if parts_of(node) else "", None)
        elif kind == "binary_expression":
            for one in _measured(node):
                lengths.pop(one, None)
            looked |= set(_bounds(node))
        elif kind == "call_expression" and _loses(node, types, looked):
            # Where it was read is where it can be read narrower; the conversion itself is followed by the flow rules.
            yield "number-converted", parsed.get(_short(parts_of(node.field("arguments"))[0]), node)
        elif kind in ("index_expression", "slice_expression") and is_beyond(node, lengths):
            yield "index-beyond-length", node


# ---- types


def _assign(node: SgNode, types: dict[str, str], lengths: dict[str, int]) -> None:
    left, right = node.field("left"), node.field("right")
    targets, values = parts_of(left), parts_of(right)
    for at, target in enumerate(targets):
        name = target.text()
        lengths.pop(name, None)
        if node.kind() != "short_var_declaration":
            continue
        value = values[at] if len(values) == len(targets) else values[0] if values and at == 0 else None
        types[name] = _type(value, types) if value is not None else ""
        length = made_length(value) if value is not None else None
        if length is not None:
            lengths[name] = length


def _parsed(node: SgNode) -> Iterator[tuple[str, SgNode]]:
    """`n, err := strconv.Atoi(text)`: the name and the call."""
    targets, values = parts_of(node.field("left")), parts_of(node.field("right"))
    if targets and len(values) == 1 and values[0].kind() == "call_expression":
        name = values[0].field("function")
        if name is not None and name.text() in ("strconv.Atoi", "strconv.ParseInt", "strconv.ParseUint"):
            yield targets[0].text(), values[0]


def _range(node: SgNode, types: dict[str, str]) -> None:
    names, source = parts_of(node.field("left")), node.field("right")
    whole = _type(source, types) if source is not None else ""
    if names:
        types[names[0].text()] = "int" if not whole.startswith("map") else ""
    if len(names) > 1:
        types[names[1].text()] = "int32" if whole == "string" else _element(whole)


def _element(kind: str) -> str:
    return re.sub(r"^(?:\[[^\]]*\]|\.\.\.)", "", kind) if kind[:1] in "[." and kind else ""


def _short(node: SgNode) -> str:
    """The text of a node, "" for a long one: whoever nests deeply would have it copied again and again."""
    span = node.range()
    return str(node.text()) if span.end.index - span.start.index <= _MAX_EXPRESSION_CHARS else ""


def _measured(node: SgNode) -> Iterator[str]:
    """What `len()` is asked of in a comparison."""
    if _operator(node) in _COMPARISONS:
        yield from re.findall(r"\blen\((\w+)\)", _short(node))


def _type(node: SgNode, types: dict[str, str]) -> str:
    """The type of an expression as far as it is short and plain; "" for any other."""
    kind = node.kind() if _short(node) else ""
    if kind in ("parenthesized_expression", "unary_expression", "identifier"):
        parts = parts_of(node)
        return _type(parts[-1], types) if parts and _operator(node) != "&" else types.get(_short(node), "")
    if kind == "binary_expression":
        sides = [_type(part, types) for part in parts_of(node)]
        return next((one for one in sides if one), "") if _operator(node) in _ARITHMETIC else ""
    base, declared = node.field("operand"), node.field("type")
    if kind == "index_expression":
        return _element(_type(base, types)) if base is not None else ""
    if kind == "call_expression":
        return _result(node)
    if kind == "composite_literal" and declared is not None:
        return str(declared.text())
    return "string" if "string_literal" in kind else ""


def _result(node: SgNode) -> str:
    name = node.field("function")
    called = name.text() if name is not None else ""
    if _INT.fullmatch(_ALIASES.get(called, called)):
        return str(called)
    arguments = parts_of(node.field("arguments"))
    if called in ("strconv.ParseInt", "strconv.ParseUint") and len(arguments) == 3:
        bits = arguments[2].text()
        if not bits.isdigit():
            return ""  # As many as somebody asks for.
        width = bits if bits in ("8", "16", "32") else "64"
        return f"{'u' if called.endswith('Uint') else ''}int{width}"
    if called == "make" and arguments:
        return str(arguments[0].text())
    return _RESULTS.get(called, "")


def _operator(node: SgNode) -> str:
    found = node.field("operator")
    return found.text() if found is not None else ""


def _span(kind: str) -> tuple[int, int] | None:
    """The least and greatest number of a type; int and uint have 64 bits."""
    found = _INT.fullmatch(_ALIASES.get(kind, kind))
    if found is None:
        return None
    bits = int(found.group(2) or 64)
    return (0, 2**bits - 1) if found.group(1) else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


# ---- conversions


def _bounds(node: SgNode) -> Iterator[tuple[str, str]]:
    """Which names a comparison bounds, and on which side: whichever way it comes out, somebody looked."""
    operator, sides = _operator(node), parts_of(node)
    if len(sides) != 2 or operator not in _FLIP:
        return
    for one, sign, other in ((sides[0], operator, sides[1]), (sides[1], _FLIP.get(operator, ""), sides[0])):
        if sign and one.kind() in ("identifier", "selector_expression", "index_expression"):
            text = _short(other)
            low = text in ("0", "-1", "1") or text.startswith(("-", "math.Min"))
            yield _short(one), "low" if low else "high"
            if not _NUMBER.fullmatch(text) and not text.startswith("math."):
                yield _short(one), "low"


def _loses(node: SgNode, types: dict[str, str], looked: set[tuple[str, str]]) -> bool:
    name, given = node.field("function"), parts_of(node.field("arguments"))
    target = _span(name.text()) if name is not None and name.kind() == "identifier" else None
    if target is None or len(given) != 1:
        return False
    value = given[0]
    if not _short(value):
        return False
    if value.kind() == "call_expression" and not value.text().startswith(("strconv.", "binary.", "rand.Int", "time.")):
        return False
    source = _span(_type(value, types))
    if source is None or re.search(r"[%&/]|>>|\bmin\(|\bmax\(", value.text()):
        return False
    text = value.text()
    too_high = source[1] > target[1] and (text, "high") not in looked
    too_low = source[0] < target[0] and (text, "low") not in looked and not _counts_up(text, types)
    return too_high or too_low


def _counts_up(name: str, types: dict[str, str]) -> bool:
    """A loop's index never is negative, and fits where slices fit."""
    return name in ("i", "j", "k", "idx", "n") and types.get(name) == "int"
