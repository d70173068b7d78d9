"""What a static rule is: data. A claim in two languages, patterns per programming language, and examples of both kinds.

Patterns are regular expressions over one of lexer.py's views. In the `code` view a string literal is two quotes with
fill characters between, so a pattern says where a literal stands and `literal` says what it must contain.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from audit8.types import Lang, Severity

# ---- pieces of patterns, each linear in the text ---------------------------------------------------------------
FILLED = r"[\x00\n]*"
DSTR = rf'"{FILLED}"'
STR = rf"(?:\"{FILLED}\"|'{FILLED}'|`{FILLED}`)"
# One argument: no comma outside brackets, no end of statement, one line unless it ends in an operator.
_UNIT = r"(?:[+.]\s*|[^(),;\n+.{}]|\((?:[^()\n]|\((?:[^()\n]|\([^()\n]*+\))*+\))*+\))"
ARG = rf"{_UNIT}{{1,300}}+"
# All the arguments up to the closing bracket.
ARGS = r"(?:[^();]|\((?:[^();]|\((?:[^();]|\([^();]*+\))*+\))*+\)){1,400}+"
PLUS_CHAIN = rf"(?P<s>{STR}\s*\+\s*(?P<v>{ARG}))"
JS_HOLES = r"\$\{([^{}`]*)"
RUBY_HOLES = r"#\{([^{}]*)\}"
PHP_HOLES = r"(\$\w+(?:->\w+|\[[^\]]{0,40}\])*)"
KOTLIN_HOLES = r"\$\{?([\w.]+)"
CS_HOLES = r"(?<!\{)\{([^{}:]+)"

JS = ("javascript", "typescript", "html")
NODE = ("javascript", "typescript")
C = ("c", "cpp")
JVM = ("java", "kotlin", "scala")


@dataclass(frozen=True, slots=True)
class Words:
    """The same sentence in both languages."""

    en: str
    zh: str

    def of(self, lang: Lang) -> str:
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Finder:
    """Where a rule looks in some languages.

    pattern   over the view `on`, with re.MULTILINE; named groups: `at` (where to report, else the match),
              `s` (text that `literal` and `judge` look at), `v` (expressions, joined by + . or ,);
              a second branch of the pattern calls them `s2` and `v2`; `at` alone needs no `vary`
    literal   what the original text of `s` must contain
    judge     a last word on the text of `s`, quotes removed
    vary      "varies": `v` or a hole in `s` must be able to hold something that the file does not fix;
              "request": it must come from a request, the command line or other outside input
    holes     finds expressions inside the text of `s` (one group)
    safe      a call that makes an expression harmless here
    unless    silences a match when it is in the matched lines (comments removed)
    needs     what the file must contain for the rule to apply; lacks: what it must not contain
    window    `lacks` looks only this many characters around the match; 0 means the whole file
    """

    languages: tuple[str, ...]
    pattern: str
    literal: str = ""
    judge: Callable[[str], bool] | None = None
    vary: Literal["", "varies", "request"] = ""
    holes: str = ""
    safe: str = ""
    unless: str = ""
    needs: str = ""
    lacks: str = ""
    window: int = 0
    on: Literal["code", "plain", "text"] = "code"


@dataclass(frozen=True, slots=True)
class Rule:
    """One claim; its examples, of both kinds, are in tests/audit/rule_examples.

    `python` says that python_checks.py finds it in Python source that parses; `checked` names the languages in whose
    syntax tree a checker of run.py finds it; `finders` look at lines, for the others. What follows values through a
    tree names its rules in audit8/audit/flow's tables.
    """

    id: str
    class_id: str
    cwe: str
    severity: Severity
    confidence: float
    title: Words
    why: Words
    fix: Words
    finders: tuple[Finder, ...] = ()
    python: bool = False
    checked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule fired on these lines (1-based, inclusive); `share` of its confidence counts: less of a path seen, less."""

    rule_id: str
    line: int
    end_line: int
    share: float = 1.0
