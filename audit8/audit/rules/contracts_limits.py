"""Checks of what grows without a limit (loops over stored records, stored lists, weights) and of missing elements.

Knows which names of a function were loaded from storage, by the way that each framework loads.
"""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import Function, RustFile

_LOADS = r"\bstorage\s*\(\s*\)|\b(?:get|load|read)_\w*\s*\(|\bself\.|\.\s*load\s*\(|\bSelf::get\w*\s*\("
_LIMITS = r"\.\s*take\s*\(|\bmin\s*\(|\bMAX\w*\b|(?i:\w*max_\w+|\w*limit\w*|page_size|batch)"
_ADMIN = (
    r"\brequire_auth|\bensure_(?:signed|root|owner|admin)"
    r"|\b(?:only|ensure|assert|require|check|is)_\w*(?:owner|admin|auth|role)"
    r"|(?:caller\s*(?:\(\s*\))?)\s*[!=]=|[!=]=\s*[\w.:()]*caller"
)
_CHANGES = (
    r"\b(?:transfer|credit|debit|mint|burn|pay|distribute|refund)\w*\s*\(|"
    r"(?:\.|::)\s*(?:set|insert|remove|mutate|put|push|push_back|pay|send)\s*\(|\bself\.[\w.\[\]]+\s*[-+*]?=(?!=)"
)


def _loaded(function: Function) -> set[str]:
    """Names that hold something from storage, or a part of such a name."""
    names: set[str] = set()
    for match in function.find(r"\blet\s+(?:mut\s+)?(\w+)\s*(?::[^=;]{1,60})?=\s*([^;]{1,300});"):
        root = re.match(r"[&*\s]*(\w+)", match.group(2))
        if re.search(_LOADS, match.group(2)) or (root and root.group(1) in names):
            names.add(match.group(1))
    return names


def _is_stored(code: str, names: set[str]) -> bool:
    used = set(re.findall(r"(?<![\w.])(\w+)", code.replace("..", " ")))  # Both ends of a range.
    return "self." in code or bool(used & names)


def check_counts(file: RustFile) -> Iterator[Hit]:
    """A loop that goes on to a number of the caller's, which nothing bounds."""
    chains = file.frameworks & {"ink", "soroban", "cosmwasm", "near"}
    for entry in file.entries if chains else ():
        counts = [name for name, kind in entry.parameters.items() if re.fullmatch(r"&?(?:u\d+|usize)", kind)]
        free = [
            name
            for name in map(re.escape, counts)
            if not entry.has(rf"\b{name}\s*[<>]|[<>]=?\s*{name}\b|\bmin\s*\(|(?i:max_|limit)")
        ]
        for node, over in _loops(entry.node) if free else ():
            if re.search(rf"\.\.=?\s*(?:{'|'.join(free)})\s*$", file.code_of(over)):
                yield file.hit_node("contract-unbounded-loop", node)


def check_loops(file: RustFile) -> Iterator[Hit]:
    for function in file.reachable:
        if not function.has(r"\b(?:for|while)\b") or not function.has(_CHANGES):
            continue
        names = _loaded(function)
        for node, over in _loops(function.node):
            code = file.code_of(over)
            if _is_unbounded(code, names, file) and not re.search(_LIMITS, code):
                yield file.hit_node("contract-unbounded-loop", node)


def _loops(root: SgNode) -> Iterator[tuple[SgNode, SgNode]]:
    for node in root.find_all(kind="for_expression"):
        if (value := node.field("value")) is not None:
            yield node, value
    for node in root.find_all(kind="while_expression"):
        if (condition := node.field("condition")) is not None:
            yield node, condition


def _is_unbounded(code: str, names: set[str], file: RustFile) -> bool:
    if "substrate" in file.frameworks:
        return re.search(r"::\s*iter(?:_keys|_values|_prefix\w*)?\s*\(", code) is not None
    return bool(file.frameworks & {"ink", "soroban", "cosmwasm", "near"}) and _is_stored(code, names)


def check_growth(file: RustFile) -> Iterator[Hit]:
    for entry in file.entries:
        if entry.setup or file.reaches(entry, _ADMIN) or entry.has(r"\.\s*len\s*\(\s*\)\s*(?:as\s+\w+\s*)?[<>=]"):
            continue
        names = _loaded(entry)
        for match in entry.find(r"\b(self\.\w+|[\w.]+)\s*\.\s*(?:push|push_back|push_front)\s*\("):
            held = match.group(1)
            field = held.rpartition(".")[2]
            listed = re.search(rf"\b{re.escape(field)}\s*:\s*[\w:]*\bVec\s*<", file.code)
            if (held.startswith("self.") and listed) or (
                "soroban" in file.frameworks and held.partition(".")[0] in names
            ):
                yield from file.hits("contract-unbounded-growth", entry, [match])


def check_dynamic(file: RustFile) -> Iterator[Hit]:
    """Soroban: a whole collection as the value of one entry."""
    for function in file.live if "soroban" in file.frameworks else ():
        given = function.typed(r"^&?(?:[\w:]*\b)?(?:Vec|Map)\s*<|^&?Bytes$")
        made = [
            match.group(1)
            for match in function.find(
                r"\blet\s+(?:mut\s+)?(\w+)\s*(?::\s*(?:Vec|Map)\s*<[^=;]{1,80})?=\s*(?:(?:Vec|Map)::|vec!|map!)"
            )
        ]
        made += [
            match.group(1) for match in function.find(r"\blet\s+(?:mut\s+)?(\w+)\s*:\s*(?:Vec|Map)\s*<[^=;]{1,80}=")
        ]
        for place, names in (("instance", [*given, *made]), ("persistent", given)):
            if names:
                values = "|".join(map(re.escape, names))
                stored = rf"\b{place}\s*\(\s*\)\s*\.\s*set\s*\([^;]*?,\s*&?(?:{values})\s*,?\s*\)"
                yield from file.hits("soroban-dynamic-storage", function, function.find(stored))


def check_weight(file: RustFile) -> Iterator[Hit]:
    for entry in file.entries if "substrate" in file.frameworks else ():
        named = re.search(r"WeightInfo\s*>?\s*::\s*(\w+)", entry.attributes)
        free = re.search(r"weight\s*\(\s*(?:\{\s*)?(?:0(?:_?u64)?|Weight::zero\s*\(\s*\))\s*\}?\s*\)", entry.attributes)
        if free or (named and named.group(1) != entry.name) or _ignores_length(file, entry):
            yield file.hit("pallet-weight", entry.start, entry.at)


def _ignores_length(file: RustFile, entry: Function) -> bool:
    """A weight that is the same for a list of any length, whose elements are gone through."""
    lists = "|".join(re.escape(name) for name in entry.typed(r"^(?:\w+::)*Vec\s*<"))
    fixed = re.search(r"weight\s*\(\s*(?:\{\s*)?(?:[\d_]+|Weight::from_\w+\s*\([\d_,\s]+\))", entry.attributes)
    if not lists or not fixed:
        return False
    looped = any(re.search(rf"\b(?:{lists})\b", file.code_of(over)) for _, over in _loops(entry.node))
    return looped and not entry.has(rf"\b(?:{lists})\s*\.\s*len\s*\(\s*\)[^;{{}}]{{0,40}}[<>]")


def check_lifetime(file: RustFile) -> Iterator[Hit]:
    """Soroban: an extension whose target is its threshold is paid for at every call."""
    for function in file.live if "soroban" in file.frameworks else ():
        same = r"\bextend_ttl\s*\((?:[^;,]*,)?\s*([\w:.()]{1,60}?)\s*,\s*\1\s*,?\s*\)"
        yield from file.hits("soroban-ttl", function, function.find(same))


def check_recursion(file: RustFile) -> Iterator[Hit]:
    """A function that calls itself and has no other way out."""
    for function in file.live:
        inside = any(outer.kind() == "impl_item" for outer in function.node.ancestors())
        owner = r"(?<![\w.:])(?:Self::|self\.)" if inside else r"(?<![\w.:])"
        found = next(function.find(rf"{owner}{re.escape(function.name)}\s*\("), None)
        hidden = function.trait or function.has(rf"\b(?:let|fn)\s+(?:mut\s+)?{re.escape(function.name)}\b")
        if (
            found
            and not hidden
            and not function.has(r"\b(?:if|match|while|for|loop|return)\b|\?|&&|\|\||=>|\|\s*\w*\s*\|")
        ):
            yield from file.hits("endless-recursion", function, [found])


def check_elements(file: RustFile) -> Iterator[Hit]:
    """An index that is not tied to the length of what it indexes."""
    for function in file.reachable:
        yield from file.hits("contract-index-unchecked", function, function.find(r"\.\s*get_unchecked(?:_mut)?\s*\("))
        for name in [one for one in function.parameters if one != "self"]:
            who = re.escape(name)
            if not function.has(rf"\b{who}\b[^;{{}}]{{0,40}}[<>]|[<>]=?\s*{who}\b"):
                used = rf"(?<=[\w)\]])\[\s*{who}(?:\s+as\s+usize)?\s*\]"
                yield from file.hits("contract-index-unchecked", function, function.find(used))
        yield from _loop_elements(file, function)


def _loop_elements(file: RustFile, function: Function) -> Iterator[Hit]:
    for node in function.node.find_all(kind="for_expression"):
        pattern, value, body = node.field("pattern"), node.field("value"), node.field("body")
        if pattern is None or value is None or body is None or value.kind() != "range_expression":
            continue
        index = re.escape(pattern.text())
        at = rf"{index}(?:\s+as\s+\w+)?"
        used = rf"([\w.]+)(?:\[\s*{at}\s*\]|\s*\.\s*get\s*\(\s*&?{at}\s*\)\s*(?:\?|\.\s*(?:unwrap|expect|ok_or)\b))"
        for match in re.finditer(used, file.code_of(body)):
            if f"{match.group(1)}.len" not in file.code_of(value).replace(" ", ""):
                start = body.range().start.index
                yield file.hit("contract-index-unchecked", start + match.start(), start + match.end())


CHECKS = (
    check_loops,
    check_counts,
    check_growth,
    check_dynamic,
    check_weight,
    check_lifetime,
    check_recursion,
    check_elements,
)
