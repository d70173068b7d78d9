"""What a source consists of: functions and types with their lines and heads, and its imports, read off its tree.

Knows which kinds of node those are in each grammar. Knows no tokens and cuts nothing (chunks.py). Without a tree an
outline has no parts: places.py then says where to cut.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal

from ast_grep_py import SgNode

from audit8.audit.syntax import parse
from audit8.types import Source

PartKind = Literal["function", "type", "import"]

# Node kinds of the grammars. A test asks each grammar for each of its kinds.
_JS = (
    "function_declaration generator_function_declaration method_definition arrow_function function_expression",
    "class_declaration",
    "import_statement",
)
KINDS: dict[str, tuple[str, str, str]] = {  # functions, types (and other scopes), imports
    "python": (
        "decorated_definition function_definition",
        "class_definition",
        "import_statement import_from_statement future_import_statement",
    ),
    "javascript": _JS,
    "typescript": (
        _JS[0],
        "class_declaration abstract_class_declaration interface_declaration type_alias_declaration enum_declaration "
        "internal_module",
        "import_statement",
    ),
    "java": (
        "method_declaration constructor_declaration",
        "class_declaration interface_declaration enum_declaration record_declaration",
        "package_declaration import_declaration",
    ),
    "go": ("function_declaration method_declaration func_literal", "type_declaration", "import_declaration"),
    "c": (
        "function_definition",
        "struct_specifier union_specifier enum_specifier type_definition",
        "preproc_include preproc_def",
    ),
    "cpp": (
        "function_definition",
        "class_specifier struct_specifier union_specifier enum_specifier type_definition namespace_definition",
        "preproc_include preproc_def using_declaration",
    ),
    "csharp": (
        "method_declaration constructor_declaration local_function_statement property_declaration",
        "class_declaration interface_declaration struct_declaration enum_declaration record_declaration "
        "namespace_declaration",
        "using_directive",
    ),
    "rust": (
        "function_item macro_definition",
        "struct_item enum_item union_item trait_item impl_item type_item mod_item",
        "use_declaration extern_crate_declaration",
    ),
    "php": (
        "function_definition method_declaration anonymous_function",
        "class_declaration interface_declaration trait_declaration enum_declaration",
        "namespace_use_declaration require_expression require_once_expression include_expression",
    ),
    "ruby": ("method singleton_method", "class module", ""),
    "solidity": (
        "function_definition constructor_definition modifier_definition fallback_receive_definition",
        "contract_declaration library_declaration interface_declaration struct_declaration enum_declaration",
        "pragma_directive import_directive",
    ),
    "kotlin": (
        "function_declaration secondary_constructor",
        "class_declaration object_declaration companion_object type_alias",
        "import_header",
    ),
    "swift": (
        "function_declaration init_declaration deinit_declaration",
        "class_declaration protocol_declaration",
        "import_declaration",
    ),
    "scala": (
        "function_definition",
        "class_definition object_definition trait_definition enum_definition",
        "import_declaration",
    ),
    "bash": ("function_definition", "", ""),
}
MAX_DEPTH = 32  # Deeper nesting is generated text.
_MAX_HEAD_LINES = 6
_MAX_WHOLE_LINES = 12
_MAX_CHILDREN = 8
_MAX_NAME_CHARS = 200
_NAMES = ("type_identifier", "simple_identifier", "type_spec")
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Part:
    """One function, type or import: lines `start`..`end`, 1-based, both included.

    `head_end`: the last line of its signature. `shown_end`: how far it is worth showing elsewhere (a short type
    whole, else the head). `parent`: the index of the part around it, or -1.
    """

    kind: PartKind
    name: str
    start: int
    end: int
    head_end: int
    shown_end: int
    parent: int


@dataclass(frozen=True, slots=True)
class Outline:
    """Parts in the order of their first lines, a part before the parts in it."""

    parts: tuple[Part, ...] = ()

    def around(self, line: int) -> list[Part]:
        """The functions and types that `line` is in, the innermost first."""
        found = []
        index = bisect_right(self.parts, line, key=lambda part: part.start) - 1
        while index >= 0:
            part = self.parts[index]
            if part.end >= line and part.kind != "import":
                found.append(part)
            index = part.parent
        return found


def outline(source: Source) -> Outline:
    """The outline of `source`; empty where there is no grammar, or the text is too large for one."""
    root = parse(source.text, source.language, source.name)
    if root is None:
        return Outline()
    lines = source.lines
    spans = [(*_span(node), kind, node) for kind, node in _nodes(root, source.language)]
    spans.sort(key=lambda item: (item[0], -item[1], item[2]))
    parts: list[Part] = []
    chain: list[int] = []  # the parts around the present place, outermost first
    for start, end, kind, node in spans:
        while chain and parts[chain[-1]].end < end:
            chain.pop()
        around = parts[chain[-1]] if chain else None
        twin = around is not None and (around.start, around.end, around.kind) == (start, end, kind)
        if twin or len(chain) >= MAX_DEPTH:  # a twin: a function and its decorated self
            continue
        parts.append(_part(kind, node, lines, chain[-1] if chain else -1))
        chain.append(len(parts) - 1)
    return Outline(tuple(parts))


def _nodes(root: SgNode, language: str) -> list[tuple[PartKind, SgNode]]:
    found: list[tuple[PartKind, SgNode]] = []
    names: tuple[PartKind, ...] = ("function", "type", "import")
    for kind, node_kinds in zip(names, KINDS[language], strict=True):
        if node_kinds:
            found += [(kind, node) for node in root.find_all(any=[{"kind": one} for one in node_kinds.split()])]
    return found


def _span(node: SgNode) -> tuple[int, int]:
    """First and last line, 1-based; a node that ends before the first character of a line does not reach it."""
    place = node.range()
    last = place.end.line + (1 if place.end.column else 0)
    return place.start.line + 1, max(place.start.line + 1, last)


def _part(kind: PartKind, node: SgNode, lines: list[str], parent: int) -> Part:
    start, end = _span(node)
    inner = node.field("definition") or node  # what a decorator decorates
    head_end = min(end, start + _MAX_HEAD_LINES - 1)
    body = _body(inner)
    if body is not None:
        at = body.range().start
        opens = lines[at.line][at.column : at.column + 1] in ("{", "[", "(")  # else the body is the lines below
        head_end = max(start, min(head_end, at.line + 1 if opens else at.line))
    whole = kind != "function" and end - start < _MAX_WHOLE_LINES
    return Part(kind, _name(inner), start, end, head_end, end if whole else head_end, parent)


def _body(node: SgNode) -> SgNode | None:
    return node.field("body") or next((child for child in node.children() if child.kind().endswith("_body")), None)


def _name(node: SgNode) -> str:
    """The name that other code uses for it; "" where it has none."""
    declarator = node.field("declarator")  # C: `*f(int a)`, `ns::f(int a)`
    if declarator is not None:
        words = _WORD.findall(declarator.text()[:_MAX_NAME_CHARS].partition("(")[0])
        return words[-1] if words else ""
    named = node.field("name") or node.field("type")
    if named is None:
        named = next((child for child in node.children()[:_MAX_CHILDREN] if child.kind() in _NAMES), None)
    found = _WORD.search(named.text()[:_MAX_NAME_CHARS]) if named is not None else None
    return found.group() if found else ""
