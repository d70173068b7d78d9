"""Python: where outside data comes in (Flask, Django, FastAPI, aiohttp, the command line), and where it does harm."""

from audit8.audit.flow.spec import Given, Sink, Spec
from audit8.audit.flow.value import FIXED, OUTSIDE, PARAMETER, UNKNOWN
from audit8.audit.query_text import SQL

_HTTP_HOST = r"^[a-zA-Z]+://[^/\x01]*[^/\x01.:@]/|^[a-zA-Z]+://[^/\x01]+/"
_MARKUP = r"<[a-zA-Z!/]|\x01"
_SHELLS = ("sh", "bash", "dash", "zsh", "cmd", "cmd.exe", "powershell")


def _runs_shell(given: Given) -> bool:
    shell = given.named.get("shell")
    return shell is not None and (shell.level > FIXED or shell.text not in ("False", "0", "None"))


def _runs_list(given: Given) -> bool:
    return not _runs_shell(given)


def _is_page(given: Given) -> bool:
    kind = next((given.named[name] for name in ("content_type", "mimetype", "media_type") if name in given.named), None)
    return kind is None or not kind.text or "html" in kind.text


def _is_unsafe_yaml(given: Given) -> bool:
    loader = given.named.get("Loader") or (given.args[1] if len(given.args) > 1 else None)
    return loader is None or not any(word in loader.kind for word in ("Safe", "BaseLoader"))


_REPLACES = r"\.replace$|^re\.sub$|\.sub$"

_SINKS = (
    Sink(
        "sql-from-strings",
        r"(?:^|\.)(?:execute|executemany|executescript|raw|read_sql|read_sql_query|exec_driver_sql|mogrify|RawSQL|"
        r"fetch|fetchrow|fetchval)$",
        "sql",
        least=OUTSIDE,
        least_built=UNKNOWN,
        text=r"(?i)[=<>(]\s*['\"%]*\x01|\x01['\"%]*\s*[=<>(,]|^\x01$|^$",
        when=lambda given: "requests" not in given.way,
    ),
    Sink(
        "sql-from-strings",
        r"\.(?:filter|where|having|order_by|group_by|from_statement)$",
        "sql",
        least=4,
        least_built=UNKNOWN,
        text=r"(?i)\w\s*(?:=|<|>|\blike\b)\s*['\"%]*\x01",
    ),
    Sink("sql-from-strings", r"\.(?:extra|annotate_raw|filter_by_sql)$|(?:^|\.)text$", "sql", (0, "where", "select")),
    Sink(
        "shell-command",
        r"^(?:os\.(?:system|popen[234]?)|popen2\.popen[23]|commands\.get\w*output|subprocess\.get\w*output|"
        r"(?:asyncio\.)?(?:subprocess\.)?create_subprocess_shell|pty\.spawn|system|popen)$"
        r"|\.(?:exec_command|send_command|run_command)$|^pexpect\.(?:spawn|run|runu)$|"
        r"^(?:fabric\.\w+\.)?(?:local|sudo)$|^(?:c|conn|connection)\.(?:sudo|local)$",
        "command",
        (0, "command", "cmd"),
        least=UNKNOWN,
    ),
    Sink(
        "shell-command",
        r"(?:^|\.)\w+$",
        "command",
        (0, "args", "cmd"),
        least=UNKNOWN,
        when=_runs_shell,
    ),
    Sink(
        "shell-command",
        r"^(?:subprocess\.)?(?:run|call|check_call|check_output|Popen)$|^os\.(?:exec[lv]p?e?|spawn[lv]p?e?)$",
        "command",
        (0, "args"),
        least=OUTSIDE,
        least_built=PARAMETER,
        fixed=r"^[^\x01]",
        when=_runs_list,
    ),
    Sink(
        "shell-command",
        r"(?i)(?:^|[._])(?:ssh|cli|run_?ssh|run_?cmd|run_?command|exec_?cmd|exec_?command|cli_run|run_cli|shell|"
        r"ssh_exec\w*|execute_?command|runcmd|run_?shell\w*|shell_?exec|run_bash|sh|_?run|docker_exec|_?ssh_cmd|adb|"
        r"system_call|check_ssh_injection|_?eql_execute|run_in_shell)$",
        "command",
        (0, 1, "cmd", "command"),
        least=4,
        least_built=UNKNOWN,
        text=r"^[\w./-]+ .*\x01|^\x01 ",
    ),
    Sink("code-from-text", r"^(?:builtins\.)?(?:eval|exec)$|^compile$", "code", least=UNKNOWN),
    Sink(
        "template-from-text",
        r"(?:^|\.)render_template_string$|^(?:jinja2|mako\.template)\.Template$|"
        r"\b(?:env|environment|Environment)\w*\.from_string$|^Template$",
        "code",
        least=PARAMETER,
    ),
    Sink(
        "object-from-bytes",
        r"^(?:c?[pP]ickle|_pickle|six\.moves\.cPickle|dill|marshal|cloudpickle)\.(?:loads?|Unpickler)$|"
        r"^jsonpickle\.(?:decode|loads)$|^shelve\.open$|^(?:pandas|pd)\.read_pickle$|^joblib\.load$",
        "object",
        least=UNKNOWN,
    ),
    Sink(
        "yaml-load",
        r"^yaml\.(?:load|load_all|unsafe_load|unsafe_load_all|full_load)$",
        "object",
        least=UNKNOWN,
        when=_is_unsafe_yaml,
    ),
    Sink(
        "xml-entities",
        r"^lxml\.\w+\.(?:parse|fromstring|XML|iterparse)$|^etree\.(?:parse|fromstring|XML)$|"
        r"^xml\.sax\.(?:parse|parseString)$|^xml\.dom\.(?:minidom|pulldom)\.parse\w*$|"
        r"^xml\.etree\.\w+\.(?:parse|fromstring|XML)$",
        "xml",
        least=OUTSIDE,
        least_built=OUTSIDE,
        when=lambda given: len(given.args) < 2 and "parser" not in given.named,
    ),
    Sink("html-from-strings", r"(?:^|\.)(?:Markup|mark_safe|SafeString|SafeText)$", "xss", least=PARAMETER),
    Sink(
        "html-from-strings",
        r"(?:^|\.)(?:HttpResponse|HTMLResponse|make_response|HttpResponseBadRequest|HttpResponseNotFound|"
        r"HttpResponseServerError|HttpResponseForbidden)$|^(?:flask\.)?Response$|"
        r"^self\.(?:response\.(?:out\.)?write|write|finish|wfile\.write)$|^web\.Response$|^aiohttp\.web\.Response$",
        "xss",
        (0, "text", "body", "content"),
        least=OUTSIDE,
        least_built=PARAMETER,
        text=r"<\w|^$|^\x01$|[\w ]\x01",
        when=_is_page,
    ),
    Sink("html-from-strings", r"(?:^|\.)format_html$", "xss", least=OUTSIDE, least_built=UNKNOWN),
    Sink(
        "file-from-request",
        r"^(?:io\.|codecs\.|aiofiles\.)?open$|^os\.(?:remove|unlink|rmdir|listdir|scandir|rename|mkdir|makedirs|open|"
        r"chmod|stat|walk|replace|symlink)$|^shutil\.(?:rmtree|copy\w*|move)$|^(?:flask\.)?send_file$|"
        r"(?:^|\.)FileResponse$|\.(?:read_text|read_bytes|write_text|write_bytes|unlink|open|iterdir|rmdir)$|"
        r"^(?:tarfile\.open|zipfile\.ZipFile)$",
        "path",
        (0, 1, "file", "path", -1),
        least=OUTSIDE,
        least_built=PARAMETER,
        text=r"\x01|^$",
        when=lambda given: not given.way.startswith(("webbrowser", "urllib", "Image")),
    ),
    Sink("file-from-request", r"\.save(?:_as)?$", "path", least=OUTSIDE, least_built=OUTSIDE),
    Sink("file-from-request", r"(?:^|\.)send_from_directory$", "path", (0,), least=OUTSIDE, least_built=OUTSIDE),
    Sink(
        "request-to-request",
        r"^(?:requests|httpx|session|client|http)\.(?:get|post|put|delete|head|request|patch|options|stream)$|"
        r"^(?:requests\.[sS]ession|httpx\.(?:Async)?Client|aiohttp\.ClientSession)\.(?:get|post|put|delete|head|"
        r"request|patch)$|^urllib2?\.(?:request\.)?(?:urlopen|Request|urlretrieve)$|^(?:urlopen|urlretrieve)$|"
        r"^aiohttp\.request$|^urllib3\.\w+(?:\.request)?$|^http\.client\.HTTPS?Connection$",
        "ssrf",
        (0, 1, "url"),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST,
    ),
    Sink(
        "redirect-from-request",
        r"(?:^|\.)(?:redirect|HttpResponseRedirect|HttpResponsePermanentRedirect|RedirectResponse|HTTPFound|"
        r"HTTPSeeOther)$",
        "redirect",
        (0, "url", "location"),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST + r"|^/[^/\\\x01]",
    ),
    Sink(
        "log-from-request",
        r"(?:^|\.)(?:log|logger|logging|LOG|LOGGER|_logger)\.(?:debug|info|warning|warn|error|critical|exception)$",
        "log",
        (),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "ldap-xpath",
        r"\.(?:search_s|search_ext|search_st|search_ext_s)$",
        "ldap",
        (),
        least=OUTSIDE,
        least_built=UNKNOWN,
        text=r"\([\w&|!(]+=.*\x01",
    ),
    Sink(
        "ldap-xpath",
        r"\.(?:xpath|findall|iterfind)$|^etree\.XPath$",
        "xpath",
        least=OUTSIDE,
        least_built=UNKNOWN,
        text=r"/.*[='\"\[].*\x01|^\x01$|^$",
    ),
    Sink(
        "class-from-request", r"^(?:importlib\.import_module|__import__)$", "code", least=OUTSIDE, least_built=OUTSIDE
    ),
)

PYTHON_SPEC = Spec(
    sinks=_SINKS,
    sources=(
        r"(?:^|[._])(?:request|req)\.(?:args|form|values|json|data|files|cookies|headers|GET|POST|FILES|COOKIES|META|"
        r"get_json|get_data|get|get_all|query_params|path_params|query_string|body|full_path|url|referrer|"
        r"match_info|rel_url|post|"
        r"query|path|raw_post_data|params|matchdict|QUERY_PARAMS|DATA|get_full_path|environ|view_args|stream|"
        r"arguments|"
        r"uri|read|content|path_info|get_host|user_agent|rfile)\b"
        r"|^sys\.argv\b|^(?:raw_)?input$|^self\.(?:get_argument|get_query_argument|get_body_argument|get_arguments|"
        r"path_kwargs)\b|^(?:cgi\.)?FieldStorage\b|^(?:self\.)?rfile\.read|^os\.environ\.get\.?QUERY|"
        r"^(?:form|fs)\.getvalue$|\.recv$|^self\.kwargs\b|\.cleaned_data\b|^web\.input\b"
    ),
    requests=((r"^(?:request|req)$", "", "request"), ("", r"\bRequest\b", "request")),
    carriers=(
        r"^(?:str|repr|list|tuple|sorted|set|dict|bytes|bytearray|map|filter|reversed|iter|next|unicode|copy\.\w+|"
        r"json\.loads?|json\.dumps|six\.\w+|force_text|smart_str|zip|enumerate|max|min|vars|dict\.\w+|format|"
        r"base64\.\w+|urllib\.(?:parse\.)?(?:unquote\w*|urlencode|urljoin|parse_qs\w*|urlparse|urlsplit)|unquote|"
        r"urljoin|urlparse|parse_qs|os\.path\.(?:join|abspath|normpath|expanduser|expandvars|dirname|realpath|"
        r"splitext|split)|(?:pathlib\.)?(?:Pure)?Path|StringIO|io\.\w+|BytesIO|getattr|html\.unescape|"
        r"(?:binascii|codecs|zlib)\.\w+|ast\.literal_eval|f|quote_plus|xmltodict\.parse)$"
        r"|\.(?:join|format|encode|decode|strip|lstrip|rstrip|lower|upper|title|replace|split|rsplit|splitlines|get|"
        r"copy|getlist|items|values|keys|pop|setdefault|group|groups|partition|rpartition|read|readline|readlines|"
        r"joinpath|with_suffix|zfill|capitalize|sub|expandtabs|casefold|swapcase|ljust|rjust|center|%|resolve|"
        r"absolute|format_map|translate|getvalue|as_posix|loads|tostring|unquote)$"
    ),
    contents=r"^(?:io\.|codecs\.|gzip\.|aiofiles\.)?open$|\.(?:read_text|read_bytes)$|^pkg_resources\.\w+$",
    keeps=r"\.(?:query|filter|get_object_or_404|exists|count|index|find|cursor|session|commit|all|first|save|"
    r"is_\w+)$",
    numbers=(
        r"^(?:int|float|bool|len|abs|round|hash|id|ord|hex|uuid\.UUID|UUID|uuid\.uuid4|time\.time|os\.getpid|"
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
        (_REPLACES, 0, r"\.\.|\\\.\\\.|^/$|[/\\]", "path"),
        (_REPLACES, 0, r"<", "xss"),
        (_REPLACES, 0, r"\\[nr]|\n", "log header"),
        (r"^(?:os\.path\.)?normpath$", 0, r"^/\x01$", "path"),
    ),
    checks={r"(?:^|\.)(?:relative_to|is_relative_to|commonpath|commonprefix)$": "path"},
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
    returned=Sink("html-from-strings", "", "xss", least=OUTSIDE, least_built=OUTSIDE, text=_MARKUP + "|^$"),
    class_fields=((r"HTTPRequestHandler", ("self.path", "self.headers", "self.rfile", "self.requestline")),),
    settled=r"(?i)(?:^|\.)_?(?:\w*(?:table|schema|prefix|column|placeholder)\w*|_meta\.\w+|__file__|__name__|"
    r"BASE_DIR|settings\.\w+|app\.config|current_app\.\w+|config\.\w+|string\.\w+|os\.sep|os\.linesep)$",
    members=((r"\.headers\.\[\]$", Sink("header-from-request", "", "header", least=OUTSIDE, least_built=OUTSIDE)),),
)
