"""Checks of Anchor's account structs together with the handlers that use them (solana.py has the claims).

Knows the structs of this file, their fields and what each attribute binds a field to; a struct that stands in another
file is not known, and nothing is said about it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ast_grep_py import SgNode

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import Function, RustFile

_RIGHTS = r"(?:^|_)(?:authority|admin|owner|governor|operator|manager|creator)(?:_|$)"
_RAW = re.compile(r"\b(?:AccountInfo|UncheckedAccount)\s*<")
_HELD = re.compile(r"\b(?:Account|AccountLoader|InterfaceAccount)\s*<\s*'\w+\s*,\s*(\w+)\s*>")
_NEW = re.compile(r"\binit(?:_if_needed)?\b|\bzero\b")
_SPL = ("TokenAccount", "Mint")


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
            found[name.text()] = list(_fields(file, node))
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
    return " ".join(found)


def handlers(file: RustFile) -> Iterator[tuple[Function, list[Field]]]:
    """Every function that takes `Context<S>` of a struct of this file, or is a method of it, with its fields."""
    known = structs(file)
    for function in file.live if known else ():
        kinds = " ".join(function.parameters.values())
        taken = re.search(rf"\bContext\s*<[^<>]*?\b({'|'.join(map(re.escape, known))})\b", kinds)
        name = taken.group(1) if taken else _implemented(file, function)
        if name in known:
            yield function, known[name]


def _implemented(file: RustFile, function: Function) -> str:
    """The type whose method this is: handlers may stand in an impl of the accounts."""
    outer = next((one for one in function.node.ancestors() if one.kind() == "impl_item"), None)
    kind = outer.field("type") if outer is not None and "self" in function.parameters else None
    return re.split(r"\W", file.code_of(kind), maxsplit=1)[0] if kind is not None else ""


def check_authority(file: RustFile) -> Iterator[Hit]:
    """A signer that nothing ties to the record which is changed in its name: any signer will do."""
    owners = _owner_fields(file)
    seen: set[int] = set()
    for function, fields in handlers(file):
        bound = " ".join(field.attributes for field in fields) + function.attributes
        for field in fields:
            keys = owners.get(field.holds, set())
            signers = [one.name for one in fields if "Signer" in one.kind and _acts(one, keys)]
            changed = field.says(r"\bmut\b") and not field.says(_NEW.pattern) and keys
            if not signers or not changed or field.node.range().start.index in seen:
                continue
            names = "|".join(map(re.escape, signers))
            tied = rf"\bhas_one\b|\b(?:constraint|address|seeds|access_control)\b[^\]]*\b(?:{names}|{field.name})\b"
            if re.search(tied, bound) or _is_compared(file, function, names, "|".join(keys)):
                continue
            if _is_changed(function, field.name):
                seen.add(field.node.range().start.index)
                yield file.hit_node("solana-signer-not-bound", field.node)


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
    for fields in structs(file).values():
        seen: dict[str, Field] = {}
        for field in fields:
            if not field.holds or field.holds in _SPL or not field.says(r"\bmut\b") or field.says(_NEW.pattern):
                continue
            first = seen.setdefault(field.holds, field)
            if first is not field and not _are_distinct(file, first, field):
                yield file.hit_node("solana-same-account-twice", field.node)


def _are_distinct(file: RustFile, one: Field, other: Field) -> bool:
    """Whether both are derived or fixed, one is bound by a constraint, or their keys are compared somewhere."""
    fixed = r"\b(?:seeds|address|associated_token|token)\b"
    if (one.says(fixed) and other.says(fixed)) or (one.says("has_one") and other.says("has_one")):
        return True
    if one.says(r"\bconstraint\b") or other.says(r"\bconstraint\b"):
        return True
    return _compared_keys(file, one.name, other.name)


def _compared_keys(file: RustFile, one: str, other: str) -> bool:
    key = (f"{one} {other}", -1)
    if key not in file.known:
        orders = ((one, other), (other, one))
        sides = [rf"\b{a}\b[^;{{}}]{{0,60}}(?:!=|==|ne|neq)[^;{{}}]{{0,60}}\b{b}\b" for a, b in orders]
        file.known[key] = re.search("|".join([*sides, "keys_neq!"]), file.code) is not None
    return file.known[key]


CHECKS = (check_authority, check_same)
