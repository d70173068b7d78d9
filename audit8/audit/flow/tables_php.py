"""PHP: superglobals, Laravel and Symfony requests, mysqli, PDO, WordPress' database, files, shells and pages."""

from audit8.audit.flow.spec import Given, Sink, Spec
from audit8.audit.flow.value import OUTSIDE, PARAMETER, UNKNOWN
from audit8.audit.query_text import SQL

_HTTP_HOST = r"^[a-zA-Z]+://[^/\x01]*[^/\x01.:@]/|^[a-zA-Z]+://[^/\x01]+/"


_FORMS = ("$_POST", "$_REQUEST", "$_GET")
_QUERY = r"(?i)\b(?:select|insert|update|delete|where|from|set)\b[^\x01]*\x01|^\x01$|^$"


def _allows_any_class(given: Given) -> bool:
    return "allowed_classes" not in given.named and len(given.args) < 2


def _is_whole_request(given: Given) -> bool:
    kinds = [value.kind for value in given.args]
    return any(kind.endswith(("request.all", "Request.all", "Input.all")) or kind in _FORMS for kind in kinds)


def _is_location(given: Given) -> bool:
    return bool(given.args) and given.args[0].text.lower().startswith("location:")


_SINKS = (
    Sink(
        "sql-from-strings",
        r"^(?:mysqli?_(?:query|real_query|multi_query|unbuffered_query)|pg_(?:query|send_query)|sqlite_query|mssql_query|"
        r"sqlsrv_query|odbc_exec|oci_parse)$",
        "sql",
        (0, 1),
        least=OUTSIDE,
        least_built=UNKNOWN,
        text=_QUERY,
    ),
    Sink(
        "sql-from-strings",
        r"\.(?:query|exec|execute|multi_query|real_query|get_results|get_row|get_var|"
        r"get_col|prepare|executeQuery|executeStatement|createQuery|fetchAll|fetchAssoc)$|DB\.(?:select|statement|raw|"
        r"unprepared|insert|update|delete)$",
        "sql",
        (0,),
        least=OUTSIDE,
        least_built=UNKNOWN,
        text=_QUERY,
        when=lambda given: "http" not in given.way.lower() and "curl" not in given.way,
    ),
    Sink(
        "sql-from-strings",
        r"\.(?:whereRaw|orderByRaw|selectRaw|havingRaw|groupByRaw|orWhereRaw|where|orderBy)$",
        "sql",
        (0,),
        least=OUTSIDE,
        least_built=UNKNOWN,
        text=r"(?i)\w\s*(?:=|<|>|\blike\b|\bin\b)\s*['\"(%]*\x01|^\x01$",
        when=lambda given: given.way.endswith("Raw") or len(given.args) == 1,
    ),
    Sink(
        "shell-command",
        r"^(?:system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec|expect_popen)$|^new Process$|"
        r"\.fromShellCommandline$",
        "command",
        (0,),
        least=PARAMETER,
        least_built=UNKNOWN,
        when=lambda given: "[0]" not in given.named,
    ),
    Sink(
        "code-from-text",
        r"^(?:eval|create_function)$",
        "code",
        (0, 1),
        least=UNKNOWN,
        least_built=UNKNOWN,
    ),
    Sink("code-from-text", r"^assert$", "code", least=PARAMETER, least_built=UNKNOWN),  # Its second is what it says.
    Sink(
        "code-from-text",
        r"^(?:call_user_func(?:_array)?|array_map|usort|register_shutdown_function)$",
        "code",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "object-from-bytes",
        r"^(?:unserialize|yaml_parse)$",
        "object",
        (0,),
        least=UNKNOWN,
        when=_allows_any_class,
    ),
    Sink(
        "mass-assignment",
        r"\.(?:update|create|fill|forceFill|insert|firstOrCreate|updateOrCreate|make)$",
        "mass",
        (0, 1),
        least=OUTSIDE,
        least_built=4,
        when=_is_whole_request,
    ),
    Sink("file-from-request", r"^include$", "path", (0,), least=PARAMETER, least_built=PARAMETER, text=r"\x01|^$"),
    Sink(
        "file-from-request",
        r"^(?:fopen|file_get_contents|file_put_contents|readfile|file|unlink|rename|copy|mkdir|rmdir|opendir|scandir|"
        r"parse_ini_file|highlight_file|show_source|touch|symlink|fputs|glob|simplexml_load_file)$|"
        r"\.(?:download|sendFile|get|put|delete|move|storeAs|readStream)$|^response\.(?:download|file)$|"
        r"^new (?:SplFileObject|BinaryFileResponse)$",
        "path",
        (0, 1),
        least=OUTSIDE,
        least_built=OUTSIDE,
        text=r"^(?![a-z]+://).*\x01|^$",
        when=lambda given: (
            not given.way.rpartition(".")[0]
            or "torage" in given.way
            or "esponse" in given.way
            or given.way.endswith(("move", "storeAs"))
        ),
    ),
    Sink(
        "file-from-request",
        r"^(?:fopen|file_get_contents|file_put_contents|readfile|unlink|copy|rename)$",
        "path",
        (0, 1),
        least=4,
        least_built=PARAMETER,
        text=r"/\x01",
    ),
    Sink("file-from-request", r"^move_uploaded_file$", "path", (1,), least=OUTSIDE, least_built=OUTSIDE),
    Sink(
        "request-to-request",
        r"^(?:file_get_contents|fopen|curl_init|get_headers|fsockopen|readfile|simplexml_load_file)$",
        "ssrf",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST + r"|^[./\w-]+/",
    ),
    Sink(
        "request-to-request",
        r"(?i:guzzle\w*|httpclient|client|http)\.(?:get|post|put|request|head|send)$|^wp_remote_\w+$",
        "ssrf",
        (0, 1),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST,
    ),
    Sink(
        "request-to-request",
        r"^curl_setopt$",
        "ssrf",
        (2,),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST,
        when=lambda given: len(given.args) > 1 and given.args[1].kind == "CURLOPT_URL",
    ),
    Sink(
        "redirect-from-request",
        r"^header$",
        "redirect",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=r"(?i)^location:\s*(?:/[^/\x01]|[a-z]+://[^/\x01]+/|[\w.-]+[/?])",
        when=_is_location,
    ),
    Sink(
        "redirect-from-request",
        r"^(?:redirect|wp_redirect)$|\.redirect$|^new RedirectResponse$|\.(?:to|away)$",
        "redirect",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST + r"|^/[^/\\\x01]",
        when=lambda given: not given.way.endswith((".to", ".away")) or "edirect" in given.way,
    ),
    Sink(
        "html-from-strings",
        r"^(?:echo|print|printf|vprintf|print_r)$|^new Response$|^response$",
        "xss",
        (),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink("html-from-strings", r"^new HtmlString$|\.setContent$", "xss", (0,), least=OUTSIDE, least_built=PARAMETER),
    Sink("log-from-request", r"^(?:error_log|syslog)$|^Log\.\w+$", "log", (), least=OUTSIDE, least_built=OUTSIDE),
    Sink("header-from-request", r"^(?:mail|setrawcookie)$", "header", (3,), least=OUTSIDE, least_built=OUTSIDE),
    Sink(
        "regex-from-request",
        r"^preg_(?:match|match_all|replace\w*|split|grep)$",
        "regex",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "ldap-xpath",
        r"^ldap_(?:search|list|read)$|\.(?:xpath|query|evaluate)$",
        "xpath",
        (0, 2),
        least=OUTSIDE,
        least_built=UNKNOWN,
        text=r"\([\w&|!(]+=.*\x01|/.*[='\"\[].*\x01",
    ),
)

PHP_SPEC = Spec(
    sinks=_SINKS,
    sources=(
        r"^\$_(?:GET|POST|REQUEST|COOKIE|FILES)\b|^\$_SERVER\.\[\]$|^\$HTTP_(?:GET|POST)_VARS\b|^\$argv\b|"
        r"(?:^|\.)(?:\$?[rR]equest)\.(?:input|query|get|post|all|cookie|header|file|json|only|request|attributes|"
        r"getContent|getQueryParams|getParsedBody|getParam|cookies|headers|server|route|getUri|getPathInfo)\b|"
        r"^shortcode_atts$|^getallheaders$|^apache_request_headers$|\.getClientOriginalName$|^Input\.\w+$|^Request\.\w+$"
    ),
    requests=((r"^\$request$", "", "request"), ("", r"Request(?:Interface)?$", "request")),
    carriers=(
        r"^(?:trim|ltrim|rtrim|strtolower|strtoupper|ucfirst|ucwords|substr|mb_substr|str_replace|preg_replace|sprintf|"
        r"implode|join|explode|array_\w+|urldecode|rawurldecode|base64_decode|json_decode|json_encode|stripslashes|"
        r"html_entity_decode|htmlspecialchars_decode|nl2br|str_pad|strrev|str_repeat|realpath|dirname|strval|"
        r"serialize|gzuncompress|gzinflate|hex2bin|iconv|mb_convert_encoding|utf8_decode|utf8_encode|list|compact|"
        r"parse_url|parse_str|strtr|strstr|sanitize_text_field|wp_unslash|addslashes|vsprintf|number|current|reset|end|"
        r"request|input|chunk_split|wordwrap|lcfirst|substr_replace|stream_get_contents|fgets|fread)$"
        r"|\.(?:get|input|all|first|toArray|getContent|trim|__toString|value|toString|map|filter|only)$"
    ),
    contents=r"^(?:file_get_contents|fread|fgets|file|fopen)$",
    keeps=r"\.(?:fetch\w*|execute|rowCount|session|user|find|save|count|num_rows)$",
    numbers=(
        r"^(?:intval|floatval|boolval|count|sizeof|strlen|mb_strlen|abs|ceil|floor|round|time|rand|mt_rand|random_int|"
        r"is_\w+|isset|empty|md5|sha1|hash|crc32|password_hash|password_verify|bin2hex|random_bytes|uniqid|date|"
        r"strtotime|in_array|array_key_exists|ctype_\w+|filter_\w+|strcmp|strpos|preg_match\w*|file_exists|number_format|"
        r"hash_hmac|absint|sanitize_key|checkdate|max|min|array_search|ip2long|filesize|str_contains|str_starts_with)$"
        r"|\.(?:integer|boolean|float|count|getId|id|rowCount|lastInsertId|has|filled|isMethod|ajax)$"
    ),
    number_types=r"^\??(?:int|integer|float|double|bool|boolean|real)$",
    cleaners={
        r"^(?:escapeshellarg|escapeshellcmd)$": "command",
        r"^(?:mysqli?_(?:real_)?escape_string|pg_escape_\w+|sqlite_escape_string|addslashes|esc_sql|db_escape)$|"
        r"\.(?:real_escape_string|escape_string|quote|escape|quoteIdentifier|prepare)$": "sql",
        r"^(?:htmlspecialchars|htmlentities|strip_tags|esc_html\w*|esc_attr\w*|esc_url\w*|esc_js|wp_kses\w*|e|"
        r"json_encode|urlencode|rawurlencode|http_build_query|__|t|xss_clean|h|clean|sanitize_\w+|nl2br_escaped|"
        r"view|render|number_format)$|\.(?:purify|escape|escapeHtml|render|json)$|^HTMLPurifier\.\w+$": "xss log",
        r"^(?:basename|pathinfo|sanitize_file_name)$": "path",
        r"^(?:urlencode|rawurlencode)$": "path redirect ssrf header",
        r"^(?:route|url|wp_validate_redirect|wp_sanitize_redirect|action)$": "redirect",
        r"^preg_quote$": "regex",
        r"^ldap_escape$": "xpath",
        r"^(?:str_replace|preg_replace|json_encode)$": "log header",
    },
    cleaned_by=(
        (r"^preg_replace$", 0, r"\[\^", "*"),
        (r"^(?:str_replace|preg_replace|strtr)$", 0, r"\.\.|\\\.\\\.|^/$|\\/.|\[[^\]\[]{0,40}[/.]", "path"),
        (r"^(?:str_replace|preg_replace)$", 0, r"<", "xss"),
        (r"^str_replace$", 0, r"^'$", "sql"),
    ),
    checks={
        r"^(?:is_numeric|is_int|is_integer|is_float|ctype_\w+|filter_var|array_key_exists)$": "*",
        r"^(?:strpos|stripos|strncmp|substr|str_contains|realpath|strstr|strrpos|parse_url)$": "path redirect ssrf",
    },
    formats={r"^sprintf$": 0, r"^vsprintf$": 0},
    talk=r"^(?:error_log|trigger_error|syslog|var_dump)$|^new \w*(?:Exception|Error)$|^(?:Log|log|logger)\.\w+$",
    page_types=r"^header$|\.header$",
    query=Sink("sql-from-strings", "", "sql", least=UNKNOWN, text=SQL),
    returned=(Sink("html-from-strings", "", "xss", least=OUTSIDE, least_built=OUTSIDE, text=r"<\w"),),
    shell=Sink("shell-command", "", "command", least=PARAMETER, least_built=UNKNOWN),
    settled=r"(?i:(?:^|\.)\$?_?(?:\w*(?:table|schema|prefix|column|placeholder)\w*|__DIR__|__FILE__)$)|"
    r"(?:^|\.)[A-Z][A-Z0-9_]+$|^\$_SESSION\b|^\$_ENV\b|^wpdb\.\w+$|^\$wpdb\.\w+$",
)
