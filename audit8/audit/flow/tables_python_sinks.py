"""Python: the calls where a value from outside does harm."""

from audit8.audit.flow.spec import Given, Sink
from audit8.audit.flow.value import FIXED, OUTSIDE, PARAMETER, UNKNOWN

_HTTP_HOST = r"^[a-zA-Z]+://[^/\x01]*[^/\x01.:@]/|^[a-zA-Z]+://[^/\x01]+/"
# What a command line begins with that is handed to a function of the program's own.
_PROGRAM = (
    r"^(?:sudo )?(?:/[\w./-]+|git|hg|svn|ip|iptables|ifconfig|rm|cp|mv|ls|cat|tar|unzip|zip|curl|wget|ssh|scp|rsync|"
    r"docker|kubectl|mount|umount|mkdir|chmod|chown|make|gcc|ffmpeg|convert|ping|nmap|systemctl|service|apt-get|yum|pip|"
    r"python\d?|java|node|npm|lv\w+|vg\w+|virsh|qemu-img|openssl|grep|find|kill|pkill|echo|adb|tc|ovs-\w+|dd) .*\x01"
)
_SHELLS = ("sh", "bash", "dash", "zsh", "cmd", "cmd.exe", "powershell")


def _runs_shell(given: Given) -> bool:
    shell = given.named.get("shell")
    return shell is not None and (shell.level > FIXED or shell.text not in ("False", "0", "None"))


def _is_shell_list(given: Given) -> bool:
    """`["sh", "-c", command]`."""
    word, flag = given.named.get("[0]"), given.named.get("[1]")
    return word is not None and flag is not None and word.text.rpartition("/")[2] in _SHELLS and flag.text[:1] in "-/"


def _runs_list(given: Given) -> bool:
    return not _runs_shell(given)


def _is_page(given: Given) -> bool:
    kind = next((given.named[name] for name in ("content_type", "mimetype", "media_type") if name in given.named), None)
    return kind is None or not kind.text or "html" in kind.text


def _is_trace(given: Given) -> bool:
    values = [*given.args, *given.named.values(), given.receiver]
    return any(value.kind.startswith(("traceback.format_", "sys.exc_info")) for value in values)


def _is_unsafe_yaml(given: Given) -> bool:
    loader = given.named.get("Loader") or (given.args[1] if len(given.args) > 1 else None)
    return loader is None or not any(word in loader.kind for word in ("Safe", "BaseLoader"))


_OWN_ANSWER = r"^self\.(?:response\.(?:out\.)?write|write|finish|wfile\.write)$"
"""Many things write: what has no markup is an answer only where it holds what a request has brought."""

SINKS = (
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
        r"|\.(?:exec_command|send_command)$|^pexpect\.(?:spawn|run|runu)$|"
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
        when=lambda given: _runs_list(given) and "[0]" not in given.named,
    ),
    Sink(
        "shell-command",
        r"^(?:subprocess\.)?(?:run|call|check_call|check_output|Popen)$",
        "command",
        ("[0]",),
        least=OUTSIDE,
        least_built=OUTSIDE,
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
    Sink(
        "shell-command",
        r"(?i)(?:^|[._])(?:get_?\w*(?:output|lines)|_?execute|_?call|_?exec|invoke|_?popen\w*|_?cmd|_?command|check)$",
        "command",
        (0, "cmd", "command"),
        least=4,
        least_built=UNKNOWN,
        text=_PROGRAM,
        when=_runs_list,
    ),
    Sink(
        "shell-command",
        r"(?:^|\.)(?:run|call|check_call|check_output|Popen)$",
        "command",
        ("[2]",),
        least=UNKNOWN,
        when=_is_shell_list,
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
        r"HttpResponseServerError|HttpResponseForbidden)$|^(?:flask\.)?Response$|^(?:aiohttp\.)?web\.Response$",
        "xss",
        (0, "text", "body", "content"),
        least=OUTSIDE,
        least_built=PARAMETER,
        text=r"<\w|^$|^\x01$|[\w ]\x01",
        when=_is_page,
    ),
    Sink(
        "html-from-strings",
        _OWN_ANSWER,
        "xss",
        least=OUTSIDE,
        least_built=OUTSIDE,
        text=r"<\w|^$|^\x01$|[\w ]\x01",
        when=_is_page,
    ),
    Sink("html-from-strings", _OWN_ANSWER, "xss", least=OUTSIDE, least_built=PARAMETER, text=r"<\w", when=_is_page),
    Sink("mass-assignment", r"^setattr$", "mass", (1,), least=OUTSIDE, least_built=4),
    Sink("mass-assignment", r"\.__dict__\.update$", "mass", (0,), least=OUTSIDE, least_built=4),
    Sink(
        "error-shown",
        r"(?:^|\.)(?:jsonify|make_response|HttpResponse\w*|JsonResponse|Response|HTMLResponse|JSONResponse|"
        r"PlainTextResponse|abort|HTTPException)$|^self\.(?:write|finish|wfile\.write)$",
        "trace",
        (),
        least=FIXED,
        least_built=FIXED,
        when=_is_trace,
    ),
    Sink("html-from-strings", r"(?:^|\.)format_html$", "xss", least=OUTSIDE, least_built=UNKNOWN),
    Sink(
        "file-from-request",
        r"^(?:io\.|codecs\.|aiofiles\.)?open$|^os\.(?:remove|unlink|rmdir|listdir|scandir|rename|mkdir|makedirs|open|"
        r"chmod|walk|replace|symlink)$|^shutil\.(?:rmtree|copy\w*|move)$|^(?:flask\.)?send_file$|"
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
