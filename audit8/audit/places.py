"""Where a source is best cut in two: before a definition at the left margin, at a blank line, and so on.

Lines only. A parser per language can replace `cut_scores` without a change to chunks.py: it only compares scores.
"""

import re

DEFINITION, MARGIN, BLANK, ANYWHERE = 3, 2, 1, 0

_C_LIKE = (
    r"(?:[A-Za-z_][\w:<>,*&\[\] ]* [*&]?\w+\s*\([^;]*$|(?:typedef |static )?(?:struct|enum|union|class|namespace)\b)"
)
_JVM = (
    r"(?:@\w+|(?:public|private|protected|internal|static|final|abstract|sealed|override)\b|(?:class|"
    r"interface|enum|record|object|fun|trait|case class)\b)"
)
_DEFINITIONS: dict[str, str] = {
    "python": r"(?:(?:async def|def|class)\b|@)",
    "javascript": (
        r"(?:export\b|(?:async )?function\b|class\b|(?:const|let|var) \w+ = (?:async )?(?:\(|function)|"
        r"\w+[\w.]* = (?:async )?function)"
    ),
    "java": _JVM,
    "kotlin": _JVM,
    "scala": _JVM,
    "csharp": _JVM + r"|namespace\b|\[\w+",
    "go": r"(?:func|type|var|const)\b",
    "c": _C_LIKE,
    "cpp": _C_LIKE + r"|template\b",
    "rust": r"(?:pub\b|fn\b|impl\b|struct\b|enum\b|trait\b|mod\b|#\[|unsafe\b|async\b)",
    "php": r"(?:(?:abstract |final )?class\b|function\b|interface\b|trait\b|namespace\b)",
    "ruby": r"(?:class|module|def)\b",
    "solidity": r"(?:abstract |contract\b|interface\b|library\b|function\b|modifier\b)",
    "swift": r"(?:@\w+|(?:public |private |open |final )*(?:class|struct|enum|func|extension|protocol)\b)",
    "bash": r"(?:function\b|\w+\s*\(\))",
    "sql": r"(?i:create|alter|insert|select|update|delete|drop|begin)\b",
    "html": r"<(?:script|style|head|body|template|section)\b",
    "yaml": r"(?:---|\w[\w-]*:)",
}
_DEFINITIONS["typescript"] = (
    _DEFINITIONS["javascript"] + r"|(?:interface|type|enum|abstract class|namespace|declare)\b|@\w+"
)
_COMPILED = {language: re.compile(pattern) for language, pattern in _DEFINITIONS.items()}
_NEVER = re.compile(r"(?!)")
_LOOK_CHARS = 200
_CLOSERS = ("}", ")", "]", "end", "else", "{", "*/")


def cut_scores(lines: list[str], language: str) -> list[int]:
    """For each line how good a cut just before it is: DEFINITION > MARGIN > BLANK > ANYWHERE."""
    definition = _COMPILED.get(language, _NEVER)
    scores, before_blank = [], True
    for line in lines:
        head = line[:_LOOK_CHARS]
        blank = not head.strip()
        scores.append(ANYWHERE if blank else _score(head, before_blank, definition))
        before_blank = blank
    return scores


def _score(head: str, before_blank: bool, definition: re.Pattern[str]) -> int:
    at_margin = not head[0].isspace() and not head.startswith(_CLOSERS)
    if at_margin and before_blank:
        return DEFINITION
    # Without a blank line before it a definition may have comments or decorators that belong to it.
    if at_margin and definition.match(head):
        return MARGIN
    return BLANK if before_blank else ANYWHERE
