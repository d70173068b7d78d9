"""Checks of memory in Rust: what `unsafe` does with a length, an index or a type that nobody checked."""

import re
from collections.abc import Iterator

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import Function, RustFile

_WITH_LENGTH = (
    r"\bfrom_raw_parts(?:_mut)?\s*\([^;]*?,\s*{name}\b|\bset_len\s*\(\s*{name}\b|"
    r"\bcopy(?:_nonoverlapping)?\s*\([^;]*?,\s*{name}(?:\s+as\s+usize)?\s*\)|"
    r"\bget_unchecked(?:_mut)?\s*\(\s*{name}\b|\bslice_unchecked\s*\([^;]*\b{name}\b|"
    r"\.\s*(?:offset|add)\s*\(\s*{name}(?:\s+as\s+\w+)?\s*\)"
)
_MAX_COUNTED = 20
_UNINITIALISED = (
    r"\bmem::uninitialized\b|\bMaybeUninit(?:::\s*<[^;()]{0,60}>)?::uninit\s*\(\s*\)\s*\.\s*assume_init\s*\(|"
    r"\bwith_capacity\s*\([^;]*\)\s*;\s*(?:unsafe\s*\{\s*)?\w+\s*\.\s*set_len\s*\("
)


def check_contract(file: RustFile) -> Iterator[Hit]:
    if file.frameworks - {"solana"}:
        for node in file.root.find_all(kind="unsafe_block"):
            function = file.within(node)
            if function is not None and not function.test:
                yield file.hit_node("rust-unsafe-in-contract", node)


def check_access(file: RustFile) -> Iterator[Hit]:
    for function in file.live:
        if "unsafe" not in file.code[function.start : function.at] + function.body:
            continue
        for name in _numbers(function):
            if not _compared(function, name):
                found = function.find(_WITH_LENGTH.replace("{name}", re.escape(name)))
                yield from file.hits("rust-unsafe-memory", function, found)
        yield from file.hits("rust-uninitialised", function, function.find(_UNINITIALISED))


def _numbers(function: Function) -> list[str]:
    """The parameters that are numbers, and what counts up to one that is not compared."""
    given = function.typed(r"^(?:usize|isize|[iu](?:8|16|32|64))$|\b(?:usize|isize|[iu](?:8|16|32|64))\b(?!\s*[;\]])")
    pairs = {match.groups() for match in function.find(r"\bfor\s+(\w+)\s+in\s+[\w.]+\s*\.\.=?\s*(\w+)\s*\{")}
    loose = {name for name in given if not _compared(function, name)}
    counted = sorted({name for name, limit in pairs if limit in loose} - set(given))
    return given + counted[:_MAX_COUNTED]


def _compared(function: Function, name: str) -> bool:
    who = re.escape(name)
    sums = function.find(
        rf"\blet\s+(\w+)\s*=\s*[^;]{{0,200}}\b{who}\b[^;]{{0,200}}\b(?:checked|saturating)_|"
        rf"\blet\s+(\w+)\s*=\s*[^;]{{0,200}}\b(?:checked|saturating)_\w+\s*\([^;]{{0,200}}\b{who}\b"
    )
    held = {match.group(1) or match.group(2) for match in sums}
    if any(_is_compared(function, one) for one in sorted(held)[:_MAX_COUNTED]):
        return True
    return _is_compared(function, name)


def _is_compared(function: Function, name: str) -> bool:
    who = re.escape(name)
    return function.has(
        rf"\b{who}\b[^;{{}},]{{0,60}}(?:[<>]|[!=]=)|(?:[<>]=?|[!=]=)\s*{who}\b|\b(?:min|clamp|get)\s*\([^;]*\b{who}\b"
    )


def check_forgotten(file: RustFile) -> Iterator[Hit]:
    imported = re.search(r"\buse\s+(?:core|std)::mem::(?:\{[^}]*\bforget\b|forget\b)", file.code)
    name = r"(?<![\w.])(?:mem::)?forget" if imported else r"\bmem::forget"
    for function in file.live:
        yield from file.hits("rust-mem-forget", function, function.find(rf"{name}\s*\("))


def check_statics(file: RustFile) -> Iterator[Hit]:
    for node in file.root.find_all(kind="static_item"):
        if any(child.kind() == "mutable_specifier" for child in node.children()):
            yield file.hit_node("rust-static-mut", node)


CHECKS = (check_contract, check_access, check_forgotten, check_statics)
