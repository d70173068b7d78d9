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
    r"GCRY_(?:MD_(?:MD[245]|SHA1)|CIPHER_(?:DES|3DES|ARCFOUR|MODE_ECB)\w*)|CALG_(?:MD[245]|SHA1?|DES|RC[24])"
)
_BY_NAME = re.compile(r"EVP_get_(?:digest|cipher)byname|EVP_(?:MD|CIPHER)_fetch")
_WEAK_TEXT = re.compile(r"md[245]|sha-?1|des(?:-\w+)?|rc[24]\w*|\w+-ecb", re.IGNORECASE)
_HOME_MADE = re.compile(r"\w*(?:encrypt|encipher|cipher|obfuscate|scramble|xor_?crypt|caesar|rot13)\w*", re.IGNORECASE)
_PASSWORD = re.compile(
    r"(?:\w*_)?(?:pass(?:w(?:or)?d|phrase)?|pwd|passcode|pin_?code|secret_?key|credentials?)\d*", re.IGNORECASE
)
_HIDDEN = re.compile(r"hash|enc|digest|salt|mask|len|size|count|file|path|prompt|attempt|max|min", re.IGNORECASE)
_HASHES = re.compile(
    r"crypt(?:_r)?|SHA(?:224|256|384|512)\w*|EVP_\w+|PKCS5_\w+|argon2\w*|bcrypt\w*|scrypt\w*|crypto_\w+|\w*(?:hash|encrypt)\w*",
    re.IGNORECASE,
)
_WRITES = re.compile(r"f?printf|fputs|puts|fwrite|write|send|sendto|syslog|dprintf|fputws|SSL_write")
_COMPARES = re.compile(r"str(?:n?case|n)?cmp|memcmp|strn?casecmp")
_LOGIN = {"mysql_real_connect": 3, "mysql_connect": 2, "PQsetdbLogin": 6, "ldap_simple_bind_s": 2, "SQLConnect": 5}


def check_secrets(unit: Unit, report: Report) -> None:
    hashed = any(_HASHES.fullmatch(callee(call)) for call in calls(unit.root))
    for call in calls(unit.root):
        name, given = callee(call), arguments(call)
        if (_WEAK.fullmatch(name) and given is not None and name not in unit.functions) or _is_weak_name(name, given):
            report.say("weak-cipher", call)
        elif (_WRITES.fullmatch(name) and any(_is_password(one) for one in given) and not _masks(given)) or (
            _COMPARES.fullmatch(name)
            and len(given) > 1
            and not hashed
            and _is_password(given[0])
            and _is_password(given[1])
        ):
            report.say("password-in-clear", call)
        elif name in _LOGIN and len(given) > _LOGIN[name] and len(given[_LOGIN[name]].text.strip('"')) > 2:
            if given[_LOGIN[name]].kind == "string_literal":
                report.say("secret-in-code", call)
        elif _COMPARES.fullmatch(name) and len(given) > 1:
            _fixed(unit, call, given, report)
    for node in unit.nodes:
        if node.kind == "identifier" and _WEAK_NAMES.fullmatch(node.text):
            report.say("weak-cipher", node)
    for function in unit.functions.values():
        _home_made(function, report)


def _is_weak_name(name: str, given: list[Node]) -> bool:
    texts = [one.text.strip('"') for one in given if one.kind == "string_literal"]
    return bool(_BY_NAME.fullmatch(name)) and any(_WEAK_TEXT.fullmatch(text) for text in texts)


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
    """A short function that calls itself a cipher and is nothing but xor or a shift of letters."""
    lines = function.node.end_line - function.node.line
    if (
        not _HOME_MADE.fullmatch(function.name)
        or lines > 40
        or any(_HASHES.fullmatch(callee(one)) for one in calls(function.body))
    ):
        return
    for node in function.body.walk():
        operator = node.kids[1].kind if node.kind in ("binary_expression", "assignment_expression") else ""
        letters = operator in ("^", "^=") or (operator == "%" and node.kids[2].text == "26")
        if letters or (operator in ("+=", "-=") and node.kids[0].kind == "subscript_expression"):
            report.say("weak-cipher", node)
            return
