"""Checks of what a contract should refuse or record: zero addresses and amounts, payments to no one, silent changes."""

import re
from collections.abc import Iterator

from audit8.audit.rules.contracts_auth import PRIVILEGED
from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import RustFile

_SOROBAN_WRITE = (
    r"\bstorage\s*\(\s*\)\s*\.\s*\w+\s*\(\s*\)\s*\.\s*(?:set|update|remove)\s*(?:::\s*<[^;()]{0,60}>)?\s*\("
)
_PALLET_WRITE = r"::\s*<\s*T\b[^;]{0,40}>\s*::\s*(?:put|insert|mutate|try_mutate|remove|kill|set|take|append)\s*\("
_EVENT = r"\bevents\s*\(\s*\)|\bpublish\s*\(|\bdeposit_event\s*\(|\bemit\w*\b"
_ZERO_ADDRESS = r"\[\s*0(?:x0+)?(?:u8)?\s*;\s*(?:32|20)\s*\]|(?i:zero)|(?<!unwrap_or_)\bdefault\s*\(\s*\)"
_ZERO = r"\bis_zero\s*\(|(?i:zero)|[!=><]=?\s*0|\b0\s*[!=<>]"


def check_events(file: RustFile) -> Iterator[Hit]:
    if not file.frameworks & {"soroban", "substrate"}:
        return
    write = _SOROBAN_WRITE if "soroban" in file.frameworks else _PALLET_WRITE
    for entry in file.entries:
        if entry.setup or file.reaches(entry, _EVENT):
            continue
        for one in file.reach(entry):
            yield from file.hits("contract-missing-event", one, list(one.find(write))[:1])


def check_zero_address(file: RustFile) -> Iterator[Hit]:
    for entry in file.entries if "ink" in file.frameworks else ():
        for name in entry.typed(r"\b(?:AccountId|Address|H160)\b"):
            who = re.escape(name)
            stored = rf"\bself\.\w*{PRIVILEGED}\w*\s*=\s*{who}\b|\b{PRIVILEGED}\s*:\s*{who}\b"
            if re.fullmatch(rf"\w*{PRIVILEGED}\w*", name) and not entry.has(stored):
                stored = rf"\bSelf\s*\{{[^{{}};]*\b{who}\s*[,}}]"
            if not file.reaches(
                entry, r"\[\s*0(?:x0+)?(?:u8)?\s*;\s*(?:32|20)\s*\]|(?i:zero)|(?<!unwrap_or_)\bdefault\s*\(\s*\)"
            ):
                yield from file.hits("contract-zero-address", entry, entry.find(stored))


def check_zero_amount(file: RustFile) -> Iterator[Hit]:
    for entry in file.entries if "substrate" in file.frameworks else ():
        amounts = entry.typed(r"\bBalance(?:Of)?\b")
        if amounts and not file.reaches(entry, _ZERO):
            yield file.hit("pallet-amount-zero", entry.start, entry.at)


def check_payable(file: RustFile) -> Iterator[Hit]:
    for entry in file.entries if "ink" in file.frameworks else ():
        if "payable" not in entry.attributes:
            yield from file.hits("ink-value-not-payable", entry, entry.find(r"\btransferred_value\s*\("))


def check_same_account(file: RustFile) -> Iterator[Hit]:
    """Substrate: balances of the caller and of a given account, which may be the same one."""
    for entry in file.entries if "substrate" in file.frameworks else ():
        caller = next(entry.find(r"\blet\s+(\w+)\s*=\s*ensure_signed\s*\("), None)
        for name in entry.typed(r"\bAccountId\b|\bAccountIdOf\b|\bAccountIdLookupOf\b|::Source\b"):
            who = re.escape(name)
            both = caller and all(
                entry.has(rf"(?i:balance|account|transfer)\w*[^;]*\b{one}\b")
                for one in (who, re.escape(caller.group(1)))
            )
            if both and not entry.has(rf"[!=]=\s*&?{who}\b|\b{who}\s*[!=]="):
                yield file.hit("pallet-same-account", entry.start, entry.at)


def check_collections(file: RustFile) -> Iterator[Hit]:
    """Soroban: a whole collection of the caller stored as it came."""
    for entry in file.entries if "soroban" in file.frameworks else ():
        for name in entry.typed(r"^(?:[\w:]*\b)?(?:Vec|Map)\s*<"):
            who = re.escape(name)
            if not entry.has(rf"\bin\s+&?{who}\b|\b{who}\s*\.\s*(?:iter|len|get|is_empty|keys|values|into_iter)\b"):
                stored = rf"\.\s*set\s*\([^;]*?,\s*&?{who}\s*,?\s*\)"
                yield from file.hits("soroban-collection-input", entry, entry.find(stored))


def check_delegate_storage(file: RustFile) -> Iterator[Hit]:
    """ink!: fields that are not lazy are written back over what the delegated code stored."""
    if "ink" not in file.frameworks or not re.search(r"\.\s*delegate\s*\(|\bDelegateCall\b", file.code):
        return
    for node in file.root.find_all(kind="field_declaration"):
        around = [one for one in node.ancestors() if one.kind() == "struct_item"]
        mark = around[0].prev() if around else None
        kind = file.code_of(node).partition(":")[2]
        while mark is not None and mark.kind() == "attribute_item":
            if "ink(storage" in mark.text() and not re.search(r"\b(?:Lazy|Mapping|StorageVec)\s*<", kind):
                yield file.hit_node("ink-delegate-storage", node)
            mark = mark.prev()


def check_not_stored(file: RustFile) -> Iterator[Hit]:
    """ink!: get() of a Mapping or Lazy gives a copy; a change of the copy alone is lost."""
    for entry in file.entries if "ink" in file.frameworks else ():
        for match in entry.find(r"\blet\s+mut\s+(\w+)\s*(?::[^=;]{1,60})?=\s*self\.(\w+)\s*\.\s*get\w*\s*\("):
            name, field = map(re.escape, match.groups())
            rest = entry.body[match.end() :]
            changed = re.search(
                rf"(?<![\w.]){name}(?:\.\w+)*\s*(?:[-+*]?=(?!=)|\.\s*(?:push|insert|remove|clear)\s*\()", rest
            )
            kept = (
                rf"\bself\.{field}\s*\.\s*(?:insert|set|try_insert|try_set)\s*\(|"
                rf"[&(]\s*{name}\s*[,)]|\b{name}\s*\}}\s*$"
            )
            if changed and not re.search(kept, rest):
                yield from file.hits("contract-change-lost", entry, [match])


CHECKS = (
    check_same_account,
    check_collections,
    check_delegate_storage,
    check_not_stored,
    check_events,
    check_zero_address,
    check_zero_amount,
    check_payable,
)
