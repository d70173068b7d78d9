"""What a call gives back: what it holds of its source, its arguments or its object, and what it has made of a text."""

from dataclasses import replace

from audit8.audit.flow import nodes as n
from audit8.audit.flow.formats import filled
from audit8.audit.flow.spec import Given, compiled
from audit8.audit.flow.value import ANYTHING, FIXED, OUTSIDE, PARAMETER, UNKNOWN, Value, join
from audit8.audit.flow.walk import Walk

_CHECKED_BY_STATEMENT = frozenset([ANYTHING])
_CLEANS = r"(?i)^(?:new )?[\w.]*(?:sanitiz|escape|encode|purify)\w*$"
_LOOK_UPS = r"\.(?:get|fetch|dig)$"
_IDENTIFIERS = r"(?i)(?:table|column|schema|prefix)_?(?:name)?$"  # Asked of the program's own names.
_CONSTANT = r"^(?:self\.|cls\.|this\.)?[A-Z][A-Z0-9_]+\.\w+$|^\.\w+$"
_MAPS = r"\.(?:map|flatMap|collect)$"
_JOINS = r"(?i)join|concat|resolve|^new File$|^Paths\.get$|^Path\.of$"
_MODULES = r"^(?:os\.path|posixpath|path|filepath|path/filepath|File|path\.posix)\.\w+$"
_REQUEST = r"Request$"
_MAX_REACHES = 40


def result_of(walk: Walk, node: n.Call, given: Given, args: list[Value], spread: list[Value]) -> Value:
    """What the call gives back; the first that knows the call says it."""
    way, spec, fits = given.way, walk.spec, walk.matcher.fits
    kind = way.removeprefix("new ")
    if fits(spec.numbers, way):
        size = next((at for pattern, at in spec.sizes.items() if fits(pattern, way) and at < len(args)), None)
        return Value(kind=kind, text=args[size].text if size is not None else "")
    if way == "require" and args and args[0].text:
        return Value(kind=args[0].text.removeprefix("node:"))  # A module, used where it is asked for.
    if fits(r"(?:^|\.)promisify$", way) and args and args[0].kind:
        return Value(kind=args[0].kind)  # The same function in another form.
    cleaned = walk.matcher.cleaned(way) | _cleaned_by(walk, way, args)
    if cleaned:
        if "path" in cleaned and isinstance(node.function, n.Member) and isinstance(node.function.base, n.Call):
            walk.take_back(node.function.base.line)  # A path that was only made to ask for its last part.
        return replace(join([given.receiver, *args]).cleaned(cleaned), kind=kind)
    at = walk.matcher.format_at(way)
    made = filled(walk, node, given.receiver, args if at >= 0 or not spread else spread, at) if at is not None else None
    if made is None and _bare(way) in walk.summaries and not node.new and not _is_another(walk, node):
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
    elif fits(spec.readers, way) and any(fits(_REQUEST, value.kind) for value in args):
        held = Value(OUTSIDE, kind=kind)
    elif fits(spec.page_sources, way):
        held = Value(PARAMETER, kind=kind)
    elif fits(_MAPS, way) and isinstance(node.args[0] if node.args else None, n.Function):
        held = replace(args[0], kind=kind)
    elif fits(_LOOK_UPS, way) and given.receiver.level == FIXED and _is_table(given):
        held = replace(join(args[1:]), kind=kind)  # One of the table's values, or what stands in for it.
    elif fits(spec.carriers, way):
        module = fits(_MODULES, way) and given.receiver.level < PARAMETER  # And no variable that is called `path`.
        parts = args if isinstance(node.function, n.Name) or module else everything
        joined = fits(_JOINS, way) and (len(args) > 1 or given.receiver.level > FIXED)
        held = replace(join(_under_base(parts) if joined else parts), kind=kind)
        if joined and len(parts) > 1:
            held = replace(held, built=True, made=held.made or node.line)
    elif given.receiver.level >= PARAMETER and not fits(spec.keeps, way):
        held = replace(join(everything), text=given.receiver.text, kind=kind)
    elif fits(_IDENTIFIERS, way) or _names_settled(walk, args):
        held = Value(FIXED, kind=kind)
    elif given.receiver.text and not args:
        held = replace(given.receiver, kind=kind)
    else:
        origins = frozenset[str]().union(*(value.origins for value in everything))
        clean = _CHECKED_BY_STATEMENT if fits(_CLEANS, way) else frozenset[str]()
        held = Value(UNKNOWN, clean, kind=kind, origins=frozenset(sorted(origins)[:12]))
    return held


def _is_table(given: Given) -> bool:
    """Whether the receiver is a table that the file fixes, rather than a module or an object with a `get`."""
    return not given.receiver.kind or compiled(_CONSTANT).search(given.way) is not None


def _names_settled(walk: Walk, args: list[Value]) -> bool:
    """`setting("poll_table_name")`: what is asked for is settled by the program."""
    return bool(args) and all(
        value.level == FIXED and value.text and walk.matcher.fits(walk.spec.settled, value.text) for value in args
    )


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


def _is_another(walk: Walk, node: n.Call) -> bool:
    """Whether a variable hides the function of this name: `with writer(file) as write` beside a method `write`."""
    name = node.function.id if isinstance(node.function, n.Name) else ""
    hidden = walk.variables.get(name)
    return hidden is not None and (hidden.kind != name or hidden.level > FIXED)


def _bare(way: str) -> str:
    """The name under which a function of this file is known: `f`, `self.f`, `this.f`, `s.f` with a short receiver."""
    head, _, last = way.rpartition(".")
    return last if head in ("", "self", "this", "cls", "exports", "module.exports") or len(head) <= 2 else way


def _apply(walk: Walk, node: n.Call, given: Given, kind: str) -> Value:
    """The result of a function of this file, and the sinks inside it that these arguments reach."""
    summary = walk.summaries[_bare(given.way)]
    for params, sink, line, end_line in summary.reaches[:_MAX_REACHES]:
        for at in params:
            if not 0 <= at < len(given.args):
                continue
            if given.args[at].level_for(sink.kind) == OUTSIDE:
                walk.note(sink.rule, line, end_line, OUTSIDE)
            else:
                walk.report(sink, given.args[at], node.line, node.end_line)
    if any(arg.built or arg.level > FIXED for arg in given.args):
        walk.called.add(_bare(given.way))
    returned = summary.returned
    if returned.level != PARAMETER:
        return replace(returned, kind=kind, text="", params=frozenset())
    used = [given.args[at] for at in returned.params if at < len(given.args)]
    whole = join(used) if used else Value(UNKNOWN)
    made = returned.made or whole.made
    return replace(whole, clean=whole.clean | returned.clean, kind=kind, built=returned.built or whole.built, made=made)
