"""Go: net/http, gin, echo, fiber, chi, gorilla; database/sql, os, os/exec, html/template."""

import re

from audit8.audit.flow.spec import Given, Sink, Spec
from audit8.audit.flow.tables_go_settings import SETTINGS
from audit8.audit.flow.value import OUTSIDE, PARAMETER, UNKNOWN
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


_REPLACES = r"^strings\.Replace(?:All)?$"

_SINKS = (
    Sink(
        "sql-from-strings",
        r"(?:^|\.)(?:Query|QueryRow|Exec|Prepare|Raw|Queryx|QueryRowx|MustExec|NamedExec|NamedQuery)$",
        "sql",
        (0,),
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
        r"\.(?:QueryContext|QueryRowContext|ExecContext|PrepareContext|Select|Get|SelectContext|GetContext|QueryxContext|"
        r"NamedExecContext)$",
        "sql",
        (1, 2),
        text=r"(?i)\b(?:select|insert|update|delete|where|from)\b[^\x01]*\x01",
        when=lambda given: "http" not in given.way.lower(),
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
        least=UNKNOWN,
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
        r"(?:strings\.Builder|bytes\.Buffer)\.WriteString$|^(?:page|html|out|body|sb|b)\w*\.WriteString$",
        "xss",
        (0,),
        least=4,
        least_built=OUTSIDE,
        text=r"<\w+[^<>\x01]*>[^<]*\x01|<\w+ [^<>]*\x01",
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
        r"(?:gin|echo|fiber)\.(?:Context|Ctx)\.(?:HTML|HTMLBlob|SendString|WriteString|Data)$",
        "xss",
        (0, -2),
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
        r"http\.(?:Client|DefaultClient)\.(?:Get|Head|Post|PostForm)$|^net\.(?:Dial|DialTimeout)$|"
        r"^client\.(?:Get|Post)$",
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
)

GO_SPEC = Spec(
    sinks=(*_SINKS, *SETTINGS),
    sources=(
        r"\.(?:FormValue|PostFormValue|PathValue|URL\.(?:Query|Path|RawQuery|RequestURI)|Header\.Get|RequestURI)\b|"
        r"(?:^|\.)(?:c|ctx|context|Ctx)\.(?:Query|Param|Params|PostForm|FormValue|QueryParam|DefaultQuery|"
        r"Cookie|PathParam|"
        r"GetString|Input|QueryParams|FormParams|BodyParam)$|"
        r"fasthttp\.RequestCtx\.(?:QueryArgs|PostArgs|FormValue|UserValue|Path|PostBody|RequestURI|URI|Request)\b|"
        r"(?:^|\.)http\.Request\.(?:FormValue|PostFormValue|URL|Header|PathValue|Cookie|Form|PostForm|MultipartForm|"
        r"FormFile|Body|RequestURI|Referer|UserAgent|Host|RemoteAddr|Cookies|BasicAuth|MultipartReader)\b"
        r"|(?:gin|echo|fiber|iris|beego)\.(?:Context|Ctx)\.(?:Query|Param|Params|PostForm|DefaultQuery|GetQuery|"
        r"GetHeader|QueryParam|FormValue|FormFile|Cookie|GetRawData|Body|QueryParams|DefaultPostForm|Request|Get|"
        r"PostFormArray|QueryArray|BodyRaw|URLParam|Path|MultipartForm)\b"
        r"|(?:gin|echo|fiber|iris)\.(?:Context|Ctx)\.(?:(?:Should)?Bind\w*|BodyParser|QueryParser|ReadJSON)$"
        r"|^(?:github\.com/gorilla/)?mux\.Vars\b|(?:^|/)chi(?:/v\d)?\.URLParam\b|^os\.(?:Args|Getenv|LookupEnv)\b|"
        r"^flag\.(?:String|Arg|Args)\b|^bufio\.NewReader\.Read|^bufio\.NewScanner\.Text|ReadString$|"
        r"httputil\.DumpRequest$|^httprouter\.Params|"
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
        r"net/url\.\w+|url\.\w+|ioutil\.ReadAll|io/ioutil\.ReadAll|io\.(?:ReadAll|TeeReader|LimitReader)|"
        r"append|html\.UnescapeString|"
        r"bufio\.New\w+|(?:encoding/)?base64\.[\w.]+|(?:encoding/)?hex\.\w+|(?:encoding/)?json\.\w+|"
        r"errors\.(?:New|Wrap\w*)|"
        r"fmt\.Errorf|(?:net/http/)?httputil\.\w+|unicode\.\w+|new \w+(?:\.\w+)*|aws\.\w+|fmt\.Sprintf|"
        r"sort\.\w+|(?:os/)?exec\.Command(?:Context)?(?:\.\w*Output)?|(?:encoding/)?xml\.\w+|cast\.To\w+)$"
        r"|\.(?:String|Bytes|Get|Error|Text|Decode\w*|Values|Read\w*)$"
    ),
    keeps=r"\.(?:Context|Query|QueryRow|Exec|Close|Header|Method|ContentLength|TLS|ParseForm|Scan|Done|Session)$",
    numbers=(
        r"^(?:len|cap|strconv\.(?:Atoi|ParseInt|ParseUint|ParseFloat|ParseBool|Itoa|FormatInt|FormatUint|FormatBool)|"
        r"u?int(?:8|16|32|64)?|float(?:32|64)|time\.\w+(?:\.\w+)*|uuid\.\w+(?:\.\w+)*|bool|"
        r"strings\.(?:HasPrefix|HasSuffix|Contains\w*|Count|Index\w*|EqualFold|Compare)|bytes\.(?:Equal|"
        r"Contains|HasPrefix)|"
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
        r"^(?:encoding/)?json\.\w*(?:Marshal\w*|NewEncoder)$|^strconv\.Quote$|"
        r"^(?:encoding/)?base64\.\S*Encode\w*$": "xss log header",
        r"^(?:path/)?(?:filepath|path)\.Base$|(?i:securejoin)|(?i:safe(?:join|path))|"
        r"^(?:path/)?filepath\.Localize$": "path",
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
    checks={
        r"(?:HasPrefix|filepath\.Rel|IsLocal|(?i:dot_?dot\w*))$": "path",
        r"^(?:net\.ParseIP|net/netip\.ParseAddr|netip\.ParseAddr|net\.ParseMAC|(?:\S*/)?uuid\.(?:Parse|Validate))$": (
            "command sql path xss code log header ldap regex"
        ),
    },
    fills=r"\.(?:Decode|Unmarshal|(?:Should)?Bind\w*|BodyParser|QueryParser|Scan|ReadFrom|Read|ReadFull|Copy|ReadJSON)$",
    sizes={r"^strconv\.Parse(?:Int|Uint)$": 2},
    formats={r"^fmt\.(?:Sprintf|Errorf|Appendf)$": 0, r"^errors\.(?:Wrapf|Errorf)$": 0},
    talk=r"^(?:log|logger|logrus|slog|klog|glog|t|b)\.\w+$|^errors\.\w+$|^fmt\.(?:Errorf|Print\w*)$|^panic$",
    page_types=r"Header\.Set$|Header\.Add$|\.ContentType$",
    query=Sink("sql-from-strings", "", "sql", least=UNKNOWN, text=SQL),
    settled=r"(?i)(?:^|\.)_?(?:\w*(?:table|schema|prefix|column|placeholder)\w*)$",
)
