"""A Rust source as the checks need it: its functions, what each may be called by, and which functions each reaches.

Text is always the lexer's `code` view (comments and the contents of literals blanked), so an offset in it is a place in
the source. Follows calls within the file by name; knows no types beyond what is written.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ast_grep_py import SgNode

from audit8.audit.lexer import look
from audit8.audit.rules.rule import Hit
from audit8.audit.syntax import parse

_COMMENTS = ("line_comment", "block_comment")
_SPAN_LINES = 8
_MAX_REACH = 200  # Functions followed from one: keeps files of many same-named functions linear.
_CALLED = re.compile(r"\b([A-Za-z_]\w*)\s*(?:::\s*<[^<>;{}()]{0,80}>)?\s*\(")
_FRAMEWORKS = {
    "ink": r"#\[\s*ink::contract|\bink_lang\b|#\[ink\(|\buse\s+ink::",
    "soroban": r"\bsoroban_sdk\b|#\[contractimpl\b|\b(?:env|e)\s*:\s*&?Env\b",
    "substrate": r"#\[pallet::|\bframe_support\b|\bframe_system\b",
    "cosmwasm": r"\bcosmwasm_std\b",
    "anchor": r"\banchor_lang\b|#\[derive\(\s*Accounts\s*\)\]",
    "solana": r"\bsolana_program\b|\bpinocchio\b|\bAccountInfo\b",
    "near": r"\bnear_sdk\b|#\[near(?:_bindgen)?\b",
}
_SETUP = re.compile(r"^(?:new|init|initiali[sz]e|instantiate|__constructor|constructor|setup|default)(?:_|$)|_init$")


@dataclass(frozen=True, slots=True)
class Function:
    """One function: `body` begins at offset `at`; `around` are the attributes of the impl and modules it is in."""

    name: str
    node: SgNode
    start: int
    at: int
    body: str
    parameters: dict[str, str]
    returns: str
    public: bool
    attributes: str
    around: str
    trait: str
    test: bool

    @property
    def setup(self) -> bool:
        """Whether it runs once, when the contract is made, as far as its name and attributes tell."""
        return bool(_SETUP.search(self.name)) or "ink(constructor" in self.attributes or "init" in self.attributes

    def find(self, pattern: str) -> Iterator[re.Match[str]]:
        return re.finditer(pattern, self.body)

    def has(self, pattern: str) -> bool:
        return re.search(pattern, self.body) is not None

    def typed(self, pattern: str) -> list[str]:
        """The names of the parameters whose written type matches."""
        return [name for name, kind in self.parameters.items() if re.search(pattern, kind)]


class RustFile:
    """A parsed file."""

    def __init__(self, text: str, root: SgNode) -> None:
        self.root = root
        self.text = text
        self.code = look(text, "rust").code
        self.frameworks = {name for name, sign in _FRAMEWORKS.items() if re.search(sign, self.code)}
        self.functions = [self._function(node) for node in root.find_all(kind="function_item")]
        self.functions = [one for one in self.functions if one.body]
        self._calls: dict[int, set[str]] = {}
        self._reach: dict[int, list[Function]] = {}
        self.known: dict[tuple[str, int], bool] = {}  # What checks found out about a body, by where it begins.

    @property
    def contract(self) -> bool:
        return bool(self.frameworks)

    @cached_property
    def live(self) -> list[Function]:
        """Every function that is not part of a test."""
        return [one for one in self.functions if not one.test]

    @cached_property
    def entries(self) -> list[Function]:
        """The functions that anybody may call from outside."""
        return [one for one in self.live if self._is_entry(one)]

    @cached_property
    def by_name(self) -> dict[str, list[Function]]:
        found: dict[str, list[Function]] = {}
        for one in self.live:
            found.setdefault(one.name, []).append(one)
        return found

    def reach(self, function: Function) -> list[Function]:
        """`function` and those of this file that it calls, by name, at any depth."""
        if function.start in self._reach:
            return self._reach[function.start]
        seen = {function.name}
        found, pending = [function], [function]
        while pending and len(found) < _MAX_REACH:
            for name in self._called_by(pending.pop()) - seen:
                seen.add(name)
                found += self.by_name[name]
                pending += self.by_name[name]
        self._reach[function.start] = found
        return found

    def reaches(self, function: Function, pattern: str) -> bool:
        return any(self._has(one, pattern) for one in self.reach(function))

    def _has(self, function: Function, pattern: str) -> bool:
        key = (pattern, function.start)
        if key not in self.known:
            self.known[key] = function.has(pattern)
        return self.known[key]

    @cached_property
    def reachable(self) -> list[Function]:
        """The entries and everything of the file that they call."""
        found = {id(one): one for entry in self.entries for one in self.reach(entry)}
        return list(found.values())

    def text_of(self, function: Function) -> str:
        """The body with its literals, for what only a literal says (a selector, a key)."""
        return self.text[function.at : function.at + len(function.body)]

    def code_of(self, node: SgNode) -> str:
        span = node.range()
        return self.code[span.start.index : span.end.index]

    def hit(self, rule_id: str, start: int, end: int) -> Hit:
        line = self.code.count("\n", 0, start) + 1
        last = line + self.code.count("\n", start, max(start, end - 1))
        return Hit(rule_id, line, min(last, line + _SPAN_LINES))

    def hit_node(self, rule_id: str, node: SgNode) -> Hit:
        span = node.range()
        return self.hit(rule_id, span.start.index, span.end.index)

    def hits(self, rule_id: str, function: Function, found: Iterable[re.Match[str]]) -> Iterator[Hit]:
        """Hits for matches in the body of `function`."""
        for match in found:
            yield self.hit(rule_id, function.at + match.start(), function.at + match.end())

    def within(self, node: SgNode) -> Function | None:
        """The innermost function that the node is in."""
        start = node.range().start.index
        holding = [one for one in self.functions if one.at <= start < one.at + len(one.body)]
        return max(holding, key=lambda one: one.at, default=None)

    def _called_by(self, function: Function) -> set[str]:
        if function.start not in self._calls:
            self._calls[function.start] = {name for name in _CALLED.findall(function.body) if name in self.by_name}
        return self._calls[function.start]

    def _is_entry(self, one: Function) -> bool:
        exported = one.public or bool(one.trait)
        within = re.search(r"contractimpl|#\[program\]|#\[near", one.around)
        pallet = "pallet::call" in one.around and "origin" in "".join(one.parameters)
        marked = re.search(r"#\[ink\((?:message|constructor)|\bentry_point\b", one.attributes)
        native = "solana" in self.frameworks and one.typed(r"\[\s*AccountInfo\b")
        return bool((exported and (within or pallet)) or marked or native or one.typed(r"\bMessageInfo\b"))

    def _function(self, node: SgNode) -> Function:
        name, body, returns = node.field("name"), node.field("body"), node.field("return_type")
        around, trait, test = self._surroundings(node)
        attributes = self._attributes(node)
        return Function(
            name=name.text() if name else "",
            node=node,
            start=node.range().start.index,
            at=body.range().start.index if body else 0,
            body=self.code_of(body) if body else "",
            parameters=dict(self._parameters(node)),
            returns=self.code_of(returns) if returns else "",
            public=any(child.kind() == "visibility_modifier" for child in node.children()),
            attributes=attributes,
            around=around,
            trait=trait,
            test=test or re.search(r"\btest\b", attributes) is not None,
        )

    def _parameters(self, node: SgNode) -> Iterator[tuple[str, str]]:
        listed = node.field("parameters")
        for child in listed.children() if listed else ():
            pattern, kind = child.field("pattern"), child.field("type")
            if child.kind() == "self_parameter":
                yield "self", self.code_of(child)
            elif pattern and kind:
                yield self.code_of(pattern).removeprefix("mut ").strip(), self.code_of(kind)

    def _attributes(self, node: SgNode) -> str:
        found = []
        before = node.prev()
        while before is not None and before.kind() in ("attribute_item", *_COMMENTS):
            if before.kind() == "attribute_item":
                found.append(self.code_of(before))
            before = before.prev()
        return " ".join(found)

    def _surroundings(self, node: SgNode) -> tuple[str, str, bool]:
        """The attributes of the impl and modules around, the trait that the impl is of, and whether it is a test."""
        around, trait, test = [], "", False
        for outer in node.ancestors():
            if outer.kind() not in ("impl_item", "mod_item", "trait_item"):
                continue
            attributes = self._attributes(outer)
            around.append(attributes)
            test = test or re.search(r"\bcfg\s*\(\s*(?:all\s*\(\s*)?test\b", attributes) is not None
            of = outer.field("trait")
            trait = trait or (self.code_of(of) if of else "")
        return " ".join(around), trait, test


def read_rust(text: str) -> RustFile | None:
    """The file, or None where it is too large for a tree."""
    root = parse(text, "rust")
    return RustFile(text, root) if root is not None else None
