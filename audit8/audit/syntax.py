"""The syntax tree of a source, for the languages that have a grammar (tree-sitter's, through ast-grep).

Knows which grammar serves which language and what may not be given to it. Knows no rules and cuts nothing.
"""

from functools import cache

from ast_grep_py import SgNode, SgRoot

GRAMMARS = {
    "python": "python",
    "javascript": "javascript",
    "typescript": "typescript",
    "java": "java",
    "go": "go",
    "c": "c",
    "cpp": "cpp",
    "csharp": "csharp",
    "rust": "rust",
    "php": "php",
    "ruby": "ruby",
    "solidity": "solidity",
    "kotlin": "kotlin",
    "swift": "swift",
    "scala": "scala",
    "bash": "bash",
}
"""The grammar for each of our language ids. ast-grep panics on a name it does not know: only these are ever given."""

MAX_CHARS = 2_000_000
MAX_LINE_CHARS = 100_000
"""A longer line is generated text; a tree of it costs much and says little."""


@cache
def _grammar(language: str, name: str) -> str | None:
    return "tsx" if language == "typescript" and name.endswith((".tsx", ".jsx")) else GRAMMARS.get(language)


def parse(text: str, language: str, name: str = "") -> SgNode | None:
    """The root of the tree of `text`, or None where there is no grammar or the text is too large for one.

    `name` is the file's: it tells TSX from TypeScript. A text with mistakes has a tree too, with ERROR nodes in it.
    Lines and columns of nodes count from 0, columns in characters.
    """
    grammar = _grammar(language, name)
    if grammar is None or len(text) > MAX_CHARS or max(map(len, text.split("\n")), default=0) > MAX_LINE_CHARS:
        return None
    return SgRoot(text, grammar).root()
