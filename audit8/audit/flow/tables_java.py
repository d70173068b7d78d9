"""Java: servlets, Spring, JAX-RS, JDBC, JPA, java.io and java.nio."""

from audit8.audit.flow.spec import Given, Sink, Spec
from audit8.audit.flow.value import OUTSIDE, PARAMETER, UNKNOWN
from audit8.audit.query_text import SQL

_HTTP_HOST = r"^[a-zA-Z]+://[^/\x01]*[^/\x01.:@]/|^[a-zA-Z]+://[^/\x01]+/"
_SHELLS = ("sh", "bash", "cmd", "cmd.exe", "powershell")


def _runs_shell(given: Given) -> bool:
    return bool(given.args) and given.args[0].text.partition("\n")[0].rpartition("/")[2] in _SHELLS


_REPLACES = r"\.replace(?:All|First)?$"


_SINKS = (
    Sink(
        "html-from-strings",
        r"(?i)^(?:html|markup|page)\w*\.append$|StringBu\w+\.append$",
        "xss",
        (0,),
        least=4,
        least_built=PARAMETER,
        text=r"<\w+[^<>\x01]*>[^<]*\x01|<\w+ [^<>]*\x01",
    ),
    Sink(
        "sql-from-strings",
        r"\.(?:executeQuery|executeUpdate|execute|executeBatch|addBatch|prepareStatement|prepareCall|createQuery|"
        r"createNativeQuery|createSQLQuery|queryForObject|queryForList|queryForMap|queryForRowSet|batchUpdate|"
        r"rawQuery|"
        r"execSQL|nativeSQL|executeLargeUpdate)$|(?i:jdbc\w*\.(?:query|update))$",
        "sql",
        text=r"[=<>(,]\s*['\"%]*\x01|\x01['\"%]*\s*[=<>(,]|^\x01$|^$",
        when=lambda given: "http" not in given.way.lower() and "executor" not in given.way.lower(),
    ),
    Sink(
        "shell-command",
        r"Runtime(?:\.getRuntime)?\.exec$|^(?:rt|runtime)\.exec$",
        "command",
        (0,),
        least=PARAMETER,
        least_built=UNKNOWN,
    ),
    Sink(
        "shell-command",
        r"^new ProcessBuilder$|ProcessBuilder\.command$",
        "command",
        (),
        least=UNKNOWN,
        when=_runs_shell,
    ),
    Sink(
        "shell-command",
        r"^new ProcessBuilder$|ProcessBuilder\.command$",
        "command",
        (0,),
        least=OUTSIDE,
        least_built=PARAMETER,
        fixed=r"^[\w./-]",
    ),
    Sink(
        "code-from-text",
        r"(?i:engine)\w*\.eval$|ScriptEngine(?:Manager)?(?:\.\w+)*\.eval$|GroovyShell\.evaluate$|"
        r"(?:MVEL|JexlEngine\w*)\.(?:eval|createExpression)$",
        "code",
        (0,),
        least=PARAMETER,
        least_built=UNKNOWN,
    ),
    Sink(
        "expression-from-text",
        r"(?i:parser)\.parseExpression$|Ognl\.(?:getValue|setValue|parseExpression)$|"
        r"ExpressionFactory(?:\.\w+)*\.create(?:Value|Method)Expression$",
        "code",
        (0, 1),
        least=PARAMETER,
        least_built=UNKNOWN,
    ),
    Sink("template-from-text", r"Velocity\.evaluate$|^new Template$", "code", (), least=OUTSIDE, least_built=OUTSIDE),
    Sink(
        "file-from-request",
        r"^new (?:File|FileInputStream|FileOutputStream|FileReader|FileWriter|RandomAccessFile|PrintWriter|"
        r"FileSystemResource|UrlResource|ZipFile)$|^(?:Paths\.get|Path\.of|Files\.\w+)$|\.(?:resolve)$|"
        r"\.(?:getRequestDispatcher|getResourceAsStream|transferTo)$|(?:^|\.)(?:Part|FileItem|part|filePart|item)\.write$",
        "path",
        (),
        least=OUTSIDE,
        least_built=OUTSIDE,
        when=lambda given: not given.way.startswith(("Files.exists", "Files.size", "URI", "uri")),
        early=True,
    ),
    Sink(
        "file-from-request",
        r"^new (?:File|FileInputStream|FileOutputStream|FileReader|FileWriter|RandomAccessFile)$|"
        r"^(?:Paths\.get|Path\.of)$|(?i:path|dir|root|base|folder)\w*\.resolve$",
        "path",
        (0, 1, 2),
        least=4,
        least_built=PARAMETER,
        text=r"\x01",
        early=True,
    ),
    Sink(
        "file-from-request",
        r"^new File$|^(?:Paths\.get|Path\.of)$|(?i:path|dir|root|base|folder)\w*\.resolve$",
        "path",
        (-2, -3),
        least=PARAMETER,
        least_built=PARAMETER,
        when=lambda given: not given.way.endswith("resolve") and len(given.args) > 1,
        early=True,
    ),
    Sink(
        "file-from-request",
        r"(?i:path|dir|root|base|folder|dest|target|location)\w*\.resolve$",
        "path",
        (0,),
        least=PARAMETER,
        least_built=PARAMETER,
        early=True,
    ),
    Sink(
        "html-from-strings",
        r"(?i:response|resp|res|HttpServletResponse)\w*\.(?:getWriter|getOutputStream)\.(?:print\w*|write|append)$|"
        r"(?:PrintWriter|ServletOutputStream|JspWriter|^out|^writer|^pw)\.(?:print\w*|write|append|format)$|"
        r"getWriter\.(?:print\w*|write|append|format|printf)$",
        "xss",
        (),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink(
        "request-to-request",
        r"^new (?:HttpGet|HttpPost)$|(?i:resttemplate|webclient)\w*\."
        r"(?:getForObject|getForEntity|postForObject|postForEntity|exchange|execute|uri)$|^Jsoup\.connect$|"
        r"HttpRequest\.newBuilder(?:\.uri)?$",
        "ssrf",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST,
    ),
    Sink(
        "request-to-request",
        r"^new (?:URL|URI)$|^URI\.create$",
        "ssrf",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST,
        early=True,
    ),
    Sink(
        "redirect-from-request",
        r"\.sendRedirect$|^new (?:RedirectView|ModelAndView)$",
        "redirect",
        (0,),
        least=OUTSIDE,
        least_built=OUTSIDE,
        fixed=_HTTP_HOST + r"|^/[^/\\\x01]|^redirect:/[^/\\\x01]",
    ),
    Sink(
        "log-from-request",
        r"^(?:log|logger|LOG|LOGGER|Log)\.(?:debug|info|warn|error|trace|fine|warning|severe)$",
        "log",
        (),
        least=OUTSIDE,
        least_built=OUTSIDE,
    ),
    Sink("header-from-request", r"\.(?:setHeader|addHeader)$", "header", (1,), least=OUTSIDE, least_built=OUTSIDE),
    Sink(
        "ldap-xpath",
        r"(?:DirContext|LdapTemplate|ctx|context|LdapContext)\.search$",
        "ldap",
        (0, 1),
        least=OUTSIDE,
        least_built=UNKNOWN,
        text=r"\(.*=.*\x01|^$",
    ),
    Sink(
        "ldap-xpath",
        r"(?i:xpath)\w*(?:\.\w+)*\.(?:evaluate|compile|selectNodes)$",
        "xpath",
        (0,),
        least=OUTSIDE,
        least_built=UNKNOWN,
    ),
    Sink("class-from-request", r"^Class\.forName$|\.loadClass$", "code", (0,), least=OUTSIDE, least_built=OUTSIDE),
    Sink(
        "object-from-bytes",
        r"^new (?:XStream)\.fromXML$|XStream\.fromXML$|^(?:SerializationUtils\.deserialize)$",
        "object",
        least=PARAMETER,
    ),
    Sink("regex-from-request", r"^Pattern\.compile$", "regex", (0,), least=OUTSIDE, least_built=OUTSIDE),
)

JAVA_SPEC = Spec(
    sinks=_SINKS,
    sources=(
        r"(?:^|\.)(?:HttpServletRequest|ServletRequest|request|req|httpRequest|"
        r"WebRequest)\.(?:getParameter\w*|getHeader\w*|"
        r"getQueryString|getCookies|getPathInfo|getRequestURI|getRequestURL|getInputStream|getReader|getPart\w*|"
        r"getServletPath|getPathTranslated|getRemoteUser)\b"
        r"|@(?:RequestParam|PathVariable|RequestBody|QueryParam|PathParam|RequestHeader|FormParam|HeaderParam|"
        r"CookieValue|ModelAttribute|RequestPart|MatrixVariable|CookieParam)\b|(?:^|\.)getOriginalFilename$|"
        r"^args\b|(?:MultipartFile|FileItem|Part)\.(?:getName|getSubmittedFileName)$|^(?:System\.getenv)$|"
        r"(?:ZipEntry|TarArchiveEntry|JarEntry|ArchiveEntry|ZipArchiveEntry|TarEntry|getNext\w*Entry|"
        r"nextElement)\.getName$|^Scanner\.next"
    ),
    requests=(
        (
            "",
            r"^(?:HttpServletRequest|ServletRequest|HttpServletRequestWrapper|WebRequest|ServerHttpRequest)$",
            "HttpServletRequest",
        ),
        ("", r"^(?:HttpServletResponse|ServletResponse)$", "HttpServletResponse"),
    ),
    carriers=(
        r"^(?:String\.(?:valueOf|join|copyValueOf)|new (?:String\w*|File|URL|URI|StringReader|InputStreamReader|"
        r"BufferedReader|ByteArrayInputStream|ArrayList|HashMap|Path|StringBuilder|StringBuffer)|Paths\.get|Path\.of|"
        r"URLDecoder\.decode|Arrays\.asList|List\.of|Set\.of|Optional\.\w+|Objects\.\w+|StringUtils\.\w+|"
        r"StreamUtils\.\w+|IOUtils\.\w+|FilenameUtils\.(?:normalize|concat|getPath)|Files\.\w+|URI\.create|"
        r"Base64\.\S+|"
        r"Collections\.\w+|Stream\.of)$"
        r"|\.(?:trim|toString|toLowerCase|toUpperCase|replace|replaceAll|replaceFirst|substring|concat|split|"
        r"getBytes|"
        r"get|getValue|next|nextElement|getAbsolutePath|getCanonicalPath|getCanonicalFile|getPath|toPath|toFile|"
        r"normalize|resolve|toAbsolutePath|strip|format|formatted|append|insert|orElse|map|stream|collect|readLine|"
        r"toURI|toURL|decode|iterator|getKey|toRealPath|getName|nextLine|repeat|intern|toArray)$"
    ),
    keeps=(
        r"\.(?:getSession|getServletContext|getMethod|getContentLength|getAttribute|getUserPrincipal|"
        r"isDirectory|exists|"
        r"getRequestDispatcher|getRealPath|getContextPath|findById|save|getLocale|getSize|getId|execute\w*)$"
    ),
    numbers=(
        r"^(?:Integer|Long|Double|Float|Boolean|Short|Byte)\.\w+$|^UUID\.\w+$|^(?:System\.\w+Time\w*|Math\.\w+)$|"
        r"^new (?:Date|Random|BigInteger|BigDecimal|Integer|Long)$|\.(?:length|size|indexOf|hashCode|equals|contains|"
        r"startsWith|endsWith|isEmpty|matches|isPresent|getTime|intValue|longValue|ordinal|equalsIgnoreCase|exists|"
        r"isDirectory|isFile|lastIndexOf|compareTo)$|^(?:LocalDate\w*|Instant|Duration)\.\w+$"
    ),
    number_types=r"^(?:int|long|short|byte|float|double|boolean|char|Integer|Long|Short|Byte|Float|Double|"
    r"Boolean|UUID|"
    r"Date|LocalDate|LocalDateTime|Instant|BigDecimal|BigInteger)$",
    cleaners={
        r"(?i)(?:escapeSql|encodeForSQL|quoteIdentifier|quote|escapeSQL)$": "sql",
        r"(?i)(?:escapeHtml\w*|htmlEscape|encodeForHTML\w*|forHtml\w*|Encode\.for\w+|Jsoup\.clean|sanitize\w*|"
        r"escapeXml\w*|encodeForJavaScript|stripXSS|cleanXSS|filter|HtmlUtils\.\w+|URLEncoder\.encode|escapeJson|"
        r"escapeEcmaScript|toJson|writeValueAsString)$": "xss log redirect header",
        r"(?i)FilenameUtils\.get(?:Name|BaseName|Extension)$|\.getFileName$|(?:safe|clean|sanitize)\w*(?:path|"
        r"name)\w*$|"
        r"^StringUtils\.cleanPath$": "path",
        r"^new File\.getName$|^File\.getName$|(?i:file)\.getName$": "path",
        r"(?i)encodeForLDAP|LdapEncoder\.\w+|escapeLDAP\w*|encodeForDN": "ldap",
        r"(?i)encodeForXPath": "xpath",
        r"\.(?:replaceAll|replace)$": "log header",
        r"^Pattern\.quote$": "regex",
    },
    cleaned_by=(
        (_REPLACES, 0, r"\[\^", "*"),
        (_REPLACES, 0, r"\.\.|\\\.\\\.|^/$|[/\\]", "path"),
        (_REPLACES, 0, r"<", "xss"),
        (_REPLACES, 0, r"\\[nr]|\n", "log header"),
    ),
    checks={r"(?:startsWith|getCanonicalPath|normalize)$": "path"},
    fills=r"\.(?:read|readFully)$",
    formats={r"^String\.format$": 0, r"\.formatted$": -1, r"^MessageFormat\.format$": 0},
    talk=r"^(?:log|logger|LOG|LOGGER|Log)\.\w+$|^new \w*(?:Exception|Error)$|^System\.(?:out|err)\.\w+$",
    page_types=r"\.(?:setContentType|setHeader|addHeader)$",
    query=Sink("sql-from-strings", "", "sql", least=UNKNOWN, text=SQL),
    readers=r"(?i)\.(?:get|read|extract)\w*(?:param\w*|path|header|query\w*|body|url|uri|cookie\w*)$",
    view=Sink(
        "redirect-from-request",
        "",
        "redirect",
        least=4,
        least_built=OUTSIDE,
        text=r"^redirect:(?:\x01|//|https?://[^/]*\x01)",
    ),
    returned=(
        Sink(
            "html-from-strings",
            "",
            "xss",
            least=4,
            least_built=OUTSIDE,
            text=r"<\w+[^<>\x01]*>[^<]*\x01|<\w+ [^<>]*\x01",
        ),
    ),
    markup=Sink("html-from-strings", "", "xss", least=PARAMETER, least_built=PARAMETER),
    settled=r"(?i)(?:^|\.)_?(?:\w*(?:table|schema|prefix|column|placeholder)\w*|File\.separator|separator)$",
)
