"""JavaScript and TypeScript: Express, Koa, Fastify, Nest, Node's core, and the browser's document."""

from audit8.audit.flow.spec import Sink, Spec
from audit8.audit.flow.tables_browser import PAGE_MEMBERS, PAGE_SINKS
from audit8.audit.flow.tables_javascript_sinks import SINKS
from audit8.audit.flow.value import PARAMETER, UNKNOWN
from audit8.audit.query_text import SQL

_REPLACES = r"\.replace(?:All)?$"

JAVASCRIPT_SPEC = Spec(
    sinks=(*SINKS, *PAGE_SINKS),
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
        r"_\.(?:get|merge|extend|trim|clone|cloneDeep|pick|map|join|template))$|^(?:join|resolve|normalize)$|^(?:marked(?:\.parse|\.marked)?|snarkdown)$|"
        r"^(?:md|markdown|markdownIt|converter|remarkable)\.(?:render|renderInline|makeHtml)$|"
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
        r"(?i)(?:^|\.)(?:esc(?:ape\w*|html|attr)?|sanitize\w*|encode\w*|DOMPurify(?:\.sanitize)?|purify|xss|htmlEncode|"
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
        (
            _REPLACES,
            0,
            r"\.\.|\\\.\\\.|\\\.\{2|^/$|^/\[[^\]\[]{0,40}[/.][^/]{0,20}/\w{0,3}g|^/(?:\(\?:)?\\[/.]\+?\)?/\w{0,3}g",
            "path",
        ),
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
    own=r"\.files?\.(?:(?:\w+|\[\])\.)?(?:path|tempFilePath|filepath|destination)$",
    places=r"^__(?:dirname|filename)$",
    shell_words=Sink("shell-command", "", "command", least=PARAMETER),
    settled=r"(?i)(?:^|\.)_?(?:\w*(?:table|schema|prefix|column|placeholder)\w*|"
    r"process\.(?:pid|cwd|execPath|env\.\w+|platform)|import\.meta\.\w+)$",
    members=PAGE_MEMBERS,
)
