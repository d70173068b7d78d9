"""How long a Go slice or array is as far as its own declaration says, and whether an index lies beyond that."""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode


def names_of(node: SgNode) -> Iterator[tuple[str, str]]:
    kind = node.field("type")
    for child in node.children():
        if kind is not None and child.kind() == "identifier":
            yield child.text(), kind.text()


def parts_of(node: SgNode | None) -> list[SgNode]:
    return [child for child in node.children() if child.is_named()] if node is not None else []


def array_lengths(node: SgNode) -> dict[str, int]:
    """`var a [3]int`."""
    found = {}
    for name, kind in names_of(node):
        counted = re.match(r"\[(\d+)\]", kind)
        if counted:
            found[name] = int(counted.group(1))
        elif kind.startswith("[]") and node.field("value") is None:
            found[name] = 0
    return found


def made_length(value: SgNode) -> int | None:
    """The length of `make([]T, n)`, with a capacity the capacity; of `[n]T{}` and `[]T{...}`."""
    if value.kind() == "call_expression":
        name, given = value.field("function"), parts_of(value.field("arguments"))
        if name is not None and name.text() == "make" and len(given) > 1 and given[0].text().startswith("[]"):
            return int(given[-1].text()) if given[-1].text().isdigit() else None
    if value.kind() == "composite_literal":
        kind, body = value.field("type"), value.field("body")
        text = kind.text() if kind is not None else ""
        counted = re.match(r"\[(\d+)\]", text)
        if counted:
            return int(counted.group(1))
        if text.startswith(("[]", "[...]")) and body is not None and ":" not in body.text():
            return len(parts_of(body))
    return None


def is_beyond(node: SgNode, lengths: dict[str, int]) -> bool:
    base = node.field("operand")
    length = lengths.get(base.text()) if base is not None else None
    if length is None:
        return False
    if node.kind() == "index_expression":
        at = node.field("index")
        return at is not None and (length == 0 or (at.text().isdigit() and int(at.text()) >= length))
    ends = [node.field("start"), node.field("end")]
    return any(one is not None and one.text().isdigit() and int(one.text()) > length for one in ends)
