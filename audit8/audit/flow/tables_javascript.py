"""JavaScript and TypeScript: Express, Koa, Fastify, Nest, Node's core, and the browser's document."""

from audit8.audit.flow.spec import Given, Sink, Spec
from audit8.audit.flow.tables_browser import PAGE_MEMBERS, PAGE_SINKS
from audit8.audit.flow.value import FIXED, OUTSIDE, PARAMETER, UNKNOWN
from audit8.audit.query_text import SQL

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


_REPLACES = r"\.replace(?:All)?$"

_SINKS = (
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

JAVASCRIPT_SPEC = Spec(
    sinks=(*_SINKS, *PAGE_SINKS),
    sources=(
        r"(?:^|\.)(?:req|request|ctx|ctx\.request|c\.req|event)\.(?:query|params|body|headers|cookies|url|"
        r"originalUrl|"
        r"path|param|get|header|files?|rawBody|hostname|host|queryStringParameters|pathParameters|rawHeaders|"
        r"signedCookies|payload|text|json|formData|subdomains|baseUrl|rawQueryString)\b"
        r"|\.entryName$|(?:^|\.)(?:entry|zipEntry|header)\.(?:path|fileName|name|filename)$|(?:^|\.)searchParams\b|(?:^|\.)location\.(?:hash|search|href|pathname)\b|^process\.argv\b|"
        r"(?:^|\.)document\.(?:URL|referrer|cookie|documentURI|location|baseURI)\b|^window\.name$|^URLSearchParams\b|"
        r"^@(?:Query|Param|Body|Headers|Req)\(|^location$|^window\.location$|^(?:\$route|route|this\.\$route)\."
        r"(?:query|params)\b|^useParams\b|^useSearchParams\b|^router\.query\b|^querystring\.parse\b"
    ),
    page_sources=r"\$\.(?:\w+\.)*(?:attr|val|text|data)$|\.(?:getAttribute|innerText|textContent)$|(?:^|\.)"
    r"(?:getElementById|querySelector)\.value$|(?:^|\.)(?:el|elem|element|input|target|this)\.(?:attr|val|"
    r"text|value)$",
    requests=(
        (r"^(?:req|request|_req)$", "", "req"),
        (r"^ctx$", "", "ctx"),
        ("", r"^(?:\w+\.)?(?:\w*Request)$", "req"),
    ),
    carriers=(
        r"^(?:String|Array\.from|Object\.(?:assign|values|keys|entries)|decodeURIComponent|decodeURI|unescape|atob|"
        r"btoa|JSON\.(?:parse|stringify)|Buffer\.from|new Buffer|new URL|new URLSearchParams|url\.(?:parse|resolve|"
        r"format)|path\.(?:join|resolve|normalize|dirname|relative|extname|format|posix\.\w+)|"
        r"querystring\.\w+|qs\.\w+|"
        r"Promise\.(?:resolve|all)|util\.(?:format|inspect)|new String|structuredClone|new Blob|new Uint8Array|"
        r"_\.(?:get|merge|extend|trim|clone|cloneDeep|pick|map|join|template))$|^(?:join|resolve|normalize)$|"
        r"\.(?:join|concat|map|filter|slice|substring|substr|split|trim|trimEnd|trimStart|toString|toLowerCase|"
        r"toUpperCase|replace|replaceAll|repeat|padStart|padEnd|flat|reverse|sort|pop|shift|at|charAt|match|format|"
        r"decode|toJSON|normalize|flatMap|reduce|find|get|then|val|html|text|attr|prop|data|value|valueOf|exec|text|"
        r"json|entries|keys|values)$"
    ),
    keeps=(
        r"\.(?:query|execute|findOne|findById|save|create|count|includes|indexOf|startsWith|endsWith|test|some|every|"
        r"has|forEach|find|on|once|pipe|emit|next|user|session|app|isAuthenticated|accepts|is|search|lastIndexOf|"
        r"localeCompare|charCodeAt)$"
    ),
    numbers=(
        r"^(?:parseInt|parseFloat|Number|Number\.\w+|Boolean|Math\.\w+|Date\.now|new Date|isNaN|BigInt|typeof|"
        r"mongoose\.Types\.ObjectId|new ObjectId|ObjectId|crypto\.\w+(?:\.\w+)*|uuid\w*(?:\.\w+)?|Symbol|"
        r"fs\.existsSync)$"
        r"|\.(?:length|indexOf|includes|startsWith|endsWith|test|getTime|toFixed|charCodeAt|digest|width|"
        r"height|offset|"
        r"isArray)$"
    ),
    number_types=r"^:?\s*(?:number|boolean|bigint|Date|undefined|null|number \| undefined)$",
    cleaners={
        r"(?i)(?:^|\.)(?:shell-?escape|shellescape|shell-?quote|shquote|escapeShellArg|quote|escapeShell)$|"
        r"^shell-quote\.\w+$": "command",
        r"(?:^|\.)(?:escape|escapeId|escapeLiteral|escapeIdentifier|format|escapeString|sqlstring\.\w+)$": "sql xss",
        r"(?i)(?:^|\.)(?:escape\w*|sanitize\w*|encode\w*|DOMPurify(?:\.sanitize)?|purify|xss|htmlEncode|"
        r"escapeHtml|stripTags|createTextNode|he\.\w+|filterXSS|t|i18n\.t|\$t|gettext|__|htmlspecialchars|htmlescape|"
        r"escape-html|validator\.\w+)$|^(?:he|entities|lodash\.escape|xss|sanitize-html|dompurify)$": "xss log",
        r"\.text\.html$": "xss",
        r"^JSON\.stringify$": "log",
        r"^encodeURI(?:Component)?$": "xss path redirect header log",
        r"(?:^|\.)(?:basename|sanitizeFilename|sanitize-filename|sanitize)$": "path",
        r"(?i)(?:^|\.)(?:escapeRegExp|escape-string-regexp|escapeStringRegexp|escapeRegex)$": "regex",
        r"(?i)safe(?:path|join|resolve)\w*$": "path",
        r"(?i)(?:isSafeUrl|safeUrl|safeRedirect)\w*$": "redirect",
        r"\.(?:toString|toLowerCase|trim)$|^String$": "nosql",
    },
    cleaned_by=(
        (_REPLACES, 0, r"\[\^", "*"),
        (_REPLACES, 0, r"\.\.|\\\.\\\.|^/$|[/\\]", "path"),
        (_REPLACES, 0, r"<", "xss"),
        (_REPLACES, 0, r"\\[nr]|\n", "log header"),
        (r"^(?:path\.)?(?:posix\.)?(?:normalize|join)$", 0, r"^/\x01?$", "path"),
    ),
    checks={
        r"(?:^|\.)(?:isAbsolute|relative)$": "path",
    },
    handler=r"@(?:Get|Post|Put|Delete|Patch|All|Sse)\(",
    talk=r"^(?:console|logger|log|debug|winston)\.\w+$|^new \w*(?:Error|Exception)$|^(?:debug|log|warn|alert|"
    r"assert)$",
    page_types=r"(?i)content.?type|setHeader|\.(?:type|set|header|writeHead)$",
    query=Sink("sql-from-strings", "", "sql", least=UNKNOWN, text=SQL),
    settled=r"(?i)(?:^|\.)_?(?:\w*(?:table|schema|prefix|column|placeholder)\w*|__dirname|__filename|"
    r"process\.(?:pid|cwd|execPath|env\.\w+|platform)|import\.meta\.\w+)$",
    members=PAGE_MEMBERS,
)
