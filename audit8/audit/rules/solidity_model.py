"""A Solidity source as the checks need it: functions with their modifiers, state variables, the language version.

Text is always the lexer's `code` view, as in rust_model.py. Follows calls within the file by name, modifiers included;
what an imported contract does is not known.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ast_grep_py import SgNode

from audit8.audit.lexer import look
from audit8.audit.rules.rule import Hit
from audit8.audit.syntax import parse

_SPAN_LINES = 8
_MAX_REACH = 200  # Functions followed from one: keeps files of many same-named functions linear.
_KINDS = ("function_definition", "constructor_definition", "modifier_definition", "fallback_receive_definition")
_LOCKED = r"(?i)\b(?:_?locked|_?status|entered|mutex|reentran\w*)\b"
_CALLED = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\(")
_PARAMETER = re.compile(
    r"(?P<kind>[\w.]+(?:\s+payable)?(?:\s*\[\s*\w*\s*\])*)\s+(?:(?:memory|calldata|storage)\s+)?(?P<name>\w+)$"
)


@dataclass(frozen=True, slots=True)
class SolFunction:
    """One function, constructor or modifier: `head` is everything before the body, `body` begins at offset `at`."""

    name: str
    kind: str
    contract: str
    node: SgNode
    start: int
    at: int
    head: str
    body: str
    parameters: dict[str, str]
    modifiers: tuple[str, ...]

    @property
    def open(self) -> bool:
        """Whether anybody may call it, to change something."""
        seen = re.search(r"\b(?:private|internal|view|pure|constant)\b", self.head)
        return self.kind == "function_definition" and seen is None and self.name != self.contract

    def find(self, pattern: str) -> Iterator[re.Match[str]]:
        return re.finditer(pattern, self.body)

    def has(self, pattern: str) -> bool:
        return re.search(pattern, self.body) is not None

    def addresses(self) -> list[str]:
        return [name for name, kind in self.parameters.items() if re.match(r"address\b(?!\s*\[)", kind)]


class SolFile:
    """A parsed file."""

    def __init__(self, text: str, root: SgNode) -> None:
        self.root = root
        self.text = text
        self.code = look(text, "solidity").code
        found = [node for kind in _KINDS for node in root.find_all(kind=kind)]
        self.functions = [one for one in map(self._function, found) if one.body]
        self.by_name: dict[str, list[SolFunction]] = {}
        for one in self.functions:
            self.by_name.setdefault(one.name, []).append(one)

    @cached_property
    def wraps(self) -> bool:
        """Whether arithmetic wraps around: the version is before 0.8 and SafeMath is not used."""
        stated = re.search(r"\bpragma\s+solidity\s+[^;\d]{0,4}0\.(\d+)", self.code)
        return stated is not None and int(stated.group(1)) < 8 and "SafeMath" not in self.code

    @cached_property
    def state(self) -> dict[str, str]:
        """The names of state variables and their written types."""
        found = {}
        for node in self.root.find_all(kind="state_variable_declaration"):
            name = node.field("name")
            if name is not None and not re.search(r"\b(?:constant|immutable)\b", self.code_of(node)):
                kind = node.field("type")
                found[name.text()] = self.code_of(kind) if kind else ""
        return found

    @cached_property
    def variables(self) -> dict[str, str]:
        """The written types of all state variables, those that never change included."""
        found = {}
        for node in self.root.find_all(kind="state_variable_declaration"):
            name, kind = node.field("name"), node.field("type")
            if name is not None and kind is not None:
                found[name.text()] = self.code_of(kind)
        return found

    @cached_property
    def owned(self) -> bool:
        """Whether a function or modifier of this file compares its caller with a stored address."""
        named = "|".join(re.escape(name) for name, kind in self.variables.items() if kind.startswith("address"))
        asks = rf"\bmsg\.sender\s*[!=]=\s*(?:{named})\b|\b(?:{named})\s*[!=]=\s*msg\.sender\b"
        return bool(named) and any(one.has(asks) for one in self.functions)

    @cached_property
    def kept(self) -> list[str]:
        """The mappings that a function changes only after it has compared its caller."""
        asks = r"\bmsg\.sender\s*[!=]=|[!=]=\s*msg\.sender\b|\bonly\w+"
        asking = [one for one in self.functions if one.open and (one.has(asks) or re.search(asks, one.head))]
        written = {name for one in asking for name in re.findall(r"\b(\w+)\s*\[[^;\]]{1,60}\]\s*[-+]?=(?!=)", one.body)}
        return sorted(name for name in written if self.state.get(name, "").startswith("mapping"))

    def locks(self, function: SolFunction) -> bool:
        """Whether the function refuses to be entered again, by itself or by a modifier of this file."""
        modifiers = [one for name in function.modifiers for one in self.by_name.get(name, [])]
        named = re.search(r"(?i)nonreentrant|\block\b|mutex|no_?reentr", function.head)
        return named is not None or any(one.has(_LOCKED) for one in (function, *modifiers))

    def reach(self, function: SolFunction) -> list[SolFunction]:
        """`function`, its modifiers and the functions of this file that they call, at any depth."""
        seen = {function.name}
        found, pending = [function], [function]
        while pending and len(found) < _MAX_REACH:
            one = pending.pop()
            for name in {*_CALLED.findall(one.body), *one.modifiers} - seen:
                seen.add(name)
                found += self.by_name.get(name, [])
                pending += self.by_name.get(name, [])
        return found

    def code_of(self, node: SgNode) -> str:
        span = node.range()
        return self.code[span.start.index : span.end.index]

    def hit(self, rule_id: str, start: int, end: int) -> Hit:
        line = self.code.count("\n", 0, start) + 1
        last = line + self.code.count("\n", start, max(start, end - 1))
        return Hit(rule_id, line, min(last, line + _SPAN_LINES))

    def hits(self, rule_id: str, function: SolFunction, found: Iterable[re.Match[str]]) -> Iterator[Hit]:
        for match in found:
            yield self.hit(rule_id, function.at + match.start(), function.at + match.end())

    def _function(self, node: SgNode) -> SolFunction:
        name, body = node.field("name"), node.field("body")
        start = node.range().start.index
        at = body.range().start.index if body else 0
        outer = next((one for one in node.ancestors() if one.kind() == "contract_declaration"), None)
        contract = outer.field("name") if outer else None
        invoked = [child for child in node.children() if child.kind() == "modifier_invocation"]
        return SolFunction(
            name=name.text() if name else "",
            kind=node.kind(),
            contract=contract.text() if contract else "",
            node=node,
            start=start,
            at=at,
            head=self.code[start:at],
            body=self.code_of(body) if body else "",
            parameters=dict(self._parameters(node)),
            modifiers=tuple(re.split(r"[\s(]", self.code_of(child), maxsplit=1)[0] for child in invoked),
        )

    def _parameters(self, node: SgNode) -> Iterator[tuple[str, str]]:
        for child in node.children():
            if child.kind() == "parameter" and (match := _PARAMETER.match(" ".join(self.code_of(child).split()))):
                yield match.group("name"), match.group("kind")


def read_solidity(text: str) -> SolFile | None:
    """The file, or None where it is too large for a tree."""
    root = parse(text, "solidity")
    return SolFile(text, root) if root is not None else None
