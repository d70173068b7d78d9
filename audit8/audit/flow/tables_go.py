"""Go: net/http, gin, echo, fiber, chi, gorilla; database/sql, os, os/exec, html/template."""

import re

from audit8.audit.flow.spec import Given, Sink, Spec
from audit8.audit.flow.value import FIXED, OUTSIDE, PARAMETER, UNKNOWN, Value
from audit8.audit.query_text import SQL

_HTTP_HOST = r"^[a-zA-Z]+://[^/\x01]*[^/\x01.:@]/|^[a-zA-Z]+://[^/\x01]+/"
_SHELLS = ("sh", "bash", "dash", "zsh", "cmd", "cmd.exe", "powershell", "powershell.exe", "ash")


def _runs_shell(given: Given) -> bool:
    texts = [value.text.rpartition("/")[2] for value in given.args[:3]]
    return any(one in _SHELLS for one in texts) and any(text in ("-c", "-lc", "/c", "/C", "-Command") for text in texts)


def _to_page(given: Given) -> bool:
    kinds = [given.receiver.kind, *(value.kind for value in given.args[:1])]
    return any(
        re.search(r"ResponseWriter|^(?:w|rw|writer|resp|res)$|(?:ctx|c|Context)\.(?:Writer|Response)", kind)
        for kind in kinds
    )


_BITS = {"int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32, "int": 32, "uint": 32}
_EVERYWHERE = re.compile(r"(?:0\.0\.0\.0|\[::\]|):\d")
_ARCHIVES = r"(?:gzip|zlib|bzip2|flate|lzw|tar|zip|zstd|xz|snappy)\.\S*(?:New\w*Reader|Open|File)"


def _narrows(given: Given) -> bool:
    """`int32(n)` of a number that was read with more bits than that."""
    value = given.args[0] if given.args else None
    if value is None or not re.search(r"strconv\.(?:Atoi|ParseInt|ParseUint)$", value.kind):
        return False
    read = int(value.text) if value.text.isdigit() and value.text != "0" else 64
    if given.way in ("int", "uint") and (value.kind.endswith("Atoi") or value.text != "64"):
        return False  # Their size depends on the machine.
    unsigned = value.kind.endswith("ParseUint")
    return read > _BITS[given.way] or (read == _BITS[given.way] and unsigned and not given.way.startswith("u"))


def _unpacks(given: Given) -> bool:
    return len(given.args) > 1 and bool(re.search(_ARCHIVES, given.args[1].kind))


def _is_fixed_text(value: Value) -> bool:
    return value.level == FIXED and bool(value.text or value.kind.startswith("[]byte"))


_REPLACES = r"^strings\.Replace(?:All)?$"

_SINKS = (
    Sink(
        "sql-from-strings",
        r"(?:^|\.)(?:Query|QueryRow|Exec|QueryContext|QueryRowContext|ExecContext|Prepare|PrepareContext|Raw|Select|"
        r"Queryx|QueryRowx|MustExec|NamedExec|NamedQuery)$",
        "sql",
        (0, 1),
        text=r"[=<>(,]\s*['\"%]*\x01|\x01['\"%]*\s*[=<>(,]|^\x01$|^$",
        when=lambda given: (
            "URL" not in given.way
            and "Request" not in given.way
            and "gin.Context" not in given.way
            and "echo.Context" not in given.way
        ),
    ),
    Sink(
        "sql-from-strings",
        r"\.(?:Where|Order|Having|Group|Joins|Not|Or|Pluck|OrderBy)$",
        "sql",
        (0,),
        least=OUTSIDE,
        least_built=UNKNOWN,
    ),
    Sink(
        "shell-command",
        r"^(?:os/)?exec\.Command(?:Context)?$",
        "command",
        (-2, -3, -4, -5),
        least=UNKNOWN,
        when=_runs_shell,
    ),
    Sink(
        "shell-command",
        r"^(?:os/)?exec\.Command$",
        "command",
        (0,),
        least=PARAMETER,
        fixed=r"^[\w./-]",
        least_built=PARAMETER,
    ),
    Sink(
        "shell-command",
        r"^(?:os/)?exec\.CommandContext$",
        "command",
        (1,),
        least=PARAMETER,
        fixed=r"^[\w./-]",
        least_built=PARAMETER,
    ),
    Sink("shell-command", r"^(?:os/)?exec\.Command(?:Context)?$", "command", (), least=OUTSIDE, least_built=OUTSIDE),
    Sink(
        "shell-command",
        r"^syscall\.(?:Exec|ForkExec|StartProcess)$|^os\.StartProcess$",
        "command",
        (0, 1),
        least=PARAMETER,
    ),
    Sink(
        "html-from-strings",
        r"^fmt\.Fprint(?:f|ln)?$|^io\.WriteString$|^io\.Copy$",
        "xss",
        (-2, -3),
        least=PARAMETER,
        least_built=PARAMETER,
        when=_to_page,
    ),
    Sink(
        "html-from-strings",
        r"(?:ResponseWriter|^w|^rw|[cC](?:tx|ontext)?\.Writer|\.Response)\.Write(?:String)?$",
        "xss",
        (0,),
        least=PARAMETER,
        least_built=PARAMETER,
    ),
    Sink(
        "html-from-strings",
        r"^(?:html/)?template\.(?:HTML|JS|HTMLAttr|URL|CSS|JSStr|Srcset)$",
        "xss",
        least=UNKNOWN,
        least_built=UNKNOWN,
    ),
    Sink(
        "html-from-strings",
        r"(?:gin|echo|fiber)\.(?:Context|Ctx)\.(?:HTML|HTMLBlob|SendString|Data)$",
        "xss",
        (-1, -2),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "html-from-strings",
        r"^text/template\.\w+(?:\.\w+)*\.Execute(?:Template)?$",
        "xss",
        (),
        least=PARAMETER,
        when=_to_page,
    ),
    Sink("template-from-text", r"template\.\w*(?:\.\w+)*\.Parse$", "code", (0,), least=OUTSIDE, least_built=PARAMETER),
    Sink(
        "file-from-request",
        r"^(?:os\.(?:Open|OpenFile|ReadFile|WriteFile|Create|Remove|RemoveAll|Mkdir|MkdirAll|ReadDir|Rename|Symlink|"
        r"Stat|Lstat|Chmod|Link|Truncate)|(?:io/)?ioutil\.(?:ReadFile|WriteFile|ReadDir))$",
        "path",
        (0, 1),
        least=OUTSIDE,
        least_built=PARAMETER,
    ),
    Sink("file-from-request", r"^(?:net/)?http\.ServeFile$", "path", (2,), least=OUTSIDE, least_built=OUTSIDE),
    Sink(
        "file-from-request",
        r"(?:gin|echo|fiber)\.(?:Context|Ctx)\.(?:File|SaveUploadedFile|SendFile|Attachment)$",
        "path",
        (0, 1),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "request-to-request",
        r"^(?:net/)?http\.(?:Get|Head|Post|PostForm|NewRequest|NewRequestWithContext)$|"
        r"http\.(?:Client|DefaultClient)\.(?:Get|Head|Post|PostForm)$|^net\.(?:Dial|DialTimeout)$|^client\.(?:Get|Post)$",
        "ssrf",
        (0, 1, 2),
        least=PARAMETER,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST,
    ),
    Sink(
        "redirect-from-request",
        r"^(?:net/)?http\.Redirect$|(?:gin|echo|fiber)\.(?:Context|Ctx)\.Redirect$",
        "redirect",
        (1, 2),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST + r"|^/[^/\\\x01]",
    ),
    Sink(
        "log-from-request",
        r"^(?:log|slog|log/slog|logger|logrus|zap|glog|klog)\.(?:\w+\.)?(?:Print|Fatal|Panic|Info|Warn|Error|Debug)"
        r"(?:f|ln|w|Context)?$",
        "log",
        (),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "header-from-request",
        r"ResponseWriter\.Header\.(?:Set|Add)$",
        "header",
        (1,),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "header-from-request",
        r"^(?:net/)?smtp\.(?:SendMail)$|smtp\.\w+(?:\.\w+)*\.(?:Mail|Rcpt)$",
        "mail",
        (),
        least=PARAMETER,
        least_built=PARAMETER,
    ),
    Sink("ldap-xpath", r"^ldap\.NewSearchRequest$", "ldap", (), least=PARAMETER, least_built=UNKNOWN, text=r"\(.*\x01"),
    Sink("object-from-bytes", r"^(?:encoding/)?gob\.NewDecoder$", "object", least=OUTSIDE, least_built=OUTSIDE),
    Sink("number-narrowed", r"^u?int(?:8|16|32)?$", "number", least=0, least_built=0, when=_narrows),
    Sink("unbounded-unpacking", r"^io\.Copy(?:Buffer)?$", "size", (1,), least=0, least_built=0, when=_unpacks),
    Sink(
        "server-without-timeout",
        r"^(?:net/)?http\.(?:ListenAndServe(?:TLS)?|Serve|ServeTLS)$",
        "time",
        least=0,
        least_built=0,
    ),
    Sink(
        "server-without-timeout",
        r"^new (?:net/)?http\.Server$",
        "time",
        ("Addr", "Handler"),
        least=0,
        least_built=0,
        when=lambda given: not {"ReadHeaderTimeout", "ReadTimeout"} & set(given.named),
    ),
    Sink(
        "fixed-nonce",
        r"^(?:crypto/)?cipher\.New(?:CBC|CFB|CTR|OFB)\w*$|^(?:crypto/)?cipher\.NewCTR$",
        "nonce",
        (1,),
        least=0,
        least_built=0,
        when=lambda given: len(given.args) > 1 and _is_fixed_text(given.args[1]),
    ),
    Sink(
        "fixed-nonce",
        r"cipher\.NewGCM\w*\.(?:Seal|Open)$|^(?:aesGCM|gcm|aead|aesgcm)\.(?:Seal|Open)$",
        "nonce",
        (1,),
        least=0,
        least_built=0,
        when=lambda given: len(given.args) > 1 and _is_fixed_text(given.args[1]),
    ),
    Sink(
        "cookie-without-flags",
        r"^new (?:net/)?http\.Cookie$",
        "cookie",
        ("Name",),
        least=0,
        least_built=0,
        when=lambda given: not {"HttpOnly", "Secure"} <= set(given.named),
    ),
    Sink(
        "every-interface",
        r"^(?:net|crypto/tls|tls)\.Listen$",
        "bind",
        (1,),
        least=0,
        least_built=0,
        when=lambda given: len(given.args) > 1 and bool(_EVERYWHERE.match(given.args[1].text)),
    ),
)

GO_SPEC = Spec(
    sinks=_SINKS,
    sources=(
        r"\.(?:FormValue|PostFormValue|PathValue|URL\.(?:Query|Path|RawQuery|RequestURI)|Header\.Get|RequestURI)\b|"
        r"(?:^|\.)(?:c|ctx|context|Ctx)\.(?:Query|Param|Params|PostForm|FormValue|QueryParam|DefaultQuery|Cookie|PathParam|"
        r"GetString|Input|QueryParams|FormParams|BodyParam)$|"
        r"fasthttp\.RequestCtx\.(?:QueryArgs|PostArgs|FormValue|UserValue|Path|PostBody|RequestURI|URI|Request)\b|"
        r"(?:^|\.)http\.Request\.(?:FormValue|PostFormValue|URL|Header|PathValue|Cookie|Form|PostForm|MultipartForm|"
        r"FormFile|Body|RequestURI|Referer|UserAgent|Host|RemoteAddr|Cookies|BasicAuth|MultipartReader)\b"
        r"|(?:gin|echo|fiber|iris|beego)\.(?:Context|Ctx)\.(?:Query|Param|Params|PostForm|DefaultQuery|GetQuery|"
        r"GetHeader|QueryParam|FormValue|FormFile|Cookie|GetRawData|Body|QueryParams|DefaultPostForm|Request|Get|"
        r"PostFormArray|QueryArray|BodyRaw|URLParam|Path|MultipartForm)\b"
        r"|^(?:github\.com/gorilla/)?mux\.Vars\b|(?:^|/)chi(?:/v\d)?\.URLParam\b|^os\.(?:Args|Getenv|LookupEnv)\b|"
        r"^flag\.(?:String|Arg|Args)\b|^bufio\.NewReader\.Read|^bufio\.NewScanner\.Text|ReadString$|httputil\.DumpRequest$|^httprouter\.Params|"
        r"^httprouter\.Params\.ByName|(?:^|[/.])(?:zip|tar)\.\S*\.(?:Name|Linkname)$"
    ),
    requests=(
        ("", r"^(?:\w+\.)?Request$", "http.Request"),
        ("", r"^(?:\w+\.)?ResponseWriter$", "http.ResponseWriter"),
        ("", r"^fasthttp\.RequestCtx$", "fasthttp.RequestCtx"),
        ("", r"^gin\.Context$", "gin.Context"),
        ("", r"^echo\.Context$", "echo.Context"),
        ("", r"^fiber\.Ctx$", "fiber.Ctx"),
        ("", r"^httprouter\.Params$", "httprouter.Params"),
        (r"^r$", "", "http.Request"),
    ),
    carriers=(
        r"^(?:string|strings\.\w+|bytes\.\w+|fmt\.(?:Sprint\w*|Append\w*)|filepath\.\w+|path/filepath\.\w+|path\.\w+|"
        r"net/url\.\w+|url\.\w+|ioutil\.ReadAll|io/ioutil\.ReadAll|io\.(?:ReadAll|TeeReader|LimitReader)|append|html\.UnescapeString|"
        r"bufio\.New\w+|(?:encoding/)?base64\.[\w.]+|(?:encoding/)?hex\.\w+|(?:encoding/)?json\.\w+|errors\.(?:New|Wrap\w*)|"
        r"fmt\.Errorf|(?:net/http/)?httputil\.\w+|unicode\.\w+|new \w+(?:\.\w+)*|aws\.\w+|fmt\.Sprintf|sort\.\w+|(?:encoding/)?xml\.\w+|cast\.To\w+)$"
        r"|\.(?:String|Bytes|Get|Error|Text|Decode\w*|Values|Read\w*)$"
    ),
    keeps=r"\.(?:Context|Query|QueryRow|Exec|Close|Header|Method|ContentLength|TLS|ParseForm|Scan|Done|Session)$",
    numbers=(
        r"^(?:len|cap|strconv\.(?:Atoi|ParseInt|ParseUint|ParseFloat|ParseBool|Itoa|FormatInt|FormatUint|FormatBool)|"
        r"u?int(?:8|16|32|64)?|float(?:32|64)|time\.\w+(?:\.\w+)*|uuid\.\w+(?:\.\w+)*|bool|"
        r"strings\.(?:HasPrefix|HasSuffix|Contains\w*|Count|Index\w*|EqualFold|Compare)|bytes\.(?:Equal|Contains|HasPrefix)|"
        r"crypto/\w+\.\w+|sha256\.\w+|md5\.\w+|sha1\.\w+|hex\.EncodeToString|make|os\.IsNotExist|filepath\.IsAbs|"
        r"math/rand\.\w+|rand\.\w+|errors\.(?:Is|As))$"
    ),
    number_types=r"^(?:u?int(?:8|16|32|64)?|float(?:32|64)|bool|time\.\w+|uuid\.UUID|byte|rune|uintptr)$",
    cleaners={
        r"(?i)(?:^|\.)(?:shellescape\.\w+|shellquote\.\w+|ShellQuote|quoteShell\w*)$": "command",
        r"(?:^|\.)(?:QuoteIdentifier|QuoteLiteral|pq\.\w+|EscapeString|Quote|QuoteTo|EscapeBytesBackslash|Sanitize|"
        r"Ident|Escape)$": "sql",
        r"^html\.EscapeString$|template\.(?:HTMLEscapeString|HTMLEscaper|JSEscapeString|URLQueryEscaper|HTMLEscape|"
        r"JSEscaper)$|(?i:bluemonday)|\.Sanitize(?:Bytes)?$|^(?:net/)?url\.(?:QueryEscape|PathEscape)$|"
        r"^(?:encoding/)?json\.\w*(?:Marshal\w*|NewEncoder)$|^strconv\.Quote$|^(?:encoding/)?base64\.\S*Encode\w*$": "xss log header",
        r"^(?:path/)?(?:filepath|path)\.Base$|(?i:securejoin)|(?i:safe(?:join|path))|^(?:path/)?filepath\.Localize$": "path",
        r"^(?:net/)?url\.(?:PathEscape|QueryEscape)$": "path redirect ssrf",
        r"^strings\.(?:ReplaceAll|Replace|Map|NewReplacer\.Replace)$|^strconv\.Quote$|%q": "log header mail",
        r"^ldap\.EscapeFilter$": "ldap",
        r"^(?:net/)?mail\.ParseAddress$": "mail",
        r"^regexp\.QuoteMeta$": "regex",
        r"^regexp\.\S*ReplaceAll\w*$": "*",
    },
    cleaned_by=(
        (_REPLACES, 1, r"\[\^", "*"),
        (_REPLACES, 1, r"\.\.|\\\.\\\.|^/$|[/\\]", "path"),
        (_REPLACES, 1, r"<", "xss"),
        (_REPLACES, 1, r"\\[nr]|\n", "log header"),
        (r"^(?:path/)?(?:filepath|path)\.(?:Clean|Join)$", 0, r"^/\x01?$", "path"),
    ),
    checks={r"(?:HasPrefix|filepath\.Rel|IsLocal)$": "path"},
    fills=r"\.(?:Decode|Unmarshal|Bind|BindJSON|ShouldBind\w*|BodyParser|Scan|ReadFrom|Read|ReadFull|Copy|ReadJSON)$",
    sizes={r"^strconv\.Parse(?:Int|Uint)$": 2},
    formats={r"^fmt\.(?:Sprintf|Errorf|Appendf)$": 0, r"^errors\.(?:Wrapf|Errorf)$": 0},
    talk=r"^(?:log|logger|logrus|slog|klog|glog|t|b)\.\w+$|^errors\.\w+$|^fmt\.(?:Errorf|Print\w*)$|^panic$",
    page_types=r"Header\.Set$|Header\.Add$|\.ContentType$",
    query=Sink("sql-from-strings", "", "sql", least=UNKNOWN, text=SQL),
    settled=r"(?i)(?:^|\.)_?(?:\w*(?:table|schema|prefix|column|placeholder)\w*)$",
)
