"""Syntax-tree checks: weak cryptography, checks of certificates and signatures switched off, debug modes."""

import ast
import re
from collections.abc import Iterator

from audit8.audit.rules import python_calls as calls
from audit8.audit.rules.python_expressions import (
    first_of,
    is_value,
    keyword_of,
    last_name,
    words_in,
    words_near,
)
from audit8.audit.rules.python_scope import Module, Scope

_SECRET_WORD = re.compile(r"passw|passwd|pwd|passphrase|secret|credential", re.IGNORECASE)
_LOGIN_WORD = re.compile(r"passw|passwd|pwd|passphrase", re.IGNORECASE)
_FAST_HASHES = re.compile(r"^hashlib\.(?:sha(?:224|256|384|512)|sha3_\d+|blake2[bs])$")
_TOKEN_WORD = re.compile(
    r"token|passw|secret|session|nonce|otp|csrf|api_?key|salt|verif|reset_?code|captcha|invite|credential|private_?key|sess_?id",
    re.IGNORECASE,
)
_WEAK_CIPHERS = re.compile(
    r"(?:^|\.)(?:DES3?|ARC4|ARC2|Blowfish|XOR)\.new$|algorithms\.(?:TripleDES|ARC4|Blowfish|IDEA|CAST5|SEED)$|modes\.ECB$"
)
_KEY_MAKERS = re.compile(
    r"(?:(?:rsa|dsa|dh|RSA|DSA|ElGamal)\.|^)(?:generate_private_key|generate_parameters)$|(?:RSA|DSA|ElGamal)\.generate$|"
    r"^(?:rsa\.newkeys|PKey\.generate_key|paramiko\.(?:RSAKey|DSSKey)\.generate|RSAKey\.generate)$|\.generate_key$"
)
_MAX_WORDS_CHARS = 4000
_SIZE_WORDS = ("key_size", "bits", "keysize", "modulus_length")
_WEAK_CURVES = re.compile(r"(?:^|\.)(?:SECP192R1|SECT163[KR][12]|SECP160\w*|BrainpoolP160\w*|SECP224R1|SECT233\w*)$")
_OLD_TLS = re.compile(
    r"ssl\.PROTOCOL_(?:SSLv2|SSLv3|SSLv23|TLSv1|TLSv1_1)$|SSL\.(?:SSLv2|SSLv3|TLSv1|TLSv1_1)_METHOD$|\.MODE_ECB$"
)


def check_crypto(module: Module, node: ast.Call, scope: Scope) -> Iterator[str]:
    name = module.name_of(node.func)
    weak = name in (
        "hashlib.md5",
        "hashlib.sha1",
        "md5.new",
        "sha.new",
        "Crypto.Hash.MD5.new",
        "Crypto.Hash.SHA.new",
        "Cryptodome.Hash.MD5.new",
    )
    if name == "hashlib.new" and isinstance(first_of(node), ast.Constant):
        weak = str(getattr(first_of(node), "value", "")).lower() in ("md5", "sha1", "md4")
    fast = weak or _FAST_HASHES.search(name) is not None
    if (
        fast
        and not is_value(keyword_of(node, "usedforsecurity"), False)
        and (_SECRET_WORD if weak else _LOGIN_WORD).search(f"{words_near(module, node)} {_words_fed(module, node)}")
    ):
        yield "weak-hash-password"
    if _WEAK_CIPHERS.search(name) or _takes_any_tls(module, node):
        yield "weak-cipher"
    if _KEY_MAKERS.search(name) and any(256 <= bits < 2048 for bits in _sizes(module, node, scope)):
        yield "short-key"
    if name in calls.RANDOM and _TOKEN_WORD.search(words_near(module, node)):
        yield "predictable-random"


def _words_fed(module: Module, node: ast.Call) -> str:
    """The names that a hash made without data is given afterwards: `m = hashlib.md5()`, then `m.update(password)`."""
    parent = module.parents.get(node)
    target = parent.targets[0] if isinstance(parent, ast.Assign) else None
    if node.args or not isinstance(target, ast.Name):
        return ""
    return module.facts(_holder(module, node), _words_by_name).get(target.id, "")


def _words_by_name(holder: ast.AST) -> dict[str, str]:
    """Of each name with an `update`, the names that it is called with."""
    words: dict[str, str] = {}
    for part in ast.walk(holder):
        if isinstance(part, ast.Call) and last_name(part) == "update" and isinstance(part.func, ast.Attribute):
            base = part.func.value
            if isinstance(base, ast.Name):
                words[base.id] = f"{words.get(base.id, '')} {words_in(part)}"[-_MAX_WORDS_CHARS:]
    return words


def _members(holder: ast.AST) -> dict[str, str]:
    return {part.attr: "" for part in ast.walk(holder) if isinstance(part, ast.Attribute)}


def _takes_any_tls(module: Module, node: ast.Call) -> bool:
    """`ssl.wrap_socket` and `SSLContext` that do not say which versions are too old."""
    name = module.name_of(node.func)
    if name in ("ssl.wrap_socket", "wrap_socket"):
        return keyword_of(node, "ssl_version") is None and len(node.args) < 5
    if name not in ("ssl.SSLContext", "SSLContext", "SSL.Context", "OpenSSL.SSL.Context"):
        return False
    version = module.name_of(node.args[0]) if node.args else ""
    if node.args and not re.search(r"PROTOCOL_(?:SSLv23|TLS)$|SSLv23_METHOD$", version):
        return False
    return not _limits_versions(module, node)


def _limits_versions(module: Module, node: ast.AST) -> bool:
    """Whether the function around says what the oldest version is."""
    names = module.facts(_holder(module, node), _members)
    return bool(names.keys() & {"minimum_version", "set_min_proto_version", "OP_NO_TLSv1", "OP_NO_TLSv1_1"})


def _holder(module: Module, node: ast.AST) -> ast.AST:
    """The function, or the module, that `node` stands in."""
    above = module.parents.get(node, node)
    while above in module.parents and not isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
        above = module.parents[above]
    return above


def _sizes(module: Module, node: ast.Call, scope: Scope) -> Iterator[int]:
    """The whole numbers among the arguments, names bound to one included; a public exponent is none of these sizes."""
    for part in (*node.args, *(keyword.value for keyword in node.keywords if keyword.arg in (None, *_SIZE_WORDS))):
        found = scope.find(part.id) if isinstance(part, ast.Name) else None
        for value in found[1] if found else [part]:
            if isinstance(value, ast.Constant) and isinstance(value.value, int):
                yield value.value


def check_trust(module: Module, node: ast.Call, scope: Scope) -> Iterator[str]:
    name = module.name_of(node.func)
    http = name.startswith(("requests.", "httpx.", "aiohttp.")) or last_name(node) in (
        "get",
        "post",
        "put",
        "request",
        "delete",
        "patch",
    )
    if (
        (is_value(keyword_of(node, "verify"), False) and http)
        or (is_value(keyword_of(node, "ssl"), False) and name.startswith("aiohttp."))
        or name == "ssl._create_unverified_context"
        or (
            last_name(node) == "set_missing_host_key_policy"
            and re.search(r"AutoAddPolicy|WarningPolicy", ast.unparse(node))
        )
    ):
        yield "tls-check-off"
    if last_name(node) == "decode" and (name.startswith(("jwt.", "jose.jwt.")) or "jwt" in name):
        options = keyword_of(node, "options")
        unverified = isinstance(options, ast.Dict) and any(
            isinstance(key, ast.Constant) and key.value == "verify_signature" and is_value(value, False)
            for key, value in zip(options.keys, options.values, strict=True)
        )
        if unverified or is_value(keyword_of(node, "verify"), False):
            yield "jwt-unverified"
    if last_name(node) == "run" and is_value(keyword_of(node, "debug"), True):
        yield "debug-on"


def check_attributes(module: Module, node: ast.Attribute, scope: Scope) -> Iterator[str]:
    name = module.name_of(node)
    if _OLD_TLS.search(name) and not name.endswith("SSLv23"):
        yield "weak-cipher"
    if _WEAK_CURVES.search(name):
        yield "short-key"


def check_assignments(module: Module, node: ast.Assign, scope: Scope) -> Iterator[str]:
    target = node.targets[0]
    name = getattr(target, "attr", getattr(target, "id", ""))
    if (
        (name == "check_hostname" and is_value(node.value, False))
        or (name == "verify_mode" and module.name_of(node.value) == "ssl.CERT_NONE")
        or (isinstance(target, ast.Attribute) and name == "verify" and is_value(node.value, False))
        or (name == "_create_default_https_context" and module.name_of(node.value) == "ssl._create_unverified_context")
    ):
        yield "tls-check-off"
    if (
        name == "DEBUG"
        and is_value(node.value, True)
        and isinstance(target, ast.Name)
        and scope.parent is None
        and "INSTALLED_APPS" in scope.values
    ):
        yield "debug-on"
