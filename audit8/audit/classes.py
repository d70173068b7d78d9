"""The closed list of vulnerability classes: what the model is asked about, and what a finding may be called.

Data only. A class has one CWE that reports show and further ones that mean the same kind of mistake.
"""

import re
from dataclasses import dataclass

from audit8.types import Lang, Severity

CRITICAL, HIGH, MEDIUM, LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW

WEB = ("python", "javascript", "typescript", "java", "go", "php", "ruby", "csharp", "kotlin", "scala")
SCRIPT = ("python", "javascript", "typescript", "php", "ruby")
NATIVE = ("c", "cpp")
_SYSTEMS = ("c", "cpp", "rust", "go", "swift")
_CHAIN = ("solidity", "rust")
_JS = ("javascript", "typescript", "html")


@dataclass(frozen=True, slots=True)
class VulnClass:
    """One class. `also` are CWE numbers of the same kind; `languages` () means any; `question` is yes/no.

    `asked` False: only the static rules find it. Who is addressed by a text is the wrong one to ask about it.
    """

    id: str
    cwe: str
    severity: Severity
    en: str
    zh: str
    question: str
    languages: tuple[str, ...] = ()
    also: tuple[int, ...] = ()
    asked: bool = True

    def title(self, lang: Lang) -> str:
        return self.zh if lang == "zh" else self.en


# fmt: off
_TABLE = (
    VulnClass("sql-injection", "CWE-89", HIGH, "SQL injection", "SQL 注入",
        "Does outside data become part of the text of a database query instead of a bound parameter?",
        (*WEB, "sql", "c", "cpp"), (564, 943)),
    VulnClass("command-injection", "CWE-78", CRITICAL, "Command injection", "命令注入",
        "Does outside data become part of a command line that a shell interprets, or choose the program?",
        (*WEB, "c", "cpp", "bash", "rust"), (77, 88)),
    VulnClass("code-injection", "CWE-94", HIGH, "Code injection", "代码注入",
        "Is text that comes from outside run as program code or as a template?", (*WEB, "html", "bash"),
        (95, 96, 917, 1336)),
    VulnClass("unsafe-deserialization", "CWE-502", HIGH, "Unsafe deserialisation", "不安全的反序列化",
        "Are objects of any type rebuilt from data that an attacker may have written?", WEB),
    VulnClass("path-traversal", "CWE-22", HIGH, "Path traversal", "路径遍历",
        "Can outside data choose a file path (.., absolute, archive entry) outside the intended folder?",
        (*WEB, "c", "cpp", "rust"), (23, 24, 36, 73, 98, 59)),
    VulnClass("xss", "CWE-79", HIGH, "Cross-site scripting", "跨站脚本（XSS）",
        "Does outside data reach a web page without being escaped for its place there?", (*WEB, "html"),
        (80, 83, 87, 116)),
    VulnClass("hardcoded-secret", "CWE-798", HIGH, "Hard-coded secret", "硬编码的密钥或口令",
        "Is a real password, key or token written in the code?", (), (256, 257, 259, 260, 321, 547)),
    VulnClass("missing-authorization", "CWE-862", HIGH, "Missing access check", "缺少访问控制检查",
        "Can a caller reach this action or record without a check that they may?", (*WEB, *_CHAIN),
        (284, 285, 287, 306, 639, 863, 269)),
    VulnClass("ssrf", "CWE-918", HIGH, "Server-side request forgery", "服务端请求伪造（SSRF）",
        "Can outside data choose the host that the server then connects to?", WEB),
    VulnClass("xxe", "CWE-611", HIGH, "XML external entities", "XML 外部实体注入（XXE）",
        "Does an XML parser resolve external entities in a document from outside?",
        ("python", "java", "php", "csharp", "kotlin", "scala", "c", "cpp", "ruby"), (776, 827)),
    VulnClass("open-redirect", "CWE-601", MEDIUM, "Open redirect", "开放重定向",
        "Can outside data choose the site that a user is redirected to?", WEB),
    VulnClass("tls-verification", "CWE-295", HIGH, "TLS verification off", "关闭了 TLS 校验",
        "Is the check of a certificate, host name or host key switched off?", (*WEB, "c", "cpp", "rust", "swift"),
        (296, 297, 299, 322, 350, 757)),
    VulnClass("weak-crypto", "CWE-327", MEDIUM, "Weak cryptography", "弱加密",
        "Is a broken or too weak cipher, hash, key or mode used to protect something?", (),
        (261, 326, 328, 329, 759, 760, 780, 916, 1240, 310)),
    VulnClass("weak-random", "CWE-338", MEDIUM, "Predictable random numbers", "可预测的随机数",
        "Is a predictable generator used for a token, key, password or lottery?", (), (330, 331, 334, 335, 336, 337)),
    VulnClass("jwt-verification", "CWE-347", HIGH, "Signature not verified", "未校验签名",
        "Is signed data (a JWT, a webhook) used without checking its signature?", WEB),
    VulnClass("csrf", "CWE-352", MEDIUM, "Cross-site request forgery", "跨站请求伪造（CSRF）",
        "Can another site make a signed-in browser perform this change?", WEB),
    VulnClass("cors", "CWE-942", MEDIUM, "Any origin trusted", "信任任意来源（CORS）",
        "May any website read answers that carry credentials?", WEB, (346,)),
    VulnClass("cookie-flags", "CWE-614", LOW, "Cookie without protection", "Cookie 缺少保护属性",
        "Is a session cookie set without Secure or HttpOnly?", WEB, (1004, 1275)),
    VulnClass("prototype-pollution", "CWE-1321", HIGH, "Prototype pollution", "原型链污染",
        "Can an outside key such as __proto__ write to an object's prototype?", _JS, (471,)),
    VulnClass("mass-assignment", "CWE-915", MEDIUM, "Mass assignment", "批量赋值",
        "Can a request set fields of a record that were not meant to be set by it?", WEB),
    VulnClass("regex-dos", "CWE-1333", MEDIUM, "Regular expression that can hang", "正则表达式拒绝服务",
        "Does a regular expression with nested repetition run on outside text?", WEB, (730,)),
    VulnClass("debug-mode", "CWE-489", MEDIUM, "Debug mode on", "开启了调试模式",
        "Is a debug mode or debug endpoint left on?", WEB, (11, 215)),
    VulnClass("information-exposure", "CWE-200", MEDIUM, "Information exposure", "信息泄露",
        "Are secrets, personal data or internal errors written to a log or an answer?", (),
        (201, 209, 312, 319, 359, 497, 522, 532, 538)),
    VulnClass("log-injection", "CWE-117", LOW, "Log injection", "日志注入",
        "Does outside data with line breaks reach a log unescaped?", WEB, (93, 113)),
    VulnClass("unsafe-reflection", "CWE-470", HIGH, "Unsafe reflection", "不安全的反射",
        "Can outside data choose which class or method is called?", WEB, (913,)),
    VulnClass("xpath-ldap-injection", "CWE-643", HIGH, "XPath or LDAP injection", "XPath 或 LDAP 注入",
        "Does outside data become part of an XPath or LDAP query?", WEB, (90, 91)),
    VulnClass("permissions", "CWE-732", MEDIUM, "Too wide permissions", "权限过宽",
        "Is a file, folder or object created so that every user may write or read it?", (*WEB, *_SYSTEMS, "bash"),
        (250, 266, 276, 277, 280)),
    VulnClass("temporary-file", "CWE-377", MEDIUM, "Predictable temporary file", "可预测的临时文件",
        "Is a temporary file made under a name that another user can guess?",
        (*SCRIPT, *NATIVE, "java", "go", "bash"), (378, 379)),
    VulnClass("buffer-overflow", "CWE-787", CRITICAL, "Out-of-bounds access", "越界读写（缓冲区溢出）",
        "Can a read or write go past the end or before the start of a buffer?", _SYSTEMS,
        (118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 129, 131, 170, 193, 242, 676, 786, 788, 805, 806, 822, 823,
         843)),
    VulnClass("use-after-free", "CWE-416", CRITICAL, "Use after free", "释放后使用",
        "Is memory used, or freed again, after it was freed or went out of scope?", ("c", "cpp", "rust"),
        (415, 562, 590, 761, 762, 763, 825)),
    VulnClass("null-dereference", "CWE-476", MEDIUM, "Null dereference", "空指针解引用",
        "Can a pointer be null where it is used?", ("c", "cpp", "go", "java", "csharp"), (690,)),
    VulnClass("integer-overflow", "CWE-190", HIGH, "Integer overflow", "整数溢出",
        "Can arithmetic or a conversion wrap or lose bits before a size, index or amount is used?",
        (*_SYSTEMS, "java", "solidity", "kotlin", "csharp"), (128, 191, 192, 194, 195, 196, 197, 680, 681, 839)),
    VulnClass("format-string", "CWE-134", HIGH, "Format string", "格式化字符串漏洞",
        "Is outside text used as a printf-like format?", ("c", "cpp", "swift")),
    VulnClass("divide-by-zero", "CWE-369", LOW, "Division by zero", "除零", "Can a divisor be zero?",
        (*_SYSTEMS, "solidity")),
    VulnClass("uninitialized", "CWE-457", MEDIUM, "Uninitialised value", "使用未初始化的值",
        "Is a variable, memory or a contract's state used before it was set, or left for anyone to set?",
        (*NATIVE, *_CHAIN), (456, 665, 824, 908, 909)),
    VulnClass("resource-leak", "CWE-401", LOW, "Leak of memory or a resource", "内存或资源泄漏",
        "Is memory, a file or a lock not released on some path?", (*_SYSTEMS, "java"),
        (403, 404, 459, 667, 771, 772, 775)),
    VulnClass("resource-exhaustion", "CWE-400", MEDIUM, "Uncontrolled resource use", "资源消耗失控",
        "Can outside data make this loop, allocate or recurse without a limit?", (),
        (405, 409, 674, 770, 789, 834, 835)),
    VulnClass("race-condition", "CWE-362", MEDIUM, "Race condition", "竞态条件",
        "Can something change between a check and its use, or be shared without a lock?",
        (*_SYSTEMS, "java", "python", "kotlin", "csharp", "solidity"), (363, 364, 366, 367, 413, 820, 821)),
    VulnClass("unchecked-result", "CWE-252", MEDIUM, "Result not checked", "未检查返回值",
        "Is the result of a call that can fail used or dropped without a check?", (*_SYSTEMS, "solidity"),
        (248, 253, 390, 391, 392, 393, 394, 617, 628, 703, 754, 755)),
    VulnClass("reentrancy", "CWE-841", CRITICAL, "Reentrancy", "重入",
        "Is an outside contract called before this contract's own state is updated?", _CHAIN, (1265,)),
    VulnClass("account-validation", "CWE-345", HIGH, "Account not validated", "账户未校验",
        "Is an account used without checking its owner, type, address or derivation?", ("rust",), (668, 1284)),
    VulnClass("arbitrary-call", "CWE-829", HIGH, "Call of an arbitrary program", "调用任意程序",
        "Can the caller choose which program or contract is called?", _CHAIN, (610, 749)),
    VulnClass("wrong-calculation", "CWE-682", MEDIUM, "Wrong calculation", "计算错误",
        "Does a calculation of money round, divide or raise to a power in the wrong way or order?", _CHAIN),
    VulnClass("input-validation", "CWE-20", LOW, "Input not validated", "未校验输入",
        "Is a value of the caller stored or moved though it may be zero or senseless?", _CHAIN),
    VulnClass("missing-event", "CWE-778", LOW, "Change without a record", "变更未留记录",
        "Is money or a right changed without an event or log entry?", _CHAIN, (223,)),
    VulnClass("hidden-text", "CWE-1007", MEDIUM, "Hidden reordering of text", "隐藏的文本重排",
        "Do bidirectional control characters make the code look different from what it does?", (), (451,)),
    VulnClass("prompt-injection", "CWE-1427", MEDIUM, "Text that addresses the auditor", "针对审计者的文字（提示注入）",
        "Does a comment or string tell whoever audits the code what to conclude, report or ignore?", (), (1426,),
        asked=False),
)
# fmt: on

CLASSES: dict[str, VulnClass] = {one.id: one for one in _TABLE}

_BY_CWE: dict[str, VulnClass] = {f"CWE-{number}": one for one in reversed(_TABLE) for number in one.also}
_BY_CWE.update({one.cwe: one for one in _TABLE})
_NOT_WORD = re.compile(r"[\W_]+")
_CWE = re.compile(r"CWE[\s_:-]{0,3}0*([1-9]\d{0,4})(?!\d)", re.IGNORECASE)


def _key(text: str) -> str:
    return _NOT_WORD.sub("", text).lower()


_ALIASES = {
    "sqli": "sql-injection", "oscommandinjection": "command-injection", "shellinjection": "command-injection",
    "rce": "code-injection", "evalinjection": "code-injection", "ssti": "code-injection",
    "insecuredeserialization": "unsafe-deserialization", "unsafedeserialisation": "unsafe-deserialization",
    "directorytraversal": "path-traversal", "crosssitescripting": "xss", "hardcodedcredentials": "hardcoded-secret",
    "hardcodedpassword": "hardcoded-secret", "hardcodedsecrets": "hardcoded-secret", "doublefree": "use-after-free",
    "stackbufferoverflow": "buffer-overflow", "heapbufferoverflow": "buffer-overflow",
    "bufferoverflow": "buffer-overflow",
    "nullpointerdereference": "null-dereference", "memoryleak": "resource-leak", "weakhash": "weak-crypto",
    "missingauthentication": "missing-authorization", "accesscontrol": "missing-authorization",
    "redos": "regex-dos", "denialofservice": "resource-exhaustion", "integerunderflow": "integer-overflow",
}  # fmt: skip
_BY_NAME = {_key(name): one for one in _TABLE for name in (one.id, one.en, one.zh)}
_BY_NAME.update({alias: CLASSES[target] for alias, target in _ALIASES.items()})


def for_language(language: str) -> list[VulnClass]:
    """The classes that a model is asked about in `language`, most severe first; all of them for unknown text."""
    fitting = [
        one for one in _TABLE if one.asked and (not one.languages or language in one.languages or language == "text")
    ]
    return sorted(fitting, key=lambda one: one.severity.rank)


def by_cwe(cwe: str) -> VulnClass | None:
    """The class that "CWE-89" belongs to, or None."""
    return _BY_CWE.get(cwe)


def is_asked(cwe: str) -> bool:
    """Whether a model may be asked about a finding of this CWE; of classes that are not known it may."""
    known = by_cwe(cwe)
    return known is None or known.asked


def normalise_cwe(text: str) -> str:
    """The first CWE number in `text` as "CWE-89", or ""."""
    found = _CWE.search(text[:200])
    return f"CWE-{found.group(1)}" if found else ""


def by_name(name: str) -> VulnClass | None:
    """The class that a model meant by `name`: its id, a title, an alias or a CWE number in any spelling; or None."""
    return _BY_NAME.get(_key(name[:80])) or by_cwe(normalise_cwe(name))
