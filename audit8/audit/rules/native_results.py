"""Checks of C and C++ on calls: results compared with what never means an error, and arguments that cannot be meant.

Knows what the C library and POSIX return on failure. A variable is followed to the last call that was assigned to it
before, in the order of the text.
"""

import re
from collections.abc import Iterator

from audit8.audit.rules.native_model import Function, Unit, Variable
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, bare, callee, calls, declared, place
from audit8.audit.rules.native_values import is_unsigned

_POINTER = re.compile(
    r"malloc|calloc|realloc|strn?dup|f(?:re|d|mem)?open|popen|opendir|getenv|fgets|str(?:r?chr|str|pbrk|tok)|localtime|gmtime|"
    r"gethostbyname|tmpfile|getcwd|getpw(?:nam|uid)|realpath|memchr|aligned_alloc|fopen64"
)
_HANDLE = re.compile(
    r"open|openat|creat|socket|accept4?|dup2?|mkstemp|shmget|msgget|semget|epoll_create1?|inotify_init"
)
_ZERO_OR_MINUS = re.compile(
    r"bind|listen|connect|l?f?stat|access|pipe|close|chdir|unlink|mkdir|rmdir|rename|remove|set(?:res|e)?[ug]id|f?chmod|"
    r"f?chown|kill|sigaction|munmap|msync|setsockopt|fseek|gettimeofday|f?truncate|sem_(?:init|wait|post)|raise|setenv|shmctl"
)
_ERROR_NUMBER = re.compile(r"pthread_(?!self|equal|getspecific|exit)\w+|posix_memalign|posix_spawnp?")
_COUNT = re.compile(r"fread|fwrite")
_BYTES = re.compile(r"read|write|recv|recvfrom|send|sendto|pread|pwrite|lseek|fork|waitpid|ftell")
_SCAN = re.compile(r"f?s?scanf")
_PRINT = re.compile(r"v?f?s?n?printf|fputs|fputc|putc|putchar|puts")
_MAPPED = re.compile(r"mmap|shmat|sem_open|signal")
_ORDER = re.compile(r"str(?:n?case|n)?cmp|strn?casecmp|memcmp")
_VERIFY = re.compile(
    r"EVP_VerifyFinal|EVP_DigestVerifyFinal|X509_verify(?:_cert)?|DSA_(?:do_)?verify|ECDSA_(?:do_)?verify|RAND_bytes"
)
# For each kind what a test must not be: the operator and what the result is compared with.
_WRONG: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (_POINTER, re.compile(r"(?:<|<=|>|>=|==|!=) (?:-1|EOF)|(?:<|<=|>=|>) (?:0|NULL)")),
    (_HANDLE, re.compile(r"(?:==|!=) (?:NULL|nullptr|0|EOF NULL)")),
    (_ZERO_OR_MINUS, re.compile(r"== (?:1|true|NULL)|(?:>|>=) [01]|!= 1|<= 0|== (?:ENOENT|EACCES|EEXIST|EINVAL)")),
    (_ERROR_NUMBER, re.compile(r"(?:<|<=|>=) 0|(?:==|!=|>) -1|== (?:NULL|1|true)")),
    (_COUNT, re.compile(r"(?:<|<=|>=) 0|(?:==|!=|>) (?:-1|EOF)|(?:<|>=) -?0")),
    (_BYTES, re.compile(r"(?:==|!=) (?:NULL|nullptr|EOF NULL)")),
    (_SCAN, re.compile(r"(?:==|!=|<=|>) (?:EOF|-1)|(?:==|!=|<|>=) 0|(?:==|!=) (?:NULL|true|false)")),
    (_PRINT, re.compile(r"(?:==|!=) (?:0|NULL|true|false)")),
    (_MAPPED, re.compile(r"(?:==|!=) (?:NULL|nullptr|0)|(?:<|>=) 0")),
    (_ORDER, re.compile(r"(?:==|!=) (?:-?1|true|false|TRUE)")),
    (_VERIFY, re.compile(r"(?:==|!=) 0")),
)
_FLIP = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_BLANK = ("if_statement", "while_statement", "do_statement", "for_statement", "conditional_expression")
_PRIVILEGE = re.compile(r"set(?:res|re|e)?[ug]id|setgroups|initgroups|chroot")
_CONVERSION = re.compile(r"%(?:%|[-+ #0']*(\*|\d+)?(?:\.(\*|\d+)?)?(?:hh|h|ll|l|z|j|t|L|q)?([a-zA-Z\[]))")
_PRINTS = {"printf": 0, "fprintf": 1, "sprintf": 1, "snprintf": 2, "syslog": 1, "dprintf": 1}
_TEXT_FIRST = re.compile(
    r"str(?:len|cpy|cat|cmp|ncpy|ncat|ncmp|dup|chr|rchr|str|tok|casecmp)|ato[ifl]+|puts|strto\w+|fopen|system"
)
_MODE = re.compile(r"\"[rwa][bt+xecm]{0,4}(?:,.*)?\"")


def check_results(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        assigned = _assigned(function)
        for node in function.every("binary_expression", "unary_expression", *_BLANK, "call_expression"):
            if node.kind == "binary_expression" and node.kids[1].kind in _FLIP:
                _comparison(unit, node, assigned, function, report)
            elif node.kind == "unary_expression" and node.kids[0].kind == "!":
                _test(node, node.kids[1], "== 0", assigned, report)
            elif node.kind in _BLANK and (condition := node.part("condition")) is not None:
                _test(condition, condition, "!= 0", assigned, report)
            elif node.kind == "call_expression":
                _arguments(unit, function, node, report)


def _assigned(function: Function) -> dict[str, list[tuple[int, Node]]]:
    """For each name the calls whose results it gets, by place in the text; other values end what a call said."""
    found: dict[str, list[tuple[int, Node]]] = {}
    given = function.every("init_declarator", "assignment_expression")
    for node in sorted(given, key=lambda one: one.start):
        if node.kind == "init_declarator":
            name, value = declared(node.part("declarator")), node.part("value")
            key = name.text if name is not None else ""
        elif node.kind == "assignment_expression" and node.kids[1].kind == "=":
            key, value = place(node.kids[0]), node.kids[2]
        else:
            continue
        inner = bare(value)
        if key and inner is not None:
            found.setdefault(key, []).append((node.end, inner))
    return found


def _origin(node: Node, assigned: dict[str, list[tuple[int, Node]]]) -> str:
    """The function whose result `node` is, or ""."""
    inner = bare(node)
    if inner is not None and inner.kind == "assignment_expression":
        inner = bare(inner.kids[2])
    if inner is None:
        return ""
    if inner.kind != "call_expression":
        before = [value for end, value in assigned.get(place(inner), []) if end <= inner.start]
        inner = before[-1] if before else inner
    return callee(inner) if inner.kind == "call_expression" else ""


def _comparison(
    unit: Unit, node: Node, assigned: dict[str, list[tuple[int, Node]]], function: Function, report: Report
) -> None:
    left, operator, right = node.kids[0], node.kids[1].kind, node.kids[2]
    for one, sign, other in ((left, operator, right), (right, _FLIP[operator], left)):
        inner = bare(other)
        text = "".join(inner.text.split()) if inner is not None else ""
        number = unit.fold(inner) if text not in ("EOF", "NULL") else None
        text = text if number is None else str(number)
        _test(node, one, f"{sign} {text}", assigned, report)
        variable = function.locals.get(place(one))
        if variable is not None and _never_true(variable, _origin(one, assigned), f"{sign} {text}"):
            report.say("wrong-result-check", node)


def _never_true(variable: Variable, name: str, test: str) -> bool:
    """A negative error code in an unsigned variable, or EOF in a char."""
    if variable.counts:
        return False
    if re.fullmatch(r"f?getc(?:har)?", name):
        return variable.type in ("char", "unsigned char") and test.endswith("EOF")
    signed = _BYTES.fullmatch(name) or _HANDLE.fullmatch(name) or _PRINT.fullmatch(name) or name == "snprintf"
    return bool(signed) and is_unsigned(variable.type) and test in ("< 0", "<= -1", ">= 0")


def _test(at: Node, node: Node, test: str, assigned: dict[str, list[tuple[int, Node]]], report: Report) -> None:
    name = _origin(node, assigned)
    if not name:
        return
    implicit = at.kind != "binary_expression"
    for functions, wrong in _WRONG:
        if functions.fullmatch(name) and wrong.fullmatch(test) and not (implicit and functions is _ORDER):
            report.say("wrong-result-check", at)


# ---- arguments


def _arguments(unit: Unit, function: Function, node: Node, report: Report) -> None:
    name, given = callee(node), arguments(node)
    dropped = node.up is not None and node.up.kind == "expression_statement"
    if _PRIVILEGE.fullmatch(name) and dropped:
        report.say("unchecked-result", node)
    if name in _PRINTS and len(given) > _PRINTS[name] and given[_PRINTS[name]].kind == "string_literal":
        _format(unit, function, node, given, _PRINTS[name], report)
    elif (
        (name == "memset" and len(given) == 3 and unit.fold(given[2]) == 0 and unit.fold(given[1]) != 0)
        or (
            name == "fopen"
            and len(given) == 2
            and given[1].kind == "string_literal"
            and not _MODE.fullmatch(given[1].text)
        )
        or (_TEXT_FIRST.fullmatch(name) and given and _is_plain_number(unit, function, given[0]))
    ):
        report.say("wrong-arguments", node)
    elif name in unit.functions:
        _own_call(unit.functions[name], node, given, report)


def _is_plain_number(unit: Unit, function: Function, node: Node) -> bool:
    if node.kind == "char_literal":
        return True
    found = function.locals.get(node.text) or unit.globals.get(node.text) if node.kind == "identifier" else None
    words = found.type.split() if found is not None and not found.counts and "*" not in found.type else []
    return bool(words) and words[-1] in ("int", "char", "long", "short", "float", "double", "size_t")


def _format(unit: Unit, function: Function, node: Node, given: list[Node], at: int, report: Report) -> None:
    """As many arguments as the format asks for, texts for %s and numbers for %d."""
    wanted = list(_wanted(given[at].text))
    if len(wanted) != len(given) - at - 1:
        report.say("wrong-arguments", node)
        return
    for kind, one in zip(wanted, given[at + 1 :], strict=True):
        if kind == "s" and (_is_plain_number(unit, function, one) or one.kind == "number_literal"):
            report.say("wrong-arguments", node)
        if kind in "diuxXc" and one.kind == "string_literal":
            report.say("wrong-arguments", node)


def _wanted(text: str) -> Iterator[str]:
    for found in _CONVERSION.finditer(text):
        if found.group(3) is None or found.group(3) == "m":
            continue
        yield from "d" * ((found.group(1) == "*") + (found.group(2) == "*"))
        yield found.group(3)


def _own_call(own: Function, node: Node, given: list[Node], report: Report) -> None:
    """Fewer or more arguments than parameters, or two of them under each other's names."""
    parameters = own.node.part("declarator")
    text = parameters.text if parameters is not None else "..."
    plain = own.node.up is not None and own.node.up.kind == "translation_unit"
    if plain and "..." not in text and "=" not in text and len(given) != len(own.params) and own.params:
        report.say("wrong-arguments", node)
        return
    names = [one.text for one in given]
    known = [one.name for one in own.params]
    for first, name in enumerate(names):
        other = known.index(name) if name in known else first
        if other != first and other < len(names) and names[other] == known[first] != name:
            report.say("wrong-arguments", node)


def calls_of(unit: Unit, names: re.Pattern[str]) -> Iterator[Node]:
    """Every call in the file of a function whose name matches."""
    return (node for node in calls(unit.root) if names.fullmatch(callee(node)))
