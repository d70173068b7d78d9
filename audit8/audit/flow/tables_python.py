"""Python: where outside data comes in (Flask, Django, FastAPI, aiohttp, the command line), and where it does harm."""

from audit8.audit.flow.spec import Sink, Spec
from audit8.audit.flow.tables_python_sinks import SINKS
from audit8.audit.flow.value import OUTSIDE, PARAMETER, UNKNOWN
from audit8.audit.query_text import SQL

# Markup of a page, with a value between its tags or in an attribute.
_PAGE_PART = (
    r"(?i)<(?:a|p|b|i|u|em|strong|div|span|h[1-6]|li|td|th|tr|ul|ol|pre|code|label|button|option|textarea|img|input|"
    r"script|iframe|form|table|body|center|font|small)(?:\s[^<>\x01]*)?(?:>[^<\x01]*|=[\"'][^<>\"'\x01]*)\x01"
)
_MARKUP = r"<[a-zA-Z!/]|\x01"
_HANDLER_FIELDS = ("self.path", "self.headers", "self.rfile", "self.requestline")
_REPLACES = r"\.replace$|^re\.sub$|\.sub$"

PYTHON_SPEC = Spec(
    sinks=SINKS,
    sources=(
        r"(?:^|[._])(?:request|req)\.(?:args|form|values|json|data|files|cookies|headers|GET|POST|FILES|COOKIES|META|"
        r"get_json|get_data|get|get_all|query_params|path_params|query_string|body|full_path|url|referrer|"
        r"match_info|rel_url|post|"
        r"query|path|raw_post_data|params|matchdict|QUERY_PARAMS|DATA|get_full_path|environ|view_args|stream|"
        r"arguments|"
        r"uri|read|content|path_info|get_host|user_agent|rfile)\b"
        r"|^sys\.argv\b|^(?:raw_)?input$|^self\.(?:get_argument|get_query_argument|get_body_argument|get_arguments|"
        r"path_kwargs)\b|^(?:cgi\.)?FieldStorage\b|^(?:self\.)?rfile\.read|^os\.environ\.get\.?QUERY|"
        r"\.(?:infolist|getmembers)\.(?:filename|name)$|\.(?:namelist|getnames)$|^(?:form|fs)\.getvalue$|\.recv$|^self\.kwargs\b|\.cleaned_data\b|^web\.input\b"
    ),
    requests=((r"^(?:request|req)$", "", "request"), ("", r"\bRequest\b", "request")),
    carriers=(
        r"^(?:str|repr|list|tuple|sorted|set|dict|bytes|bytearray|map|filter|reversed|iter|next|unicode|copy\.\w+|"
        r"json\.loads?|json\.dumps|six\.\w+|force_text|smart_str|zip|enumerate|max|min|vars|dict\.\w+|format|"
        r"base64\.\w+|urllib\.(?:parse\.)?(?:unquote\w*|urlencode|urljoin|parse_qs\w*|urlparse|urlsplit)|unquote|"
        r"urljoin|urlparse|parse_qs|os\.path\.(?:join|abspath|normpath|expanduser|expandvars|dirname|realpath|"
        r"splitext|split)|(?:pathlib\.)?(?:Pure)?Path|StringIO|io\.\w+|BytesIO|getattr|html\.unescape|"
        r"(?:binascii|codecs|zlib)\.\w+|ast\.literal_eval|f|quote_plus|xmltodict\.parse|"
        r"(?:markdown2?|mistune|commonmark)(?:\.\w+)?)$"
        r"|\.(?:join|format|encode|decode|strip|lstrip|rstrip|lower|upper|title|replace|split|rsplit|splitlines|get|"
        r"copy|getlist|items|values|keys|pop|setdefault|group|groups|partition|rpartition|read|readline|readlines|"
        r"joinpath|with_suffix|zfill|capitalize|sub|expandtabs|casefold|swapcase|ljust|rjust|center|%|resolve|"
        r"absolute|format_map|translate|getvalue|as_posix|loads|tostring|unquote)$"
    ),
    contents=r"^(?:io\.|codecs\.|gzip\.|aiofiles\.)?open$|\.(?:read_text|read_bytes)$|^pkg_resources\.\w+$",
    keeps=r"\.(?:query|filter|get_object_or_404|exists|count|index|find|cursor|session|commit|all|first|save|"
    r"is_\w+)$",
    numbers=(
        r"^(?:ipaddress\.\w+|IPv[46]Address|int|float|bool|len|abs|round|hash|id|ord|hex|uuid\.UUID|UUID|uuid\.uuid4|time\.time|os\.getpid|"
        r"isinstance|callable|hasattr|any|all|sum|Decimal|decimal\.Decimal|datetime\.\w+(?:\.\w+)?|secrets\.\w+|"
        r"hashlib\.\w+(?:\.\w+)*|os\.path\.(?:exists|isfile|isdir|getsize|getmtime)|issubclass|range)$"
        r"|\.(?:isdigit|startswith|endswith|exists|count|index|find|hexdigest|digest|timestamp|strftime|isoformat|"
        r"total_seconds|is_file|is_dir)$"
    ),
    number_types=r"^(?:int|float|bool|UUID|uuid\.UUID|Decimal|date|datetime|Optional\[int\]|int \| None)$",
    cleaners={
        r"(?:^|\.)(?:shlex\.quote|pipes\.quote|shell_quote|shellquote|list2cmdline|shlex\.join)$": "command",
        r"^(?:quote|escape_shell\w*)$": "command xss redirect log ssrf",
        r"(?:^|\.)(?:quote_name|quote_ident|Identifier|escape_string|literal|quote_identifier|adapt|"
        r"escape_identifier|escape_literal|quoted_name|Literal|Placeholder|bindparam|SQL)$": "sql",
        r"(?:^|\.)(?:escape|html_escape|conditional_escape|format_html|format_html_join|bleach\.clean|clean|"
        r"urlencode|"
        r"xhtml_escape|escape_html|sanitize|sanitize_html|nh3\.clean|url_escape|force_escape|escapejs|jsonify|"
        r"strip_tags|linkify|render_template|render|render_to_string|JsonResponse|to_json|tojson)$|^json\.dumps$|"
        r"^cgi\.escape$": "xss",
        r"(?:^|\.)(?:escape_filter_chars|filter_format|escape_dn_chars)$": "ldap",
        r"(?:^|\.)(?:basename|secure_filename|safe_join|get_valid_filename|safe_path|safe_filename|get_valid_name|"
        r"sanitize_filename|slugify|get_available_name|upload_secure_filename|generate_filename)$": "path log",
        r"(?:^|\.)(?:url_for|reverse|resolve_url|url_has_allowed_host_and_scheme|is_safe_url|"
        r"make_safe_url)$": "redirect ssrf",
        r"^urllib\.(?:parse\.)?quote\w*$|^(?:parse\.)?quote(?:_plus)?$": "xss redirect path log",
        r"\.(?:dumps|dump)$": "object",
        r"(?:^|\.)repr$|\.replace$": "log",
        r"(?:^|\.)re\.escape$": "regex",
    },
    cleaned_by=(
        (_REPLACES, 0, r"\[\^", "*"),
        (_REPLACES, 0, r"\.\.|\\\.\\\.|\\\.\{2|\[[^\]\[]{0,40}[/.]|^\\?/\+?$", "path"),
        (_REPLACES, 0, r"<", "xss"),
        (_REPLACES, 0, r"\\[nr]|\n", "log header"),
        (r"^(?:os\.path\.)?normpath$", 0, r"^/\x01$", "path"),
    ),
    checks={r"(?:^|\.)(?:relative_to|is_relative_to|commonpath|commonprefix)$": "path"},
    raises={r"\.relative_to$": "path"},
    fills=r"\.readinto$|^struct\.unpack_into$",
    formats={r"\.(?:format|%|format_map)$": -1},
    handler=(
        r"@\w+(?:\.\w+)*\.(?:route|get|post|put|delete|patch|websocket|expose|view|api_view|action|errorhandler)\b|"
        r"@(?:route|get|post|view_config|expose|cherrypy\.expose|api_view|view|csrf_exempt|login_required|"
        r"require_\w+)"
    ),
    talk=(
        r"^(?:print|warnings?\.warn|click\.echo|sys\.std\w+\.write)$|(?:^|\.)(?:debug|info|warning|warn|error|"
        r"critical|"
        r"exception|log|skip|fail|flash|add_message|help|set_title)$|(?:Error|Exception|Warning)$"
    ),
    page_types=r"(?i)content.?type|\.headers\b|set_header",
    query=Sink("sql-from-strings", "", "sql", least=UNKNOWN, text=SQL),
    shell_words=Sink("shell-command", "", "command", least=UNKNOWN),
    returned=(
        Sink("html-from-strings", "", "xss", least=OUTSIDE, least_built=OUTSIDE, text=_MARKUP + "|^$"),
        Sink("html-from-strings", "", "xss", least=4, least_built=PARAMETER, text=_PAGE_PART),
    ),
    class_fields=((r"HTTPRequestHandler", _HANDLER_FIELDS),),
    method_fields=((r"^do_(?:GET|POST|PUT|DELETE|PATCH|HEAD)$", _HANDLER_FIELDS),),
    settled=r"(?i)(?:^|\.)_?(?:\w*(?:table|schema|prefix|column|placeholder)\w*|_meta\.\w+|__file__|__name__|"
    r"BASE_DIR|settings\.\w+|app\.config|current_app\.\w+|config\.\w+|string\.\w+|os\.sep|os\.linesep)$",
    members=((r"\.headers\.\[\]$", Sink("header-from-request", "", "header", least=OUTSIDE, least_built=OUTSIDE)),),
)
