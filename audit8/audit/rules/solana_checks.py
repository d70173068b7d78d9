"""Checks of Solana programs on the syntax tree: native account lists, what is read from accounts, closing, set-up.

solana.py has the claims, and the line rules for what a single field of an Anchor struct says; solana_anchor.py checks
such structs as a whole.
"""

import re
from collections.abc import Iterator

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import Function, RustFile
from audit8.audit.rules.solana_anchor import structs

_NEXT = (
    r"\blet\s+(?:mut\s+)?(\w+)\s*(?::[^=;]{1,40})?=\s*(?:next_account_info\s*\(|&?accounts\s*\[|\w+\.next\s*\(\s*\))"
)
_ACTS_FOR = r"authority|admin|signer|governor|operator"
_ERASES = (
    r"(?i)discriminator|\bassign\s*\(|\brealloc\s*\(\s*0|\bresize\s*\(\s*0|\.\s*fill\s*\(\s*0|\bsol_memset\s*\(|"
    r"\.\s*close\s*\(|\bclosed\b"
)
_TAGS = r"(?i)discrimina|account_type|\bkind\b|\btag\b|\bmagic\b|is_initialized|\bversion\b"
_BINDS = r"\b(?:owner|address|seeds|constraint)\b"
_FIRST_TIME = (
    r"(?i)initiali[sz]ed|discriminator|data_is_empty|data_len\s*\(\s*\)\s*==\s*0|lamports\s*\(\s*\)\s*[!=>]|"
    r"create_account|\binit\b|Pubkey::default|account_type|\bis_empty\s*\(|\btag\b|\bversion\b"
)
_READS = (
    r"\b\w+(?:::<[^<>]*>)?::(?:try_from_slice|unpack(?:_unchecked|_from_slice)?|deserialize|try_deserialize\w*|load)"
)
_BYTES = r"(?:data\s*\.\s*borrow(?:_mut)?\s*\(\s*\)|try_borrow(?:_mut)?_data\s*\(\s*\)|borrow_data_unchecked\s*\(\s*\))"


def check_signers(file: RustFile) -> Iterator[Hit]:
    """Native: an account that acts for somebody and is never asked for a signature."""
    for function in _native(file):
        if function.setup:
            continue
        accounts = {match.group(1): match for match in function.find(_NEXT)}
        for match in function.find(r"\blet\s+&?\[([\w\s,.&@]{1,400})\]\s*=\s*&?accounts\b"):
            accounts.update(dict.fromkeys(re.findall(r"[a-z]\w+", match.group(1)), match))
        asked = _asked_accounts(file, function, set(accounts))
        for name, match in accounts.items() if asked is not None else ():
            used = len(re.findall(rf"\b{name}\b", function.body)) > 1
            # An account that is handed on to another program is asked there.
            passed = function.has(rf"\binvoke\w*\s*\([^;]*\b{name}\b")
            acts = re.search(rf"(?:^|_)(?:{_ACTS_FOR})(?:_|$)", name) is not None
            # An owner may be named without being asked, until its key is compared: then it acts.
            compared = next(function.find(rf"[!=]=\s*[&*]?{name}\.key|\b{name}\.key(?:\(\))?\s*[!=]="), None)
            acts = acts or (re.search(r"(?:^|_)owner(?:_|$)", name) is not None and compared is not None)
            # Where others are asked, an authority that is only named may be one of the record's fields.
            if acts and used and not passed and not (asked and (name in asked or compared is None)):
                yield from file.hits("solana-signer-not-asked", function, [compared or match])


def _asked_accounts(file: RustFile, function: Function, accounts: set[str]) -> set[str] | None:
    """The accounts whose signature the function asks for; None where it cannot be told which they are."""
    helper = r"\b\w*signer\w*\s*!?\("
    others = any(one.has(rf"\bis_signer\b|{helper}") for one in file.reach(function) if one is not function)
    named = [match.group(1) for match in function.find(r"\b(\w+)\s*\.\s*is_signer\b")]
    every = len(list(function.find(r"\bis_signer\b"))) == len(named) and set(named) <= accounts
    return set(named) if every and not others and not function.has(helper) else None


def _native(file: RustFile) -> Iterator[Function]:
    if "anchor" not in file.frameworks:
        yield from (one for one in file.live if one.typed(r"\[\s*AccountInfo\b"))


def check_programs(file: RustFile) -> Iterator[Hit]:
    """An instruction built for a program whose address nobody compared."""
    for function in file.live if file.frameworks & {"solana", "anchor"} else ():
        for match in function.find(r"\bprogram_id\s*:\s*\*?([\w.]+?)\.key\b"):
            who = re.escape(match.group(1))
            compared = (
                rf"\b{who}\.key(?:\s*\(\s*\))?\s*[!=]=|[!=]=\s*\*?&?{who}\.key|"
                rf"\b(?:check\w*|\w*keys_eq!?)\s*\([^;]*{who}"
            )
            typed = rf"\b{re.escape(match.group(1).rpartition('.')[2])}\s*:\s*(?:Program|Interface)\s*<"
            known = file.reaches(function, compared) or re.search(typed, file.code)
            if not known and not _is_field(file, match.group(1).rpartition(".")[2]):
                yield from file.hits("solana-program-not-compared", function, [match])


def _is_field(file: RustFile, name: str) -> bool:
    """Whether it is an account of a struct: that is checked there, or has a finding of its own there."""
    fields = [one for fields in structs(file).values() for one in fields if one.name == name]
    checked = all(not one.raw or one.says(r"\b(?:address|constraint|executable)\b") for one in fields)
    return bool(fields) and (checked or name.endswith("_program"))


def check_closing(file: RustFile) -> Iterator[Hit]:
    """Lamports taken out to close an account whose data stays as it was."""
    for function in file.live if file.frameworks & {"solana", "anchor"} else ():
        emptied = r"\*\*?[\w.()]*?lamports(?:\.borrow_mut\(\)|\(\)\?|\(\)\.unwrap\(\))\s*=\s*0\s*;"
        if not file.reaches(function, _ERASES):
            yield from file.hits("solana-closed-account", function, function.find(emptied))


def check_types(file: RustFile) -> Iterator[Hit]:
    """Native: several kinds of account, read from bytes that do not say which kind they are."""
    kinds = re.findall(
        r"#\[derive\([^)]*BorshDeserialize[^)]*\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub\s+)?struct\s+(\w+)", file.code
    )
    if len(kinds) < 2 or re.search(_TAGS, file.code):
        return
    for function in file.live if file.frameworks & {"solana", "anchor"} else ():
        read = rf"\b(?:{'|'.join(kinds)})::(?:try_from_slice|deserialize)\s*\(\s*&[^;]*(?:data\.borrow|borrow_\w*data)"
        yield from file.hits("solana-account-type", function, function.find(read))


def check_owners(file: RustFile) -> Iterator[Hit]:
    """Bytes of an account read as a record, though any program may have written them."""
    if not file.frameworks & {"solana", "anchor"}:
        return
    bound = {one.name for fields in structs(file).values() for one in fields if not one.raw or one.says(_BINDS)}
    askers = [one.body for one in file.live if one.has(r"\.\s*owner\b")]
    asked = set(re.findall(r"\b(\w+)\s*\(", " ".join(askers)))  # Who calls these may have asked before.
    for function in file.live:
        lent = rf"\blet\s+(?:mut\s+)?(\w+)\s*(?::[^=;]{{1,60}})?=\s*[&*]*(?:mut\s+)?([\w.]{{1,80}}?)\.{_BYTES}"
        data = {match.group(1): match.group(2) for match in function.find(lent)}
        direct = rf"[&*\s]*(?:mut\s+)?[&*]*(?P<account>[\w.]{{1,80}}?)\.{_BYTES}"
        through = r"[&*\s]*(?:mut\s+)?[&*]*(?P<data>\w+)\b"
        found = list(function.find(rf"{_READS}\s*\(\s*(?:{direct}|{through})"))
        known = _known_owners(file, function) if found else {"*"}
        for match in found if "*" not in known else ():
            account = match.group("account") or data.get(match.group("data") or "", "")
            name = account.rpartition(".")[2]
            handed = name in function.parameters and function.name in asked
            if name and not handed and name not in bound and not known & {account, f"~{name}"}:
                yield from file.hits("solana-owner-unchecked", function, [match])


def _known_owners(file: RustFile, function: Function) -> set[str]:
    """The accounts whose owner is asked, by their whole way; "~name" for what a helper looked at, "*" for every one.

    A record that was read from `accounts.token` may be called `token` and have an owner of its own.
    """
    known: set[str] = set()
    for one in file.reach(function):
        known.update(match.group(1) for match in one.find(r"(?<![\w.])([\w.]{1,80}?)\s*\.\s*owner\b"))
        for match in one.find(r"\b(?:assert|check|require|verify|validate|ensure)_\w+\s*!?\s*\(([^;]{0,160})"):
            known.update(f"~{word}" for word in re.findall(r"\w+", match.group(1)))
        if one.has(r"\bcheck_\w*(?:owner|account)\w*\s*\(|\b\w*owned_by\w*!?\s*\("):
            known.add("*")
    if file.reaches(function, r"\b(?:find|create)_program_address\s*\("):
        known.update(f"~{match.group(1)}" for match in function.find(r"\b(\w+)\.key\b"))
    return known


def check_setup(file: RustFile) -> Iterator[Hit]:
    """A set-up that reads an account and writes who owns it, without asking whether that was done before."""
    for function in file.live if file.frameworks & {"solana", "anchor"} else ():
        if not re.search(r"(?i)^(?:process_)?(?:init|create|setup)", function.name) or file.reaches(
            function, _FIRST_TIME
        ):
            continue
        stored = function.has(r"\.\s*serialize\s*\(|\bpack\w*\s*\(|\btry_borrow_mut_data\b")
        read = next(function.find(rf"{_READS}\s*\("), None)
        if stored and read is not None:
            owner = rf"\b\w+\.\w*(?:{_ACTS_FOR}|owner)\w*\s*=(?!=)"
            yield from file.hits("solana-initialised-again", function, list(function.find(owner))[:1])


CHECKS = (check_signers, check_programs, check_closing, check_types, check_owners, check_setup)
