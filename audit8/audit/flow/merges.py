"""Functions that merge or set objects under keys they are given: the way to a polluted prototype (JavaScript).

Knows the two shapes: a function that calls itself on the values under each key, and one that walks down a path of keys.
A function that mentions __proto__ or its kin has thought of it.
"""

import re
from collections.abc import Iterator
from dataclasses import fields

from audit8.audit.flow.nodes import Assign, Call, Fixed, Function, Index, Loop, Many, Member, Name, Node

_GUARDS = ("__proto__", "prototype", "constructor", "create", "Map", "freeze")
_GUARD_NAMES = re.compile(r"(?i)proto(?:type)?_?(?:key|pollut|path)|pollut|(?:un)?safe_?(?:key|prop|path)|__proto__")
_EACH = ("forEach", "each", "map", "reduce", "for", "forOwn", "forIn")
_COUNTERS = ("i", "j", "n", "idx", "index", "len", "length", "count", "pos", "offset", "row", "col", "x", "y")
_MAX_NODES = 200_000
_MAX_IN_LOOP = 2_000
_MAX_IN_CONSTANT = 40


def merges(root: Node) -> Iterator[int]:
    """The lines where such a function begins to write under keys: the loop over them, or else the write."""
    every = list(_inside(root))
    names = {_last(node.target) for node in every if isinstance(node, Assign) and _holds_guard(node.value)} - {""}
    heads: dict[int, int] = {}
    for function, name in _functions(every):
        calls_itself, walks_down, guarded, writes = False, False, False, list[Assign]()
        parts = list(_inside(function))
        for node in parts:
            if isinstance(node, Call):
                calls_itself = calls_itself or (bool(name) and _last(node.function) == name)
            elif isinstance(node, Assign):
                if isinstance(node.target, Index) and _is_key(node.target.key):
                    writes.append(node)
                walks_down = walks_down or _steps_down(node)
            guarded = guarded or _guards(node) or _last(node) in names
        if writes and not guarded and (calls_itself or walks_down) and not _owned(parts, writes):
            heads = heads or _heads(every)
            write = writes[0] if walks_down and not calls_itself else writes[-1]
            yield heads.get(id(write), write.line)


def _heads(every: list[Node]) -> dict[int, int]:
    """The line of the innermost loop, or function over each element, that an assignment stands in."""
    found: dict[int, int] = {}
    for node in every:  # Outer ones first: inner ones have the last word.
        if isinstance(node, Loop) or (isinstance(node, Call) and _last(node.function) in _EACH):
            found |= {id(part): node.line for part in _inside(node, _MAX_IN_LOOP) if isinstance(part, Assign)}
    return found


def _owned(parts: list[Node], writes: list[Assign]) -> bool:
    """Whether only keys are followed that the object written to has itself: `__proto__` is none of them."""
    bases = {
        node.target.base.id for node in writes if isinstance(node.target, Index) and isinstance(node.target.base, Name)
    }
    for node in parts:
        if isinstance(node, Call) and isinstance(node.function, Member):
            name, base = node.function.name, node.function.base
            if (name == "call" and _last(base) == "hasOwnProperty") or name == "hasOwn":
                base = node.args[0] if node.args else base
            elif name != "hasOwnProperty":
                continue
            if isinstance(base, Name) and base.id in bases:
                return True
    return False


def _holds_guard(node: Node) -> bool:
    """`["__proto__", "constructor"]`, a set or a pattern of them."""
    return any(isinstance(part, Fixed) and "__proto__" in part.text for part in _inside(node, _MAX_IN_CONSTANT))


def _functions(every: list[Node]) -> Iterator[tuple[Function, str]]:
    """Every function and the name it can call itself by."""
    named, inner = set[int](), set[int]()
    for node in every:
        if isinstance(node, Assign) and isinstance(node.value, Function) and not node.value.name:
            named.add(id(node.value))
            yield node.value, _last(node.target)
        elif isinstance(node, Many) and node.keys:
            for key, part in zip(node.keys, node.parts, strict=True):
                if isinstance(part, Function) and key and not part.name:
                    named.add(id(part))
                    yield part, key
        elif isinstance(node, Function) and (
            node.name or not (id(node) in named or id(node) in inner or _holds_functions(node))
        ):
            yield node, node.name
        if isinstance(node, Function):  # A callback is a part of the function around it.
            inner |= {id(part) for part in _inside(node) if isinstance(part, Function)}


def _holds_functions(function: Function) -> bool:
    """Whether it is a wrapper around a module rather than a function of its own."""
    return any(
        (isinstance(part, Function) and part.name != "")
        or (isinstance(part, Assign) and isinstance(part.value, Function))
        for part in _inside(function.body)
    )


def _inside(root: Node, most: int = _MAX_NODES) -> Iterator[Node]:
    """Every node, outer ones first; no recursion."""
    pending, count = [root], 0
    while pending and count < most:
        node = pending.pop()
        count += 1
        yield node
        pending += list(_children(node))[::-1]


def _children(node: Node) -> Iterator[Node]:
    for one in fields(node):
        yield from _nodes_in(getattr(node, one.name))


def _nodes_in(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _nodes_in(part)


def _last(node: Node) -> str:
    return node.id if isinstance(node, Name) else node.name if isinstance(node, Member) else ""


def _is_key(node: Node) -> bool:
    return (
        (isinstance(node, Name) and node.id not in _COUNTERS)
        or isinstance(node, Call)
        or (isinstance(node, Index) and isinstance(node.base, Name))
    )


def _steps_down(node: Assign) -> bool:
    """`object = object[key]`, in any wrapping."""
    if not isinstance(node.target, Name):
        return False
    return any(
        isinstance(part, Index) and isinstance(part.base, Name) and part.base.id == node.target.id and _is_key(part.key)
        for part in _inside(node.value)
    )


def _guards(node: Node) -> bool:
    if (
        isinstance(node, Member)
        and node.name == "prototype"
        and isinstance(node.base, Name)
        and node.base.id == "Object"
    ):
        return False  # `Object.prototype.hasOwnProperty`: whose keys are looked at says _owned.
    text = node.text if isinstance(node, Fixed) else _last(node)
    return text in _GUARDS or _GUARD_NAMES.search(text) is not None
