"""Checks of who may call (Rust contracts): rights, code and records of others changed by functions that ask nobody.

Knows the signs of a check in ink!, Soroban, Substrate, CosmWasm and NEAR. A check in any function that is called on the
way counts for the whole call: what is reported has none at all.
"""

import re
from collections.abc import Iterator

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import Function, RustFile

PRIVILEGED = r"(?:owner|admin|governor|governance|operator|minter|authority|manager|guardian|treasury)"
_ADDRESS = r"\b(?:AccountId|Address|AccountIdOf|H160|Addr)\b"
_GUARDS = (
    r"\brequire_auth(?:_for_args)?\s*\(|\bensure_(?:signed|root)\w*\s*\(|\bensure_origin\w*\s*\(|\bis_signer\b|"
    r"\binfo\.sender\b|\.sender\s*[!=]=|\bpredecessor_account_id\s*\(|#\[private\]|"
    r"\b(?:only|ensure|assert|require|check|verify|is|has|authori[sz]e|authenticate)_?\w*"
    r"(?:owner|admin|auth|role|caller|permission|signer|access)\w*\s*!?\("
)
_GUARDS_OF_PALLET = r"\b(?:is|check|verify)_\w*(?:admin|owner|root|member|authori[sz]ed)\w*\s*\("
_SETTER = re.compile(
    r"(?:set|update|change|configure|modify|toggle|pause|unpause|withdraw)_|^(?:pause|unpause|upgrade)$"
)
_OWNED = (
    rf"(?i:\b(?:pub\s+)?\w*{PRIVILEGED}\w*\s*:\s*(?:\w+::)*(?:Option<)?(?:AccountId|Address))|"
    rf"\.set\s*\(\s*&?[\w:]*(?i:{PRIVILEGED})\w*\s*,"
)
_CALLER = re.compile(r"\blet\s+(?:mut\s+)?(\w+)\s*(?::[^=;]{1,40})?=\s*[\w.:()\s]{0,60}\bcaller\s*\(\s*\)\s*;")
_CODE = (
    r"\b(?:set_contract_storage|set_code_hash|set_code|terminate_contract|update_current_contract_wasm|"
    r"deploy_contract)(?:\s*::\s*<[^;(){}]{0,80}>)?\s*\("
)


def checks_caller(file: RustFile, function: Function) -> bool:
    """Whether `function`, or one that it calls, asks who is calling."""
    return file.reaches(function, _GUARDS) or any(_compares(file, one) for one in file.reach(function))


def _compares(file: RustFile, function: Function) -> bool:
    key = ("caller", function.start)
    if key not in file.known:
        file.known[key] = _compares_caller(function)
    return file.known[key]


def _compares_caller(function: Function) -> bool:
    names = {r"caller\s*\(\s*\)", *map(re.escape, _CALLER.findall(function.body))}
    who = rf"\b(?:{'|'.join(sorted(names))})"
    compared = rf"{who}[^;{{}}]{{0,120}}[!=]=|[!=]=[^;{{}}]{{0,120}}{who}"
    looked_up = rf"\.\s*(?:get|contains|contains_key)\s*\([^;{{}}]{{0,60}}{who}"
    asserted = rf"\b(?:assert|ensure|require)(?:_eq|_ne)?\s*!?\s*\([^;{{}}]{{0,120}}{who}"
    return function.has(compared) or function.has(looked_up) or function.has(asserted)


def _open_entries(file: RustFile) -> Iterator[Function]:
    """What anybody may call, after the contract was made, without being asked who they are."""
    for entry in file.entries:
        if not entry.setup and not checks_caller(file, entry):
            yield entry


def check_code(file: RustFile) -> Iterator[Hit]:
    for entry in _open_entries(file):
        for one in file.reach(entry):
            yield from file.hits("contract-code-without-auth", one, one.find(_CODE))


def check_state(file: RustFile) -> Iterator[Hit]:
    for entry in _open_entries(file):
        if "ink" in file.frameworks and "mut" in entry.parameters.get("self", ""):
            value = rf"\bself\.(?:\w+\.)?\w+\s*=\s*&?({_names(entry)})\s*;"
            found = [*_ink_writes(entry), *_settings(file, entry, value)]
        elif "soroban" in file.frameworks:
            value = rf"\.\s*set\s*\(\s*&?[A-Z][\w:]*\s*,\s*&?({_names(entry)})(?:\.clone\(\))?\s*\)"
            found = [*_soroban_writes(entry), *_settings(file, entry, value), *_soroban_payouts(entry)]
        elif file.frameworks & {"cosmwasm", "near"}:
            found = list(_other_writes(entry))
        else:
            continue
        if found:  # Where the question belongs is where the function begins, wherever it then writes.
            yield file.hit("contract-state-without-auth", entry.at, entry.at + 1)


def _names(entry: Function) -> str:
    return "|".join(re.escape(name) for name in entry.parameters if name != "self") or "(?!)"


def _settings(file: RustFile, entry: Function, pattern: str) -> Iterator[re.Match[str]]:
    """A setting of a contract that knows an owner, given by whoever calls `set_...`."""
    if _SETTER.match(entry.name) and re.search(_OWNED, file.code):
        yield from entry.find(pattern)


def _ink_writes(entry: Function) -> Iterator[re.Match[str]]:
    if (keys := entry.typed(_ADDRESS)) and not entry.has(r"\bcaller\s*\(|\btransferred_value\s*\("):
        names = "|".join(map(re.escape, keys))
        yield from entry.find(rf"\bself\.\w+\s*\.\s*(?:insert|remove|take|set)\s*\(\s*[&(\s]*(?:{names})\b")
    yield from entry.find(rf"\bself\.(?:\w+\.)?\w*{PRIVILEGED}\w*\s*=(?!=)")


def _soroban_writes(entry: Function) -> Iterator[re.Match[str]]:
    names = [name for name, kind in entry.parameters.items() if not re.search(r"\bEnv\b", kind)]
    addresses = entry.typed(_ADDRESS)
    if addresses:
        inside = "|".join(map(re.escape, addresses))
        yield from entry.find(rf"\.\s*(?:set|remove|update)\s*\(\s*&?[\w:]{{0,60}}\(?\s*&?\(?(?:{inside})\b")
    if names:
        key = "|".join(map(re.escape, names))
        yield from entry.find(rf"\bstorage\s*\(\s*\)[\s.\w()]{{0,40}}\.\s*(?:set|remove)\s*\(\s*&?(?:{key})\b")
    yield from entry.find(rf"\.\s*set\s*\(\s*&?(?i:[\w:]{{0,60}}{PRIVILEGED}\w{{0,40}})\s*,")


def _soroban_payouts(entry: Function) -> Iterator[re.Match[str]]:
    """What the contract holds, sent to an address that the caller names."""
    names = "|".join(map(re.escape, entry.typed(_ADDRESS))) or "(?!)"
    own = r"&?\s*\w+\s*\.\s*current_contract_address\s*\(\s*\)"
    yield from entry.find(rf"\.\s*transfer\s*\(\s*{own}\s*,\s*&?\s*(?:{names})\b")


def _other_writes(entry: Function) -> Iterator[re.Match[str]]:
    yield from entry.find(r"\b(?:[A-Z_]*(?:CONFIG|OWNER|ADMIN|MINTER)[A-Z_]*)\s*\.\s*(?:save|update|set)\s*\(")
    if "mut" in entry.parameters.get("self", ""):
        yield from entry.find(rf"\bself\.\w*{PRIVILEGED}\w*\s*=(?!=)")


def check_transfer_from(file: RustFile) -> Iterator[Hit]:
    """A `from` that is a parameter and was not asked."""
    for entry in file.entries:
        sources = [name for name in entry.typed(_ADDRESS) if not _agreed(entry, name)]
        if not sources or not file.frameworks & {"ink", "soroban"}:
            continue
        names = "|".join(map(re.escape, sources))
        spender = r"(?:&?[\w.:]+(?:\([^()]*\))*(?:\.\w+\([^()]*\))*\s*,\s*)?"
        direct = rf"\btransfer_from\s*\(\s*{spender}&?(?:{names})\b(?!\s*\))"
        yield from file.hits("contract-transfer-from-anyone", entry, entry.find(direct))
        if "transfer_from" in file.text_of(entry):
            given = rf"\bpush_arg\s*\(\s*&?(?:{names})\b|\bvec!\s*\[[^\]]*?\b(?:{names})\b[^\]]*\]"
            first = next(entry.find(rf"\bpush_arg\s*\(|{given}"), None)
            found = [first] if first and re.match(given, entry.body[first.start() :]) else []
            yield from file.hits("contract-transfer-from-anyone", entry, found)


def _agreed(entry: Function, name: str) -> bool:
    who = re.escape(name)
    return entry.has(
        rf"\b{who}(?:\.clone\(\))?\.require_auth|[!=]=\s*&?{who}\b|\b{who}\s*[!=]=|\b(?:allowance|approved)\w*\s*\([^;]*{who}"
    )


def check_admin_parameter(file: RustFile) -> Iterator[Hit]:
    """Soroban: the address that must agree is the caller's own choice."""
    for entry in file.entries if "soroban" in file.frameworks else ():
        for name in entry.typed(_ADDRESS):
            who = re.escape(name)
            if entry.setup or not re.search(rf"^(?:\w*_)?{PRIVILEGED}$", name) or re.match(r"(?:new|next)_", name):
                continue
            if file.reaches(entry, rf"\b{who}(?:\.clone\(\))?\s*[!=]=|[!=]=\s*&?{who}\b"):
                continue
            compared = rf"\b(?:check|assert|ensure|require|verify|is|has|only)_\w+\s*\([^;()]*\b{who}\b"
            if not entry.has(compared):
                asked = entry.find(rf"\b{who}(?:\.clone\(\))?\s*\.\s*require_auth\w*\s*\(")
                yield from file.hits("contract-admin-from-caller", entry, asked)


def check_origin(file: RustFile) -> Iterator[Hit]:
    """Substrate: the origin must be looked at, and nobody is not somebody."""
    inherent = re.search(r"ValidateUnsigned|ProvideInherent|validate_unsigned|#\[pallet::inherent", file.code)
    for entry in file.entries if "substrate" in file.frameworks else ():
        if entry.has(r"\bensure_none\s*\(") and not inherent:
            yield from file.hits("pallet-unsigned-call", entry, entry.find(r"\bensure_none\s*\("))
        elif not entry.has(r"\b_?origin\b") and entry.has(r"::\s*<\s*T\b[^;]*>\s*::|\bSelf::\w+\s*\("):
            yield file.hit("pallet-origin-unchecked", entry.start, entry.at)
        yield from file.hits("contract-state-without-auth", entry, _anybody_signs(file, entry))


def _anybody_signs(file: RustFile, entry: Function) -> Iterator[re.Match[str]]:
    """Substrate: who signed is dropped, and a value for all or another account's record is then set."""
    signed = r"ensure_signed\s*\(\s*\w+\s*\)\s*\?\s*;"
    dropped = rf"\blet\s+_\w*\s*=\s*{signed}|(?<!=)(?<!=\s)\b{signed}"
    others = rf"\bensure_(?!signed\b)\w+|\bensure_\w*origin\w*\s*\(|{_GUARDS_OF_PALLET}"
    accounts = "|".join(map(re.escape, entry.typed(r"\bAccountId\b"))) or "(?!)"
    everyone = _SETTER.match(entry.name) and entry.has(r"::\s*<\s*T\b[^;()]*>\s*::\s*(?:put|set|kill)\s*\(")
    another = entry.has(rf"::\s*<\s*T\b[^;()]*>\s*::\s*(?:insert|mutate|remove)\s*\(\s*&?(?:{accounts})\b")
    if (everyone or another) and not file.reaches(entry, others):
        yield from entry.find(dropped)


def check_delegate(file: RustFile) -> Iterator[Hit]:
    for entry in _open_entries(file):
        names = [re.escape(name) for name in entry.parameters if name != "self"]
        if names and "ink" in file.frameworks:
            one_of = f"(?:{'|'.join(names)})"
            target = rf"\b(?:delegate|DelegateCall::new)\s*\(\s*&?(?:\w+::)*\w*\(?\s*{one_of}\b"
            yield from file.hits("contract-delegate-target", entry, entry.find(target))
            stored = rf"\bself\.\w*(?:delegate|code_hash|implementation|target)\w*\s*=\s*{one_of}\b"
            yield from file.hits("contract-delegate-target", entry, entry.find(stored))


def check_setup(file: RustFile) -> Iterator[Hit]:
    """Soroban: a set-up that anybody may call again; a constructor runs once by itself."""
    for entry in file.entries if "soroban" in file.frameworks else ():
        if re.match(r"init(?:iali[sz]e)?(?:_|$)", entry.name) and file.reaches(entry, r"\bstorage\s*\(\s*\)"):
            asked = r"\.\s*has\s*\(|\bis_some\b|\bis_none\b|(?i:initiali[sz]ed)|\.\s*get\s*(?:::\s*<[^;()]*>)?\s*\("
            rights = any(re.search(PRIVILEGED, name) for name in entry.typed(_ADDRESS))
            if rights and not file.reaches(entry, asked) and not checks_caller(file, entry):
                yield file.hit("contract-initialised-again", entry.start, entry.at)


CHECKS = (
    check_code,
    check_setup,
    check_state,
    check_transfer_from,
    check_admin_parameter,
    check_origin,
    check_delegate,
)
