"""The door to the flow rules: one source in, the places where a rule fires out.

Knows which languages have a grammar and a table. A text that is too large for a tree, or that is made to exhaust the
walk, gives nothing.
"""

import re
from collections.abc import Mapping
from functools import cache

from audit8.audit.flow import calls  # noqa: F401  (it adds the calls to the walk)
from audit8.audit.flow.grammar_go import GO
from audit8.audit.flow.grammar_java import JAVA
from audit8.audit.flow.grammar_javascript import JAVASCRIPT
from audit8.audit.flow.grammar_php import PHP
from audit8.audit.flow.grammar_python import PYTHON
from audit8.audit.flow.grammar_ruby import RUBY
from audit8.audit.flow.lower import Lower, Shape
from audit8.audit.flow.merges import merges
from audit8.audit.flow.nodes import Function, Node
from audit8.audit.flow.php_pages import code_of
from audit8.audit.flow.spec import Matcher, Spec
from audit8.audit.flow.state import Found
from audit8.audit.flow.tables_go import GO_SPEC
from audit8.audit.flow.tables_java import JAVA_SPEC
from audit8.audit.flow.tables_javascript import JAVASCRIPT_SPEC
from audit8.audit.flow.tables_php import PHP_SPEC
from audit8.audit.flow.tables_python import PYTHON_SPEC
from audit8.audit.flow.tables_ruby import RUBY_SPEC
from audit8.audit.flow.value import FIXED, PARAMETER, Value
from audit8.audit.flow.walk import Walk
from audit8.audit.syntax import parse

_TABLES: dict[str, tuple[Mapping[str, Shape], Spec]] = {
    "python": (PYTHON, PYTHON_SPEC),
    "javascript": (JAVASCRIPT, JAVASCRIPT_SPEC),
    "typescript": (JAVASCRIPT, JAVASCRIPT_SPEC),
    "java": (JAVA, JAVA_SPEC),
    "go": (GO, GO_SPEC),
    "ruby": (RUBY, RUBY_SPEC),
    "php": (PHP, PHP_SPEC),
}
LANGUAGES = tuple(_TABLES)
_WITH_PROTOTYPES = ("javascript", "typescript")
_MAX_FUNCTIONS = 4000
_PROGRAM = re.compile(r"^package main\b[\s\S]*^func main\(\)", re.MULTILINE)


def rules_of(language: str) -> frozenset[str]:
    """The ids of the rules that can fire in `language`."""
    spec = _TABLES[language][1]
    single = (spec.query, spec.view, spec.shell, spec.shell_words, spec.markup, *spec.returned)
    sinks = [*spec.sinks, *(sink for _, sink in spec.members), *(sink for sink in single if sink is not None)]
    merged = {"prototype-merge"} if language in _WITH_PROTOTYPES else set[str]()
    return frozenset(merged | {sink.rule for sink in sinks})


@cache
def _matcher(language: str) -> Matcher:
    return Matcher(_TABLES[language][1])


def flow_hits(text: str, language: str, name: str = "") -> list[Found] | None:
    """Where outside data reaches a sink, by line; None where there is no tree or no table."""
    text = code_of(text) if language == "php" else text
    root = parse(text, language, name) if language in _TABLES else None
    if root is None:
        return None
    whole = Lower(_TABLES[language][0]).node(root)
    walk = Walk(_matcher(language))
    if language == "go" and _PROGRAM.search(text):
        walk.fixed_functions = _called_with_fixed(whole)
    walk.pending = []
    walk.value(whole)
    module = walk.variables
    functions = _all_functions(walk, module)
    for function, variables in functions:
        walk.run(function, variables)
    if language in _WITH_PROTOTYPES:
        for line in merges(whole):
            walk.note("prototype-merge", line, line, FIXED)
    for place, function_name in walk.wrapped.items():
        found = walk.found.get(place)
        if found is not None and function_name in walk.called and found.level == PARAMETER:
            del walk.found[place]
    return sorted(walk.found.values(), key=lambda one: (one.line, one.rule))


def _called_with_fixed(whole: Node) -> frozenset[str]:
    """The functions of a whole program whose every caller hands them what the program fixes: nobody else calls them."""
    walk = Walk(_matcher("go"))
    walk.pending = []
    walk.value(whole)
    _all_functions(walk, walk.variables)
    return frozenset(name for name, level in walk.handed.items() if level == FIXED)


def _all_functions(walk: Walk, module: dict[str, Value]) -> list[tuple[Function, dict[str, Value]]]:
    """Every named function with the variables that it sees, summaries of all of them noted on the way."""
    done: list[tuple[Function, dict[str, Value]]] = []
    while walk.pending and len(done) < _MAX_FUNCTIONS:
        waiting, walk.pending = walk.pending, []
        for function, variables in waiting:
            done.append((function, variables or module))
            walk.run(function, variables or module)
    walk.pending = []
    return done
