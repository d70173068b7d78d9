"""Rules: addresses chosen by the request, and debug modes."""

from audit8.audit.rules.rule import ARG, Finder, Rule, Words
from audit8.types import Severity

RULES = (
    Rule(
        "request-to-request",
        "ssrf",
        "CWE-918",
        Severity.HIGH,
        0.65,
        Words("Server connects to an address from the request", "服务器连接到请求中给出的地址"),
        Words(
            "The caller chooses the host: internal services and cloud metadata become reachable through this server.",
            "调用方可以决定目标主机：内部服务和云元数据接口可经由本服务器访问。",
        ),
        Words(
            "Choose the host from a fixed list, or check the resolved address before connecting.",
            "从固定列表中选择主机，或在连接前检查解析出的地址。",
        ),
        (
            Finder(
                ("kotlin", "scala"),
                rf"\bnew\s+URL\s*\(\s*(?P<v>{ARG})\)|\bURI\.create\s*\(\s*(?P<at>request\.getParameter)",
                vary="request",
            ),
        ),
    ),
    Rule(
        "redirect-from-request",
        "open-redirect",
        "CWE-601",
        Severity.MEDIUM,
        0.65,
        Words("Redirect to an address from the request", "重定向到请求中给出的地址"),
        Words(
            "A link to this site can send its users to a site of the attacker's choice.",
            "指向本站的链接可以把用户带到攻击者选择的网站。",
        ),
        Words("Allow only paths of this site, or addresses from a fixed list.", "只允许本站路径，或固定列表中的地址。"),
        (
            Finder(
                ("kotlin", "scala"),
                rf"\.sendRedirect\s*\(\s*(?P<v>[A-Za-z_]{ARG})\)",
                vary="request",
                lacks=r"startsWith\(\"/|isValid|contains\(",
                window=400,
            ),
        ),
    ),
    Rule(
        "debug-on",
        "debug-mode",
        "CWE-489",
        Severity.MEDIUM,
        0.8,
        Words("Debug mode on", "开启了调试模式"),
        Words(
            "Debug mode shows source, settings and secrets to visitors; some debuggers let them run code.",
            "调试模式会向访问者暴露源码、配置和密钥；有些调试器还允许执行代码。",
        ),
        Words(
            "Switch it off, or read it from the environment with off as the default.",
            "将其关闭，或从环境变量读取并默认关闭。",
        ),
        (
            Finder(
                ("php",), r"\bini_set\s*\(\s*['\"]display_errors['\"]\s*,\s*(?:1|true|['\"](?:1|on)['\"])", on="plain"
            ),
            Finder(("go",), r"^[ \t]*(?:import[ \t]+)?_[ \t]+\"net/http/pprof\"", on="plain"),
        ),
        python=True,
    ),
)
