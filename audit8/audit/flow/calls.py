"""What a call does with values: a sink that they reach, an object that takes them in; its result is results.py's."""

import re
from dataclasses import replace

from audit8.audit.flow import nodes as n
from audit8.audit.flow.expressions import HANDLERS
from audit8.audit.flow.guards import VALIDATOR, mark
from audit8.audit.flow.results import result_of
from audit8.audit.flow.spec import Given, Sink
from audit8.audit.flow.state import PAGE, path_of
from audit8.audit.flow.value import ANYTHING, FIXED, NOTHING, OUTSIDE, PARAMETER, UNKNOWN, Value, join, kind_of
from audit8.audit.flow.walk import Walk

_TAKES_IN = r"\.(?:append|push|add|concat|insert|put|extend|set|<<|unshift|WriteString|addAll|update|merge|prepend)$"
_TEXT_OBJECTS = r"(?:StringBuilder|StringBuffer|strings\.Builder|bytes\.Buffer|StringIO)\b"
_NO_PAGE = re.compile(r"json|plain|xml|octet|csv|javascript|image/|pdf|zip|event-stream|text/css", re.IGNORECASE)
_CHECKED_BY_STATEMENT = frozenset([ANYTHING])
_OPEN_MARKUP = r"(?i)<(?:html|body|p|div|span|h[1-6]|li|td|tr|a|b|title|br)\b[^\x01]*$"
_FUNCTION = "<function>"  # The kind of an argument that is one: what it gives back is no text that is given.
_MAX_WORDS = 8
_MAX_TEXT = 1000


def call(walk: Walk, node: n.Call) -> Value:
    receiver, function = NOTHING, NOTHING
    if isinstance(node.function, n.Member):
        receiver = walk.value(node.function.base)
        function = walk.member_of(node.function, receiver)
    else:
        function = walk.value(node.function)
    way = _way(node, function, receiver)
    talks = walk.matcher.fits(walk.spec.talk, way)
    walk.quiet += talks
    spread = _spread(walk, node)
    options: dict[str, Value] = {}
    args = [join(spread)] if spread else [_argument(walk, one, receiver, options) for one in node.args]
    walk.quiet -= talks
    named = {name: value for value, name in zip(args, node.names, strict=True) if name}
    positional = tuple(value for value, name in zip(args, node.names, strict=True) if not name)
    given = Given(way, positional, {**options, **named}, receiver)
    for sink in walk.matcher.sinks(way):
        _reach(walk, sink, given, node)
    _note_effects(walk, node, given, args)
    walk.given = join(args)
    walk.handed[way] = max(walk.handed.get(way, FIXED), walk.given.level)
    return result_of(walk, node, given, args, spread)


def _way(node: n.Call, function: Value, receiver: Value) -> str:
    """The dotted way to what is called; a constructor's begins with "new "."""
    if isinstance(node.function, n.Member):
        way = kind_of(receiver.kind, node.function.name) if receiver.kind else f".{node.function.name}"
        return f"new {way}" if node.new else way
    if isinstance(node.function, n.Name):
        return f"new {function.kind or node.function.id}" if node.new else function.kind or node.function.id
    return function.kind


def _spread(walk: Walk, node: n.Call) -> list[Value]:
    """The values of `text % (a, b)`, one by one."""
    only = node.args[0] if len(node.args) == 1 else None
    is_format = isinstance(node.function, n.Member) and node.function.name == "%"
    return [walk.value(part) for part in only.parts] if is_format and isinstance(only, n.Many) else []


def _argument(walk: Walk, node: n.Node, receiver: Value, options: dict[str, Value]) -> Value:
    """One argument; the members of an object literal, or the first words of a list, are options of the call too."""
    if isinstance(node, n.Many) and node.keys:
        values = [walk.value(part) for part in node.parts]
        options.update({key: value for key, value in zip(node.keys, values, strict=True) if key})
        return join(values)
    if isinstance(node, n.Many) and not options and len(node.parts) <= _MAX_WORDS:
        values = [walk.value(part) for part in node.parts]
        options.update({f"[{at}]": value for at, value in enumerate(values)})
        return join(values)
    if isinstance(node, n.Function):
        level = receiver.level if receiver.level >= PARAMETER else UNKNOWN
        return replace(walk.closure(node, Value(level, receiver.clean, params=receiver.params)), kind=_FUNCTION)
    return walk.value(node)


def _reach(walk: Walk, sink: Sink, given: Given, node: n.Call) -> None:
    if sink.when is not None and not sink.when(given):
        return
    if sink.kind == "xss" and PAGE in walk.variables and sink.rule == "html-from-strings":
        return
    for value in _dangerous(sink, given):
        if (value.kind != _FUNCTION or "&" in sink.args) and walk.report(sink, value, node.line, node.end_line):
            return


def _dangerous(sink: Sink, given: Given) -> list[Value]:
    if not sink.args:
        return [*given.args, *given.named.values()]
    found = []
    for at in sink.args:
        if isinstance(at, str):
            found += [given.named[at]] if at in given.named else []
        elif at == -1:
            found.append(given.receiver)
        elif at < -1:  # All from this position on.
            found += given.args[-at - 1 :]
        elif at < len(given.args):
            found.append(given.args[at])
    return found


def _note_effects(walk: Walk, node: n.Call, given: Given, args: list[Value]) -> None:
    """What the call does to variables: fills them from outside, adds to them, checks them, names the page's type."""
    way, spec, fits = given.way, walk.spec, walk.matcher.fits
    everything = [given.receiver, *args, *([Value(OUTSIDE)] if fits(spec.sources, way) else [])]
    if fits(spec.fills, way) and any(value.level >= PARAMETER for value in everything):
        worst = join([value for value in everything if value.level >= PARAMETER])
        for arg in node.args:
            path = path_of(arg)
            if path:
                walk.variables[path] = Value(worst.level, params=worst.params, origins=frozenset([path]))
    if fits(_TAKES_IN, way) and args and isinstance(node.function, n.Member):
        _take_in(walk, node, given, args)
    if fits(spec.page_types, way) and any(_NO_PAGE.search(value.text) for value in args):
        walk.variables[PAGE] = NOTHING
    proven = walk.matcher.proven(way)
    if proven and isinstance(node.function, n.Member):
        mark(walk, node.function.base, proven)
    name = way.rpartition(".")[2]
    if fits(VALIDATOR, name) and not fits(r"check_(?:call|output)$", name):
        kinds = walk.matcher.checked(way) or _CHECKED_BY_STATEMENT
        if any(word in name.lower() for word in ("valid", "check", "verif", "ensure", "assert", "require")):
            for arg in node.args:
                if not isinstance(arg, n.Function):
                    mark(walk, arg, kinds)


def _take_in(walk: Walk, node: n.Call, given: Given, args: list[Value]) -> None:
    """`list.append(x)`; of a text object the text grows."""
    base: n.Node = node.function
    while True:
        if isinstance(base, n.Member):
            base = base.base
        elif isinstance(base, n.Call):
            base = base.function
        else:
            break
    path = path_of(base)
    if not path or (path not in walk.variables):
        return
    old = walk.variables[path]
    if walk.matcher.fits(_TEXT_OBJECTS, old.kind):
        if walk.spec.markup is not None and walk.matcher.fits(_OPEN_MARKUP, old.text):
            for arg in args:
                walk.report(walk.spec.markup, arg, node.line, node.end_line)
        new = replace(
            walk.built([replace(old, level=old.level if old.text else FIXED), *args], node.line), kind=old.kind
        )
    else:
        worst = join([old, *args])
        words = "\n".join(part.text for part in (old, *args) if part.text)  # One word or line after the other.
        new = replace(
            old, level=worst.level, clean=worst.clean, params=worst.params, rest=worst.rest, text=words[:_MAX_TEXT]
        )
    walk.variables[path] = replace(new, origins=new.origins | {path})


def shell(walk: Walk, node: n.Shell) -> Value:
    value = walk.value(node.command)
    if walk.spec.shell is not None:
        walk.report(walk.spec.shell, value, node.line, node.line)
    return Value(UNKNOWN)


HANDLERS[n.Call] = call
HANDLERS[n.Shell] = shell
