"""Checks of rights in Solidity: who may set owners, mint, withdraw, end the contract, choose code to run in it."""

import re
from collections.abc import Iterator

from audit8.audit.rules.contracts_auth import PRIVILEGED
from audit8.audit.rules.rule import Hit
from audit8.audit.rules.solidity_model import SolFile, SolFunction

_SENDER = r"(?:\bmsg\.sender\b|\b_msgSender\s*\(\s*\))"
_GUARD = (
    rf"{_SENDER}\s*[!=]=|[!=]=\s*(?:payable\s*\(\s*)?{_SENDER}|\b(?:require|assert|if)\s*\([^;]*{_SENDER}|"
    r"\bhasRole\s*\(|\b_?(?:check|only|require|is|enforce)\w*(?:Owner|Role|Auth|Admin|Access|Governance|Caller)\w*\s*\(|"
    r"\b_authorizeUpgrade\s*\(|\becrecover\s*\(|\.recover\s*\(|\bverify\w*\s*\("
)
_HARMLESS = {"nonReentrant", "whenNotPaused", "whenPaused", "virtual", "override", "payable", "lock", "returns"}
_LOGIC = r"(?:implementation|logic|beacon)(?:contract|address)?"
_SETUP = r"^_{0,2}(?:init(?:iali[sz]e)?\w*|setup|setUp)$"
_GUARDED_SETUP = r"(?i)initiali[sz]ed|\binitializing\b|==\s*address\s*\(\s*0|\bdisableinitializers"
_ENDS = r"\b(?:selfdestruct|suicide)\s*\("
_PAYS_OUT = r"(?:\b(?:transfer|send)\s*\(|\bvalue\s*[:(])\s*(?:address\s*\(\s*this\s*\)|(?<![\w.])this)\s*\.\s*balance"
_SETTER = r"^(?:set|update|change|configure|toggle|pause|unpause|enable|disable)(?:[A-Z_]|$)"
_ONCE = r"(?i)nonce|\bused|claimed|executed|processed|redeemed|consumed|invalidat|cancel|\bseen|\bdone\b|\bpermit\s*\("
_MOVES = (
    r"\.\s*(?:transfer|safeTransfer|transferFrom|safeTransferFrom|send|call|mint)\b|\b_?mint\s*\(|\bvalue\s*:|[-+]="
)
_COMMA = re.compile(r",(?![^()]*\))")  # Not inside brackets.


def is_guarded(file: SolFile, function: SolFunction) -> bool:
    """Whether the function asks who is calling: itself, in what it calls, or by a modifier that is not known here."""
    unknown = [one for one in function.modifiers if one not in _HARMLESS and one not in file.by_name]
    return bool(unknown) or any(one.has(_GUARD) for one in file.reach(function))


def check_origin(file: SolFile) -> Iterator[Hit]:
    """tx.origin compared with an address; with msg.sender it only asks whether the caller is a contract."""
    for function in file.functions:
        for match in function.find(r"([\w.()\[\]]+)\s*[!=]=\s*tx\.origin\b|\btx\.origin\s*[!=]=\s*([\w.()\[\]]+)"):
            if "msg.sender" not in match.group():
                yield from file.hits("solidity-tx-origin", function, [match])


def check_rights(file: SolFile) -> Iterator[Hit]:
    owned = "|".join(name for name in file.state if re.search(rf"(?i)^_?\w*(?:{PRIVILEGED}s?|{_LOGIC})$", name))
    for function in file.functions:
        if not function.open or is_guarded(file, function) or re.search(_SETUP, function.name):
            continue
        signs = [_ENDS, _PAYS_OUT, r"\b(?:_setImplementation|_upgradeTo(?:AndCall\w*)?)\s*\("]
        if owned:
            signs.append(rf"(?<![\w.])(?:{owned})\s*(?:\[[^\]]*\]\s*)?=(?!=)")
        addresses = "|".join(map(re.escape, function.addresses()))
        if (
            addresses
            and "payable" not in function.head
            and not function.has(r"\bmsg\.value\b|\bburn\w*\s*\(|(?i:transferFrom)")
        ):
            signs.append(rf"(?<![\w.])_?mint\s*\(\s*(?:{addresses})\b")
        signs += [*_gives_away(function), *_settings(file, function), *_records(file, function)]
        for sign in signs:
            yield from file.hits("solidity-unprotected", function, function.find(sign))


def check_upgrades(file: SolFile) -> Iterator[Hit]:
    """The question whether an upgrade is allowed, answered with nothing: everybody may upgrade."""
    for function in file.functions:
        empty = re.fullmatch(r"\{\s*\}", function.body)
        if empty and function.name == "_authorizeUpgrade" and not set(function.modifiers) - _HARMLESS:
            yield file.hit("solidity-unprotected", function.start, function.at)


def _gives_away(function: SolFunction) -> Iterator[str]:
    """Ether of the contract, as much as the caller says, without a record of what is due to whom."""
    amounts = "|".join(name for name, kind in function.parameters.items() if re.match(r"uint\d*$", kind))
    records = function.has(r"\[[^\]]{0,120}?(?:msg\.sender|_msgSender)|\bmsg\.value\b|\bremaining|\bburn\w*\s*\(")
    if amounts and not records and "payable" not in function.head.partition(")")[2]:
        yield rf"\.\s*(?:transfer|send)\s*\(\s*(?:{amounts})\s*\)|\.\s*call\s*\{{\s*value\s*:\s*(?:{amounts})\s*\}}"


def _settings(file: SolFile, function: SolFunction) -> Iterator[str]:
    """A setting given by whoever calls, in a contract whose other functions ask for its owner."""
    given = "|".join(map(re.escape, function.parameters))
    plain = "|".join(re.escape(name) for name, kind in file.state.items() if not kind.startswith("mapping"))
    if plain and re.search(_SETTER, function.name) and file.owned:
        yield rf"(?<![\w.])(?:{plain})\s*=\s*(?:{given or 'true|false'}|true|false|!\s*\w+)\s*;"


def _records(file: SolFile, function: SolFunction) -> Iterator[str]:
    """Another address's record, changed by anybody, where another function asks before it changes the same one."""
    given = "|".join(map(re.escape, function.addresses()))
    if given and not function.has(r"\bmsg\.(?:sender|value)\b|_msgSender|(?i:transferFrom)"):
        names = "|".join(map(re.escape, file.kept))
        if names:
            yield rf"(?<![\w.])(?:{names})\s*\[\s*(?:{given})\s*\](?:\.\w+)?\s*(?:[-+]?=(?!=)|\+\+|--)"


def check_replay(file: SolFile) -> Iterator[Hit]:
    """A signature that moves something and may be handed in again."""
    for function in file.functions:
        signed = next(function.find(r"\becrecover\s*\(|\.\s*(?:recover|tryRecover)\s*\("), None)
        if signed is None or not function.open or any(one.has(_ONCE) for one in file.reach(function)):
            continue
        if any(one.has(_MOVES) for one in file.reach(function)):
            yield from file.hits("solidity-signature-replay", function, [signed])


def check_setup(file: SolFile) -> Iterator[Hit]:
    for function in file.functions:
        if not function.open or not re.search(_SETUP, function.name):
            continue
        if is_guarded(file, function) or function.has(_GUARDED_SETUP) or not function.has(r"(?<![=!<>])=(?!=)"):
            continue
        if not any(one.has(_GUARDED_SETUP) for one in file.reach(function)):
            yield file.hit("solidity-initializer", function.start, function.at)


def check_transfer_from(file: SolFile) -> Iterator[Hit]:
    for function in file.functions:
        if not function.open or re.search(r"(?i)transferfrom", function.name) or is_guarded(file, function):
            continue
        given = function.addresses()
        for match in function.find(r"\b(?:safeT|t)ransferFrom\s*\(([^;]{1,300})\)\s*[;)]"):
            arguments = [one.strip() for one in _COMMA.split(match.group(1))]
            # The token's own call has three; a library's has the token before them.
            if len(arguments) in (3, 4) and arguments[len(arguments) - 3] in given:
                yield from file.hits("solidity-transfer-from", function, [match])


def check_delegate(file: SolFile) -> Iterator[Hit]:
    for function in file.functions:
        names = "|".join(map(re.escape, function.addresses()))
        if function.open and names and not is_guarded(file, function):
            target = rf"(?<![\w.])(?:(?:payable|address)\s*\(\s*)?(?:{names})\s*\)?\s*\.\s*(?:delegatecall|callcode)\b"
            yield from file.hits("contract-delegate-target", function, function.find(target))


def check_zero(file: SolFile) -> Iterator[Hit]:
    """A privileged address stored unseen."""
    named = [name for name in file.state if re.search(rf"(?i)^_?\w*{PRIVILEGED}$", name)]
    owned = "|".join(name for name in named if "pending" not in name.lower())  # Who must accept proves to exist.
    for function in file.functions if owned else ():
        names = "|".join(map(re.escape, function.addresses()))
        asked = any(one.has(r"address\s*\(\s*0|(?i:zero)") for one in file.reach(function))
        if names and (function.open or function.kind == "constructor_definition") and not asked:
            stored = rf"(?<![\w.])(?:{owned})\s*=\s*(?:payable\s*\(\s*)?(?:{names})\b"
            yield from file.hits("contract-zero-address", function, function.find(stored))


CHECKS = (
    check_origin,
    check_rights,
    check_upgrades,
    check_replay,
    check_setup,
    check_transfer_from,
    check_delegate,
    check_zero,
)
