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
    "php": r"\$_(?:GET|POST|REQUEST|COOKIE|FILES|SERVER)\b|\$request->(?:input|query|get|post|all)\b|php://input",
    "c": r"\bargv\s*\[|\bgetenv\s*\(",
    "csharp": (
        r"\bRequest\.(?:Query|Form|QueryString|Params|Headers|Cookies|Path|RawUrl)|\[From(?:Query|Body|"
        r"Route|Form)\]"
    ),
}
for _alias, _same in (
    ("html", "javascript"),
    ("kotlin", "java"),
    ("scala", "java"),
    ("cpp", "c"),
):
    _PATTERNS[_alias] = _PATTERNS[_same]
OUTSIDE = {language: re.compile(pattern) for language, pattern in _PATTERNS.items()}
