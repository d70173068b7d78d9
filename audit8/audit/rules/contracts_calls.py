"""Checks of what stands around a contract: calls that come back, prices that others move, numbers that others know."""

import re
from collections.abc import Iterator

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import Function, RustFile

_BLOCK = (
    r"(?:\bblock_timestamp\s*\(\s*\)|\bblock_number\s*\(\s*\)|\bledger\s*\(\s*\)\s*\.\s*(?:timestamp|sequence)\s*\(\s*\)|"
    r"\bblock\.(?:time|height)\b|\bunix_timestamp\b|\bclock\.slot\b|\bblock_height\s*\(\s*\)|\bblock_index\s*\(\s*\))"
)
_CHANCE = r"(?i)rand|lottery|lucky|winner|raffle|dice|shuffle|seed|gamble|roll\b|coin_?flip|\bdraw\b"
_SCHEDULE = r"(?i)period|interval|duration|epoch|day|week|hour|minute|second|window|cycle|length|frequency|rate"
_WRITE = r"\bself\.[\w.]+\s*\.\s*(?:insert|set|remove|take|push)\s*\(|\bself\.[\w.]+\s*[-+*]?=(?!=)"
_PRICED = (
    r"\blet\s+(?:mut\s+)?(\w+)\s*(?::[^=;]{1,40})?=\s*(?:Self::|self\.|\w+::)?"
    r"\w*(?:price|rate|convert|conversion|swap|quote|exchange|amount_out|get_out)\w*\s*\("
)
_TRANSFER = r"\.\s*(?:transfer|transfer_from|mint)\s*\([^;]*?&?\b{name}\b\s*,?\s*\)"
_LIMITED = r"\b{name}\s*(?:<|>)=?|(?:<|>)=?\s*&?{name}\b|\b(?:min|max)\w*\s*\([^;]*\b{name}\b"


def check_random(file: RustFile) -> Iterator[Hit]:
    for function in file.live if file.contract else ():
        if not function.has(_BLOCK):
            continue
        names = [rf"(?<![.\w]){re.escape(name)}\b" for name in _from_block(function)]
        source = f"(?:{'|'.join([_BLOCK, *names])})"
        chance = re.search(_CHANCE, function.name) or function.has(_CHANCE)
        for match in function.find(rf"{source}[^;%]{{0,60}}%\s*&?([\w.:]+)"):
            divisor = match.group(match.re.groups)
            constant = re.fullmatch(r"[\d_]+(?:[ui]\d+)?|(?:\w+::)*[A-Z][A-Z0-9_]*", divisor)
            if chance or not (constant or re.search(_SCHEDULE, divisor)):
                yield from file.hits("contract-weak-random", function, [match])
        if chance:
            seeded = rf"\b(?:seed_from_u64|from_seed|keccak\w*|sha\w*|blake\w*|hash\w*)\s*\([^;]{{0,80}}?{source}"
            yield from file.hits("contract-weak-random", function, function.find(seeded))


def _from_block(function: Function) -> list[str]:
    found = function.find(rf"\blet\s+(?:mut\s+)?(\w+)\s*(?::[^=;]{{1,40}})?=[^;]{{0,120}}?{_BLOCK}")
    return [match.group(1) for match in found]


def check_reentry(file: RustFile) -> Iterator[Hit]:
    """ink! refuses calls that come back unless the call allows them."""
    for function in file.live if "ink" in file.frameworks else ():
        for match in function.find(r"\bset_allow_reentry\s*\(\s*true\s*\)|\bALLOW_REENTRY\b"):
            if re.search(_WRITE, function.body[match.end() :]):
                yield from file.hits("contract-reentrancy", function, [match])


def check_price(file: RustFile) -> Iterator[Hit]:
    for function in file.entries:
        for match in function.find(_PRICED):
            name = re.escape(match.group(1))
            rest = function.body[match.end() :]
            paid = re.search(_TRANSFER.format(name=name), rest)
            if paid and not re.search(_LIMITED.format(name=name), rest):
                yield file.hit(
                    "contract-price-not-bounded", function.at + match.start(), function.at + match.end() + paid.end()
                )


CHECKS = (check_random, check_reentry, check_price)
