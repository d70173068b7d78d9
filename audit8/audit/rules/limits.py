"""Rules: numbers that lose bits, and input that may take any amount of memory or time."""

from audit8.audit.rules.rule import Rule, Words
from audit8.types import Severity

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
)
