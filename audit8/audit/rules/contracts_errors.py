"""Checks of how contracts fail: values that may be absent, panics, assertions, and results that say nothing.

Only functions that somebody outside can reach are looked at. A configuration that set-up stored is taken to be there.
"""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import Function, RustFile

_ASKED = {"ink", "soroban", "substrate", "cosmwasm"}
_PANICS = ("panic", "unreachable", "todo", "unimplemented")
_ASSERTS = ("assert", "assert_eq", "assert_ne")
_CHECKED = r"\.\s*checked_\w+\s*\([^;]*\)\s*$"
_FIXED_KEY = r"\.\s*get\s*(?:::\s*<[^;()]{0,80}>)?\s*\(\s*(?:&?\(?(?:\w+::)*[A-Z]\w*)?\)?\s*\)\s*$"
_PAYMENT = r"(?:try_)?(?:transfer|transfer_from|send|invoke|try_invoke|burn|mint|approve)"


def check_absent(file: RustFile) -> Iterator[Hit]:
    """unwrap() and expect()."""
    for function in _asked(file):
        for match in function.find(r"\.\s*(?:unwrap|expect)\s*\("):
            before = _receiver(function.body, match.start())
            if not _is_there(function, before, file):
                yield from file.hits("contract-unwrap", function, [match])


def _asked(file: RustFile) -> Iterator[Function]:
    if file.frameworks & _ASKED:
        yield from (one for one in file.reachable if not one.setup)


def _receiver(body: str, end: int) -> str:
    """The text of the statement before the offset."""
    return body[max(body.rfind(mark, 0, end) for mark in ";{}") + 1 : end]


def _is_there(function: Function, receiver: str, file: RustFile) -> bool:
    if re.search(_FIXED_KEY, receiver):
        return True
    key = re.search(r"\.\s*get\s*(?:::\s*<[^;()]{0,80}>)?\s*\(\s*&?(\w+)\s*\)\s*$", receiver)
    if key and function.has(rf"\blet\s+{key.group(1)}\s*(?::[^=;]{{1,40}})?=\s*(?:\w+::)*[A-Z]\w*\s*;"):
        return True
    element = re.search(r"([\w.]+?)\s*\.\s*get\s*\(\s*&?(\w+)(?:\s+as\s+\w+)?\s*\)\s*$", receiver)
    if element and function.has(rf"\b{re.escape(element.group(1))}\s*\.\s*(?:len|is_empty)\s*\("):
        return True
    if re.search(_CHECKED, receiver) and not file.frameworks & {"ink", "substrate"}:
        return True
    last = re.search(r"(\w+)\s*(?:\.\s*clone\s*\(\s*\)\s*)?$", receiver)
    if last and function.has(rf"\b{last.group(1)}\s*\.\s*is_(?:some|ok|none|err)\s*\("):
        return True
    return function.has(r"\bcontains(?:_key)?\s*\(|\.\s*has\s*\(") and bool(re.search(r"\.\s*get\b", receiver))


def check_panics(file: RustFile) -> Iterator[Hit]:
    for function in _asked(file):
        names = "|".join(_PANICS)
        yield from file.hits("contract-panic", function, function.find(rf"(?<![\w:])(?:{names})!\s*[(\[{{]"))
        names = "|".join(_ASSERTS)
        yield from file.hits("contract-assert", function, function.find(rf"(?<![\w:])(?:{names})!\s*[(\[{{]"))
        if "substrate" in file.frameworks:
            yield from file.hits("pallet-error-other", function, function.find(r"\bDispatchError::Other\s*\("))


def check_constant(file: RustFile) -> Iterator[Hit]:
    """A Result<T, E> of the contract's own whose every end is the same variant."""
    if not file.frameworks & {"ink", "soroban"}:
        return
    for function in file.live:
        if function.trait or not re.match(r"Result\s*<[^<>]*(?:<[^<>]*>[^<>]*)?,", function.returns):
            continue
        if function.has(r"\?|\b(?:try_\w+|ok_or|ok_or_else|map_err|and_then|map|unwrap_or_else|into)\s*\("):
            continue
        ends = [*_ends(file, function)]
        variants = {re.match(r"(?:\w+::)*(Ok|Err)\s*\(", end) for end in ends}
        found = {match.group(1) if match else "" for match in variants}
        if len(found) == 1 and "" not in found:
            yield file.hit("constant-result", function.start, function.at)


def _ends(file: RustFile, function: Function) -> Iterator[str]:
    """The expressions that a function's value can come from."""
    for node in function.node.find_all(kind="return_expression"):
        yield file.code_of(node).removeprefix("return").strip()
    pending = [function.node.field("body")]
    while pending:
        node = pending.pop()
        if node is None:
            continue
        if node.kind() in ("block", "match_block", "expression_statement"):
            pending += _last(node)
        elif node.kind() == "if_expression":
            pending += [node.field("consequence"), node.field("alternative")]
        elif node.kind() == "else_clause":
            pending += [child for child in node.children() if child.is_named()]
        elif node.kind() == "match_expression":
            pending.append(node.field("body"))
        elif node.kind() == "match_arm":
            pending.append(node.field("value"))
        elif node.kind() != "return_expression":
            yield file.code_of(node)


def _last(node: SgNode) -> list[SgNode | None]:
    named = [child for child in node.children() if child.is_named() and "comment" not in child.kind()]
    if node.kind() == "match_block":
        return list(named)
    if node.kind() == "block" and named and named[-1].kind() == "expression_statement":
        inner = named[-1].child(0)
        ends = ("return_expression", "if_expression", "match_expression")
        return [inner] if inner is not None and inner.kind() in ends else []
    return list(named[-1:])


def check_dropped(file: RustFile) -> Iterator[Hit]:
    for function in file.live if file.contract else ():
        dropped = (
            rf"\blet\s+_\s*=\s*[^;{{}}]{{0,200}}\b{_PAYMENT}\s*\([^;?]*;|"
            rf"\b{_PAYMENT}\s*\([^;?]*\)\s*\.\s*ok\s*\(\s*\)\s*;"
        )
        yield from file.hits("result-dropped", function, function.find(dropped))
        for node in function.node.find_all(kind="expression_statement"):
            code = file.code_of(node)
            if re.match(r"[\w.\s()&*\[\]]+?\.\s*(?:checked|saturating|wrapping)_(?:add|mul|pow)\s*\([^;={}]*;$", code):
                yield file.hit_node("result-dropped", node)


CHECKS = (check_absent, check_panics, check_constant, check_dropped)
