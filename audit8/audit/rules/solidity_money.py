"""Checks of money in Solidity: calls that come back or fail silently, arithmetic, randomness, loops without a limit."""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.solidity_model import SolFile, SolFunction

_VALUE_CALL = (
    r"\.\s*call\s*(?:\{[^{}]*\bvalue\b[^{}]*\}|\.\s*value\s*\([^;]*?\))(?:\s*\.\s*gas\s*\([^;]*?\))?\s*\(|"
    r"\b(?:sendValue|functionCallWithValue)\s*\("
)
_LOW_LEVEL = r"\.\s*(?:call|delegatecall|callcode|send)\s*(?:\{[^{}]*\}|\.\s*(?:value|gas)\s*\([^;]*?\))*\s*\("
_BLOCK = r"(?:\bblock\.(?:timestamp|number|difficulty|prevrandao|coinbase)\b|\bblockhash\s*\(|(?<![\w.])now\b)"
_CHANCE = r"(?i)rand|lottery|lotto|jackpot|guess|bingo|lucky|winner|raffle|dice|shuffle|seed\b|gambl|coin_?flip|\broll"
_WRITE = (
    r"(?<![\w.])(?:{names})\s*(?:\[[^;\]]*\]\s*|\.\w+\s*)*(?:[-+*]?=(?!=)|\+\+|--|\.\s*(?:push|pop)\s*\()"
    r"|\bdelete\s+(?:{names})\b"
)
_TOKENS_OUT = (
    r"\.\s*(?:safeT|t)ransfer\s*\(\s*[^(),;]{1,60}(?:\([^()]{0,60}\))?\s*,[^;]{1,200};|"
    r"\.\s*send\s*\([^;,]{1,80},[^;,]{1,80},[^;]{1,80};"
)
_LOWERED = (
    r"(?<![\w.])(?:{names})\s*(?:\[[^;\]]*\]\s*|\.\w+\s*)*(?:-=|=\s*(?:0|false)\s*;|=[^;=]*-)|\bdelete\s+(?:{names})\b"
)
_COIN = r"(?i)^I?(?:ERC(?:20|777|677)\w*|\w*Token\w*|\w*Coin)$"
_MAX_PARTS = 20
_LITERAL = r"[\d_.]+(?:e\d+)?"


def check_reentry(file: SolFile) -> Iterator[Hit]:
    for function in file.functions if file.state else ():
        if function.kind != "function_definition" or file.locks(function):
            continue
        names = "|".join(map(re.escape, [*file.state, *_pointers(file, function)]))
        for match in function.find(_VALUE_CALL):
            rest = function.body[match.end() :]
            if re.search(_WRITE.replace("{names}", names), rest):
                yield from file.hits("contract-reentrancy", function, [match])


def _pointers(file: SolFile, function: SolFunction) -> Iterator[str]:
    """Names that stand for a stored record: `Account storage a = accounts[who];`, `var a = accounts[who];`."""
    for match in function.find(r"\b(?:\w+\s+storage|var)\s+(\w+)\s*=\s*(\w+)\s*[\[.]"):
        if match.group(2) in file.state:
            yield match.group(1)


def check_token_reentry(file: SolFile) -> Iterator[Hit]:
    """Tokens sent before the record that allowed it is lowered: some tokens call their receiver."""
    records = [name for name, kind in file.state.items() if kind.startswith("mapping")]
    for function in file.functions if records else ():
        if not function.open or file.locks(function):
            continue
        sent = next(function.find(_TOKENS_OUT), None)
        if sent is None:
            continue
        before, rest = function.body[: sent.start()], function.body[sent.end() :]
        asked = set(re.findall(r"\b(\w+)\s*\[", before))
        names = "|".join(re.escape(name) for name in records if name in asked)
        if names and re.search(_LOWERED.replace("{names}", names), rest):
            yield from file.hits("contract-reentrancy", function, [sent])


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


def check_tokens(file: SolFile) -> Iterator[Hit]:
    """A token's transfer whose answer nobody looks at: not every token reverts."""
    held = {name for name, kind in file.variables.items() if re.search(_COIN, kind)}
    for function in file.functions:
        tokens = held | {name for name, kind in function.parameters.items() if re.search(_COIN, kind)}
        for node in function.node.find_all(kind="expression_statement"):
            called = re.match(
                r"\s*(\w+)\s*(\([^()]*\))?\s*\.\s*(?:transfer|transferFrom)\s*\([^;]*,", file.code_of(node)
            )
            if called and ((called.group(2) and re.search(_COIN, called.group(1))) or called.group(1) in tokens):
                yield file.hit("solidity-token-unchecked", node.range().start.index, node.range().end.index)


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
        checked = "" if file.wraps else _without(function.body, [part for _, part in parts])
        for at, part in parts:
            for start, end in _wrapping_in(function, part, checked):
                yield file.hit("solidity-wrapping", at + start, at + end)


def _without(body: str, parts: list[str]) -> str:
    for part in parts[:_MAX_PARTS]:
        body = body.replace(part, "", 1)
    return body


def _wrapping_in(function: SolFunction, part: str, checked: str) -> Iterator[tuple[int, int]]:
    """Sums and differences with a parameter that is compared with nothing in the function.

    One that another sum of the function, outside `unchecked`, has taken already is in range: what one balance lost,
    another can get.
    """
    given = [name for name, kind in function.parameters.items() if re.match(r"u?int\d*$", kind)]
    for name in given:
        # A difference that has no sign is never below zero, so this asks nothing.
        yield from (match.span() for match in re.finditer(rf"[\w\])]\s*-\s*{name}\s*>=\s*0\b", part))
        if function.has(rf"\b{name}\b[^;{{}}]{{0,80}}[<>]=?|[<>]=?[^;{{}}]{{0,80}}\b{name}\b"):
            continue
        if re.search(rf"[-+]=\s*{name}\b|[-+]\s*{name}\s*;", checked):
            continue
        changed = (
            rf"[-+*]=\s*{name}\b|(?<![\w.]){name}\s*\*\s*[A-Za-z_][\w.]*|"
            rf"[\w\])]\s*[-*]\s*{name}\b|[\w\])]\s*\+\s*{name}\s*;"
        )
        for match in re.finditer(changed, part):
            made = re.search(r"\b(\w+)\s*=[^;=]{0,80}$", part[max(0, match.start() - 120) : match.start() + 1])
            # A sum that is compared with what it was made of is looked at after it was made.
            if made is None or not function.has(rf"\b{made.group(1)}\s*[<>]=?|[<>]=?\s*{made.group(1)}\b"):
                yield match.span()


def check_random(file: SolFile) -> Iterator[Hit]:
    for node in file.root.find_all(kind="state_variable_declaration"):
        code, start = file.code_of(node), node.range().start.index
        if re.search(rf"=[^;]*\b(?:keccak256|sha3|sha256)\s*\([^;]{{0,200}}?{_BLOCK}", code):
            yield file.hit("contract-weak-random", start, start + len(code))
    for function in file.functions:
        chance = re.search(_CHANCE, function.name) or function.has(_CHANCE)
        hashed = rf"\b(?:keccak256|sha3|sha256)\s*\([^;]*?{_BLOCK}[^;]*"
        for match in function.find(hashed):
            if chance or "%" in match.group():
                yield from file.hits("contract-weak-random", function, [match])
        yield from file.hits("contract-weak-random", function, function.find(r"\bblockhash\s*\([^;]{0,80}%"))
        if chance or function.has(r"\.\s*(?:transfer|send)\s*\(|\bvalue\s*:"):
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


def check_push(file: SolFile) -> Iterator[Hit]:
    """The one before is paid back before the next one takes the place: who refuses the money keeps the place."""
    stored = [name for name, kind in file.state.items() if kind.startswith("address")][:_MAX_PARTS]
    for function in file.functions if stored else ():
        for name in stored if function.open else ():
            asked = r"(?P<asked>\b(?:require|if)\s*\(\s*!?\s*)?(?:payable\s*\(\s*)?"
            paid = rf"{asked}\b{name}\s*\)?\s*\.\s*(?P<by>transfer|send|call)\b"
            first = next(function.find(paid), None)
            taken = function.has(rf"(?<![\w.]){name}\s*=\s*(?:payable\s*\(\s*)?msg\.sender\b")
            if first and taken and (first.group("asked") or first.group("by") == "transfer"):
                yield from file.hits("solidity-push-refund", function, [first])


CHECKS = (
    check_push,
    check_reentry,
    check_token_reentry,
    check_results,
    check_tokens,
    check_wrapping,
    check_random,
    check_division,
    check_loops,
)
