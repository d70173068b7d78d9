"""Checks of Rust on bytes from outside: indexes, sizes and conversions that panic or wrap, and pointers that outlive
what they point to. Contracts have checks of their own.
"""

import re
from collections.abc import Iterator
from itertools import islice

from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import Function, RustFile

_BYTES = r"^&\s*(?:'\w+\s+)?(?:mut\s+)?(?:\[\s*u8\s*\]|str)$|^(?:Bytes|&\s*Bytes|&\s*(?:mut\s+)?Vec<u8>)$"
_STREAMS = r"\b(?:TcpStream|UnixStream|Read|AsyncRead|BufRead|Request|UdpSocket|Stdin)\b|^(?:R|S)$"
_SIZE_ASKED = (
    r"\b{name}\s*\.\s*(?:len|get|is_empty|first|last|chunks\w*|iter|split_at_checked|starts_with|strip_prefix|find)\b"
)
_INTEGERS = r"(?:u8|u16|u32|u64|i8|i16|i32|i64|usize|isize)"
_PLAIN = rf"(?:{_INTEGERS}|u128|i128|f32|f64|char|bool|\[.*|&.*|\*.*|Self)"
_READS = (
    r"\b(?:read|get|parse|next|take|decode|load)_?(?:be_|le_)?(?:u16|u32|u64|uint|leb128|varint|size|len)\w*\s*(?:::<[^>;]*>)?\s*\(|"
    r"from_[bln]e_bytes\s*\("
)
_PRODUCT = re.compile(r"\blet\s+(?:mut\s+)?(\w+)\s*(?::\s*\w+)?\s*=\s*([^;]{0,200}[\w)\]]\s*\*\s*[\w(][^;]{0,200});")
_LOCAL = re.compile(r"\blet\s+(?:mut\s+)?(\w+)\s*(?::\s*\w+)?\s*=\s*([^;{}]{1,200});")
_CAREFUL = r"\bchecked_\w+|\bsaturating_\w+|\boverflowing_\w+|\btry_(?:from|into|reserve)\b"
_MAX_LOOKED = 60  # Of one function are followed.
_SEND = re.compile(r"\bunsafe\s+impl\s*<([^;{}]{1,200}?)>\s*(?:Send|Sync)\s+for\s+([^;{}]{1,200}?)\s*\{")
_TEMPORARY = (
    r"\blet\s+(?:mut\s+)?\w+\s*(?::[^=;]{1,80})?=\s*(?:\w+::)*(?:CString::new|String::from|Vec::from|format!|vec!|OsString::from|"
    r"Box::new)\b[^;]{0,200}\.\s*as_(?:mut_)?ptr\s*\(\s*\)\s*;"
)
_UNWRAPPED = (
    r"\b(?:from_utf8|from_str|from_slice|from_reader)\s*(?:::<[^>;]*>)?\s*\((?:[^();]|\([^()]*\)){0,160}\)\s*\.\s*(?:unwrap|expect)\s*\(|"
    r"\.\s*parse\s*(?:::\s*<[^>;]*>)?\s*\(\s*\)\s*\.\s*(?:unwrap|expect)\s*\("
)


def check_indexes(file: RustFile) -> Iterator[Hit]:
    """A function that takes bytes apart at places that it never compares with their number."""
    for function in _plain(file):
        if not re.search(r"\b(?:Result|Option)\b", function.returns):
            continue
        for name in function.typed(_BYTES):
            if not function.has(_SIZE_ASKED.replace("{name}", re.escape(name))):
                found = function.find(rf"(?<![\w.]){re.escape(name)}\s*\[(?!\s*\.\.\s*\])")
                yield from file.hits("rust-index-from-input", function, list(found)[:1])


def _plain(file: RustFile) -> list[Function]:
    return [] if file.contract else file.live


def check_sizes(file: RustFile) -> Iterator[Hit]:
    """A product in a narrow type, or a number out of the data, that becomes an amount of memory."""
    for function in _plain(file):
        if not function.has(r"\bwith_capacity\b|\bvec!|\breserve\b|\bset_len\b|\bLayout::|\balloc\b|\bresize\b"):
            continue
        careful = function.has(_CAREFUL)
        for match in () if careful else islice(_PRODUCT.finditer(function.body), _MAX_LOOKED):
            narrow = re.search(r"\bas\s+(?:u8|u16|u32|i32)\b|\bu(?:16|32)::from\b", match.group(2))
            if narrow and _allocated(function, match.group(1)) and not _compared(function, match.group(1)):
                yield from file.hits("rust-size-overflow", function, [match])
        reads = (match for match in _LOCAL.finditer(function.body) if re.search(_READS, match.group(2)))
        for match in islice(reads, _MAX_LOOKED):
            name = match.group(1)
            if _wide(match.group(2)) and _allocated(function, name) and not _compared(function, name):
                yield from file.hits("rust-allocation-unlimited", function, [match])


def _wide(value: str) -> bool:
    return not re.search(r"u16|u8\b", value) and not re.search(r"\.\s*(?:min|clamp)\s*\(", value)


def _allocated(function: Function, name: str) -> bool:
    who = re.escape(name)
    return function.has(
        rf"\b(?:with_capacity|reserve|set_len|from_size_align|array::<[^>;]*>|resize)\s*\(\s*{who}\b|\bvec!\s*\[[^;\]]*;\s*{who}\b"
    )


def _compared(function: Function, name: str) -> bool:
    who = re.escape(name)
    return function.has(
        rf"\b{who}\b\s*(?:as\s+\w+\s*)?(?:[<>]=?(?!<|>)|[!=]=)|[<>]=?\s*{who}\b|\b(?:min|clamp)\s*\([^;]{{0,200}}\b{who}\b|"
        rf"\b{who}\s*\.\s*(?:min|clamp|checked_\w+)\b|\bcheck\w*\s*\([^;]{{0,200}}\b{who}\b"
    )


def check_sharing(file: RustFile) -> Iterator[Hit]:
    """`unsafe impl<T> Sync for X<T>`: whatever T is."""
    for match in _SEND.finditer(file.code):
        after = file.code[match.end() : match.end() + 1]
        names = [one.split(":")[0].strip() for one in match.group(1).split(",")]
        kinds = [one for one in names if re.fullmatch(r"[A-Z]\w*", one)]
        bounded = re.search(r"\b(?:Send|Sync|Copy)\b", f"{match.group(1)} {match.group(2)}")
        if kinds and after and not bounded and any(re.search(rf"\b{one}\b", match.group(2)) for one in kinds):
            yield file.hit("rust-unbounded-send", match.start(), match.end())


def check_conversions(file: RustFile) -> Iterator[Hit]:
    """A number out of data becomes an enum by transmute, without a look at it."""
    enums = set(re.findall(r"\benum\s+(\w+)", file.code))
    for function in _plain(file):
        found = function.find(
            rf"\btransmute\s*(?:::\s*<\s*(?:{_INTEGERS}|_)\s*,\s*([^>;]{{1,60}}?)\s*>)?\s*\(\s*([\w.]+)(?:\s+as\s+\w+)?\s*\)"
        )
        for match in islice(found, _MAX_LOOKED):
            target, value = match.group(1), match.group(2)
            known = target if target and target != "_" else next((one for one in enums if _gives(function, one)), "")
            is_other = known and not re.fullmatch(_PLAIN, known)
            if is_other and not _looked_at(function, value):
                yield from file.hits("rust-transmute", function, [match])


def _gives(function: Function, name: str) -> bool:
    return re.search(rf"\b{name}\b", function.returns) is not None or "Self" in function.returns


def _looked_at(function: Function, value: str) -> bool:
    who = re.escape(value)
    return _compared(function, value) or function.has(
        rf"\bmatch\s+\*?{who}\b|\bmatches!\s*\(\s*{who}\b|\bcontains\s*\(\s*&?{who}\b|\b{who}\s*&\s*\w"
    )


def check_pointers(file: RustFile) -> Iterator[Hit]:
    """A pointer into a value that is dropped at the end of the same statement."""
    for function in file.live:
        if "as_ptr" in function.body or "as_mut_ptr" in function.body:
            yield from file.hits("rust-dangling-pointer", function, function.find(_TEMPORARY))


def check_unwraps(file: RustFile) -> Iterator[Hit]:
    """What a peer or a file sent is parsed, and anything else ends the program."""
    for function in _plain(file):
        if function.name == "main" or not (function.typed(_BYTES) or function.typed(_STREAMS)):
            continue
        yield from file.hits("rust-unwrap-of-input", function, function.find(_UNWRAPPED))


def check_archives(file: RustFile) -> Iterator[Hit]:
    """An archive's entry is written where its name says."""
    if not re.search(r"\b(?:ZipArchive|zip::|tar::|Archive::new)", file.code):
        return
    for function in _plain(file):
        if function.has(r"\benclosed_name\b|\bstarts_with\s*\(|\bcomponents\s*\(|\bmangled_name\b|\bfile_name\s*\("):
            continue
        yield from file.hits(
            "rust-path-from-request", function, function.find(r"\.\s*join\s*\(\s*&?\w+\s*\.\s*(?:name|path)\s*\(\s*\)")
        )


CHECKS = (
    check_indexes, check_sizes, check_sharing, check_conversions, check_pointers, check_unwraps, check_archives,
)  # fmt: skip
