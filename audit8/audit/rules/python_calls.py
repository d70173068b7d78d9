"""Names of Python calls that the syntax-tree rules look for, with imports resolved, or their last part."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _of(modules: str, functions: str) -> frozenset[str]:
    return frozenset(f"{module}.{function}" for module in modules.split() for function in functions.split())


REQUEST_ATTRIBUTES = _names(
    "args form values json data files cookies headers GET POST FILES COOKIES META get_json get_data "
    "query_params path_params "
    "query_string body full_path url referrer match_info rel_url post query"
)
REQUEST_NAMES = _names("request req flask.request self.request bottle.request")
ROUTE_DECORATORS = _names("route get post put delete patch websocket api_view expose")
# The result of these cannot carry an attack of any kind.
NUMERIC = _names("int float bool len abs round hash id ord uuid.UUID uuid.uuid4 time.time os.getpid hex")
STRING_METHODS = _names(
    "format join strip lower upper replace encode decode lstrip rstrip title split copy get format_map"
)
TALK = _names("print debug info warning warn error exception critical log write fail skip")
SHELL_QUOTE = _names("shlex.quote pipes.quote quote list2cmdline shlex.join")
SQL_SAFE = _names("quote quote_name quote_ident Identifier sql.Identifier escape_string literal escape")
HTML_SAFE = _names(
    "escape html.escape markupsafe.escape flask.escape conditional_escape format_html bleach.clean clean "
    "urlencode quote dumps sanitize"
)
PATH_SAFE = _names(
    "basename os.path.basename secure_filename werkzeug.utils.secure_filename safe_join get_valid_filename realpath"
)
URL_SAFE = _names("url_for reverse quote urllib.parse.quote is_safe_url url_has_allowed_host_and_scheme")
SHELL = _names(
    "os.system os.popen os.popen2 os.popen3 popen2.popen2 popen2.popen3 commands.getoutput "
    "commands.getstatusoutput subprocess.getoutput subprocess.getstatusoutput asyncio.create_subprocess_shell "
    "asyncio.subprocess.create_subprocess_shell"
)
SUBPROCESS = _of("subprocess", "run call check_call check_output Popen")
PICKLE = _of("pickle cPickle _pickle dill marshal cloudpickle", "load loads Unpickler") | _names(
    "jsonpickle.decode jsonpickle.loads shelve.open pandas.read_pickle joblib.load"
)
OPENERS = _names(
    "open io.open codecs.open os.remove os.unlink os.rmdir os.listdir os.scandir shutil.rmtree shutil.copy "
    "shutil.move send_file flask.send_file django.http.FileResponse FileResponse os.rename os.mkdir os.makedirs "
    "pathlib.Path tarfile.open zipfile.ZipFile"
)
FETCHERS = _of("requests httpx", "get post put delete head request patch options") | _names(
    "urllib.request.urlopen urllib.request.Request urllib.request.urlretrieve urllib2.urlopen urllib.urlopen "
    "aiohttp.request"
)
REDIRECTS = _names(
    "flask.redirect redirect django.shortcuts.redirect HttpResponseRedirect django.http.HttpResponseRedirect "
    "RedirectResponse starlette.responses.RedirectResponse fastapi.responses.RedirectResponse "
    "werkzeug.utils.redirect"
)
MARKUP = _names(
    "Markup flask.Markup markupsafe.Markup jinja2.Markup mark_safe django.utils.safestring.mark_safe SafeString"
)
PAGES = _names(
    "HttpResponse django.http.HttpResponse flask.make_response make_response HTMLResponse "
    "fastapi.responses.HTMLResponse flask.Response"
)
TEMPLATES = _names(
    "render_template_string flask.render_template_string jinja2.Template Template.from_string from_string "
    "mako.template.Template"
)
RANDOM = _of("random", "random randint choice choices sample randrange getrandbits uniform shuffle")
