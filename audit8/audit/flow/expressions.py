"""What an expression's value is: names, members, look-ups, texts put together, tests.

Knows no statement. `HANDLERS` says which function evaluates which kind of node; walk.py and calls.py add theirs.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from audit8.audit.flow import nodes as n
from audit8.audit.flow.guards import refine
from audit8.audit.flow.lower import ERROR
from audit8.audit.flow.lower import UNKNOWN as UNKNOWN_NAME
from audit8.audit.flow.state import LOOKED, State, path_of
from audit8.audit.flow.value import FIXED, HOLE, NOTHING, OUTSIDE, PARAMETER, UNKNOWN, Value, build, join, kind_of

HANDLERS: dict[type[n.Node], Callable[[Any, Any], Value]] = {}
_MAX_DEPTH = 110
_CONSTANT = r"^(?:[A-Z][A-Z0-9_]+|__\w+__)$"
_PREFIXED = frozenset(["path", "redirect", "ssrf"])
_ALL_BUT_COMMANDS = frozenset(
    [
        "path",
        "sql",
        "xss",
        "code",
        "object",
        "ssrf",
        "redirect",
        "log",
        "header",
        "nosql",
        "regex",
        "xml",
        "ldap",
        "xpath",
        "mass",
    ]
)
_SHELL = re.compile(r"(?:^|/)(?:ba|da|z|k)?sh$|^cmd(?:\.exe)?$")
_JOINT = re.compile(rf"[/\\][\w.-]*{HOLE}|^{HOLE}{HOLE}")  # Where a folder ends and a name begins.
_SIZES = r"^(?:length|size|count|len|Length|Size)$"


class Expressions(State):
    """`value` evaluates a node of any kind; what it finds on the way is in `found`."""

    _depth = 0
    given = NOTHING  # What the last call was given.

    def value(self, node: n.Node | None) -> Value:
        if node is None:
            return NOTHING
        if self._depth > _MAX_DEPTH:
            return Value(UNKNOWN)
        self._depth += 1
        try:
            return HANDLERS[type(node)](self, node)
        finally:
            self._depth -= 1

    def name(self, node: n.Name) -> Value:
        if node.id == ERROR:
            # The text of an error quotes what could not be read.
            return Value(min(self.given.level, PARAMETER), self.given.clean, kind="error", origins=self.given.origins)
        known = self.variables.get(node.id)
        if known is not None:
            return known
        if node.id in self.imports:
            way = self.imports[node.id]
            return Value(OUTSIDE if self.matcher.fits(self.spec.sources, way) else FIXED, kind=way)
        return self._free(node.id)

    def _free(self, name: str) -> Value:
        if self.matcher.fits(self.spec.sources, name):
            return Value(OUTSIDE, kind=name)
        if self.matcher.fits(self.spec.places, name):
            return Value(UNKNOWN, _ALL_BUT_COMMANDS, kind=name)
        if self.matcher.fits(_CONSTANT, name) or self.matcher.fits(self.spec.settled, name):
            return Value(FIXED, kind=name)
        for names, types, kind in self.spec.requests:
            if not types and self.matcher.fits(names, name):
                return Value(FIXED, kind=kind)
        return Value(UNKNOWN, kind="" if name == UNKNOWN_NAME else name)

    def member(self, node: n.Member) -> Value:
        known = self.variables.get(path_of(node))
        return known if known is not None else self._looked_at(node, self.member_of(node, self.value(node.base)))

    def _looked_at(self, node: n.Node, value: Value) -> Value:
        """`value` with what tests have shown about the way to it."""
        seen = self.variables.get(LOOKED + path_of(node))
        return value if seen is None else value.cleaned(seen.clean)

    def member_of(self, node: n.Member, base: Value) -> Value:
        """The member of a value that is known already: a chain of calls is walked once."""
        known = self.variables.get(path_of(node))
        if known is not None:
            return known
        way = kind_of(base.kind, node.name) if base.kind else f".{node.name}"
        if self.matcher.fits(self.spec.sources, way) and not self.matcher.fits(self.spec.own, way):
            return Value(OUTSIDE, kind=way, origins=base.origins)
        if self.matcher.fits(self.spec.page_sources, way):
            return Value(PARAMETER, kind=way)
        # `body.URL` of what came from outside is no constant, whatever its letters.
        given = base.level == OUTSIDE or (base.level == PARAMETER and "_" not in node.name)
        if self.matcher.fits(_SIZES, node.name) or (self.matcher.fits(_CONSTANT, node.name) and not given):
            return Value(FIXED, kind=way)
        if self.matcher.fits(self.spec.settled, way) or self.matcher.fits(self.spec.own, way):
            return Value(FIXED, kind=way)
        level = base.level if base.level >= PARAMETER else UNKNOWN
        return Value(level, base.clean, "", way, base.params, base.origins)

    def index(self, node: n.Index) -> Value:
        known = self.variables.get(path_of(node))
        base, key = self.value(node.base), self.value(node.key)
        if known is not None:
            return known
        way = kind_of(base.kind, "[]")
        if self.matcher.fits(self.spec.sources, way):
            clean = base.clean if base.level > FIXED else frozenset[str]()  # `url.replace(...).split(...)[0]`
            return self._looked_at(node, Value(OUTSIDE, clean, kind=way, origins=base.origins))
        if base.level == FIXED and (not base.kind or key.level == FIXED):
            return replace(base, kind=way)  # A look-up in a fixed table gives one of its values.
        # What a table from elsewhere holds under a key is not the key.
        return replace(base, level=max(base.level, UNKNOWN), text="", kind=way, built=False)

    def many(self, node: n.Many) -> Value:
        values = [self.value(part) for part in node.parts]
        if self.spec.shell_words is not None and _is_shell(values):
            self.report(self.spec.shell_words, values[2], node.parts[2].line, node.parts[2].line)
        return join(values)

    def build(self, node: n.Build) -> Value:
        return self.built([self.value(part) for part in node.parts], node.line)

    def built(self, values: list[Value], line: int, end_line: int = 0) -> Value:
        """A text made of the values; a query made so is looked at here, wherever it goes."""
        whole = build(_from_folder(values))
        if not whole.made and _JOINT.search(whole.text):
            whole = replace(whole, made=line)
        query = self.spec.query
        if query is not None and HOLE in whole.text and self.report(query, whole, line, end_line or line):
            whole = whole.cleaned(frozenset([query.kind]))
        return whole

    def compare(self, node: n.Compare) -> Value:
        self.value(node.left)
        self.value(node.right)
        return NOTHING

    def logic(self, node: n.Logic) -> Value:
        values = []
        before = dict(self.variables) if node.operator in ("and", "or") else None
        for at, part in enumerate(node.parts, 1):
            values.append(self.value(part))
            if before is not None and at < len(node.parts):  # What the next part may rely on.
                refine(self, part, node.operator == "and")
        if before is not None:
            self.variables = before
        return NOTHING if node.operator == "not" else join(values)

    def cast(self, node: n.Cast) -> Value:
        value = self.value(node.value)
        return NOTHING if self.matcher.fits(self.spec.number_types, node.type) else value


def _from_folder(values: list[Value]) -> list[Value]:
    """Of `folder + "/" + name` the folder is the caller's to choose, unless a request chose it."""
    if len(values) < 2 or values[0].level != PARAMETER or not _begins_path(values[1]):
        return values
    first = values[0]
    return [replace(first, clean=first.clean | _PREFIXED, rest=max(first.rest, UNKNOWN)), *values[1:]]


def _is_shell(words: list[Value]) -> bool:
    return len(words) > 2 and words[1].text.lower() in ("-c", "/c", "-lc") and _SHELL.search(words[0].text) is not None


def _begins_path(value: Value) -> bool:
    return value.level == FIXED and (value.text[:1] in ("/", "\\") or "separator" in value.kind.lower())


HANDLERS.update(
    {
        n.Fixed: lambda walk, node: Value(text=node.text),
        n.Many: Expressions.many,
        n.Name: Expressions.name,
        n.Member: Expressions.member,
        n.Index: Expressions.index,
        n.Build: Expressions.build,
        n.Compare: Expressions.compare,
        n.Logic: Expressions.logic,
        n.Cast: Expressions.cast,
    }
)
