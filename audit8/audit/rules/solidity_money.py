"""Checks of money in Solidity: calls that come back or fail silently, arithmetic, randomness, loops without a limit."""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.solidity_model import SolFile, SolFunction

_VALUE_CALL = r"\.\s*call\s*(?:\{[^{}]*\bvalue\b[^{}]*\}|\.\s*value\s*\([^;]*?\))(?:\s*\.\s*gas\s*\([^;]*?\))?\s*\("
_LOW_LEVEL = r"\.\s*(?:call|delegatecall|callcode|send)\s*(?:\{[^{}]*\}|\.\s*(?:value|gas)\s*\([^;]*?\))*\s*\("
_LOCKED = r"(?i)\b(?:locked|_status|entered|mutex|reentran\w*)\b"
_BLOCK = r"(?:\bblock\.(?:timestamp|number|difficulty|prevrandao|coinbase)\b|\bblockhash\s*\(|(?<![\w.])now\b)"
_CHANCE = r"(?i)rand|lottery|lucky|winner|raffle|dice|shuffle|seed\b|gambl|coin_?flip|\broll"
_WRITE = (
    r"(?<![\w.])(?:{names})\s*(?:\[[^;\]]*\]\s*|\.\w+\s*)*(?:[-+*]?=(?!=)|\+\+|--|\.\s*(?:push|pop)\s*\()"
    r"|\bdelete\s+(?:{names})\b"
)
_LITERAL = r"[\d_.]+(?:e\d+)?"


def check_reentry(file: SolFile) -> Iterator[Hit]:
    names = "|".join(map(re.escape, file.state))
    for function in file.functions if names else ():
        if function.kind != "function_definition" or re.search(r"(?i)nonreentrant|\block\b|mutex", function.head):
            continue
        for match in function.find(_VALUE_CALL):
            rest = function.body[match.end() :]
            if not function.has(_LOCKED) and re.search(_WRITE.replace("{names}", names), rest):
                yield from file.hits("contract-reentrancy", function, [match])


def check_results(file: SolFile) -> Iterator[Hit]:
    for function in file.functions:
        for node in function.node.find_all(kind="expression_statement"):
            code = file.code_of(node)
            call = re.match(rf"[\w.()\[\]\s]*?{_LOW_LEVEL}", code)
            if call and not re.match(r"\s*(?:require|assert|if|return)\b", code) and not _tokens_send(code):
                start = node.range().start.index
                yield file.hit("solidity-call-unchecked", start, start + len(code))
        for match in function.find(rf"\(\s*bool\s+(\w+)\s*,?[^)]*\)\s*=\s*[^;]*?{_LOW_LEVEL}[^;]*;"):
            if not re.search(rf"\b{match.group(1)}\b", function.body[match.end() :]):
                yield from file.hits("solidity-call-unchecked", function, [match])


def _tokens_send(code: str) -> bool:
    """Whether send() has the arguments of a token's: it reverts by itself."""
    return re.search(r"\.\s*send\s*\([^;]*,", code) is not None


def check_wrapping(file: SolFile) -> Iterator[Hit]:
    for function in file.functions:
        if function.kind == "modifier_definition" or not function.contract or re.search(r"\bpure\b", function.head):
            continue
        parts = [(function.at, function.body)] if file.wraps else []
        parts = parts or [
            (node.range().start.index, file.code_of(node))
            for node in function.node.find_all(kind="block_statement")
            if file.code_of(node).startswith("unchecked")
        ]
        for at, part in parts:
            for start, end in _wrapping_in(function, part):
                yield file.hit("solidity-wrapping", at + start, at + end)


def _wrapping_in(function: SolFunction, part: str) -> Iterator[tuple[int, int]]:
    """Sums and differences with a parameter that is compared with nothing in the function."""
    given = [name for name, kind in function.parameters.items() if re.match(r"u?int\d*$", kind)]
    for name in given:
        if function.has(rf"\b{name}\b[^;{{}}]{{0,80}}[<>]=?|[<>]=?[^;{{}}]{{0,80}}\b{name}\b"):
            continue
        changed = (
            rf"[-+*]=\s*{name}\b|(?<![\w.]){name}\s*\*\s*[A-Za-z_][\w.]*|"
            rf"[\w\])]\s*[-*]\s*{name}\b|[\w\])]\s*\+\s*{name}\s*;"
        )
        for match in re.finditer(changed, part):
            yield match.span()


def check_random(file: SolFile) -> Iterator[Hit]:
    for function in file.functions:
        chance = re.search(_CHANCE, function.name) or function.has(_CHANCE)
        hashed = rf"\b(?:keccak256|sha3|sha256)\s*\([^;]*?{_BLOCK}[^;]*"
        for match in function.find(hashed):
            if chance or "%" in match.group():
                yield from file.hits("contract-weak-random", function, [match])
        if chance:
            yield from file.hits("contract-weak-random", function, function.find(rf"{_BLOCK}[^;%]{{0,60}}%"))


def check_division(file: SolFile) -> Iterator[Hit]:
    for node in file.root.find_all(kind="binary_expression"):
        parts = node.children()
        if len(parts) != 3:
            continue
        operator, start = parts[1].text(), node.range().start.index
        if operator == "*" and any(_loses(one, other) for one, other in (parts[::2], parts[2::-2])):
            yield file.hit("contract-divide-first", start, node.range().end.index)
        literal = re.fullmatch(r"(?:2|10)", parts[0].text())
        if (
            operator == "^"
            and literal
            and re.fullmatch(rf"{_LITERAL}|(?i:\w*(?:decimals|exp\w*|power))", parts[2].text())
        ):
            yield file.hit("xor-as-power", start, node.range().end.index)
    for function in file.functions:
        chained = r"\.\s*div\s*\(([^();]*)\)\s*\.\s*mul\s*\((?!\s*\1\s*\))"
        yield from file.hits("contract-divide-first", function, function.find(chained))


def _bare(node: SgNode) -> SgNode:
    """The expression without brackets."""
    while node.kind() in ("expression", "parenthesized_expression", "tuple_expression"):
        inside = [child for child in node.children() if child.is_named()]
        if len(inside) != 1:
            break
        node = inside[0]
    return node


def _loses(one: SgNode, other: SgNode) -> bool:
    bare = _bare(one)
    parts = bare.children()
    if bare.kind() != "binary_expression" or len(parts) != 3 or parts[1].text() != "/":
        return False
    constant = re.fullmatch(_LITERAL, parts[0].text()) and re.fullmatch(_LITERAL, parts[2].text())
    if re.search(r"\+\s*\(?\s*(?:\d+|[\w.]+\s*-\s*1)\s*\)*$", parts[0].text()):
        return False  # Rounding up, which is meant.
    return not constant and parts[2].text() != _bare(other).text()


def check_loops(file: SolFile) -> Iterator[Hit]:
    lists = [name for name, kind in file.state.items() if re.search(r"\[\s*\]\s*$", kind)]
    for function in file.functions if lists else ():
        if not function.open:
            continue
        for node in function.node.find_all(kind="for_statement"):
            code = file.code_of(node)
            over = re.search(rf"<=?\s*(?:{'|'.join(map(re.escape, lists))})\s*\.\s*length", code.partition("{")[0])
            if over and re.search(r"\.\s*(?:transfer|send|call)\b|=(?!=)", code.partition("{")[2]):
                start = node.range().start.index
                yield file.hit("contract-unbounded-loop", start, start + len(code))


CHECKS = (check_reentry, check_results, check_wrapping, check_random, check_division, check_loops)
