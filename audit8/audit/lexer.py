"""Comments and strings found without a parser, so that rules do not fire on text that only mentions something.

Knows, per language, what comments and string literals look like, as regular expressions. It is a scanner, not a
parser: nested block comments and code nested in template strings are approximated. Lengths, lines and columns of all
views are those of the text, so that a match in one view is a place in all of them.
"""

import re
from dataclasses import dataclass
from functools import cache

FILL = "\x00"  # Stands for one character of a string's contents; cannot occur in a source (decode.py refuses it).

_LINE = r"//[^\n]*"
_BLOCK = r"/\*(?s:.*?)(?:\*/|\Z)"
_HASH = r"\#[^\n]*"
_HASH_WORD = r"(?:(?<=[\s;&|(])|(?<![\s\S]))\#[^\n]*"
_DASHES = r"--[^\n]*"
_HTML = r"<!--(?s:.*?)(?:-->|\Z)"
# Possessive repeats: each of these is linear however hostile the text is.
_DOUBLE = r'"(?:[^"\\\n]++|\\(?s:.))*+"?'
_SINGLE = r"'(?:[^'\\\n]++|\\(?s:.))*+'?"
_DOUBLE_LONG = r'"(?:[^"\\]++|\\(?s:.))*+"?'
_SINGLE_LONG = r"'(?:[^'\\]++|\\(?s:.))*+'?"
_BACKTICK = r"`(?:[^`\\]++|\\(?s:.))*+`?"
_BACKTICK_RAW = r"`[^`]*+`?"
_TRIPLE_DOUBLE = r'"""(?:[^"\\]++|\\(?s:.)|"(?!""))*+(?:"""|\Z)'
_TRIPLE_SINGLE = r"'''(?:[^'\\]++|\\(?s:.)|'(?!''))*+(?:'''|\Z)"
_RUST_RAW = r'b?r(?P<hashes>\#*)"(?s:.*?)(?:"(?P=hashes)|\Z)'
_CHAR = r"'(?:\\[^\n]{1,9}?'|[^'\\\n]')"
_CS_VERBATIM = r'(?:@\$?|\$@)"(?:[^"]++|"")*+"?'
_CPP_RAW = r'R"(?P<tag>[^\s()\\]{0,16})\((?s:.*?)(?:\)(?P=tag)"|\Z)'
_HEREDOC_PHP = r"<<<[ \t]*(?P<mark>['\"]?)(?P<word>\w+)(?P=mark)\n(?s:.*?)(?:\n[ \t]*(?P=word)\b|\Z)"
_HEREDOC_RUBY = r"<<[~-]?(?P<mark>['\"`]?)(?P<word>[A-Z_]\w*)(?P=mark)[^\n]*\n(?s:.*?)(?:\n[ \t]*(?P=word)\b|\Z)"
_RUBY_BLOCK = r"(?m:^=begin\b)(?s:.*?)(?:\n=end[^\n]*|\Z)"
# After one of these a slash begins a regular expression rather than a division.
_JS_REGEX = r"(?<=[=(,:;!&|?{\[\n+>])[ \t]{0,8}/(?![*/])(?:[^/\\\[\n]++|\\.|\[(?:[^\]\\\n]++|\\.)*+\])++/[a-z]*"


@dataclass(frozen=True, slots=True)
class Lex:
    comments: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()


_C = Lex((_LINE, _BLOCK), (_DOUBLE, _CHAR))
_JS = Lex((_LINE, _BLOCK), (_BACKTICK, _DOUBLE, _SINGLE, _JS_REGEX))
_TRIPLE = Lex((_LINE, _BLOCK), (_TRIPLE_DOUBLE, _DOUBLE, _CHAR))
LEXERS: dict[str, Lex] = {
    "python": Lex((_HASH,), (_TRIPLE_DOUBLE, _TRIPLE_SINGLE, _DOUBLE, _SINGLE)),
    "javascript": _JS,
    "typescript": _JS,
    "java": _TRIPLE,
    "kotlin": _TRIPLE,
    "scala": _TRIPLE,
    "swift": _TRIPLE,
    "go": Lex((_LINE, _BLOCK), (_BACKTICK_RAW, _DOUBLE, _CHAR)),
    "c": _C,
    "cpp": Lex((_LINE, _BLOCK), (_CPP_RAW, _DOUBLE, _CHAR)),
    "csharp": Lex((_LINE, _BLOCK), (_CS_VERBATIM, _DOUBLE, _CHAR)),
    "rust": Lex((_LINE, _BLOCK), (_RUST_RAW, _DOUBLE_LONG, _CHAR)),
    "solidity": Lex((_LINE, _BLOCK), (_DOUBLE, _SINGLE)),
    "php": Lex((_LINE, _BLOCK, r"\#(?!\[)[^\n]*"), (_HEREDOC_PHP, _DOUBLE_LONG, _SINGLE_LONG, _BACKTICK)),
    "ruby": Lex((_RUBY_BLOCK, _HASH_WORD), (_HEREDOC_RUBY, _DOUBLE_LONG, _SINGLE_LONG, _BACKTICK)),
    "bash": Lex((_HASH_WORD,), (_DOUBLE_LONG, _SINGLE_LONG)),
    "sql": Lex((_DASHES, _BLOCK), (_SINGLE_LONG, _DOUBLE_LONG)),
    "yaml": Lex((_HASH_WORD,), (r"(?<=[\s\[{,:(])" + _DOUBLE, r"(?<=[\s\[{,:(])" + _SINGLE)),
    "html": Lex((_HTML,), ()),
}
_NOTHING = Lex()
_INSIDE = re.compile(r"[^\n]")
_QUOTE = re.compile(r"[\"'`]")
# Only what is between these is code; the rest of the file is blanked (php) or has no strings (html).
_ISLANDS = {
    "html": re.compile(r"<script\b[^>]*>(?P<code>(?s:.*?))(?:</script|\Z)", re.IGNORECASE),
    "php": re.compile(r"<\?(?:php\b|=)(?P<code>(?s:.*?))(?:\?>|\Z)", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Views:
    """The text three times: `text` as it is, `plain` without comments, `code` also with strings' contents filled.

    In `code` a string literal is its two quotes with FILL characters between them (line ends stay).
    """

    text: str
    plain: str
    code: str


def look(text: str, language: str) -> Views:
    """All views of `text`. An unknown language has neither comments nor strings."""
    island = _ISLANDS.get(language)
    if island is None or (language == "php" and "<?" not in text):
        return _scan(text, language)
    return _scan_islands(text, language, island)


def _scan_islands(text: str, language: str, island: re.Pattern[str]) -> Views:
    """HTML with scripts in it, PHP inside a page: only the islands are code."""
    inner = "javascript" if language == "html" else "php"
    outside = _scan(text, "html").plain
    plain, code, end = [], [], 0
    for match in island.finditer(outside):
        start = match.start("code")
        views = _scan(text[start : match.end("code")], inner)
        plain += [outside[end:start], views.plain]
        code += [_blank(outside[end:start]), views.code]
        end = match.end("code")
    plain.append(outside[end:])
    code.append(_blank(outside[end:]))
    return Views(text, "".join(plain), "".join(code))


def _scan(text: str, language: str) -> Views:
    plain, code, end = [], [], 0
    for match in _scanner(language).finditer(text):
        between, token = text[end : match.start()], match.group()
        end = match.end()
        if match.start("comment") >= 0:
            plain += [between, _blank(token)]
            code += [between, _blank(token)]
        else:
            plain += [between, token]
            code += [between, _fill(token)]
    return Views(text, "".join((*plain, text[end:])), "".join((*code, text[end:])))


@cache
def _scanner(language: str) -> re.Pattern[str]:
    """One pattern for all comments and strings of a language; the named groups end in which kind was met."""
    lex = LEXERS.get(language, _NOTHING)
    parts = [f"(?P<comment>{'|'.join(lex.comments)})"] if lex.comments else []
    if lex.strings:
        parts.append(f"(?P<string>{'|'.join(lex.strings)})")
    return re.compile("|".join(parts) or r"(?!)")


def _blank(token: str) -> str:
    return _INSIDE.sub(" ", token)


def _fill(token: str) -> str:
    """A literal with its contents filled; a prefix (r#, @, the blank before a JS regex) stays as it is."""
    first = _QUOTE.search(token)
    if first is None:
        return _INSIDE.sub(FILL, token)
    start, quote = first.start(), first.group()
    last = token.rfind(quote)
    closed = last > start and (last == len(token) - 1 or set(token[last + 1 :]) <= {"#"})
    inner = _INSIDE.sub(FILL, token[start + 1 : last if closed else len(token)])
    return token[: start + 1] + inner + (token[last:] if closed else "")
