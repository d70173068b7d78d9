"""Rules: SQL text built from strings."""

from audit8.audit.query_text import SQL
from audit8.audit.rules.rule import (
    ARG,
    CS_HOLES,
    DSTR,
    JS_HOLES,
    KOTLIN_HOLES,
    PLUS_CHAIN,
    STR,
    C,
    Finder,
    Rule,
    Words,
)
from audit8.types import Severity

_QUOTING = (
    r"(?i:\bquote\w*\s*\(|\bescape\w*\s*\(|\w*_escape\w*\s*\(|\w*escape(?:id|string|literal|"
    r"identifier)?\s*\(|sanitize_sql\w*\s*\(|"
    r"real_escape_string|QuoteIdentifier|\.quote\b|placeholder)"
)
_TALK = (
    r"\b(?:console|logger|log|LOG|Log)\.\w+\s*\(|\bthrow\s|\bnew \w*(?:Error|Exception)\(|\b(?:puts|printf|"
    r"println|raise|errors\.New)\b|System\.out"
)
_FORMATTED_SQL = rf"^(?=(?s:.*)(?:%[-+#\d$.*]*[sv]|\{{\d))(?s:.*?)(?:{SQL})"

RULES = (
    Rule(
        "sql-from-strings",
        "sql-injection",
        "CWE-89",
        Severity.HIGH,
        0.85,
        Words("SQL query built from strings", "用字符串拼接的 SQL 查询"),
        Words(
            "A value is put into the text of the query. Whoever controls it can change the query "
            "itself: read, alter or "
            "delete other data.",
            "变量被直接拼进了查询文本。能控制该值的人可以改变查询本身，从而读取、篡改或删除其他数据。",
        ),
        Words(
            "Keep the query constant and pass values as bound parameters; choose table and column "
            "names from a fixed list.",
            "查询文本保持为常量，把值作为绑定参数传入；表名、列名只从固定的列表中选取。",
        ),
        (
            Finder(
                ("html",),
                r"(?<![\w)\]])(?P<s>`[\x00\n]+`)",
                literal=SQL,
                vary="varies",
                holes=JS_HOLES,
                safe=_QUOTING,
                unless=_TALK,
            ),
            Finder(
                ("html", "csharp", "kotlin", "scala", "cpp"),
                PLUS_CHAIN,
                literal=SQL,
                vary="varies",
                safe=_QUOTING,
                unless=_TALK,
            ),
            Finder(
                ("kotlin", "csharp"),
                rf"\b(?:[Ss]tring\.[fF]ormat|fmt\.Sprintf)\s*\(\s*(?P<s>{STR}),\s*(?P<v>(?:{ARG},?\s*)+)",
                literal=_FORMATTED_SQL,
                vary="varies",
                safe=_QUOTING,
                unless=_TALK,
            ),
            Finder(
                C,
                rf"\bsqlite3_v?mprintf\s*\(\s*(?P<s>{DSTR})",
                literal=r"(?i)\b(?:select|insert|update|delete|where)\b[^\"]*%s",
            ),
            Finder(
                C,
                rf"\bv?s(?:n)?printf\s*\([^;\"]{{0,120}}(?P<s>{DSTR})\s*,\s*(?P<v>[^;]{{1,200}})\)\s*;",
                literal=_FORMATTED_SQL,
                vary="varies",
                lacks=r"escape_string|PQescape\w+",
                window=800,
            ),
            Finder(
                ("csharp",), rf"(?:\$@?|@\$)(?P<s>{DSTR})", literal=SQL, vary="varies", holes=CS_HOLES, unless=_TALK
            ),
            Finder(("kotlin",), rf"(?P<s>{DSTR})", literal=SQL, vary="varies", holes=KOTLIN_HOLES, unless=_TALK),
            Finder(("scala",), rf"\b[sf](?P<s>{DSTR})", literal=SQL, vary="varies", holes=KOTLIN_HOLES, unless=_TALK),
        ),
    ),
)
