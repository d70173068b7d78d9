"""What a C or C++ file declares: constants, structures, variables, functions; and what each function is known to do.

Sizes are C's on a 64-bit machine. A name that is declared twice with different meanings has the first one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from audit8.audit.rules.native_tree import (
    FUNCTION,
    Node,
    bare,
    character,
    declared,
    integer,
    literal_length,
    names_in,
    place,
)
from audit8.audit.rules.native_values import Obj, Value, size_of

_MAX_HEIGHT = 40
_STRUCTS = ("struct_specifier", "union_specifier", "class_specifier")
_DECLARATIONS = ("declaration", "field_declaration", "parameter_declaration")
_LIMITS = {
    "INT_MAX": 2**31 - 1, "INT_MIN": -(2**31), "UINT_MAX": 2**32 - 1, "LONG_MAX": 2**63 - 1, "LONG_MIN": -(2**63),
    "ULONG_MAX": 2**64 - 1, "SIZE_MAX": 2**64 - 1, "CHAR_MAX": 127, "UCHAR_MAX": 255, "SHRT_MAX": 2**15 - 1,
    "USHRT_MAX": 2**16 - 1, "INT32_MAX": 2**31 - 1, "UINT32_MAX": 2**32 - 1, "EOF": -1, "BUFSIZ": 8192,
    "PATH_MAX": 4096, "NAME_MAX": 255, "EXIT_SUCCESS": 0, "EXIT_FAILURE": 1, "STDIN_FILENO": 0, "NULL": 0,
    "RAND_MAX": 2**31 - 1,
}  # fmt: skip
_QUALIFIERS = ("type_qualifier", "storage_class_specifier")


@dataclass(frozen=True, slots=True)
class Variable:
    """`type` has its stars (`char *`); `counts` are the array's dimensions, None where one is not a number."""

    name: str
    type: str
    counts: tuple[int | None, ...]
    node: Node
    value: Node | None = None
    static: bool = False


@dataclass(slots=True)
class Summary:
    """What runs of a function have shown: `given` per parameter, `returns` over all paths, what it does to pointers."""

    given: list[tuple[tuple[Value, Obj | None], ...]] = field(default_factory=list)
    returns: list[Value] = field(default_factory=list)
    frees: set[int] = field(default_factory=set)
    spares: set[int] = field(default_factory=set)
    keeps: set[int] = field(default_factory=set)
    fills: set[int] = field(default_factory=set)
    allocates: bool = False
    returns_never: bool = False


@dataclass(slots=True)
class Function:
    name: str
    node: Node
    body: Node
    params: list[Variable]
    locals: dict[str, Variable]
    summary: Summary = field(default_factory=Summary)
    handed: set[str] | None = None
    by_kind: dict[str, list[Node]] = field(default_factory=dict)
    again: dict[str, list[Variable]] = field(default_factory=dict)

    def local(self, name: str, at: int) -> Variable | None:
        """The variable of the function that a name means at an offset: of several, the one declared last before it."""
        before = [one for one in self.again.get(name, ()) if one.node.start < at]
        return before[-1] if before else self.locals.get(name)

    def every(self, *kinds: str) -> list[Node]:
        """The nodes of these kinds in the body, kind by kind in the order of the text; the body is walked once."""
        if not self.by_kind:
            for node in self.body.walk():
                self.by_kind.setdefault(node.kind, []).append(node)
        return [node for kind in kinds for node in self.by_kind.get(kind, ())]

    def handed_out(self) -> set[str]:
        """Names whose address is taken, or that a lambda may change; found once."""
        if self.handed is None:
            stars = [one for one in self.every("pointer_expression") if one.kids[0].kind == "&"]
            inside = self.every("lambda_expression")
            self.handed = {place(one.kids[1]) for one in stars} | {name for one in inside for name in names_in(one)}
        return self.handed


class Unit:
    """One file. `fields` are members that every structure of the file declares alike."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.nodes = list(root.walk())
        self.constants: dict[str, int] = dict(_LIMITS)
        self.texts: dict[str, Node] = {}
        self.defined: set[str] = set()
        self.structs: dict[str, int] = {}
        self.first_fields: dict[str, str] = {}
        self.members: dict[str, tuple[str, ...]] = {}
        self.unions: set[str] = set()
        self.fields: dict[str, Variable] = {}
        self.globals: dict[str, Variable] = {}
        self.functions: dict[str, Function] = {}
        self.called: set[str] = set()
        for node in self.nodes:
            self._note(node)

    def _note(self, node: Node) -> None:
        if node.kind == "preproc_def":
            self._define(node)
        elif node.kind == "enumerator":
            self._enumerator(node)
        elif node.kind in _STRUCTS:
            self._structure(node)
        elif node.kind == FUNCTION:
            self._function(node)
        elif node.kind == "declaration" and node.up is not None and node.up.kind in ("translation_unit", "namespace"):
            for variable in self.variables(node):
                self.globals.setdefault(variable.name, variable)
                self._constant(variable)
        elif node.kind == "call_expression" and node.kids:
            self.called.add(node.kids[0].text[:80])

    def _constant(self, variable: Variable) -> None:
        number = self.fold(variable.value)
        if number is not None and "const" in variable.node.text.split("=")[0].split():
            self.constants.setdefault(variable.name, number)

    def _define(self, node: Node) -> None:
        name, value = node.part("name"), node.part("value")
        if name is not None:
            self.defined.add(name.text)
        if name is None or value is None:
            return
        text = value.text.strip().strip("()").strip()
        if text.startswith('"') and len(text) > 4:
            self.texts[name.text] = node
        number = self.constants.get(text, integer(text.lstrip("-")))
        number = -number if number is not None and text.startswith("-") and text not in self.constants else number
        if number is not None:
            self.constants[name.text] = number

    def _enumerator(self, node: Node) -> None:
        value, names = self.fold(node.part("value")), [kid for kid in node.parts if kid.kind == "identifier"]
        if names:
            before = [kid for kid in (node.up.parts if node.up else []) if kid.kind == "enumerator"]
            self.constants.setdefault(names[0].text, before.index(node) if value is None else value)

    def _structure(self, node: Node) -> None:
        body, name = node.part("body"), node.part("name")
        if body is None:
            return
        members = [one for part in body.parts if part.kind == "field_declaration" for one in self.variables(part)]
        sizes = [self.bytes_of(one) or 8 for one in members]
        total = max(sizes, default=0) if node.kind == "union_specifier" else sum(sizes)
        names = {name.text} if name else set()
        if node.up is not None and node.up.kind == "type_definition":
            names |= {kid.text for kid in node.up.parts if kid.kind == "type_identifier"}
        for one in names:
            self.structs.setdefault(one, total)
            self.members.setdefault(one, tuple(member.name for member in members))
            self.first_fields.setdefault(one, f"{members[0].type} {members[0].name}" if members else "")
        if node.kind == "union_specifier":
            self.unions |= names
        for member in members:
            known = self.fields.setdefault(member.name, member)
            if (known.type, known.counts) != (member.type, member.counts):
                self.fields[member.name] = Variable(member.name, "", (), member.node)

    def _function(self, node: Node) -> None:
        body, name = node.part("body"), declared(node.part("declarator"))
        if body is None or name is None:
            return
        parameters: list[Variable] = []
        for part in node.walk():
            if part is body:
                break
            if part.kind == "parameter_list":
                parameters = [one for kid in part.parts if "parameter" in kid.kind for one in self.variables(kid)]
                break
        found = Function(name.text, node, body, parameters, {one.name: one for one in parameters})
        for part in body.walk():
            if part.kind == "declaration":
                for one in self.variables(part):
                    if found.locals.setdefault(one.name, one) is not one:
                        found.again.setdefault(one.name, []).append(one)
        key = f"{name.text} {node.start}" if name.text in self.functions else name.text
        self.functions[key] = found  # Calls by name reach the first one.

    def password_structs(self, password: re.Pattern[str]) -> set[str]:
        """The structures of which a member's name matches."""
        return {name for name, members in self.members.items() if any(password.fullmatch(one) for one in members)}

    def variables(self, node: Node) -> Iterator[Variable]:
        """The variables that a declaration declares; functions and types are none."""
        kind = node.part("type")
        if kind is None:
            return
        words = [kid.text for kid in node.parts if kid.kind in _QUALIFIERS and kid.text != "const"]
        base = " ".join(kind.text.split("{")[0].split())
        for kid in node.parts:
            if kid is not kind and (kid.kind.endswith("declarator") or kid.kind in ("identifier", "field_identifier")):
                one = self._variable(kid, base, node, "static" in words or "extern" in words)
                if one is not None:
                    yield one

    def _variable(self, declarator: Node, base: str, node: Node, static: bool) -> Variable | None:
        value = declarator.part("value") if declarator.kind == "init_declarator" else None
        stars, counts, inner = "", list[int | None](), declarator
        while inner.kind not in ("identifier", "field_identifier"):
            if inner.kind == "function_declarator" and "(*" not in inner.text.replace(" ", ""):
                return None
            if inner.kind in ("pointer_declarator", "reference_declarator"):
                stars += "*"
            if inner.kind == "array_declarator":
                counts.insert(0, self._count(inner, value))
            following = next((kid for kid in inner.parts if "declarator" in kid.kind or "identifier" in kid.kind), None)
            if following is None:
                return None
            inner = following
        kind = f"{base} {stars}".strip()
        if node.kind == "parameter_declaration" and counts:
            kind, counts = f"{kind} *", []
        return Variable(inner.text, kind, tuple(counts), node, value, static)

    def _count(self, node: Node, value: Node | None) -> int | None:
        size = node.part("size")
        if size is not None:
            return self.fold(size)
        if value is not None and value.kind == "string_literal":
            return literal_length(value.text) + 1
        return len(value.parts) if value is not None and value.kind == "initializer_list" else None

    def bytes_of(self, variable: Variable) -> int | None:
        """The size of a variable, arrays included."""
        total = size_of(variable.type, self.structs)
        for count in variable.counts:
            if total is None or count is None:
                return None
            total *= count
        return total

    def _fold_word(self, node: Node) -> int | None:
        return integer(node.text) if node.kind == "number_literal" else self.constants.get(node.text)

    def fold(self, node: Node | None) -> int | None:
        """The number that an expression of constants has."""
        node = bare(node)
        if node is None or node.height > _MAX_HEIGHT:
            return None
        if not node.kids:
            return self._fold_word(node)
        if node.kind in ("char_literal", "sizeof_expression"):
            kind = node.part("type") if node.kind == "sizeof_expression" else None
            size = size_of(" ".join(kind.text.split()), self.structs) if kind is not None else None
            return character(node.text) if node.kind == "char_literal" else size
        if node.kind == "unary_expression" and node.kids[0].kind == "-":
            inner = self.fold(node.kids[1])
            return -inner if inner is not None else None
        if node.kind == "binary_expression":
            return _apply(node.kids[1].kind, self.fold(node.kids[0]), self.fold(node.kids[2]))
        return None


def _apply(operator: str, left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return None
    if operator in ("/", "%"):
        return (left // right if operator == "/" else left % right) if right > 0 and left >= 0 else None
    if operator == "<<":
        return left << right if 0 <= right < 64 and abs(left) < 2**64 else None
    plain = {"+": left + right, "-": left - right, "*": left * right if max(abs(left), abs(right)) < 2**64 else None}
    return plain.get(operator)
