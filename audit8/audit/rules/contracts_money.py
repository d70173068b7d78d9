"""Checks of amounts: the order of division, powers, wrapping, narrowing casts (Rust contracts).

Knows the tree of one expression and the values that a name was given in the same function; knows no types.
"""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import Function, RustFile

_WRAPPERS = ("parenthesized_expression", "type_cast_expression", "try_expression", "reference_expression")
_DIVISIONS = ("checked_div", "saturating_div", "wrapping_div", "div", "div_euclid", "checked_div_euclid")
_PRODUCTS = ("checked_mul", "saturating_mul", "wrapping_mul", "mul")
_PASSES = ("unwrap", "expect", "unwrap_or", "unwrap_or_default", "unwrap_or_else", "ok_or", "ok_or_else", "into", "ok",
           "clone", "map_err")  # fmt: skip
_FLOATS = r"\bf(?:32|64)\b|\b\d+\.\d+\b"
_MAX_STEPS = 12
_WIDTH = {"u8": 8, "i8": 8, "u16": 16, "i16": 16, "u32": 32, "i32": 32, "u64": 64, "i64": 64, "usize": 64,
          "u128": 128, "i128": 128, "Balance": 128}  # fmt: skip


def _operator(node: SgNode) -> str:
    found = node.field("operator")
    return found.text() if found else ""


def _method(node: SgNode) -> tuple[str, SgNode | None, SgNode | None]:
    """Of `a.name(b, ...)`: the name, a, and b."""
    function, arguments = node.field("function"), node.field("arguments")
    if node.kind() != "call_expression" or function is None or function.kind() != "field_expression":
        return "", None, None
    name, given = function.field("field"), arguments
    inside = [child for child in given.children() if child.is_named()] if given else []
    return name.text() if name else "", function.field("value"), inside[0] if inside else None


def _bare(node: SgNode | None) -> SgNode | None:
    """The expression without brackets, casts, ?, and calls that only unwrap it."""
    for _ in range(_MAX_STEPS):
        if node is None:
            return None
        if node.kind() in _WRAPPERS:
            node = node.field("value") or next((child for child in node.children() if child.is_named()), None)
            continue
        name, receiver, _first = _method(node)
        if name not in _PASSES:
            return node
        node = receiver
    return node


def _divisor(node: SgNode | None) -> str | None:
    """The divisor, when the bare expression is a division."""
    node = _bare(node)
    if node is None:
        return None
    if node.kind() == "binary_expression" and _operator(node) == "/":
        left, right = node.field("left"), node.field("right")
        if left is not None and re.search(r"\+\s*\(?\s*(?:[\d_]+|[\w.]+\s*-\s*1)\s*\)*$", left.text()):
            return None  # Rounding up, which is meant.
        return right.text() if right else ""
    name, _receiver, first = _method(node)
    return first.text() if name in _DIVISIONS and first else None


def _multiplied(node: SgNode | None) -> bool:
    """Whether the dividend is a product: the order is right, whatever is done with the quotient later."""
    bare = _bare(node)
    if bare is None:
        return False
    dividend = _bare(bare.field("left") if bare.kind() == "binary_expression" else _method(bare)[1])
    if dividend is None:
        return False
    return _method(dividend)[0] in _PRODUCTS or (dividend.kind() == "binary_expression" and _operator(dividend) == "*")


def _divided_names(file: RustFile, function: Function) -> dict[str, str]:
    """Names that were given the outcome of a plain division, with the divisor."""
    found = {}
    for node in function.node.find_all(kind="let_declaration"):
        value = node.field("value")
        pattern, divisor = node.field("pattern"), _divisor(value)
        if pattern is not None and divisor is not None and not _multiplied(value):
            found[file.code_of(pattern).removeprefix("mut ").strip()] = divisor
    return found


def check_division(file: RustFile) -> Iterator[Hit]:
    for function in file.live if file.contract else ():
        if not re.search(r"/|div", function.body) or function.has(_FLOATS) or function.returns == "Weight":
            continue
        names = _divided_names(file, function)
        for node, left, right in _products(function.node):
            if _loses(left, right, names) or _loses(right, left, names):
                yield file.hit_node("contract-divide-first", node)


def _products(root: SgNode) -> Iterator[tuple[SgNode, SgNode | None, SgNode | None]]:
    for node in root.find_all(kind="binary_expression"):
        if _operator(node) == "*":
            yield node, node.field("left"), node.field("right")
    for node in root.find_all(kind="compound_assignment_expr"):
        if _operator(node) == "*=":
            yield node, node.field("left"), node.field("right")
    for node in root.find_all(kind="call_expression"):
        name, receiver, first = _method(node)
        if name in _PRODUCTS:
            yield node, receiver, first


def _loses(one: SgNode | None, other: SgNode | None, names: dict[str, str]) -> bool:
    """Whether `one` is a quotient; rounding down to a multiple, (a / b) * b, is meant."""
    divisor = _divisor(one)
    bare = _bare(one)
    if divisor is None and bare is not None and bare.kind() == "identifier":
        divisor = names.get(bare.text())
    back = _bare(other)
    return divisor is not None and (back is None or back.text().lstrip("&") != divisor.lstrip("&"))


def check_power(file: RustFile) -> Iterator[Hit]:
    for node in file.root.find_all(kind="binary_expression"):
        if _operator(node) != "^":
            continue
        left, right, function = node.field("left"), node.field("right"), file.within(node)
        if left is None or right is None or function is None or function.test:
            continue
        if function.has(r"<<|>>|rotate_|(?i:hash|crc|checksum|xor|mask|rng)"):
            continue
        literals = [text for text in (left.text(), right.text()) if re.fullmatch(r"[1-9][\d_]*(?:[ui]\d+)?", text)]
        meant = re.search(r"(?i)^(?:exp|exponent|power|decimals?)$", right.text().rpartition(".")[2])
        many = [text for text in literals if not re.fullmatch(r"1(?:[ui]\d+)?", text)]
        if meant or (many and (file.contract or re.fullmatch(r"(?:2|10)(?:[ui]\d+)?", left.text()))):
            yield file.hit_node("xor-as-power", node)


# ---- wrapping ---------------------------------------------------------------------------------------------------
_LOADED = (
    r"\blet\s+mut\s+(\w+)\s*(?::[^=;]{1,60})?=\s*[^;]{0,200}?(?:\bstorage\s*\(\s*\)|\bget_state\s*\(|\bload_?\w*\s*\(|"
    r"\bself\.\w+\.get\w*\s*\(|\bget_\w+\s*\()"
)

_READ = (
    r"\blet\s+(?:mut\s+)?(\w+)\s*(?::[^=;]{1,60})?=\s*[^;]{0,200}?(?:>\s*::\s*get\s*\(|\bstorage\s*\(\s*\)|"
    r"\bself\.\w+\s*\.\s*get\w*\s*\()"
)


_READ_HERE = r"\bself\.\w+(?!\s*[.(])|\b\w+(?:::<\w+>)?::get\s*\([^();]{0,60}\)"


def check_wrapping(file: RustFile) -> Iterator[Hit]:
    """Stored amounts changed by a plain operator."""
    if not file.frameworks & {"ink", "soroban", "substrate", "near"}:
        return
    for function in file.reachable:
        if not re.search(r"[-+*]", function.body) or function.has(_FLOATS):
            continue
        loaded = {match.group(1) for match in function.find(_LOADED)}
        for kind in ("compound_assignment_expr", "assignment_expression"):
            for node in function.node.find_all(kind=kind):
                left, right = node.field("left"), node.field("right")
                if left and right and _stored(file.code_of(left), loaded) and _may_wrap(node, right):
                    yield file.hit_node("contract-unchecked-arithmetic", node)


def check_stored_sums(file: RustFile) -> Iterator[Hit]:
    """`insert(&who, old + amount)`: a sum of what was loaded goes back into storage."""
    if not file.frameworks & {"ink", "soroban", "substrate", "near"}:
        return
    for function in file.reachable:
        loaded = {match.group(1) for match in function.find(_READ)}
        if function.has(_FLOATS) or not re.search(r"[-+*]", function.body):
            continue
        yield from _named_sums(file, function, "|".join([*map(re.escape, sorted(loaded)), _READ_HERE]))
        if not loaded:
            continue
        names = "|".join(map(re.escape, sorted(loaded)))
        sums = (
            r"\b(?:insert|put|set)\s*\((?:[^;()]|\([^;()]{0,80}\)){0,200}?(?<=[(,&\s])"
            rf"(?P<at>({names})\s*([-+*])\s*([a-z_]\w*)\b)(?!\s*[.(])"
        )
        for match in function.find(sums):
            one, sign, other = match.group(2), match.group(3), match.group(4)
            pair = {re.escape(one), re.escape(other)}
            looked = "|".join(rf"\b{this}\s*[<>]=?\s*{that}\b" for this in pair for that in pair)
            if sign != "-" or not function.has(looked):
                at = function.at + match.start("at")
                yield file.hit("contract-unchecked-arithmetic", at, at + 1)


def _named_sums(file: RustFile, function: Function, names: str) -> Iterator[Hit]:
    """`let new = old + amount; ... set(&key, &new)`: the same through a name."""
    sums = rf"\blet\s+(?:mut\s+)?(\w+)\s*(?::[^=;]{{1,40}})?=\s*(?:{names})\s*([-+*])\s*(?!1\s*;)[^;?]{{1,120}};"
    stored = re.findall(r"\b(?:insert|put|set)\s*\(([^;]{0,300})|\bself\.[\w.]{1,60}\s*=\s*(\w+)\s*;", function.body)
    kept = set(re.findall(r"\w+", " ".join(f"{given} {name}" for given, name in stored)))
    looked = function.has(rf"\b(?:{names})\b[^;{{}}]{{0,40}}[<>]|[<>][^;{{}}]{{0,40}}\b(?:{names})\b")
    for match in function.find(sums):
        if match.group(1) in kept and not (match.group(2) == "-" and looked):
            yield from file.hits("contract-unchecked-arithmetic", function, [match])


def _stored(left: str, loaded: set[str]) -> bool:
    return left.startswith(("self.", "*")) or left.partition(".")[0] in loaded


def _may_wrap(node: SgNode, right: SgNode) -> bool:
    if node.kind() == "compound_assignment_expr":
        return _operator(node) in ("+=", "-=", "*=") and not re.fullmatch(r"1(?:_?[ui]\d+)?", right.text())
    bare = _bare(right)
    if bare is None:
        return False
    name, _receiver, _first = _method(bare)
    if name == "pow":
        return True
    last = bare.field("right") if bare.kind() == "binary_expression" else None
    return last is not None and _operator(bare) in ("+", "-", "*") and not re.fullmatch(r"1(?:_?[ui]\d+)?", last.text())


def check_casts(file: RustFile) -> Iterator[Hit]:
    """An amount that is a parameter, cast to a type that cannot hold all of it."""
    for function in file.live if file.contract else ():
        for name, kind in function.parameters.items():
            width = _WIDTH.get(kind.strip("& "), 0)
            narrow = [one for one, bits in _WIDTH.items() if bits < width and one != "Balance"]
            who = re.escape(name)
            if narrow and not function.has(rf"\b{who}\s*[<>]=?|[<>]=?\s*{who}\b|\b{who}\s*%"):
                cast = rf"(?<![\w.]){who}\s+as\s+(?:{'|'.join(narrow)})\b"
                yield from file.hits("contract-narrowing-cast", function, function.find(cast))


CHECKS = (check_division, check_power, check_wrapping, check_stored_sums, check_casts)
