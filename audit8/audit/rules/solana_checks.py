"""Checks of Solana programs on the syntax tree: native account lists, closed accounts, accounts that may be the same.

solana.py has the claims, and the line rules for what a single field of an Anchor struct says.
"""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import Function, RustFile

_NEXT = (
    r"\blet\s+(?:mut\s+)?(\w+)\s*(?::[^=;]{1,40})?=\s*(?:next_account_info\s*\(|&?accounts\s*\[|\w+\.next\s*\(\s*\))"
)
_ACTS_FOR = r"authority|admin|signer|governor|operator"
_DISTINCT = r"\b(?:init|init_if_needed|seeds|address|constraint|has_one|associated_token|token)\b"
_ERASES = (
    r"(?i)discriminator|\bassign\s*\(|\brealloc\s*\(\s*0|\bresize\s*\(\s*0|\.\s*fill\s*\(\s*0|\bsol_memset\s*\(|"
    r"\.\s*close\s*\(|\bclosed\b"
)
_TAGS = r"(?i)discrimina|account_type|\bkind\b|\btag\b|\bmagic\b|is_initialized|\bversion\b"


def check_signers(file: RustFile) -> Iterator[Hit]:
    """Native: an account that acts for somebody and is never asked for a signature."""
    for function in _native(file):
        if function.setup or file.reaches(function, r"\bis_signer\b|\b\w*signer\w*\s*!?\("):
            continue
        for match in function.find(_NEXT):
            name = match.group(1)
            used = len(re.findall(rf"\b{name}\b", function.body)) > 1
            # An account that is handed on to another program is asked there.
            passed = function.has(rf"\binvoke\w*\s*\([^;]*\b{name}\b")
            acts = re.search(rf"(?:^|_)(?:{_ACTS_FOR})(?:_|$)", name) is not None
            # An owner may be named without being asked, until its key is compared: then it acts.
            compared = rf"[!=]=\s*[&*]?{name}\.key|\b{name}\.key(?:\(\))?\s*[!=]="
            acts = acts or (re.search(r"(?:^|_)owner$", name) is not None and function.has(compared))
            if acts and used and not passed:
                yield from file.hits("solana-signer-not-asked", function, [match])


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
            if not file.reaches(function, compared) and not re.search(typed, file.code):
                yield from file.hits("solana-program-not-compared", function, [match])


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


def check_same(file: RustFile) -> Iterator[Hit]:
    """Anchor: two writable accounts of one type that may be the same one."""
    for struct in file.root.find_all(kind="struct_item") if "anchor" in file.frameworks else ():
        seen: dict[str, str] = {}
        for field in struct.find_all(kind="field_declaration"):
            kind = re.search(r"\bAccount\s*<\s*'\w+\s*,\s*(\w+)\s*>", file.code_of(field))
            attributes = _attributes(field)
            if kind is None or not re.search(r"\bmut\b", attributes) or re.search(_DISTINCT, attributes):
                continue
            if kind.group(1) in ("TokenAccount", "Mint"):
                continue
            name = file.code_of(field).partition(":")[0].split()[-1]
            first = seen.setdefault(kind.group(1), name)
            if first != name and not _compared(file, first, name):
                yield file.hit_node("solana-same-account-twice", field)


def _attributes(field: SgNode) -> str:
    found, before = [], field.prev()
    while before is not None and before.kind() in ("attribute_item", "line_comment", ","):
        if before.kind() == "attribute_item":
            found.append(before.text())
        elif before.kind() == ",":
            break
        before = before.prev()
    return " ".join(found)


def _compared(file: RustFile, one: str, other: str) -> bool:
    both = rf"\b{one}\b[^;{{}}]{{0,60}}(?:!=|==|ne|neq)[^;{{}}]{{0,60}}\b{other}\b"
    return (
        re.search(rf"{both}|\b{other}\b[^;{{}}]{{0,60}}(?:!=|==)[^;{{}}]{{0,60}}\b{one}\b|keys_neq!", file.code)
        is not None
    )


CHECKS = (check_signers, check_programs, check_closing, check_types, check_same)
