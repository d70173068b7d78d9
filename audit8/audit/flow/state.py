"""What the walk through one file carries along: the variables, what was found, and what is known of the functions."""

from dataclasses import dataclass, field

from audit8.audit.flow.nodes import Index, Member, Name, Node
from audit8.audit.flow.spec import Matcher, Sink
from audit8.audit.flow.value import ANYTHING, NOTHING, OUTSIDE, PARAMETER, UNKNOWN, Value, join

_MAX_DERIVED = 300  # Among more variables, those made from one are not looked for.
LOOKED = "?"  # In the variables, before a way that is no variable: what a test of `params[:a]` has shown about it.
PAGE = "<page>"  # In the variables: the answer is declared to be no web page.


@dataclass(slots=True)
class Summary:
    """A function of this file seen from outside: its result, and which parameters reach which sinks where."""

    returned: Value = NOTHING
    reaches: list[tuple[frozenset[int], Sink, int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """A sink that was reached: by a value of which level."""

    rule: str
    line: int
    end_line: int
    level: int


@dataclass(slots=True)
class Frame:
    """The function that the walk is in."""

    name: str = ""
    marks: str = ""
    params: frozenset[str] = frozenset()
    returned: list[Value] = field(default_factory=list)
    summary: Summary = field(default_factory=Summary)


class State:
    """`variables` maps "a" and "a.b" to values; `tests` maps a name to the test whose outcome it holds; `early` maps
    a finding that a later check can still take back to the variables that the check would be about; `wrapped` maps a
    finding about what a function was given, as it is, to the function: where `called` says that it is given
    texts that are made in this file, those who make them decide.
    """

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher
        self.spec = matcher.spec
        self.variables: dict[str, Value] = {}
        self.tests: dict[str, Node] = {}
        self.imports: dict[str, str] = {}
        self.summaries: dict[str, Summary] = {}
        self.handed: dict[str, int] = {}  # By the way to a function: the most that a call gave it.
        self.found: dict[tuple[str, int], Found] = {}
        self.early: dict[tuple[str, int], set[str]] = {}
        self.wrapped: dict[tuple[str, int], str] = {}
        self.called: set[str] = set()
        self.frame = Frame()
        self.quiet = 0
        self.ended = False

    def report(self, sink: Sink, value: Value, line: int, end_line: int) -> bool:
        """Notes that `value` reached `sink`; a parameter's value that is not enough by itself waits for a caller."""
        if self.quiet or not self._is_dangerous(sink, value):
            return False
        least = sink.least_built if value.built else sink.least
        level = value.level_for(sink.kind)
        waits = level == PARAMETER and bool(value.params)
        if waits and (level < least == OUTSIDE or (sink.kind == "command" and not value.built)):
            self.frame.summary.reaches.append((value.params, sink, line, end_line))
        if level < least:
            return False
        if sink.kind == "path" and self._is_said(sink, value, line):
            return False
        if value.made and sink.kind == "path" and not sink.early:
            line = end_line = value.made  # What mends it is done there, or just after.
        if waits and sink.kind == "command" and not value.built:
            self.wrapped[(sink.rule, line)] = self.frame.name
        self.note(sink.rule, line, end_line, level)
        if sink.early:
            self.early[(sink.rule, line)] = set(value.origins)
        return True

    def _is_said(self, sink: Sink, value: Value, line: int) -> bool:
        """Whether it was reported where the path was made."""
        return any(
            names & value.origins for (rule, said), names in self.early.items() if rule == sink.rule and said < line
        )

    def _is_dangerous(self, sink: Sink, value: Value) -> bool:
        if value.level_for(sink.kind) < min(1, sink.least) or (sink.least == 0 and sink.kind in value.clean):
            return False
        if sink.text and not self.matcher.fits(sink.text, value.text):
            return False
        return not (sink.fixed and value.text and self.matcher.fits(sink.fixed, value.text))

    def note(self, rule: str, line: int, end_line: int, level: int) -> None:
        before = self.found.get((rule, line))
        if before is None or before.level < level:
            self.found[(rule, line)] = Found(rule, line, end_line, level)

    def take_back(self, line: int) -> None:
        """Forgets the findings of this line that a later check could still take back."""
        for place in [one for one in self.early if one[1] == line]:
            del self.early[place]
            self.found.pop(place, None)

    def clean(self, path: str, kinds: frozenset[str]) -> None:
        """Marks a variable, those that it was made from, and those made from it as looked at."""
        for place, names in [*self.early.items()]:
            if path in names and kinds & {"path", ANYTHING}:
                del self.early[place]
                self.found.pop(place, None)
        if len(self.variables) <= _MAX_DERIVED:
            for one, made in [*self.variables.items()]:
                if path in made.origins and not kinds <= made.clean:
                    self.variables[one] = made.cleaned(kinds)
        value = self.variables.get(path)
        if value is None:
            if "." in path:
                known = self.variables.get(LOOKED + path, Value(UNKNOWN))
                self.variables[LOOKED + path] = known.cleaned(kinds)
            return
        for one in (path, *value.origins):
            old = self.variables.get(one)
            if old is not None and not kinds <= old.clean:
                self.variables[one] = old.cleaned(kinds)

    def merge(self, others: list[dict[str, Value]]) -> None:
        """The variables after one of several ways was taken."""
        if not others:
            return
        merged = dict(others[0])
        for other in others[1:]:
            for path, value in other.items():
                mine = merged.get(path)
                if mine is None:
                    merged[path] = value
                elif mine is not value and mine != value:
                    merged[path] = join([mine, value])
        for path in [one for one in merged if one == PAGE or one.startswith(LOOKED)]:
            if not all(path in other for other in others):
                del merged[path]
        self.variables = merged


def path_of(node: Node) -> str:
    """ "a.b" for names and members, fixed indexes included; "" for anything else."""
    tail: list[str] = []
    while isinstance(node, Member | Index) and len(tail) < 6:
        if isinstance(node, Member):
            tail.append(node.name)
        else:
            tail.append(f"[{getattr(node.key, 'text', '') or getattr(node.key, 'id', '')}]")
        node = node.base
    return ".".join([node.id, *reversed(tail)]) if isinstance(node, Name) else ""
