"""Functions that merge or set objects under keys they are given: the way to a polluted prototype (JavaScript).

Knows the two shapes: a function that calls itself on the values under each key, and one that walks down a path of keys.
A function that mentions __proto__ or its kin has thought of it.
"""

from collections.abc import Iterator
from dataclasses import fields

from audit8.audit.flow.nodes import Assign, Call, Fixed, Function, Index, Many, Member, Name, Node

_GUARDS = ("__proto__", "prototype", "constructor", "isPrototypePolluted", "create", "Map", "freeze", "isSafeKey")
_COUNTERS = ("i", "j", "n", "idx", "index", "len", "length", "count", "pos", "offset", "row", "col", "x", "y")
_MAX_NODES = 200_000


def merges(root: Node) -> Iterator[int]:
    """The lines where such a function writes under a key."""
    for function, name in _functions(root):
        calls_itself, walks_down, guarded, writes = False, False, False, list[int]()
        for node in _inside(function):
            if isinstance(node, Call):
                calls_itself = calls_itself or (bool(name) and _last(node.function) == name)
            elif isinstance(node, Assign):
                if isinstance(node.target, Index) and _is_key(node.target.key):
                    writes.append(node.line)
                walks_down = walks_down or _steps_down(node)
            guarded = guarded or _guards(node)
        if writes and not guarded and (calls_itself or walks_down):
            yield writes[0] if walks_down and not calls_itself else writes[-1]


def _functions(root: Node) -> Iterator[tuple[Function, str]]:
    """Every function and the name it can call itself by."""
    for node in _inside(root):
        if isinstance(node, Function) and node.name:
            yield node, node.name
        elif isinstance(node, Assign) and isinstance(node.value, Function) and not node.value.name:
            yield node.value, _last(node.target)
        elif isinstance(node, Many) and node.keys:
            for key, part in zip(node.keys, node.parts, strict=True):
                if isinstance(part, Function) and key and not part.name:
                    yield part, key


def _inside(root: Node) -> Iterator[Node]:
    """Every node, outer ones first; no recursion."""
    pending, count = [root], 0
    while pending and count < _MAX_NODES:
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
    text = node.text if isinstance(node, Fixed) else _last(node)
    return text in _GUARDS or "proto" in text.lower()
