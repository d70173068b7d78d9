"""Rules: pages that show unescaped values."""

from audit8.audit.rules.rule import (
    ARG,
    JS_HOLES,
    PLUS_CHAIN,
    STR,
    Finder,
    Rule,
    Words,
)
from audit8.types import Severity

_ESCAPED = r"(?i)escape|sanitiz|encode|purify|htmlspecialchars|htmlentities|strip_tags|createTextNode|\bh\(|\bh\s|json"

RULES = (
    Rule(
        "html-from-strings",
        "xss",
        "CWE-79",
        Severity.HIGH,
        0.7,
        Words("HTML built from an unescaped value", "用未转义的值拼接 HTML"),
        Words(
            "Markup in the value becomes part of the page: scripts in it run as the user who looks at it.",
            "值中的标记会成为页面的一部分：其中的脚本会以访问者的身份运行。",
        ),
        Words(
            "Insert it as text (textContent, auto-escaping templates) or escape it for its place.",
            "作为文本插入（textContent、自动转义的模板），或按所在位置转义。",
        ),
        (
            Finder(
                ("html",),
                r"\.(?:innerHTML|outerHTML)\s*\+?=\s*(?P<s>`[\x00\n]+`)",
                vary="varies",
                holes=JS_HOLES,
                safe=_ESCAPED,
            ),
            Finder(
                ("html",),
                rf"\.(?:innerHTML|outerHTML)\s*\+?=\s*(?P<v>{ARG})",
                vary="varies",
                safe=_ESCAPED + r"|^t\(|i18n|^(?:[\w.]+)\.innerHTML$",
                unless=r"[dD]ecode|=\s*['\"`]{2}",
            ),
            Finder(
                ("html",),
                rf"\b(?:document\.write(?:ln)?|insertAdjacentHTML|createContextualFragment)\s*\(\s*(?:{STR}\s*,\s*)?(?P<v>{ARG})",
                vary="varies",
                safe=_ESCAPED,
            ),
            Finder(
                ("html",),
                rf"\b(?:document\.write(?:ln)?|insertAdjacentHTML|createContextualFragment)\s*\(\s*(?:{STR}\s*,\s*)?(?P<s>`[\x00\n]+`)",
                vary="varies",
                holes=JS_HOLES,
                safe=_ESCAPED,
            ),
            Finder(
                ("html",),
                rf"\)\s*\.(?:html|append|prepend|after|before)\s*\(\s*{PLUS_CHAIN}",
                literal="<",
                vary="varies",
                safe=_ESCAPED,
            ),
            Finder(
                ("html",), r"\b__html\s*:\s*(?P<v>[^},\n]{1,100})", vary="varies", safe=_ESCAPED + r"|JSON\.stringify"
            ),
            Finder(
                ("kotlin", "scala"),
                rf"\.(?:print|println|write|append)\s*\(\s*(?P<v>{ARG})",
                vary="request",
                safe=_ESCAPED + r"|forHtml|Jsoup",
                needs=r"HttpServletResponse|getWriter\s*\(",
            ),
        ),
        checked=("cpp",),
    ),
    Rule(
        "autoescape-off",
        "xss",
        "CWE-79",
        Severity.HIGH,
        0.6,
        Words("Template engine without escaping", "模板引擎关闭了自动转义"),
        Words(
            "Values put into these templates reach the page unescaped, scripts included.",
            "放入这些模板的值会不经转义地进入页面，包括脚本。",
        ),
        Words(
            "Switch escaping on (autoescape=True, html/template, <%= instead of <%-).",
            "开启转义（autoescape=True、html/template、用 <%= 代替 <%-）。",
        ),
        (Finder(("go",), r"(?P<at>\"text/template\")", on="plain", needs=r"http\.ResponseWriter"),),
        python=True,
    ),
)
