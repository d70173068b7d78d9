"""Checks of C and C++ on passwords in the clear and on broken or home-made ciphers."""

import re

from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, callee, calls

_WEAK = re.compile(
    r"(?:MD[245]|SHA1?|CC_MD[245]|CC_SHA1)(?:_?(?:Init|Update|Final|Transform))?|EVP_(?:md[245]|sha1?|des\w*|rc[245]\w*|bf_\w+|"
    r"\w+_ecb)|(?:mbedtls_)?md[45](?:_\w+)?|(?:mbedtls_)?sha1(?:_\w+)?|DES_\w+|des_\w*crypt\w*|RC[24](?:_\w+)?|AES_ecb_encrypt|"
    r"BF_\w*encrypt|gcry_md_(?:md5|sha1)|ecb_crypt|cbc_crypt"
)
_WEAK_NAMES = re.compile(
    r"GCRY_(?:MD_(?:MD[245]|SHA1)|CIPHER_(?:DES|3DES|ARCFOUR|MODE_ECB)\w*)|CALG_(?:MD[245]|SHA1?|DES|RC[24])|RSA_NO_PADDING"
)
_BY_NAME = re.compile(r"EVP_get_(?:digest|cipher)byname|EVP_(?:MD|CIPHER)_fetch")
_WEAK_TEXT = re.compile(r"md[245]|sha-?1|des(?:-\w+)?|rc[24]\w*|\w+-ecb", re.IGNORECASE)
_HOME_MADE = re.compile(r"\w*(?:encrypt|encipher|cipher|obfuscate|scramble|xor_?crypt|caesar|rot13)\w*", re.IGNORECASE)
_PASSWORD = re.compile(
    r"(?:\w*[_a-z])?(?<!by)(?<!com)(?:pass(?:w(?:or)?d|phrase|code)?|pwd|pin_?code|secret_?key|credentials?)\d*",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"hash|enc|digest|salt|mask|len|size|count|file|path|prompt|attempt|max|min", re.IGNORECASE)
_HASHES = re.compile(
    r"crypt(?:_r)?|SHA(?:224|256|384|512)\w*|EVP_\w+|PKCS5_\w+|argon2\w*|bcrypt\w*|scrypt\w*|crypto_\w+|\w*(?:hash|encrypt)\w*",
    re.IGNORECASE,
)
_UNGUESSABLE = re.compile(
    r"(?i)token|session_?id|passw|secret|(?:api|crypt|aes|private|session|gen(?:erate)?|make|new|random)_?key|nonce|salt|otp|cookie|"
    r"csrf|challenge|(?:make|gen(?:erate)?|init|random)_?iv|captcha|verification_?code"
)
_WRITES = re.compile(r"f?printf|fputs|puts|fwrite|write|send|sendto|syslog|dprintf|fputws|SSL_write")
_FORMATS = re.compile(r"s?n?printf|snprintf|sprintf|asprintf")
_BINDS = re.compile(r"sqlite3_bind_(?:text|blob)\w*")
_STORES = re.compile(r'(?i)"\s*(?:insert\s+into|update|replace\s+into)\b.*\b(?:pass|pwd)')
_FEW_LINES, _SHORTEST = 40, 4
_OWN_HASH = re.compile(r"(?:<<=?|\*=?)\s*(?:5|31|33|65599|7|13)\b|\^=?")
_COMPARES = re.compile(r"str(?:n?case|n)?cmp|memcmp|strn?casecmp")
_LOGIN = {"mysql_real_connect": 3, "mysql_connect": 2, "PQsetdbLogin": 6, "ldap_simple_bind_s": 2, "SQLConnect": 5}


def check_secrets(unit: Unit, report: Report) -> None:
    every = [node for node in unit.nodes if node.kind == "call_expression"]
    hashed = any(_HASHES.fullmatch(callee(call)) for call in every)
    for call in every:
        name, given = callee(call), arguments(call)
        if _is_weak(unit, name, given):
            report.say("weak-cipher", call)
        elif _is_clear(unit, name, given, hashed):
            report.say("password-in-clear", call)
        elif name in _LOGIN and len(given) > _LOGIN[name]:
            fixed = given[_LOGIN[name]]
            if fixed.kind == "string_literal" and len(fixed.text) > _SHORTEST:
                report.say("secret-in-code", call)
        elif _COMPARES.fullmatch(name) and len(given) > 1:
            _fixed(unit, call, given, report)
    for node in unit.nodes:
        if node.kind == "identifier" and _WEAK_NAMES.fullmatch(node.text):
            report.say("weak-cipher", node)
    for function in unit.functions.values():
        _home_made(function, report)
        if _UNGUESSABLE.search(function.name):
            for call in function.every("call_expression"):
                if callee(call) in ("rand", "random", "lrand48", "drand48", "mrand48", "rand_r"):
                    report.say("predictable-random", call)


def _is_weak(unit: Unit, name: str, given: list[Node]) -> bool:
    """A call of a broken cipher or hash, by its own name or by a name that it is given."""
    if _WEAK.fullmatch(name):
        return name not in unit.functions
    texts = [one.text.strip('"') for one in given if one.kind == "string_literal"]
    if name == "crypt":
        return len(given) > 1 and given[1].kind == "string_literal" and "$" not in given[1].text
    return bool(_BY_NAME.fullmatch(name)) and any(_WEAK_TEXT.fullmatch(text) for text in texts)


def _is_clear(unit: Unit, name: str, given: list[Node], hashed: bool) -> bool:
    """A password is written, joined into a record or compared with a stored one."""
    which = [one for one in given if _is_password(one)]
    if _WRITES.fullmatch(name) and which:
        return not _masks(given)
    if _COMPARES.fullmatch(name) and not hashed and len(which) > 1:
        return True
    if _FORMATS.fullmatch(name) and which:
        return _is_record(given)
    if _BINDS.fullmatch(name) and which and not hashed:
        return any(_STORES.match(one.text) for one in unit.nodes if one.kind == "string_literal")
    return name in ("fwrite", "write", "send") and bool(given) and _holds_password(unit, given[0].text)


def _is_record(given: list[Node]) -> bool:
    """A format that joins fields: what it makes is stored or sent."""
    return any(re.search(r"%s\s*[:,;&=]|[:=&]\s*'?%s", one.text) for one in given if one.kind == "string_literal")


def _holds_password(unit: Unit, text: str) -> bool:
    """Whether a variable is a structure with a password in it."""
    name = text.lstrip("&")
    kinds = [one.locals[name].type for one in unit.functions.values() if name in one.locals]
    words = {word for kind in kinds for word in kind.replace("*", " ").split()} - {"struct", "char", "const"}
    return bool(words & unit.password_structs(_PASSWORD))


def _is_password(node: Node) -> bool:
    """A variable or a member that holds a password, by its name."""
    if node.kind == "field_expression":
        node = node.kids[-1]
    if node.kind not in ("identifier", "field_identifier"):
        return False
    return bool(_PASSWORD.fullmatch(node.text)) and not _HIDDEN.search(node.text)


def _masks(given: list[Node]) -> bool:
    return any("*" in one.text for one in given if one.kind == "string_literal")


def _fixed(unit: Unit, call: Node, given: list[Node], report: Report) -> None:
    """A password or key compared with a text that stands in the file."""
    for one, other in ((given[0], given[1]), (given[1], given[0])):
        literal = one.kind == "string_literal" and len(one.text) > 4
        if literal and _is_password(other):
            report.say("secret-in-code", call)
        found = unit.texts.get(one.text) if one.kind == "identifier" else None
        if found is not None and (_PASSWORD.fullmatch(one.text) or _is_password(other)):
            report.say("secret-in-code", found)


def _home_made(function: Function, report: Report) -> None:
    """A short function that calls itself a cipher, or a hash of a password, and is nothing but xor or shifts."""
    lines = function.node.end_line - function.node.line
    if lines > _FEW_LINES or any(_HASHES.fullmatch(callee(one)) for one in calls(function.body)):
        return
    hashes = "hash" in function.name.lower() and any(_PASSWORD.fullmatch(one.name) for one in function.params)
    if hashes and _OWN_HASH.search(function.body.text):
        report.say("weak-cipher", function.node)
    if not _HOME_MADE.fullmatch(function.name):
        return
    for node in function.body.walk():
        operator = node.kids[1].kind if node.kind in ("binary_expression", "assignment_expression") else ""
        letters = operator in ("^", "^=") or (operator == "%" and node.kids[2].text == "26")
        if letters or (operator in ("+=", "-=") and node.kids[0].kind == "subscript_expression"):
            report.say("weak-cipher", node)
            return
