"""Checks of what Rust programs take from outside: SQL, shells, paths, and the randomness behind secrets."""

import re
from collections.abc import Iterator
from itertools import islice

from ast_grep_py import SgNode

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import Function, RustFile

_SQL = r"(?is)^\W*(?:select\b.+\bfrom|insert\s+into|update\b.+\bset|delete\s+from|drop\s+table|alter\s+table)\b"
_HOLES = re.compile(r"(?<!\{)\{(\w*)(?::[^{}]*)?\}(?!\})")
_SETTLED = r"(?i)table|column|schema|placeholder|prefix|suffix|cols?\b|fields?\b|order|clause|where|params"
_EXTRACTORS = r"\b(?:Path|Query|Form|Json|HttpRequest|Request|TypedHeader|Multipart)\s*(?:<|\b)|^&?(?:String|str)$"
_NAMED = r"token|password|passwd|secret|api_?key|session|nonce|salt|otp|private_?key"
_VALUE = r"\bargs?\s*\([^;]*(?:\bformat!|&?\b(?!vec\b)[a-z_]\w*\b(?!\s*[(!]))"
_OPENERS = r"(?:File::(?:open|create)|fs::(?:read|read_to_string|write|remove_file|copy)|NamedFile::open\w*)"
_CHANGES = r"(?:File::create|fs::(?:write|remove_file|remove_dir_all|rename|set_permissions|hard_link)|symlink)"
_MAX_NAMES = 40
_SMALL = r"\b(?:SmallRng|fastrand::\w+|oorand::\w+|StdRng::seed_from_u64|ChaCha\w*::seed_from_u64|seed_from_u64)\b"


def check_sql(file: RustFile) -> Iterator[Hit]:
    for function in file.live:
        if not re.search(r"\bformat!|\bformat_args!", function.body):
            continue
        for node in function.node.find_all(kind="macro_invocation"):
            name = node.field("macro")
            if name is not None and name.text() in ("format", "std::format") and _builds(file, node, _SQL):
                yield file.hit_node("rust-sql-format", node)


def _builds(file: RustFile, node: SgNode, pattern: str) -> bool:
    """Whether the literal of a format! matches and a hole in it can hold something that varies."""
    literal = node.find(kind="string_literal") or node.find(kind="raw_string_literal")
    if literal is None or not re.search(pattern, literal.text().lstrip("r#").strip('"')):
        return False
    given = file.code[literal.range().end.index : node.range().end.index]
    values = [one.strip() for one in given.strip(" ,)]}").split(",") if one.strip()]
    named = [hole for hole in _HOLES.findall(literal.text()) if hole and not hole.isdigit()]
    held = [*values, *named] if _HOLES.search(literal.text()) else []
    return any(
        not re.fullmatch(r"(?:\w+::)*[A-Z][A-Z0-9_]*|[\d_.]+", one) and not re.search(_SETTLED, one) for one in held
    )


def check_shell(file: RustFile) -> Iterator[Hit]:
    for function in file.live if "Command" in file.code else ():
        for match in function.find(r"\bCommand::new\s*\(\s*(\"[^\"]*\"|&?\w+)\s*\)([^;]*)"):
            program = file.text_of(function)[match.start(1) : match.end(1)].lstrip("&")
            if re.fullmatch(r'"(?:/bin/)?(?:sh|bash|zsh|dash|cmd|cmd\.exe|powershell)"', program):
                found = [match] if re.search(_VALUE, match.group(2)) else []
                yield from file.hits("rust-shell", function, found)
            elif _text(function, program) and not function.has(
                rf"\b(?:contains|matches!|allow\w*)\W[^;]*\b{program}\b"
            ):
                yield from file.hits("rust-program-from-input", function, [match])


def _text(function: Function, name: str) -> bool:
    """Whether the name is a parameter that holds text."""
    return re.search(r"\b(?:str|String|OsStr)\b", function.parameters.get(name, "")) is not None


def check_paths(file: RustFile) -> Iterator[Hit]:
    """A web handler that opens what its request names."""
    web = re.search(r"\b(?:actix_web|axum|rocket|warp|hyper|tide|poem|salvo)\b", file.code)
    for function in file.live:
        if not web and not function.typed(r"\b(?:Path|Query|Form|Json|HttpRequest|Multipart)\s*<"):
            continue
        if function.has(
            r"\bcanonicalize\s*\(|\bstarts_with\s*\(|\bfile_name\s*\(|\.\s*contains\s*\(|\bcomponents\s*\("
        ):
            continue
        names = set(re.findall(r"\w+", " ".join(function.typed(_EXTRACTORS))))
        for match in function.find(r"\blet\s+(?:mut\s+)?(\w+)\s*(?::[^=;]{1,60})?=\s*([^;]{1,300});"):
            if names & set(re.findall(r"\w+", match.group(2))) or _holds(file, function, match, names):
                names.add(match.group(1))
        if names:
            used = rf"\b{_OPENERS}\s*\(\s*[^;]*?\b(?:{'|'.join(map(re.escape, names))})\b"
            yield from file.hits("rust-path-from-request", function, function.find(used))


def _holds(file: RustFile, function: Function, match: re.Match[str], names: set[str]) -> bool:
    """Whether a literal with holes, as in format!("{name}"), has one of the names in it."""
    shown = file.text[function.at + match.start(2) : function.at + match.end(2)]
    return bool(names & set(_HOLES.findall(shown)))


def check_random(file: RustFile) -> Iterator[Hit]:
    for function in file.live:
        if re.search(_NAMED, function.name) or function.has(rf"\blet\s+(?:mut\s+)?\w*(?:{_NAMED})"):
            yield from file.hits("rust-weak-rng", function, function.find(_SMALL))


def check_lengths(file: RustFile) -> Iterator[Hit]:
    """A length that becomes a header field or a loop bound in a type that is too small for it."""
    for function in file.live:
        for match in function.find(r"\b([\w.]+)\s*\.\s*len\s*\(\s*\)\s+as\s+(?:u8|i8|u16|i16)\b"):
            held = re.escape(match.group(1))
            if not function.has(rf"\b{held}\s*\.\s*len\s*\(\s*\)\s*(?:as\s+\w+\s*)?[<>]"):
                yield from file.hits("rust-length-cast", function, [match])


def check_files(file: RustFile) -> Iterator[Hit]:
    """A name is asked for, and then made or removed: between the two it may have become something else."""
    for function in file.live:
        for match in islice(
            function.find(r"\b([\w.]+)\s*\.\s*(?:exists|is_file|is_symlink|metadata)\s*\(\s*\)"), _MAX_NAMES
        ):
            changed = rf"\b{_CHANGES}\s*\(\s*&?{re.escape(match.group(1))}\b"
            later = re.compile(changed).search(function.body, match.end())
            if later is not None:
                yield from file.hits("rust-check-then-use", function, [later])


CHECKS = (check_sql, check_shell, check_paths, check_random, check_lengths, check_files)
