"""Rules that only following a value can find: flow's tables say where, these say what it means."""

from audit8.audit.rules.rule import Rule, Words
from audit8.types import Severity

RULES = (
    Rule(
        "log-from-request",
        "log-injection",
        "CWE-117",
        Severity.LOW,
        0.5,
        Words("Outside text written to a log", "外部文本写入日志"),
        Words(
            "Line breaks in the value forge log entries, and terminals may obey control characters in it.",
            "值中的换行可以伪造日志条目，其中的控制字符还可能被终端执行。",
        ),
        Words(
            "Remove line breaks and control characters, or log the value quoted (repr, %q, JSON).",
            "去掉换行和控制字符，或以带引号的形式记录（repr、%q、JSON）。",
        ),
    ),
    Rule(
        "header-from-request",
        "log-injection",
        "CWE-113",
        Severity.MEDIUM,
        0.5,
        Words("Header or mail command built from outside text", "用外部文本构造响应头或邮件命令"),
        Words(
            "Line breaks in the value add headers or commands of the attacker's choice.",
            "值中的换行可以加入攻击者指定的头部或命令。",
        ),
        Words(
            "Refuse values with line breaks, or encode them for the protocol.",
            "拒绝含换行的值，或按协议要求编码。",
        ),
    ),
    Rule(
        "query-from-request",
        "sql-injection",
        "CWE-943",
        Severity.HIGH,
        0.6,
        Words("Request object used as a database query", "请求对象直接用作数据库查询"),
        Words(
            "A JSON body or query string can hold operators such as $ne and $gt, which change what the query finds.",
            "JSON 请求体或查询字符串可以带有 $ne、$gt 等操作符，从而改变查询结果。",
        ),
        Words(
            "Convert each value to a string or number first, or check the request against a schema.",
            "先把每个值转换为字符串或数字，或按模式校验请求。",
        ),
    ),
    Rule(
        "ldap-xpath",
        "xpath-ldap-injection",
        "CWE-643",
        Severity.HIGH,
        0.65,
        Words("XPath or LDAP query built from a value", "用变量拼接 XPath 或 LDAP 查询"),
        Words(
            "Quotes or brackets in the value change the query itself and can get past a login or read other records.",
            "值中的引号或括号会改变查询本身，可能绕过登录或读取其他记录。",
        ),
        Words(
            "Escape the value for the query language, or bind it as a variable.",
            "按查询语言转义该值，或作为变量绑定。",
        ),
    ),
    Rule(
        "class-from-request",
        "unsafe-reflection",
        "CWE-470",
        Severity.HIGH,
        0.6,
        Words("Class or module chosen by the request", "由请求决定加载的类或模块"),
        Words(
            "The caller decides which code is loaded and run.",
            "调用方可以决定加载并执行哪段代码。",
        ),
        Words("Choose it from a fixed table.", "只从固定的表中选择。"),
    ),
    Rule(
        "regex-from-request",
        "regex-dos",
        "CWE-1333",
        Severity.MEDIUM,
        0.5,
        Words("Regular expression written by the request", "正则表达式由请求提供"),
        Words(
            "A pattern from outside can take exponential time and stop the server.",
            "外部提供的模式可能耗费指数级时间，使服务停止响应。",
        ),
        Words(
            "Escape the value before it becomes a pattern, or use a linear-time engine.",
            "先转义再作为模式使用，或改用线性时间的引擎。",
        ),
    ),
)
