"""Rules: secrets written in the code, known by their prefix or by the name they are given.

Knows what placeholders look like: a secret in an example, an environment look-up or a test value does not fire.
"""

import math
import re
from collections import Counter

from audit8.audit.rules.rule import DSTR, Finder, Rule, Words
from audit8.types import Severity

_PLACEHOLDER = re.compile(
    r"x{3,}|\*{3,}|\.{3,}|change[-_ ]?(?:me|it|this)|example|sample|dummy|placeholder|your|insert|"
    r"replace|todo|fixme|redacted|"
    r"\bfake|\bmock|\btest|<[^>]*>|\$\{|\{\{|%\(|\{\w*\}|^\$\w|^%\w|^@|env\b|undefined|null|none|"
    r"1234567890abcdef|eyJzdWIiOiIxMjM0NTY3ODkw|abcdefgh|0{6,}|unknown",
    re.IGNORECASE,
)
_FIELD_WORDS = re.compile(
    r"(?:(?:user|new|old|current|confirm|re|enter|wrong|invalid|incorrect|missing|required|forgot|"
    r"reset|update|db|api|access|auth|client|"
    r"private|public|secret|bearer|refresh|csrf|session|id|key|keys|token|tokens|password|passwords|"
    r"passwd|pass|pwd|hidden|text|string|email|"
    r"name|field|value|input|type|default|basic|hash|hashed|digest|header|authorization|oauth|oauth2|"
    r"jwt|sha256|md5|bcrypt|plain|true|false|"
    r"login|admin_password|empty|is|the|too|short|long|weak|strong|in|to|of|error)[\s_\-.:/]?)+",
    re.IGNORECASE,
)
_ENTROPY_BITS = 3.0
_MIN_TOKEN_CHARS = 12
_MIN_PASSWORD_CHARS = 4


def entropy_bits(text: str) -> float:
    """Shannon entropy per character."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values()) if text else 0.0


def is_token(value: str) -> bool:
    """Whether a value given to a key, token or secret looks like a real one: long, mixed, no words."""
    value = _inner(value)
    if len(value) < _MIN_TOKEN_CHARS or len(value) > 400 or not _could_be_secret(value):
        return False
    mixed = bool(re.search(r"\d", value)) and bool(re.search(r"[A-Za-z]", value))
    words_only = bool(re.fullmatch(r"(?:[a-z]+[-_.:/ ]?)+|[A-Z]+(?:_[A-Z]+)*|(?:[A-Z]?[a-z]+)+", value))
    return entropy_bits(value) >= _ENTROPY_BITS and (mixed or len(value) >= 24) and not words_only


def is_password(value: str) -> bool:
    """Whether a value given to a password looks like one rather than like a label, a message or a look-up."""
    value = _inner(value)
    return _MIN_PASSWORD_CHARS <= len(value) <= 100 and _could_be_secret(value)


def is_known_token(value: str) -> bool:
    """Whether what follows a known prefix is random rather than a placeholder."""
    return not _PLACEHOLDER.search(value) and entropy_bits(value) >= _ENTROPY_BITS


def _inner(text: str) -> str:
    return re.split(r"[\"'`]", text)[0] if re.search(r"[\"'`]", text) else text


def _could_be_secret(value: str) -> bool:
    if _PLACEHOLDER.search(value) or re.search(r"\s", value) or not value.isascii():
        return False
    return not _FIELD_WORDS.fullmatch(value) and not re.match(r"(?:https?|ftp|file|mailto|urn):|[./~#%]|\w+\(", value)


_LITERAL = r"[\"'`](?P<s>[^\"'`\n\x00]{4,400})[\"'`]"
_LOGIN_NAMES = r"(?i:(?:\b|_|(?<=[a-z0-9]))(?:password|passwd|passphrase|pwd|passwort)|\bpass)"
_KEY_NAMES = (
    r"(?i:(?:\b|_|(?<=[a-z0-9]))(?:secret|secret_?key|api_?key|apikey|access_?key|auth_?key|"
    r"encryption_?key|signing_?key|"
    r"private_?key|client_?secret|auth_?token|access_?token|api_?token|jwt_?secret|token))"
)
_ASSIGN = (
    r"[\"'`]?(?:\])?\s{0,5}(?::\s{0,3}(?:&(?:'static )?str|[sS]tring|str)\s{0,3})?(?:=>|:=|=(?![=~])|"
    r":(?![:=]))\s{0,5}(?:@|[bruf]{1,2}(?=[\"']))?"
)
_COMPARE = r"\s{0,3}(?:===?|\.equals\s{0,2}\(|\.equalsIgnoreCase\s{0,2}\()\s{0,3}"
_PREFIXES = (
    r"(?P<s>\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{40,}|"
    r"\bglpat-[\w-]{20,}|\bxox[abprs]-[\w-]{20,}|"
    r"\b[rs]k_live_[A-Za-z0-9]{20,}|\bsk-(?:ant|proj|svcacct)-[\w-]{30,}|\bsk-[A-Za-z0-9]{40,}|"
    r"\bAIza[\w-]{35}|\bnpm_[A-Za-z0-9]{36}|"
    r"\bpypi-AgEI[\w-]{40,}|\bSG\.[\w-]{20,24}\.[\w-]{40,}|\bhf_[A-Za-z0-9]{30,}|\bdop_v1_[a-f0-9]{64}|"
    r"\bAGE-SECRET-KEY-1[0-9A-Z]{50,}|\bGOCSPX-[\w-]{28}|\bya29\.[\w-]{50,}|\bshp(?:at|ss|ca|pa)_[a-f0-9]{32}\b|"
    r"\bsk-[a-f0-9]{32}\b|\bLTAI[A-Za-z0-9]{16,24}\b|\bAKID[A-Za-z0-9]{32}\b|\b\d{8,10}:AA[\w-]{33}\b|\bkey-[a-f0-9]{32}\b|"
    r"\bhooks\.slack\.com/services/T\w{6,12}/B\w{6,12}/\w{20,}|\bdiscord(?:app)?\.com/api/webhooks/\d{15,}/[\w-]{50,}|"
    r"\bAccountKey=[A-Za-z0-9+/]{80,}={0,2}|\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{30,})"
)
_URL = r"\b[a-z][a-z0-9+]{2,15}://[^\s:/@\"'`$<{%]{1,60}:(?P<s>[^\s:/@\"'`$<{%*]{4,80})@[\w.-]{3,}"

RULES = (
    Rule(
        "secret-in-code",
        "hardcoded-secret",
        "CWE-798",
        Severity.HIGH,
        0.75,
        Words("Secret written in the code", "密钥或口令写在代码里"),
        Words(
            "Everyone who can read this code, its history or a build has this secret, and it cannot be "
            "changed without a release.",
            "任何能看到这段代码、其历史或构建产物的人都能得到该密钥，而且不发布新版本就无法更换。",
        ),
        Words(
            "Read it from the environment or a secret store, and replace this one: it has to count as known.",
            "从环境变量或密钥管理服务读取，并更换现有密钥：它应视为已经泄露。",
        ),
        (
            Finder((), _PREFIXES, on="plain", judge=is_known_token),
            Finder(
                (),
                r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |PGP |ENCRYPTED )?PRIVATE KEY(?: BLOCK)?-----[^-]{40}",
                on="plain",
            ),
            Finder((), _URL, on="plain", judge=is_password),
            Finder((), _LOGIN_NAMES + _ASSIGN + _LITERAL, on="plain", judge=is_password),
            Finder((), _KEY_NAMES + _ASSIGN + _LITERAL, on="plain", judge=is_token),
            Finder((), _LOGIN_NAMES + _COMPARE + _LITERAL, on="plain", judge=is_password),
            Finder(
                ("java", "kotlin", "scala"),
                rf"\bDriverManager\.getConnection\s*\([^;,]{{1,200}},[^;,]{{1,100}},\s*(?P<s>{DSTR})\s*\)",
                judge=is_password,
            ),
            Finder(
                ("c", "cpp", "php"),
                rf"\bstr(?:case|n|ncase)?cmp\s*\(\s*\$?\w*(?i:passw|pwd|secret|passphrase)\w*\s*,\s*(?P<s>{DSTR})",
                judge=is_password,
            ),
        ),
    ),
)
