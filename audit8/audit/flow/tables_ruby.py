"""Ruby: Rails, Sinatra, Rack, and the core's ways to a shell, a file and an object."""

from audit8.audit.flow.spec import Given, Sink, Spec
from audit8.audit.flow.value import OUTSIDE, PARAMETER, UNKNOWN
from audit8.audit.query_text import SQL

_HTTP_HOST = r"^[a-zA-Z]+://[^/\x01]*[^/\x01.:@]/|^[a-zA-Z]+://[^/\x01]+/"


def _one_text(given: Given) -> bool:
    """A command given as one text goes through a shell; one given as words does not."""
    words = [value for value in given.args if value.text != "<env>"]
    return len(words) == 1 and "[0]" not in given.named


_REPLACES = r"\.(?:g?sub!?|tr|delete)$"

_SINKS = (
    Sink(
        "sql-from-strings",
        r"\.(?:where|find_by_sql|order|reorder|having|joins|group|pluck|exists\?|update_all|delete_all|destroy_all|"
        r"count_by_sql|from|select_all|select_value|select_values|select_rows|execute|exec_query|exec_update|not|"
        r"select|find|calculate|sum|average|lock|query|exec|async_exec|prepare|or|first|last|rewhere|includes|all|"
        r"exec_params|connection\.execute|insert|update|delete|sanitize_sql)$|^(?:where|order|find_by_sql|"
        r"joins|group|having|"
        r"select_all|execute|scope|exec_query|update_all)$",
        "sql",
        (0, "conditions", "order", "group", "select", "joins", "from"),
        least=4,
        least_built=UNKNOWN,
        text=r"(?i)(?:=|<|>|\blike\b|\bin\b|\bdesc\b|\basc\b|[(,])\s*['\"%(]*\x01|\x01['\"%)]*\s*(?:=|<|>|,|\()|"
        r"(?i:\x01['\"%)]* (?:like|in|is|between|desc|asc)\b)|^\x01 ",
        when=lambda given: not given.way.startswith(("Dir", "File", "IO", "Net", "HTTP", "URI")),
    ),
    Sink(
        "sql-from-strings",
        r"\.(?:where|find_by_sql|order|reorder|having|joins|group|pluck|update_all|delete_all|from|select_all|"
        r"execute|"
        r"exec_query|count_by_sql|destroy_all|exists\?|calculate|not|lock)$|^(?:where|order|find_by_sql|execute)$",
        "sql",
        (0, "conditions"),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "shell-command",
        r"^(?:(?:Kernel|Process|IO|PTY|Open3|POSIX::Spawn)\.)?(?:system|exec|spawn|popen|popen2e?|popen3|capture2e?|"
        r"capture3|pipeline\w*)$|\.(?:ssh_exec|exec!|sudo|run_command)$|^(?:run|sh|shell_out!?|Mixlib::ShellOut\.new|"
        r"Cocaine::CommandLine\.new)$",
        "command",
        (0,),
        least=PARAMETER,
        least_built=UNKNOWN,
        when=_one_text,
    ),
    Sink(
        "open-starts-program",
        r"^(?:Kernel\.)?open$|^IO\.(?:read|readlines|foreach|binread|write|binwrite)$",
        "command",
        (0,),
        least=UNKNOWN,
        least_built=UNKNOWN,
        fixed=r"^[^|\x01\x02]",
    ),
    Sink(
        "code-from-text",
        r"(?:^|\.)(?:eval|instance_eval|class_eval|module_eval)$|^Binding\.eval$",
        "code",
        (0,),
        least=PARAMETER,
        least_built=UNKNOWN,
    ),
    Sink(
        "code-from-text",
        r"\.(?:public_send|send|__send__|try|method|constantize|safe_constantize|const_get)$",
        "code",
        (0, -1),
        least=OUTSIDE,
        least_built=4,
    ),
    Sink(
        "template-from-text",
        r"^(?:ERB|Haml::Engine|Slim::Template|Liquid::Template|Tilt)\.(?:new|parse)$|^erb$|"
        r"^ActionView::Template\.new$",
        "code",
        (0,),
        least=OUTSIDE,
        least_built=UNKNOWN,
    ),
    Sink(
        "object-from-bytes",
        r"^(?:Marshal|Oj)\.(?:load|restore|object_load)$|^(?:CSV\.load)$|^JSON\.load$",
        "object",
        (0,),
        least=UNKNOWN,
        when=lambda given: "mode" not in given.named and not given.way.startswith(("JSON", "CSV")),
    ),
    Sink(
        "object-from-bytes",
        r"^JSON\.(?:load|restore|"
        r"unsafe_load)$",
        "object",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "yaml-load",
        r"^(?:YAML|Psych)\.(?:unsafe_load|load|load_file|unsafe_load_file|load_documents|load_stream)$",
        "object",
        (0,),
        least=UNKNOWN,
        when=lambda given: "permitted_classes" not in given.named and "safe" not in given.named,
    ),
    Sink(
        "file-from-request",
        r"^(?:File|IO|Dir|FileUtils|Pathname)\.(?:open|read|new|delete|write|readlines|binread|unlink|rename|"
        r"mkdir\w*|"
        r"entries|glob|foreach|\[\]|rm\w*|cp\w*|mv|symlink|children|each_child|rmdir|chmod|copy|copy_file|touch|"
        r"install|ln_s|mkdir_p)$|^(?:send_file|open)$|\.(?:read|write|binread|open)$|\.send_file$",
        "path",
        (0, 1),
        least=OUTSIDE,
        least_built=PARAMETER,
        text=r"\x01|^$",
        when=lambda given: (
            given.way.startswith(("File", "IO", "Dir", "Pathname", "send_file", "open")) and given.way != "Pathname.new"
        ),
    ),
    Sink(
        "file-from-request",
        r"^(?:File|IO|Dir|FileUtils|Pathname)\.(?:open|read|new|delete|write|readlines|binread|"
        r"entries|glob|rm\w*|unlink)$|(?:^|\.)send_file$|^render$",
        "path",
        (0, "file", "template", "action"),
        least=OUTSIDE,
        least_built=OUTSIDE,
        when=lambda given: given.way != "Pathname.new",
    ),
    Sink(
        "file-from-request",
        r"\.(?:read|binread|write|binwrite|open|delete|unlink|rmtree|readlines|each_line|children|entries)$",
        "path",
        (-1,),
        least=4,
        least_built=PARAMETER,
        when=lambda given: given.receiver.made > 0,
    ),
    Sink("html-from-strings", r"\.html_safe$", "xss", (-1,), least=OUTSIDE, least_built=UNKNOWN),
    Sink("html-from-strings", r"(?:^|\.)(?:raw|safe_concat)$", "xss", (0,), least=PARAMETER, least_built=UNKNOWN),
    Sink("html-from-strings", r"^(?:ActiveSupport::SafeBuffer|SafeBuffer)\.new$", "xss", (0,), least=PARAMETER),
    Sink("html-from-strings", r"^(?:get|post|put|patch)$", "xss", ("&",), least=4, least_built=OUTSIDE),
    Sink("html-from-strings", r"^render$", "xss", ("inline", "html", "body"), least=OUTSIDE, least_built=OUTSIDE),
    Sink("html-from-strings", r"(?:^|\.)link_to$", "xss", (1,), least=OUTSIDE, least_built=OUTSIDE, fixed=r"^[/h]"),
    Sink(
        "html-from-strings",
        r"^(?:response|res)\.(?:write|body=)$|^Rack::Response\.new$",
        "xss",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "request-to-request",
        r"^(?:Net::HTTP\.\w+|URI\.open|HTTParty\.\w+|RestClient\.\w+|Faraday\.\w+|open|"
        r"Excon\.\w+|Typhoeus\.\w+|HTTP\.\w+|Curl\.\w+)$|^URI\.parse\.open$",
        "ssrf",
        (0, "url"),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST,
    ),
    Sink(
        "redirect-from-request",
        r"^(?:redirect_to|redirect)$",
        "redirect",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST + r"|^/[^/\\\x01]",
    ),
    Sink(
        "log-from-request",
        r"(?:^|\.)logger\.(?:info|debug|warn|error|fatal)$",
        "log",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "mass-assignment",
        r"\.(?:update_attributes!?|assign_attributes|update_columns)$",
        "mass",
        (0,),
        least=OUTSIDE,
        least_built=4,
        when=lambda given: any(value.kind == "params.[]" for value in given.args),
    ),
    Sink("regex-from-request", r"^Regexp\.new$", "regex", (0,), least=OUTSIDE, least_built=OUTSIDE),
    Sink(
        "ldap-xpath",
        r"\.(?:xpath|at_xpath)$|^REXML::XPath\.\w+$",
        "xpath",
        (0, 1),
        least=OUTSIDE,
        least_built=PARAMETER,
        text=r"/.*[='\"\[].*\x01|^$",
    ),
)

RUBY_SPEC = Spec(
    sinks=_SINKS,
    sources=(
        r"(?:^|\.)params\b|(?:^|\.)request\.(?:params|headers|body|path|query_string|url|referer|referrer|env|"
        r"fullpath|original_url|GET|POST|query_parameters|request_parameters|user_agent|host|raw_post|path_info|"
        r"cookies|filtered_parameters)\b|Request\.new\.(?:params|path_info|path|query_string|fullpath|url|cookies|body|referer|\[\])\b|\.full_name$|(?:^|\.)(?:entry|zip_entry|zipfile)\.name$|^cookies\b|^ARGV\b|^(?:gets|STDIN\.\w+|\$stdin\.\w+)$|^env\.\[\]$"
    ),
    requests=((r"^(?:request|req)$", "", "request"), (r"^params$", "", "params")),
    carriers=(
        r"^(?:String|Array|File\.(?:join|expand_path|absolute_path|dirname)|Pathname(?:\.new)?|URI\.(?:parse|join|"
        r"decode\w*|unescape)|URI|CGI\.unescape\w*|Base64\.\w+|JSON\.(?:parse|generate)|Rails\.root\.join|"
        r"Rails\.public_path\.join|"
        r"StringIO\.new|(?:Rack::)?Utils\.unescape\w*|URI\.decode\w*|format|sprintf|Hash|Addressable::URI\.\w+|Zlib::\w+\.\w+)$"
        r"|\.(?:to_s|to_str|strip|downcase|upcase|gsub|gsub!|sub|join|concat|squish|chomp|split|first|last|"
        r"map|select|"
        r"reject|flatten|compact|permit|require|fetch|dig|slice|to_h|to_unsafe_h|to_hash|merge|tr|read|"
        r"force_encoding|encode|"
        r"unpack1?|presence|dup|clone|freeze|capitalize|camelize|underscore|classify|titleize|pluralize|singularize|"
        r"humanize|<<|values|keys|collect|sort|reverse|uniq|expand|path|\+|original_filename|tempfile|each|pop|shift|"
        r"delete|lines|to_sym|to_json|values_at|prepend|insert|ljust|rjust|center)$"
    ),
    contents=r"^(?:File|IO|Pathname|Dir)\.(?:read|open|new|binread|readlines)$|^(?:URI\.)?open$|\.read$",
    keeps=r"\.(?:where|find|find_by\w*|present\?|blank\?|nil\?|empty\?|include\?|key\?|match\?|count|size|"
    r"length|each_pair|"
    r"id|to_i|is_a\?|respond_to\?|any\?|all\?|ip|remote_ip|xhr\?|get\?|post\?|format|session|logger|start_with\?|"
    r"end_with\?)$",
    numbers=(
        r"^(?:Integer|Float|Time\.\w+|Date\.\w+|SecureRandom\.\w+|Digest::\S+|rand|Process\.pid|BigDecimal|"
        r"DateTime\.\w+|"
        r"OpenSSL::\S+|File\.(?:exist\?|size|file\?|directory\?|mtime))$|\.(?:to_i|to_f|length|size|count|"
        r"hash|present\?|"
        r"blank\?|nil\?|empty\?|include\?|match\?|hexdigest|id|object_id|start_with\?|end_with\?|to_time|"
        r"to_date|iso8601|"
        r"strftime|to_bool|to_r|to_d|exists\?|any\?|all\?|key\?)$"
    ),
    cleaners={
        r"(?:^|\.)(?:shellescape|shelljoin|escape)$|^Shellwords\.\w+$": "command",
        r"(?:^|\.)(?:quote|quote_column_name|quote_table_name|quote_string|sanitize_sql\w*|sanitize|"
        r"sanitize_sql_like|escape_string|quoted_table_name|escape|escape_like|arel_table)$": "sql",
        r"(?:^|\.)(?:h|html_escape|escapeHTML|escape_html|sanitize|strip_tags|escape_javascript|j|json_escape|"
        r"content_tag|link_to|simple_format|escape_once|truncate|t|l|number_\w+|escape|safe_join|to_json|tag|render|"
        r"url_encode|u|translate|I18n\.t|image_tag|button_tag|form_tag|sanitize_html|clean|xml_escape|label_tag)$|"
        r"^(?:CGI|ERB::Util|Rack::Utils|Sanitize|Loofah)\.\w+$": "xss",
        r"(?:^|\.)(?:basename|sanitize_filename|parameterize)$|^File\.basename$|"
        r"^ActiveStorage::Filename\.new": "path log",
        r"\w+_(?:path|url)$|^url_for$|^root_path$": "redirect",
        r"^Marshal\.dump$|\.to_yaml$|^YAML\.dump$|\.dump$": "object",
        r"^Regexp\.(?:escape|quote|union)$": "regex",
        r"\.(?:inspect|gsub|tr|delete|squish)$": "log",
    },
    cleaned_by=(
        (_REPLACES, 0, r"\[\^", "*"),
        (_REPLACES, 0, r"\.\.|\\\.\\\.|\\\.\{2|\[[^\]\[]{0,40}[/.]|^/$|^/\\/\+?/$|^%r\{/\+?\}$", "path"),
        (_REPLACES, 0, r"<", "xss"),
        (_REPLACES, 0, r"\\[nr]|\n", "log header"),
        (r"^File\.expand_path$", 0, r"^/\x01$", "path"),
    ),
    checks={r"(?:start_with\?|realpath|expand_path)$": "path"},
    formats={r"^(?:format|sprintf)$": 0, r"\.%$": -1},
    talk=r"^(?:puts|print|raise|warn|abort|fail|p|pp|log|say)$|logger\.\w+$|\.(?:log|debug|info|warn|error)$|"
    r"(?:Error|Exception)\.new$",
    page_types=r"(?i)content_?type",
    query=Sink("sql-from-strings", "", "sql", least=UNKNOWN, text=SQL),
    shell=Sink("shell-command", "", "command", least=PARAMETER, least_built=UNKNOWN),
    settled=r"(?i:(?:^|\.)_?@?(?:\w*(?:table|schema|prefix|column|placeholder|quoted)\w*|__FILE__|__dir__))$|"
    r"^(?:Rails\.(?:root|env|public_path)|[A-Z]\w*(?:::\w+)*)$",
)
