"""Rules for C and C++: calls without a bound, formats from outside, memory used after it is gone."""

from audit8.audit.rules.rule import DSTR, C, Finder, Rule, Words
from audit8.types import Severity

RULES = (
    Rule(
        "gets",
        "buffer-overflow",
        "CWE-242",
        Severity.CRITICAL,
        0.95,
        Words("gets() cannot be used safely", "gets() 无法安全使用"),
        Words(
            "It writes as much as the input has, past the end of any buffer.",
            "输入有多长就写多长，任何缓冲区都会被写越界。",
        ),
        Words("Use fgets() with the size of the buffer.", "使用 fgets() 并给出缓冲区大小。"),
        (Finder(C, r"(?<![\w.>:])_?getw?s\s*\(\s*[A-Za-z_]"),),
    ),
    Rule(
        "unbounded-copy",
        "buffer-overflow",
        "CWE-120",
        Severity.HIGH,
        0.6,
        Words("Copy without a bound", "没有长度限制的复制"),
        Words(
            "The source can be longer than the target; what follows the target is overwritten.",
            "源可能比目标长，目标之后的内存会被覆盖。",
        ),
        Words(
            "Copy with the target's size (snprintf, strlcpy) and handle truncation.",
            "按目标大小复制（snprintf、strlcpy），并处理截断。",
        ),
        checked=C,
    ),
    Rule(
        "unbounded-scan",
        "buffer-overflow",
        "CWE-120",
        Severity.HIGH,
        0.85,
        Words("%s without a width in a scan", "scanf 中的 %s 没有宽度限制"),
        Words(
            "A longer word in the input is written past the end of the buffer.", "输入中较长的单词会写到缓冲区之外。"
        ),
        Words(
            "Give the width (%63s for char b[64]) or read with fgets().",
            "给出宽度（char b[64] 用 %63s），或用 fgets() 读取。",
        ),
        (
            Finder(
                C, rf"(?<![\w.>:])f?scanf\s*\(\s*(?:[A-Za-z_][\w>.-]*\s*,\s*)?(?P<s>{DSTR})\s*,", literal=r"%l?(?:s|\[)"
            ),
        ),
    ),
    Rule(
        "bound-of-source",
        "buffer-overflow",
        "CWE-787",
        Severity.HIGH,
        0.65,
        Words("Copy bounded by the source, not the target", "按源长度而不是目标长度限制复制"),
        Words(
            "The length is the source's own, so it does not keep the copy inside the target.",
            "长度取自源本身，并不能保证不越过目标。",
        ),
        Words("Bound the copy by the size of the target.", "用目标缓冲区的大小限制复制。"),
        (
            Finder(
                C,
                r"(?<![\w.>:])(?:strncpy|strncat|memcpy|memmove)\s*\(\s*[^,;]{1,80},"
                r"\s*(?P<src>[\w.>-]{1,60})\s*,\s*strlen\s*\(\s*(?P=src)\s*\)(?:\s*\+\s*1)?\s*\)",
                lacks=r"\b(?:malloc|calloc|realloc|new\s+char|sizeof|alloc)\b",
                window=400,
            ),
            Finder(
                C, r"(?<![\w.>:])strncat\s*\(\s*(?P<dst>\w{1,60})\s*,[^;]{1,80},\s*sizeof\s*\(?\s*(?P=dst)\s*\)?\s*\)"
            ),
        ),
    ),
    Rule(
        "terminator-forgotten",
        "buffer-overflow",
        "CWE-131",
        Severity.HIGH,
        0.8,
        Words("No room for the terminating zero", "没有为结尾的 0 留空间"),
        Words(
            "strlen() does not count the terminating zero; the copy writes one byte past the end.",
            "strlen() 不含结尾的 0；复制时会越界写一个字节。",
        ),
        Words("Allocate strlen(s) + 1, or use strdup().", "分配 strlen(s) + 1，或使用 strdup()。"),
        (Finder(C, r"\b(?:malloc|alloca)\s*\(\s*strlen\s*\(\s*[\w.>-]{1,60}\s*\)\s*\)"),),
    ),
    Rule(
        "format-from-value",
        "format-string",
        "CWE-134",
        Severity.HIGH,
        0.85,
        Words("Format string is a variable", "格式化字符串是变量"),
        Words(
            "With %n or %s in it, whoever controls the text reads or writes memory.",
            "若其中含 %n 或 %s，控制该文本的人可以读写内存。",
        ),
        Words('Pass it as an argument: printf("%s", text).', '作为参数传入：printf("%s", text)。'),
        (
            Finder(
                C,
                r"(?<![\w.>:])(?:printf|wprintf|vprintf|warn|warnx)\s*\(\s*(?P<v>[A-Za-z_][\w.>\-\[\]]*)\s*(?:\)|,)",
                vary="varies",
            ),
            Finder(
                C,
                r"(?<![\w.>:])(?:fprintf|dprintf|syslog|sprintf|asprintf|vfprintf)\s*\(\s*[^,;\"]{1,"
                r"80},\s*(?P<v>[A-Za-z_][\w.>\-\[\]]*)\s*\)\s*;",
                vary="varies",
            ),
            Finder(
                C,
                r"(?<![\w.>:])snprintf\s*\(\s*[^,;\"]{1,80},\s*[^,;\"]{1,80},\s*(?P<v>[A-Za-z_][\w.>\-\[\]]*)\s*\)\s*;",
                vary="varies",
            ),
        ),
    ),
    Rule(
        "free-then-use",
        "use-after-free",
        "CWE-416",
        Severity.CRITICAL,
        0.75,
        Words("Memory used after free()", "free() 之后仍使用内存"),
        Words(
            "The memory may already belong to something else: data is corrupted or an attacker's data is used.",
            "该内存可能已另作他用：数据会被破坏，或用到攻击者控制的数据。",
        ),
        Words(
            "Use it before freeing it, and set the pointer to NULL afterwards.",
            "在释放之前使用，释放后把指针置为 NULL。",
        ),
        checked=C,
    ),
    Rule(
        "double-free",
        "use-after-free",
        "CWE-415",
        Severity.HIGH,
        0.8,
        Words("Memory freed twice", "重复释放内存"),
        Words("The second free() corrupts the allocator's own data.", "第二次 free() 会破坏分配器自身的数据。"),
        Words("Free it once, and set the pointer to NULL afterwards.", "只释放一次，释放后把指针置为 NULL。"),
        checked=C,
    ),
    Rule(
        "realloc-loses",
        "resource-leak",
        "CWE-401",
        Severity.LOW,
        0.7,
        Words("realloc() result replaces its own argument", "realloc() 的结果覆盖了原指针"),
        Words(
            "When it fails it returns NULL, and the only pointer to the old memory is lost.",
            "失败时返回 NULL，指向旧内存的唯一指针随之丢失。",
        ),
        Words("Keep the result in another variable until it is checked.", "先存入另一个变量，检查后再赋值。"),
        (
            Finder(
                C,
                r"(?<![\w.>*-])(?P<p>[A-Za-z_][\w.>-]{0,60}+)\s{0,4}=\s*(?:\([^()]{1,40}\)\s*)?realloc\s*\(\s*(?P=p)\s*,",
            ),
        ),
    ),
)
