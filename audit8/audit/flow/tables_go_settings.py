"""Go: calls whose fixed arguments are the mistake, and numbers that lose bits; no value from outside is needed."""

import re

from audit8.audit.flow.spec import Given, Sink
from audit8.audit.flow.value import FIXED, Value

_BITS = {"int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32, "int": 32, "uint": 32}
_EVERYWHERE = re.compile(r"(?:0\.0\.0\.0|\[::\]|):\d")
_ARCHIVES = r"(?:gzip|zlib|bzip2|flate|lzw|tar|zip|zstd|xz|snappy)\.\S*(?:New\w*Reader|Open|File)"


def _narrows(given: Given) -> bool:
    """`int32(n)` of a number that was read with more bits than that."""
    value = given.args[0] if given.args else None
    if value is None or not re.search(r"strconv\.(?:Atoi|ParseInt|ParseUint)$", value.kind):
        return False
    if not value.kind.endswith("Atoi") and not value.text.isdigit():
        return False  # With as many bits as somebody asks for.
    read = int(value.text) if value.text.isdigit() and value.text != "0" else 64
    if given.way in ("int", "uint") and (value.kind.endswith("Atoi") or value.text != "64"):
        return False  # Their size depends on the machine.
    unsigned = value.kind.endswith("ParseUint")
    return read > _BITS[given.way] or (read == _BITS[given.way] and unsigned and not given.way.startswith("u"))


def _unpacks(given: Given) -> bool:
    return len(given.args) > 1 and bool(re.search(_ARCHIVES, given.args[1].kind))


def _is_fixed_text(value: Value) -> bool:
    return value.level == FIXED and bool(value.text or value.kind.startswith("[]byte"))


SETTINGS = (
    Sink(
        "short-key",
        r"^(?:crypto/)?rsa\.Generate(?:MultiPrime)?Key$",
        "bits",
        least=0,
        least_built=0,
        when=lambda given: any(value.text.isdigit() and 256 <= int(value.text) < 2048 for value in given.args[1:]),
    ),
    Sink("unbounded-unpacking", r"^io\.Copy(?:Buffer)?$", "size", (1,), least=0, least_built=0, when=_unpacks),
    Sink("number-narrowed", r"^u?int(?:8|16|32)?$", "number", least=0, least_built=0, when=_narrows),
    Sink(
        "server-without-timeout",
        r"^(?:net/)?http\.(?:ListenAndServe(?:TLS)?|Serve|ServeTLS)$",
        "time",
        least=0,
        least_built=0,
    ),
    Sink(
        "server-without-timeout",
        r"^new (?:net/)?http\.Server$",
        "time",
        ("Addr", "Handler"),
        least=0,
        least_built=0,
        when=lambda given: not {"ReadHeaderTimeout", "ReadTimeout"} & set(given.named),
    ),
    Sink(
        "fixed-nonce",
        r"^(?:crypto/)?cipher\.New(?:CBC|CFB|CTR|OFB)\w*$|^(?:crypto/)?cipher\.NewCTR$",
        "nonce",
        (1,),
        least=0,
        least_built=0,
        when=lambda given: len(given.args) > 1 and _is_fixed_text(given.args[1]),
    ),
    Sink(
        "fixed-nonce",
        r"cipher\.NewGCM\w*\.(?:Seal|Open)$|^(?:aesGCM|gcm|aead|aesgcm)\.(?:Seal|Open)$",
        "nonce",
        (1,),
        least=0,
        least_built=0,
        when=lambda given: len(given.args) > 1 and _is_fixed_text(given.args[1]),
    ),
    Sink(
        "cookie-without-flags",
        r"^new (?:net/)?http\.Cookie$",
        "cookie",
        ("Name",),
        least=0,
        least_built=0,
        when=lambda given: not {"HttpOnly", "Secure"} <= set(given.named),
    ),
    Sink(
        "every-interface",
        r"^(?:net|crypto/tls|tls)\.Listen$",
        "bind",
        (1,),
        least=0,
        least_built=0,
        when=lambda given: len(given.args) > 1 and bool(_EVERYWHERE.match(given.args[1].text)),
    ),
)
