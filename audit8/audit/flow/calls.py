"""What a call does with values: a sink that they reach, a result that holds them, an object that takes them in."""

import re
from dataclasses import replace

from audit8.audit.flow import nodes as n
from audit8.audit.flow.expressions import HANDLERS
from audit8.audit.flow.guards import VALIDATOR, mark
from audit8.audit.flow.spec import Given, Sink
from audit8.audit.flow.state import PAGE, path_of
from audit8.audit.flow.value import (
    ANYTHING,
    FILL,
    FIXED,
    HOLE,
    NOTHING,
    OUTSIDE,
    PARAMETER,
    UNKNOWN,
    Value,
    join,
    kind_of,
)
from audit8.audit.flow.walk import Walk

_TAKES_IN = r"\.(?:append|push|add|concat|insert|put|extend|set|<<|unshift|WriteString|addAll|update|merge|prepend)$"
_TEXT_OBJECTS = r"(?:StringBuilder|StringBuffer|strings\.Builder|bytes\.Buffer|StringIO)\b"
_NO_PAGE = re.compile(r"json|plain|xml|octet|csv|javascript|image/|pdf|zip|event-stream|text/css", re.IGNORECASE)
_HOLES = re.compile(r"%[-+#0 ]*\d*(?:\.\d+)?(?:\(\w+\))?[a-zA-Z]|\{[^{}]{0,60}\}|%\d+\$[a-z]")
_NUMBER_VERBS = re.compile(r"%[-+#0 ]*\d*(?:\.\d+)?(?:\(\w+\))?[dtxXfegbcopi]$|\{[^{}]*:[\d.]*[dfx]\}$")
_CHECKED_BY_STATEMENT = frozenset([ANYTHING])
_CLEANS = r"(?i)^(?:new )?[\w.]*(?:sanitiz|escape|encode|purify)\w*$"
_MAPS = r"\.(?:map|flatMap|collect)$"
_JOINS = r"(?i)join|concat|resolve|^new File$|^Paths\.get$|^Path\.of$"
_OPEN_MARKUP = r"(?i)<(?:html|body|p|div|span|h[1-6]|li|td|tr|a|b|title|br)\b[^\x01]*$"
_MODULES = r"^(?:os\.path|posixpath|path|filepath|path/filepath|File|path\.posix)\.\w+$"
_MAX_WORDS = 8
_MAX_REACHES = 40


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
    return _result(walk, node, given, args, spread)


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
        return walk.closure(node, Value(level, receiver.clean, params=receiver.params))
    return walk.value(node)


def _reach(walk: Walk, sink: Sink, given: Given, node: n.Call) -> None:
    if sink.when is not None and not sink.when(given):
        return
    if sink.kind == "xss" and PAGE in walk.variables and sink.rule == "html-from-strings":
        return
    for value in _dangerous(sink, given):
        if walk.report(sink, value, node.line, node.end_line):
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
    everything = [given.receiver, *args]
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
        new = replace(old, level=worst.level, clean=worst.clean, params=worst.params, rest=worst.rest)
    walk.variables[path] = replace(new, origins=new.origins | {path})


def _result(walk: Walk, node: n.Call, given: Given, args: list[Value], spread: list[Value]) -> Value:
    """What the call gives back; the first that knows the call says it."""
    way, spec, fits = given.way, walk.spec, walk.matcher.fits
    kind = way.removeprefix("new ")
    if fits(spec.numbers, way):
        size = next((at for pattern, at in spec.sizes.items() if fits(pattern, way) and at < len(args)), None)
        return Value(kind=kind, text=args[size].text if size is not None else "")
    if way == "require" and args and args[0].text:
        return Value(kind=args[0].text.removeprefix("node:"))  # A module, used where it is asked for.
    cleaned = walk.matcher.cleaned(way) | _cleaned_by(walk, way, args)
    if cleaned:
        return replace(join([given.receiver, *args]).cleaned(cleaned), kind=kind)
    at = walk.matcher.format_at(way)
    made = _format(walk, node, given, args if at >= 0 or not spread else spread, at) if at is not None else None
    if made is None and _bare(way) in walk.summaries and not node.new:
        made = _apply(walk, node, given, kind)
    return made if made is not None else _held(walk, node, given, args)


def _held(walk: Walk, node: n.Call, given: Given, args: list[Value]) -> Value:
    """What a call holds of its source, its arguments or its object."""
    way, spec, fits = given.way, walk.spec, walk.matcher.fits
    kind, everything = way.removeprefix("new "), [given.receiver, *args]
    if fits(spec.contents, way):
        whole = join(args or [given.receiver])
        held = Value(min(whole.level, UNKNOWN), kind=kind, origins=whole.origins)
    elif fits(spec.sources, way):
        # What was checked of an archive's entry stays checked; a request's next parameter is another one.
        clean = given.receiver.clean if given.receiver.level > FIXED else frozenset[str]()
        held = Value(OUTSIDE, clean, kind=kind, origins=given.receiver.origins)
    elif fits(spec.page_sources, way):
        held = Value(PARAMETER, kind=kind)
    elif fits(_MAPS, way) and isinstance(node.args[0] if node.args else None, n.Function):
        held = replace(args[0], kind=kind)
    elif fits(spec.carriers, way):
        parts = args if isinstance(node.function, n.Name) or fits(_MODULES, way) else everything
        joined = fits(_JOINS, way) and (len(args) > 1 or given.receiver.level > FIXED)
        held = replace(join(_under_base(parts) if joined else parts), kind=kind)
        if joined and len(args) > 1:
            held = replace(held, built=True, made=held.made or node.line)
    elif given.receiver.level >= PARAMETER and not fits(spec.keeps, way):
        held = replace(join(everything), text=given.receiver.text, kind=kind)
    elif given.receiver.text and not args:
        held = replace(given.receiver, kind=kind)
    else:
        origins = frozenset[str]().union(*(value.origins for value in everything))
        clean = _CHECKED_BY_STATEMENT if fits(_CLEANS, way) else frozenset[str]()
        held = Value(UNKNOWN, clean, kind=kind, origins=frozenset(sorted(origins)[:12]))
    return held


def _under_base(parts: list[Value]) -> list[Value]:
    """The parts of a path; the folder that it begins with is the caller's to choose, unless a request chose it."""
    first = next((at for at, part in enumerate(parts) if part.level > FIXED or part.text or part.kind), 0)
    return [
        replace(part, level=UNKNOWN, params=frozenset())
        if at == first and part.level == PARAMETER and len(parts) > 1
        else part
        for at, part in enumerate(parts)
    ]


def _cleaned_by(walk: Walk, way: str, args: list[Value]) -> frozenset[str]:
    """What `text.replace(pattern, ...)` takes out of a text."""
    kinds = [
        found
        for pattern, at, text, found in walk.spec.cleaned_by
        if at < len(args)
        and args[at].text
        and walk.matcher.fits(pattern, way)
        and walk.matcher.fits(text, args[at].text)
    ]
    return frozenset(kind for found in kinds for kind in found.split())


def _bare(way: str) -> str:
    """The name under which a function of this file is known: `f`, `self.f`, `this.f`, `s.f` with a short receiver."""
    head, _, last = way.rpartition(".")
    return last if head in ("", "self", "this", "cls", "exports", "module.exports") or len(head) <= 2 else way


def _apply(walk: Walk, node: n.Call, given: Given, kind: str) -> Value:
    """The result of a function of this file, and the sinks inside it that these arguments reach."""
    summary = walk.summaries[_bare(given.way)]
    for params, sink, line, end_line in summary.reaches[:_MAX_REACHES]:
        for at in params:
            if at < len(given.args) and given.args[at].level_for(sink.kind) == OUTSIDE:
                walk.note(sink.rule, line, end_line, OUTSIDE)
    returned = summary.returned
    if returned.level != PARAMETER:
        return replace(returned, kind=kind, text="", params=frozenset())
    used = [given.args[at] for at in returned.params if at < len(given.args)]
    whole = join(used) if used else Value(UNKNOWN)
    made = returned.made or whole.made
    return replace(whole, clean=whole.clean | returned.clean, kind=kind, built=returned.built or whole.built, made=made)


def _format(walk: Walk, node: n.Call, given: Given, args: list[Value], at: int) -> Value | None:
    """A text with its placeholders filled; None when the text is not known."""
    form = given.receiver if at < 0 else args[at] if at < len(args) else NOTHING
    if not form.text:
        return None
    values = args if at < 0 else args[at + 1 :]
    parts, last = list[Value](), 0
    for count, hole in enumerate(_HOLES.finditer(form.text)):
        parts.append(Value(text=form.text[last : hole.start()] or FILL))
        value = values[min(count, len(values) - 1)] if values else Value(UNKNOWN)
        last = hole.end()
        parts.append(Value(text=FILL) if _NUMBER_VERBS.match(hole.group()) else replace(value, text=_shown(value)))
    parts.append(Value(text=form.text[last:] or FILL))
    if form.level > FIXED:
        parts.append(replace(form, text=FILL))
    return walk.built(parts, node.line, node.end_line)


def _shown(value: Value) -> str:
    return value.text if value.level == FIXED and value.text else HOLE if value.level else FILL


def shell(walk: Walk, node: n.Shell) -> Value:
    value = walk.value(node.command)
    if walk.spec.shell is not None:
        walk.report(walk.spec.shell, value, node.line, node.line)
    return Value(UNKNOWN)


HANDLERS[n.Call] = call
HANDLERS[n.Shell] = shell
