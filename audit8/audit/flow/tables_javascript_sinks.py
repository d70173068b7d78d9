"""JavaScript and TypeScript: the calls where a value from outside does harm. The document is tables_browser.py's."""

from audit8.audit.flow.spec import Given, Sink
from audit8.audit.flow.value import FIXED, OUTSIDE, PARAMETER, UNKNOWN

_HTTP_HOST = r"^[a-zA-Z]+://[^/\x01]*[^/\x01.:@]/|^[a-zA-Z]+://[^/\x01]+/"
_FILES = (
    r"(?:readFile|writeFile|appendFile|createReadStream|createWriteStream|unlink|readdir|open|rm|rmdir|stat|lstat|"
    r"access|mkdir|rename|copyFile|exists|readlink|truncate|outputFile|readJson|remove|copy|move|ensureDir|"
    r"chmod|watch|"
    r"realpath|cp|symlink|link)(?:Sync)?$"
)


def _has_shell(given: Given) -> bool:
    shell = given.named.get("shell")
    return shell is not None and (shell.level > FIXED or shell.text not in ("false", ""))


def _is_shell_list(given: Given) -> bool:
    first = given.args[0].text if given.args else ""
    return first.rpartition("/")[2] in ("sh", "bash", "cmd", "cmd.exe", "powershell", "zsh")


def _no_root(given: Given) -> bool:
    return "root" not in given.named


def _is_whole_request(given: Given) -> bool:
    return any(value.kind.endswith(("req.body", "request.body", "ctx.request.body")) for value in given.args)


def _is_object(given: Given) -> bool:
    """Whether something that is there is written to, rather than a new object."""
    return bool(given.args) and (given.args[0].level > FIXED or given.args[0].kind != "")


SINKS = (
    Sink(
        "sql-from-strings",
        r"\.(?:query|execute|raw|whereRaw|orderByRaw|havingRaw|selectRaw|joinRaw|groupByRaw|fromRaw|\$queryRawUnsafe|"
        r"\$executeRawUnsafe|prepare|exec|literal|createQueryBuilder|orWhere|andWhere|addSelect|queryRaw)$",
        "sql",
        text=r"[=<>(,]\s*['\"%]*\x01|\x01['\"%]*\s*[=<>(,]|^\x01$|^$",
        when=lambda given: (
            not given.way.startswith(("child_process", "req", "request", "url", "shelljs", "docker"))
            and (
                given.way.rpartition(".")[2] not in ("exec", "literal", "prepare")
                or "db" in given.way.lower()
                or "sequelize" in given.way.lower()
                or "sql" in given.way.lower()
            )
        ),
    ),
    Sink(
        "query-from-request",
        r"\.(?:find|findOne|findOneAndUpdate|findOneAndDelete|updateOne|updateMany|deleteOne|deleteMany|"
        r"countDocuments|aggregate|findOneAndRemove)$",
        "nosql",
        (0,),
        least=OUTSIDE,
        least_built=4,
        when=lambda given: not given.way.startswith(("$", "_")) and "[]" not in given.way,
    ),
    Sink(
        "shell-command",
        r"^(?:child_process|childProcess|cp|shelljs|shell|child|process)\.exec(?:Sync|Async|Promise)?$|"
        r"^exec(?:Sync|Async|Promise|P)?$|^(?:util\.)?promisify\.?exec$|^execa\.(?:command|commandSync)$|^execSync$|"
        r"^(?:ssh|conn|client)\.exec$|^sh(?:elljs)?\.exec$|^(?:sudo|sudo-prompt)\.exec$",
        "command",
        least=PARAMETER,
        when=lambda given: not given.receiver.text,
    ),
    Sink(
        "shell-command",
        r"(?:^|\.)spawn(?:Sync)?$|(?:^|\.)execFile(?:Sync)?$|^execa(?:\.sync)?$",
        "command",
        (0,),
        least=OUTSIDE,
        least_built=PARAMETER,
        fixed=r"^[\w./-]",
    ),
    Sink(
        "shell-command",
        r"(?:^|\.)(?:spawn(?:Sync)?|execFile(?:Sync)?)$",
        "command",
        (0, 1),
        least=UNKNOWN,
        least_built=UNKNOWN,
        when=lambda given: _is_shell_list(given) or _has_shell(given),
    ),
    Sink(
        "code-from-text",
        r"^(?:window\.|global\.|globalThis\.)?eval$|^new Function$|^Function$|"
        r"^vm\.(?:runIn\w+|compileFunction)$|^new vm\.Script$|^execScript$",
        "code",
        (),
        least=UNKNOWN,
    ),
    Sink("code-from-text", r"^(?:window\.)?set(?:Timeout|Interval)$", "code", (0,), least=OUTSIDE),
    Sink(
        "template-from-text",
        r"^(?:ejs|pug|jade|nunjucks|handlebars|Handlebars|mustache|doT|hbs|lodash|_)\."
        r"(?:render|renderString|compile|template)$",
        "code",
        (0,),
        least=OUTSIDE,
        least_built=PARAMETER,
    ),
    Sink("html-from-strings", r"(?:^|\.)document\.write(?:ln)?$", "xss", (), least=PARAMETER),
    Sink("html-from-strings", r"\.(?:insertAdjacentHTML)$", "xss", (1,), least=PARAMETER),
    Sink(
        "html-from-strings",
        r"(?:^|\.)(?:res|response|reply)\w*(?:\.(?:status|code|type|set|header))*\.(?:send|write|end)$|"
        r"^(?:h|reply)\.response$|^c\.html$",
        "xss",
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "file-from-request",
        rf"(?:^|\.)(?:fs|fsp|fsPromises|promises|fse|fs-extra|graceful-fs|fs\.promises|fs/promises)\.{_FILES}|"
        rf"^{_FILES}",
        "path",
        (0, 1),
        least=OUTSIDE,
        least_built=PARAMETER,
        text=r"\x01|^$",
        when=lambda given: (
            given.way not in ("open", "stat", "access", "rm", "exists", "copy", "move", "remove", "watch")
            or given.receiver.kind != ""
        ),
    ),
    Sink(
        "file-from-request",
        rf"(?:^|\.)(?:fs|fsp|fsPromises|promises|fse|fs-extra|fs\.promises|fs/promises)\.{_FILES}",
        "path",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "file-from-request",
        r"\.(?:sendFile|sendfile|download)$|^require$|^import$|^send$",
        "path",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
        when=_no_root,
    ),
    Sink(
        "request-to-request",
        r"^(?:fetch|node-fetch|axios|got|needle|request|superagent|undici|request-promise)(?:\.(?:get|post|put|"
        r"request|delete|head|patch|fetch|default))?$|^https?\.(?:get|request)$|^(?:page|browser)\.goto$|"
        r"^\$http\.get$",
        "ssrf",
        (0, 1, "url", "uri"),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST + r"|^/",
    ),
    Sink(
        "redirect-from-request",
        r"\.(?:redirect)$|^location\.(?:assign|replace)$|^window\.(?:location\.\w+|open)$",
        "redirect",
        (0, 1),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST + r"|^/[^/\\\x01]",
    ),
    Sink(
        "log-from-request",
        r"^(?:console|logger|log|winston)\.(?:log|info|warn|error|debug)$",
        "log",
        (),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "header-from-request",
        r"(?:^|\.)(?:res|response)\.(?:setHeader|set|header|writeHead)$",
        "header",
        (1,),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "object-from-bytes",
        r"(?:^|\.)(?:unserialize|deserialize)$|^(?:node-serialize|serialize-to-js|funcster)\.\w+$",
        "object",
        least=PARAMETER,
    ),
    Sink(
        "yaml-load",
        r"^(?:yaml|jsyaml|js-yaml)\.(?:load|loadAll)$",
        "object",
        least=OUTSIDE,
        least_built=OUTSIDE,
        when=lambda given: len(given.args) < 2,
    ),
    Sink(
        "mass-assignment",
        r"^(?:Object\.assign|_\.(?:extend|merge|assign)|lodash\.(?:merge|assign|extend)|\$\.extend)$|^extend$",
        "mass",
        (-2,),
        least=OUTSIDE,
        least_built=4,
        when=lambda given: _is_whole_request(given) and _is_object(given),
    ),
    Sink(
        "mass-assignment",
        r"\.(?:findByIdAndUpdate|findOneAndUpdate|update|set|updateAttributes)$",
        "mass",
        (0, 1),
        least=OUTSIDE,
        least_built=4,
        when=_is_whole_request,
    ),
    Sink("regex-from-request", r"^(?:new )?RegExp$", "regex", least=OUTSIDE, least_built=OUTSIDE),
    Sink(
        "ldap-xpath",
        r"^xpath\.(?:select|select1|evaluate|parse)$|\.(?:evaluate)$",
        "xpath",
        least=OUTSIDE,
        least_built=UNKNOWN,
        text=r"/.*[='\"\[].*\x01|^$",
        when=lambda given: "page" not in given.way,
    ),
)
