"""Rules: shell commands, and text run as code."""

from audit8.audit.rules.rule import (
    ARG,
    ARGS,
    DSTR,
    JS_HOLES,
    PLUS_CHAIN,
    C,
    Finder,
    Rule,
    Words,
)
from audit8.types import Severity

_JS_SHELL = r"(?:(?<![\w.$])|\b(?:child_process|childProcess|cp|shelljs|shell)\.)exec(?:Sync|Async|Promise)?\s*\(\s*"
_PHP_SHELL = r"(?<![\w>:$\\])(?:system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec)\s*\(\s*"
_PHP_SAFE = r"escapeshellarg|escapeshellcmd"
_RUBY_SHELL = (
    r"(?<![\w.:@])(?:(?:Kernel|Process|IO|PTY|Open3)\.)?(?:system|exec|spawn|popen|popen2e?|popen3|"
    r"capture2e?|capture3)\s*\(?\s*"
)
_RUBY_SAFE = r"shellescape|Shellwords"
_SH = r"\"(?:/(?:usr/)?bin/)?(?:ba|da|z)?sh\"|\"cmd(?:\.exe)?\"|\"powershell(?:\.exe)?\""

RULES = (
    Rule(
        "shell-command",
        "command-injection",
        "CWE-78",
        Severity.CRITICAL,
        0.8,
        Words("Shell command with a variable part", "含变量的 shell 命令"),
        Words(
            "A shell interprets this text. A value with ; | $( ) or quotes in it runs commands of whoever supplied it.",
            "这段文本由 shell 解释执行。如果变量中含有 ; | $( ) 或引号，提供该值的人就能执行任意命令。",
        ),
        Words(
            "Run the program without a shell and pass its arguments as a list; check the values "
            "against what is allowed.",
            "不经过 shell 运行程序，以列表形式传入参数，并按允许的取值检查输入。",
        ),
        (
            Finder(
                ("html",),
                rf"{_JS_SHELL}(?P<s>`[\x00\n]+`)",
                vary="varies",
                holes=JS_HOLES,
                safe=r"shellEscape|shell-quote|quote\(",
            ),
            Finder(("html",), rf"{_JS_SHELL}{PLUS_CHAIN}", vary="varies", safe=r"shellEscape|quote\("),
            Finder(("kotlin", "scala"), rf"\.exec\s*\(\s*{PLUS_CHAIN}", vary="varies", needs=r"getRuntime"),
            Finder(("kotlin", "scala"), r"getRuntime\(\)\s*\.exec\s*\(\s*(?P<v>[A-Za-z_]\w*)\s*[,)]", vary="varies"),
            Finder(
                ("kotlin", "scala"),
                rf"\bnew\s+ProcessBuilder\s*\(\s*(?P<s>{DSTR}\s*,\s*{DSTR})\s*,\s*(?P<v>{ARGS})",
                literal=rf"(?:{_SH})\s*,\s*\"(?:-c|/c|/C)\"",
                vary="varies",
            ),
            Finder(
                C,
                r"\bexec[lv]p?e?\s*\(\s*(?P<s>\"[\x00]*\"\s*,\s*\"[\x00]*\"\s*,\s*\"[\x00]*\")\s*,"
                r"\s*(?P<v>[^,;]{1,100})",
                literal=r"\bsh\"(?s:.*)\"-c\"$",
                vary="varies",
            ),
            Finder(
                ("csharp",),
                rf"\bProcess\.Start\s*\(\s*(?P<cmd>{DSTR})\s*,\s*{PLUS_CHAIN}",
                literal=r"^[\"@$]*/[cCkK] ",
                vary="varies",
            ),
            Finder(
                ("rust",),
                rf"Command::new\(\s*(?P<s>{DSTR})\s*\)\s*\.arg\(\s*{DSTR}\s*\)\s*\.arg\(\s*(?P<v>{ARG}(?:,{ARG})*)\)",
                literal=_SH,
                vary="varies",
            ),
        ),
    ),
    Rule(
        "open-starts-program",
        "command-injection",
        "CWE-78",
        Severity.HIGH,
        0.7,
        Words("open() can start a program", "open() 可能启动程序"),
        Words(
            "Ruby's Kernel#open and IO.read run the rest of a name that begins with | as a command.",
            "Ruby 的 Kernel#open 和 IO.read 遇到以 | 开头的名字时，会把其余部分当作命令执行。",
        ),
        Words(
            "Use File.open, File.read or URI(...).open, which never do.",
            "改用不会这样做的 File.open、File.read 或 URI(...).open。",
        ),
        (),
    ),
    Rule(
        "code-from-text",
        "code-injection",
        "CWE-95",
        Severity.HIGH,
        0.75,
        Words("Text run as program code", "把文本当作代码执行"),
        Words(
            "The value is run as code of this program. Whoever controls it can do all that the program can do.",
            "该值会作为程序代码执行。能控制它的人可以做本程序能做的任何事。",
        ),
        Words(
            "Parse the value instead (JSON.parse, ast.literal_eval), or choose the action from a fixed table.",
            "改为解析该值（JSON.parse、ast.literal_eval），或从固定的表中选择要执行的操作。",
        ),
        (
            Finder(
                ("html",), rf"(?<![\w.$])(?:window\.|global\.|globalThis\.)?eval\s*\(\s*(?P<v>{ARG})", vary="varies"
            ),
            Finder(
                ("html",),
                r"(?<![\w.$])(?:window\.|global\.|globalThis\.)?eval\s*\(\s*(?P<s>`[\x00\n]+`)",
                vary="varies",
                holes=JS_HOLES,
            ),
            Finder(("html",), rf"\bnew\s+Function\s*\(\s*(?P<v>{ARGS})", vary="varies"),
            Finder(("html",), rf"\bset(?:Timeout|Interval)\s*\(\s*{PLUS_CHAIN}", vary="varies"),
            Finder(
                ("kotlin", "scala"),
                rf"\b\w*[eE]ngine\.eval\s*\(\s*(?P<v>{ARG})",
                vary="varies",
                needs=r"\bScriptEngine\b",
            ),
            Finder(("bash",), r"(?:^|[;&|]\s*)eval\s+\"?\$(?:\d|[A-Za-z_{@*])", on="plain"),
        ),
    ),
    Rule(
        "template-from-text",
        "code-injection",
        "CWE-1336",
        Severity.HIGH,
        0.75,
        Words("Template built from a value", "由变量构造的模板"),
        Words(
            "The value becomes part of the template itself, not of its data: template syntax in it runs on the server.",
            "该值成为模板本身的一部分，而不是模板的数据：其中的模板语法会在服务器上执行。",
        ),
        Words("Keep the template constant and pass values as its variables.", "模板保持为常量，把值作为模板变量传入。"),
    ),
    Rule(
        "expression-from-text",
        "code-injection",
        "CWE-917",
        Severity.HIGH,
        0.75,
        Words("Expression language run on a value", "对变量执行表达式语言"),
        Words(
            "SpEL, OGNL and their like can call any method: whoever controls the value runs code on the server.",
            "SpEL、OGNL 等可以调用任意方法：能控制该值的人可以在服务器上执行代码。",
        ),
        Words(
            "Keep the expression constant and pass values as its variables, in a SimpleEvaluationContext.",
            "表达式保持为常量，值作为变量传入，并使用 SimpleEvaluationContext。",
        ),
    ),
)
