"""What outside input looks like in each language: expressions that hold a part of a request or the command line."""

import re

_PATTERNS: dict[str, str] = {
    "javascript": (
        r"\b(?:req|request|ctx|ctx\.request|c\.req|event)\.(?:query|params|body|headers|cookies|url|"
        r"originalUrl|path|"
        r"param|get|header|files?|queryStringParameters|pathParameters)\b|\bsearchParams\b|"
        r"\blocation\.(?:hash|search|href)|"
        r"\bprocess\.argv\b|\bdocument\.(?:URL|referrer|cookie)|\bwindow\.name\b|\burl\.parse\("
    ),
    "java": (
        r"\b\w*[rR]eq(?:uest)?\w*\.(?:getParameter|getHeader|getQueryString|getCookies|getPathInfo|"
        r"getRequestURI|getInputStream|"
        r"getReader|getParameterValues|getPart)|@(?:RequestParam|PathVariable|RequestBody|QueryParam|"
        r"PathParam|RequestHeader)\b|"
        r"\bgetOriginalFilename\(|\bargs\["
    ),
    "go": (
        r"\b\w+\.(?:FormValue|PostFormValue|URL\.(?:Query|Path|RawQuery)|Header\.Get|PathValue|Cookie|"
        r"Query|Param|PostForm|"
        r"DefaultQuery|GetQuery|GetHeader|QueryParam|Form\.Get|MultipartForm|FormFile)\b|\bmux\.Vars\(|"
        r"\bchi\.URLParam|\bos\.Args\b|"
        r"\breq(?:uest)?\.(?:URL|Form|Body)\b|\bos\.Getenv\(|\bflag\.String\("
    ),
    "php": r"\$_(?:GET|POST|REQUEST|COOKIE|FILES|SERVER)\b|\$request->(?:input|query|get|post|all)\b|php://input",
    "ruby": (
        r"\bparams\s*(?:\[|\.)|\brequest\.(?:params|headers|body|path|query_string|url|referer|env)|"
        r"\bcookies\[|\bARGV\b|\bgets\b"
    ),
    "c": r"\bargv\s*\[|\bgetenv\s*\(",
    "csharp": (
        r"\bRequest\.(?:Query|Form|QueryString|Params|Headers|Cookies|Path|RawUrl)|\[From(?:Query|Body|"
        r"Route|Form)\]"
    ),
    "python": (
        r"\brequest\.(?:args|form|values|json|data|files|cookies|headers|GET|POST|get_json|query_params|"
        r"path_params|body)\b|"
        r"\bsys\.argv\b|\b(?:raw_)?input\("
    ),
}
for _alias, _same in (
    ("typescript", "javascript"),
    ("html", "javascript"),
    ("kotlin", "java"),
    ("scala", "java"),
    ("cpp", "c"),
):
    _PATTERNS[_alias] = _PATTERNS[_same]
OUTSIDE = {language: re.compile(pattern) for language, pattern in _PATTERNS.items()}
