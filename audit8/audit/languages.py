"""Which programming language a text is in: from its name, then from what it says.

Knows names, aliases, extensions, interpreters and tell-tale lines, all as one table. Does not parse.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

TEXT = "text"
_LOOK_AT_CHARS = 20_000  # The beginning says enough, and a 5 MB paste must not be searched a hundred times.


@dataclass(frozen=True, slots=True)
class Language:
    """One language. `signs` are (weight, pattern) pairs, searched line-wise in text without a telling name."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    interpreters: tuple[str, ...] = ()
    signs: tuple[tuple[int, str], ...] = ()


# fmt: off
LANGUAGES: dict[str, Language] = {
    language.id: language
    for language in (
        Language("python", "Python", ("py", "python3", "py3"), ("py", "pyi", "pyw"),
            ("python", "python2", "python3"), ((3, r"^\s*(?:async )?def \w+\(.*\).*:\s*$"),
            (3, r"^\s*from [\w.]+ import "), (1, r"^import [\w.]+\s*$"),
            (2, r"^\s*(?:elif .*|except\b.*|try|else|with .*):\s*$"), (2, r"^if __name__ == "), (1, r"\bself\."))),
        Language("javascript", "JavaScript", ("js", "jsx", "node", "nodejs", "ecmascript"),
            ("js", "jsx", "mjs", "cjs"), ("node", "deno", "bun"), ((2, r"^\s*(?:const|let|var) [\w{}\[\], $]+ = "),
            (3, r"\brequire\(['\"]"), (2, r"=>\s*[{(]"), (2, r"\b(?:module\.)?exports\b"),
            (2, r"\bfunction\s*\w*\("), (2, r"\b(?:document|console|window)\."), (2, r"^import .* from ['\"]"))),
        Language("typescript", "TypeScript", ("ts", "tsx"), ("ts", "tsx", "mts", "cts"), ("ts-node",), (
            (4, r"^\s*(?:export )?(?:interface|type) \w+(?:<.*>)? (?:=|\{|extends)"), (2, r"^import .* from ['\"]"),
            (4, r"[\w)]\??: (?:string|number|boolean|any|void|unknown)\b"), (2, r"^\s*(?:const|let) \w+ ?[:=]"),
            (3, r"\b(?:private|public|readonly) \w+\??:"))),
        Language("java", "Java", (), ("java",), (), (
            (4, r"^import (?:static )?(?:java|javax|jakarta|org|com)\.[\w.*]+;"), (2, r"^package [\w.]+;"),
            (3, r"\bpublic (?:static |final |abstract )*(?:class|interface|enum|void|int|String)\b"),
            (3, r"\bSystem\.out\.print"), (2, r"\bthrows \w+"), (1, r"@Override\b"))),
        Language("go", "Go", ("golang",), ("go",), (), ((4, r"^package \w+\s*$"), (3, r"^func (?:\([^)]*\) )?\w+\("),
            (2, r"^import (?:\(|\")"), (2, r" := "), (3, r"\bif err != nil\b"))),
        Language("c", "C", ("h",), ("c", "h"), (), ((3, r"^\s*#\s*include\s*[<\"]\w+(?:/\w+)*\.h[>\"]"),
            (2, r"^\s*#\s*(?:define|ifdef|ifndef)\b"), (2, r"\b(?:printf|malloc|strlen|memcpy|sizeof)\s*\("),
            (2, r"^(?:static |unsigned )*(?:int|void|char) \*?\w+\("), (1, r"\bstruct \w+"))),
        Language("cpp", "C++", ("c++", "cxx", "cc", "hpp"), ("cpp", "cc", "cxx", "hpp", "hh", "hxx", "ipp"), (), (
            (5, r"^\s*#\s*include\s*<(?:iostream|string|vector|memory|map|algorithm|cstdio|cstring)>"),
            (4, r"\bstd::\w+"), (4, r"^\s*using namespace "), (3, r"^\s*template\s*<"),
            (3, r"^\s*(?:public|private):\s*$"), (2, r"\bnullptr\b"))),
        Language("csharp", "C#", ("c#", "cs", "dotnet"), ("cs", "csx"), (), (
            (4, r"^\s*using (?:System|Microsoft)[\w.]*;"), (3, r"^\s*namespace [\w.]+"), (3, r"\bConsole\.Write"),
            (3, r"\{ get; (?:private )?set; \}"),
            (2, r"\bpublic (?:async |static |override )*(?:string|Task|void|IActionResult)\b"))),
        Language("rust", "Rust", ("rs",), ("rs",), (), ((3, r"^\s*(?:pub(?:\(\w+\))? )?(?:async )?fn \w+"),
            (3, r"\blet mut \w+"), (3, r"^use [\w:{}, *]+;"), (3, r"^\s*impl(?:<.*>)? \w+"), (3, r"^\s*#!?\[\w+"),
            (1, r"::\w+"), (2, r"-> (?:Result|Option|Self|&)"))),
        Language("php", "PHP", (), ("php", "php5", "phtml", "inc"), ("php",), ((8, r"<\?(?:php|=)"),
            (2, r"\$\w+\s*=[^=]"), (3, r"\$this->\w+"), (3, r"\$_(?:GET|POST|REQUEST)\b"))),
        Language("ruby", "Ruby", ("rb",), ("rb", "rake", "gemspec"), ("ruby",), (
            (2, r"^\s*def \w+[?!]?(?:\(.*\))?\s*$"), (1, r"^\s*end\s*$"), (3, r"^require(?:_relative)? ['\"]"),
            (2, r"\bdo \|\w+"), (2, r"\b(?:attr_accessor|attr_reader|puts|elsif|unless)\b"),
            (2, r"^class \w+(?: < [\w:]+)?\s*$"), (1, r"^module \w+\s*$"), (1, r"\bparams\[:"))),
        Language("solidity", "Solidity", ("sol",), ("sol",), (), ((8, r"^\s*pragma solidity\b"),
            (4, r"^\s*(?:abstract )?contract \w+(?: is [\w, ]+)? *\{"),
            (3, r"\b(?:msg\.sender|address payable|uint256)\b"))),
        Language("kotlin", "Kotlin", ("kt", "kts"), ("kt", "kts"), (), (
            (3, r"^\s*(?:(?:private|override|suspend|internal) )*fun (?:<.*> )?[\w.]+\("),
            (2, r"^\s*va[lr] \w+(?:: \w+)? = "), (3, r"\b(?:data class|companion object)\b"), (2, r"\bprintln\("))),
        Language("swift", "Swift", (), ("swift",), ("swift",), (
            (4, r"^import (?:Foundation|UIKit|SwiftUI|Combine)\s*$"),
            (3, r"^\s*(?:(?:private|public|override) )*func \w+\(.*\) (?:-> .*)?\{"), (3, r"\bguard let\b"),
            (2, r"\bif let \w+ ="), (1, r"^\s*let \w+(?:: \w+)? = "))),
        Language("scala", "Scala", (), ("scala", "sc"), ("scala",), (
            (3, r"^\s*(?:override )?def \w+(?:\[.*\])?(?:\(.*\))?(?:: [\w\[\], ]+)? ="),
            (4, r"^\s*(?:case class|object|trait) \w+"), (2, r"^import [\w.]+\.[_{]"))),
        Language("bash", "Bash", ("sh", "shell", "zsh", "ksh"), ("sh", "bash", "zsh", "ksh"),
            ("sh", "bash", "zsh", "dash", "ksh"), ((3, r"^\s*(?:if|while) \[\[? .* \]\]?; (?:then|do)"),
            (2, r"^\s*(?:fi|done|esac)\s*$"), (1, r"\$\{?\w+\}?"), (2, r"^\s*(?:echo|export|sudo|set -e)\b"))),
        Language("sql", "SQL", ("mysql", "postgresql", "postgres", "plsql", "tsql"), ("sql",), (), (
            (4, r"(?i)^\s*(?:select\b.+\bfrom|insert into|alter table|delete from)\b"),
            (4, r"(?i)^\s*create (?:table|index|view|procedure)\b"))),
        Language("html", "HTML", ("htm", "xhtml", "vue", "svelte"), ("html", "htm", "xhtml", "vue", "svelte"), (), (
            (6, r"(?i)^\s*<!doctype html"), (3, r"(?i)^\s*<(?:html|head|body|div|script|template)\b"))),
        Language("yaml", "YAML", ("yml",), ("yaml", "yml"), (),
            ((3, r"^---\s*$"), (1, r"^\s*(?:- )?[\w-]+:(?: \S.*)?$"))),
        Language(TEXT, "text", ("plain", "plaintext", "txt", "none"), ("txt", "md", "rst", "log", "csv"), ()),
    )
}
# fmt: on

_BY_ALIAS = {alias: one.id for one in LANGUAGES.values() for alias in (one.id, one.name.lower(), *one.aliases)}
_BY_EXTENSION = {extension: one.id for one in LANGUAGES.values() for extension in one.extensions}
_BY_INTERPRETER = {name: one.id for one in LANGUAGES.values() for name in one.interpreters}
_BY_FILE_NAME = {"rakefile": "ruby", "gemfile": "ruby", ".bashrc": "bash", ".profile": "bash", ".zshrc": "bash"}
_SIGNS = {
    one.id: [(weight, re.compile(sign, re.MULTILINE)) for weight, sign in one.signs] for one in LANGUAGES.values()
}
_SHEBANG = re.compile(r"#!\s*\S*?([\w+-]+?)[\d.]*(?:[ \t]+(?:-S[ \t]+)?([\w+-]+?)[\d.]*)?(?:\s|$)")
_MIN_SCORE = 3
_MAX_HITS = 4  # So that one frequent sign does not outvote several different ones.


def known(name: str) -> str | None:
    """The language id for a name or alias in any case ("JS", "c++", ".py"), or None."""
    return _BY_ALIAS.get(name.strip().lower().removeprefix("."))


def detect(name: str, text: str) -> str:
    """The language id for a file called `name` ("" for pasted code) with this `text`; "text" when nothing tells."""
    base = PurePosixPath(name.replace("\\", "/")).name.lower()
    by_name = _BY_FILE_NAME.get(base) or _BY_EXTENSION.get(base.rpartition(".")[2] if "." in base else "")
    if by_name == "c" and base.endswith(".h"):
        return "cpp" if _score("cpp", text[:_LOOK_AT_CHARS]) >= _MIN_SCORE else "c"
    return by_name or _from_shebang(text) or _from_content(text[:_LOOK_AT_CHARS])


def _from_shebang(text: str) -> str | None:
    found = _SHEBANG.match(text[:200])
    if found is None:
        return None
    program = found.group(2) if found.group(1) == "env" else found.group(1)
    return _BY_INTERPRETER.get(program or "")


def _from_content(text: str) -> str:
    scores = {language: _score(language, text) for language in _SIGNS}
    # C++ text carries C's signs and TypeScript JavaScript's: what only the larger language has decides.
    for larger, smaller in (("cpp", "c"), ("typescript", "javascript")):
        if scores[larger] >= _MIN_SCORE:
            scores[larger] += scores[smaller]
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] >= _MIN_SCORE else TEXT


def _score(language: str, text: str) -> int:
    return sum(
        weight * min(_MAX_HITS, sum(1 for _ in zip(range(_MAX_HITS), sign.finditer(text), strict=False)))
        for weight, sign in _SIGNS[language]
    )
