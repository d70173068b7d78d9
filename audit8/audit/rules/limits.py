"""Rules: numbers that lose bits, and input that may take any amount of memory or time."""

from audit8.audit.rules.rule import NODE, STR, Finder, Rule, Words
from audit8.audit.rules.slow_patterns import is_slow
from audit8.types import Severity

_LITERAL = (
    r"(?:^|[=(,:;!&|?{}\[~]|\b(?:return|when|if|unless))[ \t]*"
    r"(?P<s>/(?![*/ ])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,200}+\]){1,400}+/)"
)

RULES = (
    Rule(
        "number-narrowed",
        "integer-overflow",
        "CWE-681",
        Severity.MEDIUM,
        0.75,
        Words("Parsed number put into a smaller type", "解析出的数值被放入更小的类型"),
        Words(
            "A number that does not fit wraps around silently: a large value becomes a small or negative one.",
            "放不下的数值会悄悄回绕：很大的值会变成很小的值或负数。",
        ),
        Words(
            "Parse with the size that is needed (strconv.ParseInt(s, 10, 32)), or check the bounds first.",
            "按所需位数解析（strconv.ParseInt(s, 10, 32)），或先检查范围。",
        ),
    ),
    Rule(
        "unbounded-unpacking",
        "resource-exhaustion",
        "CWE-409",
        Severity.MEDIUM,
        0.65,
        Words("Compressed data unpacked without a limit", "解压数据没有大小限制"),
        Words(
            "A few kilobytes can unpack to gigabytes and fill the memory or the disk.",
            "几 KB 的压缩数据可以解压成数 GB，占满内存或磁盘。",
        ),
        Words(
            "Copy at most a fixed number of bytes (io.CopyN, io.LimitReader).",
            "限制最多复制的字节数（io.CopyN、io.LimitReader）。",
        ),
    ),
    Rule(
        "server-without-timeout",
        "resource-exhaustion",
        "CWE-400",
        Severity.LOW,
        0.55,
        Words("HTTP server without timeouts", "HTTP 服务器未设置超时"),
        Words(
            "Clients that send slowly keep connections open for ever; enough of them stop the service.",
            "缓慢发送数据的客户端可以一直占用连接，数量足够时会使服务停止。",
        ),
        Words(
            "Use an http.Server with ReadHeaderTimeout, ReadTimeout and WriteTimeout.",
            "使用设置了 ReadHeaderTimeout、ReadTimeout 和 WriteTimeout 的 http.Server。",
        ),
    ),
    Rule(
        "slow-pattern",
        "regex-dos",
        "CWE-1333",
        Severity.MEDIUM,
        0.55,
        Words("Regular expression with repeated repetition", "正则表达式中重复嵌套重复"),
        Words(
            "A text that almost matches is tried in exponentially many ways: a few dozen characters stop the program.",
            "几乎匹配的文本会引发指数级的尝试：几十个字符就能让程序停住。",
        ),
        Words(
            "Let each character be taken in one way only, or limit the length of the text first.",
            "让每个字符只有一种匹配方式，或先限制文本长度。",
        ),
        (
            Finder(
                ("python",),
                rf"\bre\.(?:compile|match|search|fullmatch|subn?|split|findall|finditer)\s*\(\s*[rRbBuU]{{0,2}}(?P<s>{STR})",
                judge=is_slow,
            ),
            Finder(NODE, _LITERAL, on="plain", judge=is_slow),
            Finder(NODE, rf"\bRegExp\s*\(\s*(?P<s>{STR})", judge=lambda text: is_slow(text.replace("\\\\", "\\"))),
            Finder(("ruby",), _LITERAL, on="plain", judge=is_slow),
            Finder(("php",), rf"\bpreg_\w+\s*\(\s*(?P<s>{STR})", judge=is_slow),
        ),
    ),
)
