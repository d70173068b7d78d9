"""Checks of Anchor's account structs together with the handlers that use them (solana.py has the claims).

Knows the structs of this file, their fields and what each attribute binds a field to; a struct that stands in another
file is not known, and nothing is said about it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from ast_grep_py import SgNode

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import Function, RustFile

_RIGHTS = r"(?:^|_)(?:authority|admin|owner|governor|operator|manager|creator)(?:_|$)"
_RAW = re.compile(r"\b(?:AccountInfo|UncheckedAccount)\s*<")
_HELD = re.compile(r"\b(?:Account|AccountLoader|InterfaceAccount)\s*<\s*'\w+\s*,\s*(\w+)\s*>")
_NEW = r"\binit(?:_if_needed)?\b|\bzero\b"
_SPL = ("TokenAccount", "Mint")
# So that a file made of structs, or a struct made of fields, stays linear.
_MAX_FIELDS, _MAX_ATTRIBUTE_CHARS, _MAX_COMPARED = 64, 1000, 40


@dataclass(frozen=True, slots=True)
class Field:
    """One account of a struct: its written type and the text of its attributes."""

    name: str
    kind: str
    attributes: str
    node: SgNode

    @property
    def raw(self) -> bool:
        return _RAW.search(self.kind) is not None

    @property
    def holds(self) -> str:
        """The record type of a typed account, or ""."""
        found = _HELD.search(self.kind)
        return found.group(1) if found else ""

    def says(self, pattern: str) -> bool:
        return re.search(pattern, self.attributes) is not None


def structs(file: RustFile) -> dict[str, list[Field]]:
    """The fields of every `#[derive(Accounts)]` struct, by the struct's name."""
    found = {}
    for node in file.root.find_all(kind="struct_item") if "anchor" in file.frameworks else ():
        name = node.field("name")
        if name is not None and "Accounts" in attributes_of(file, node):
            found[name.text()] = list(islice(_fields(file, node), _MAX_FIELDS))
    return found


def _fields(file: RustFile, struct: SgNode) -> Iterator[Field]:
    for node in struct.find_all(kind="field_declaration"):
        name, kind = node.field("name"), node.field("type")
        if name is not None and kind is not None:
            yield Field(name.text(), file.code_of(kind), attributes_of(file, node), node)


def attributes_of(file: RustFile, node: SgNode) -> str:
    """The attributes in front of a field or struct, comments and the contents of literals blanked."""
    found, before = [], node.prev()
    while before is not None and before.kind() in ("attribute_item", "line_comment", "block_comment"):
        if before.kind() == "attribute_item":
            found.append(file.code_of(before))
        before = before.prev()
    return " ".join(found)[:_MAX_ATTRIBUTE_CHARS]


def handlers(file: RustFile) -> Iterator[tuple[Function, list[Field]]]:
    """Every function that takes `Context<S>` of a struct of this file, or is a method of it, with its fields."""
    known = structs(file)
    for function in file.live if known else ():
        kinds = " ".join(function.parameters.values())
        taken = re.search(r"\bContext\s*<([^<>]*)", kinds)
        names = re.findall(r"(?<!')\b\w+", taken.group(1)) if taken else [_implemented(file, function)]
        if names and names[-1] in known:
            yield function, known[names[-1]]


def _implemented(file: RustFile, function: Function) -> str:
    """The type whose method this is: handlers may stand in an impl of the accounts."""
    outer = next((one for one in function.node.ancestors() if one.kind() == "impl_item"), None)
    kind = outer.field("type") if outer is not None and "self" in function.parameters else None
    return re.split(r"\W", file.code_of(kind), maxsplit=1)[0] if kind is not None else ""


def check_authority(file: RustFile) -> Iterator[Hit]:
    """A signer that nothing ties to the record which is changed in its name: any signer will do."""
    owners, loose, seen = _owner_fields(file), dict[int, list[tuple[Field, str]]](), set[int]()
    for function, fields in handlers(file):
        if id(fields) not in loose:
            loose[id(fields)] = list(_loose_fields(fields, owners))
        for field, signers in loose[id(fields)]:
            start = field.node.range().start.index
            if start in seen or "access_control" in function.attributes:
                continue
            keys = "|".join(map(re.escape, owners[field.holds]))
            changed = field.says(r"\bclose\s*=") or _is_changed(function, field.name)
            if changed and not _is_compared(file, function, signers, keys):
                seen.add(start)
                yield file.hit_node("solana-signer-not-bound", field.node)


def _loose_fields(fields: list[Field], owners: dict[str, set[str]]) -> Iterator[tuple[Field, str]]:
    """The records that the struct lets be changed without tying a signer to them, with the signers' names."""
    bound = " ".join(field.attributes for field in fields)
    for field in fields:
        keys = owners.get(field.holds)
        if not keys or not field.says(r"\bmut\b") or field.says(_NEW):
            continue
        names = "|".join(re.escape(one.name) for one in fields if "Signer" in one.kind and _acts(one, keys))
        tied = rf"\bhas_one\b|\b(?:constraint|address|seeds)\b[^\]]{{0,300}}\b(?:{names}|{re.escape(field.name)})\b"
        if names and not re.search(tied, bound):
            yield field, names


def _owner_fields(file: RustFile) -> dict[str, set[str]]:
    """By record type of this file: the fields that name somebody who may change it."""
    found: dict[str, set[str]] = {}
    for node in file.root.find_all(kind="struct_item"):
        name = node.field("name")
        if name is not None and re.search(r"#\[\s*account\b", attributes_of(file, node)):
            text = file.code_of(node)
            keys = {key for key in re.findall(r"\b(\w+)\s*:\s*Pubkey\b", text) if re.search(_RIGHTS, key)}
            found[name.text()] = keys
    return found


def _acts(signer: Field, keys: set[str]) -> bool:
    return signer.name in keys or re.search(_RIGHTS, signer.name) is not None


def _is_compared(file: RustFile, function: Function, signers: str, keys: str) -> bool:
    who = rf"\b(?:{signers})\b|\.(?:{keys})\b"
    pattern = (
        rf"(?:{who})[^;{{}}]{{0,80}}[!=]=|[!=]=[^;{{}}]{{0,80}}(?:{who})|"
        rf"\b(?:require|assert|check|verify|ensure|validate|only|is)\w*!?\s*\([^;]{{0,200}}?(?:{who})"
    )
    return file.reaches(function, pattern)


def _is_changed(function: Function, name: str) -> bool:
    """Whether the handler writes to the account, itself or through a variable that borrows it."""
    borrowed = (
        rf"\blet\s+(?:mut\s+)?(\w+)\s*(?::[^=;]{{1,40}})?=\s*&mut\s+(?:\*\*)?[\w.]*\b(?:accounts|self)\.{name}\b\s*;"
    )
    direct = rf"(?:accounts|self)\.{name}"
    names = "|".join([direct, *(re.escape(match.group(1)) for match in function.find(borrowed))])
    written = rf"\b(?:{names})\s*(?:\.\w+(?:\[[^\]]*\])?)+\s*[-+*|&]?=(?!=)"
    moved = rf"\b{direct}\b[\w.()]*lamports|\b(?:{names})\s*\.\s*(?:set_\w+|sub_lamports|close)\s*\("
    return function.has(written) or function.has(moved)


def check_same(file: RustFile) -> Iterator[Hit]:
    """Two writable accounts of one type that may be the same one."""
    compared = 0
    borrowed = set(re.findall(r"&mut\s+(?:ctx\.accounts|self)\.(\w+)", file.code))
    for fields in structs(file).values():
        seen: dict[str, Field] = {}
        for field in fields:
            changed = field.name in borrowed or field.says(r"\bmut\b")
            if not field.holds or field.holds in _SPL or not changed or field.says(_NEW):
                continue
            first = seen.setdefault(field.holds, field)
            if first is field or _are_distinct(first, field):
                continue
            compared += 1
            if compared <= _MAX_COMPARED and not _compared_keys(file, first.name, field.name):
                yield file.hit_node("solana-same-account-twice", field.node)


def _are_distinct(one: Field, other: Field) -> bool:
    """Whether both are derived or fixed, or one is bound by a constraint."""
    fixed = r"\b(?:seeds|address|associated_token|token)\b"
    if (one.says(fixed) and other.says(fixed)) or (one.says("has_one") and other.says("has_one")):
        return True
    return one.says(r"\bconstraint\b") or other.says(r"\bconstraint\b")


def _compared_keys(file: RustFile, one: str, other: str) -> bool:
    orders = ((re.escape(one), re.escape(other)), (re.escape(other), re.escape(one)))
    sides = [rf"\b{a}\b[^;{{}}]{{0,60}}(?:!=|==|ne|neq)[^;{{}}]{{0,60}}\b{b}\b" for a, b in orders]
    return re.search("|".join([*sides, "keys_neq!"]), file.code) is not None


_PRIVATE = (
    (
        "solana-missing-signer",
        r"(?:authority|admin|owner|payer|signer|governor|operator)$",
        r"\.is_signer\b|with_signer\s*\(|\binvoke_signed\s*\(",
        r"signer",
    ),
    (
        "solana-arbitrary-cpi",
        r"_program$",
        r"_program\.key\s*(?:\(\))?\s*[!=]=|[!=]=\s*&?[\w.]{0,60}_program\.key",
        r"executable",
    ),
    (
        "solana-sysvar-address",
        r"^(?:rent|clock|instructions|recent_blockhashes|slot_hashes)(?:_sysvar)?$",
        r"(?!)",
        r"(?!)",
    ),
)


def check_private(file: RustFile) -> Iterator[Hit]:
    """What solana.py's lines say of `pub` fields, for those that are not."""
    for fields in structs(file).values():
        for field in fields:
            if not field.raw or field.node.text().startswith("pub"):
                continue
            for rule, name, elsewhere, here in _PRIVATE:
                bound = field.says(rf"\b(?:address|seeds|constraint)\b|\b{here}\b")
                if re.search(name, field.name) and not bound and not _somewhere(file, elsewhere):
                    yield file.hit_node(rule, field.node)


def _somewhere(file: RustFile, pattern: str) -> bool:
    if (pattern, -1) not in file.known:
        file.known[(pattern, -1)] = re.search(pattern, file.code) is not None
    return file.known[(pattern, -1)]


CHECKS = (check_authority, check_same, check_private)
