"""What a language's tables say: sources, sinks, what passes values on and what makes them harmless. Data only.

Patterns are matched against the dotted way to a call or member, imports resolved and variables replaced by what they
were made from: "http.Request.FormValue", "sqlite3.connect.cursor.execute", "Runtime.getRuntime.exec".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from audit8.audit.flow.value import OUTSIDE, UNKNOWN, Value


@dataclass(frozen=True, slots=True)
class Given:
    """A call as a sink's `when` sees it: the values in order, by keyword, and the receiver's."""

    way: str
    args: tuple[Value, ...]
    named: dict[str, Value]
    receiver: Value


@dataclass(frozen=True, slots=True)
class Sink:
    """`args`: positions and keywords that are dangerous, all when empty; -1 is the receiver.

    least        how surely from outside a value must be that is given as it is
    least_built  the same for a text that was put together here
    text         what the known text of the value must match; `fixed`: what makes it harmless
    when         a last question about the call
    early        it only prepares the harm (a path object): a later check of the same variable takes it back
    """

    rule: str
    calls: str
    kind: str
    args: tuple[int | str, ...] = (0,)
    least: int = OUTSIDE
    least_built: int = UNKNOWN
    text: str = ""
    fixed: str = ""
    when: Callable[[Given], bool] | None = None
    early: bool = False


@dataclass(frozen=True, slots=True)
class Spec:
    """One language. `cleaners` and `checks`: pattern -> kinds of sink (space between) that it makes harmless.

    sources     ways that hold outside data
    page_sources  ways to what a page shows: text that becomes markup again when it is put into HTML
    requests    names of parameters that are a request: (name pattern, type pattern) -> the kind they get
    carriers    calls whose result holds what their arguments hold
    contents    calls that read what a name stands for: from a fixed place the result is fixed, else it is unknown
    keeps       methods whose result does not hold what their object holds
    numbers     calls whose result is a number or a truth value; number_types: declared types of that sort
    cleaned_by  calls that make harmless by what one argument says: (pattern, position, text, kinds)
    fills       calls that write outside data into their arguments when the receiver or an argument is outside
    formats     calls that put their arguments into a text: pattern -> position of the text (-1: the receiver)
    handler     what marks a function whose parameters come from outside
    talk        calls whose text goes to people, not to a database
    page_types  calls that declare the type of the answer
    query       a text that is a query, wherever it is built
    readers     calls that read a request which is handed to them
    view        a returned text that names where the browser is sent
    returned    what a handler, or any function whose text is markup, returns
    shell       a command in backquotes; shell_words: one in ["sh", "-c", command]
    markup      a text object that holds markup already gets one more piece
    own         members of outside values that the framework has chosen itself: where it has put an upload
    places      names of folders: the user chose them, and they may hold spaces and worse where a shell reads them
    settled     names whose value the program fixes, though the file does not show it
    class_fields  (pattern of a class's bases, members of its objects that hold outside data)
    method_fields  the same by the pattern of a method's name
    sizes       calls whose result keeps the text of an argument, a number of bits: pattern -> position
    raises      methods that raise unless their object is in order: pattern -> kinds of sink
    members     assignments to these members are sinks: pattern -> (rule, kind)
    """

    sinks: tuple[Sink, ...]
    sources: str
    page_sources: str = r"(?!)"
    requests: tuple[tuple[str, str, str], ...] = ()
    carriers: str = r"(?!)"
    contents: str = r"(?!)"
    keeps: str = r"(?!)"
    numbers: str = r"(?!)"
    number_types: str = r"(?!)"
    cleaners: dict[str, str] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    cleaned_by: tuple[tuple[str, int, str, str], ...] = ()
    fills: str = r"(?!)"
    formats: dict[str, int] = field(default_factory=dict)
    handler: str = r"(?!)"
    talk: str = r"(?!)"
    page_types: str = r"(?!)"
    raises: dict[str, str] = field(default_factory=dict)
    members: tuple[tuple[str, Sink], ...] = ()
    query: Sink | None = None
    readers: str = r"(?!)"
    view: Sink | None = None
    returned: tuple[Sink, ...] = ()
    shell: Sink | None = None
    shell_words: Sink | None = None
    markup: Sink | None = None
    own: str = r"(?!)"
    places: str = r"(?!)"
    settled: str = r"(?!)"
    class_fields: tuple[tuple[str, tuple[str, ...]], ...] = ()
    method_fields: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)


class Matcher:
    """The answers of one `Spec`, remembered: the same ways come again and again."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.sinks = lru_cache(8192)(self._sinks)
        self.cleaned = lru_cache(8192)(self._cleaned)
        self.checked = lru_cache(8192)(self._checked)
        self.proven = lru_cache(8192)(self._proven)
        self.format_at = lru_cache(8192)(self._format_at)
        self.members = lru_cache(8192)(self._members)
        self.fits = lru_cache(65536)(self._fits)
        self._sink_patterns = [(compiled(sink.calls), sink) for sink in spec.sinks]

    def _fits(self, pattern: str, way: str) -> bool:
        return compiled(pattern).search(way) is not None

    def _sinks(self, way: str) -> tuple[Sink, ...]:
        return tuple(sink for pattern, sink in self._sink_patterns if pattern.search(way))

    def _cleaned(self, way: str) -> frozenset[str]:
        return _kinds(self.spec.cleaners, way)

    def _checked(self, way: str) -> frozenset[str]:
        return _kinds(self.spec.checks, way)

    def _proven(self, way: str) -> frozenset[str]:
        return _kinds(self.spec.raises, way)

    def _format_at(self, way: str) -> int | None:
        return next((at for pattern, at in self.spec.formats.items() if compiled(pattern).search(way)), None)

    def _members(self, way: str) -> tuple[Sink, ...]:
        return tuple(sink for pattern, sink in self.spec.members if compiled(pattern).search(way))


@lru_cache(1024)
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _kinds(table: dict[str, str], way: str) -> frozenset[str]:
    return frozenset(
        kind for pattern, kinds in table.items() if compiled(pattern).search(way) for kind in kinds.split()
    )
