"""What `"... %s" % value` and its like make: the text of the format with the values in its holes."""

import re
from dataclasses import replace

from audit8.audit.flow import nodes as n
from audit8.audit.flow.expressions import Expressions
from audit8.audit.flow.value import FILL, FIXED, HOLE, NOTHING, UNKNOWN, Value

_HOLES = re.compile(r"%[-+#0 ]*\d*(?:\.\d+)?(?:\(\w+\))?[a-zA-Z]|\{[^{}]{0,60}\}|%\d+\$[a-z]")
_NUMBER_VERBS = re.compile(r"%[-+#0 ]*\d*(?:\.\d+)?(?:\(\w+\))?[dtxXfegbcopi]$|\{[^{}]*:[\d.]*[dfx]\}$")


def filled(walk: Expressions, node: n.Call, receiver: Value, args: list[Value], at: int) -> Value | None:
    """A text with its placeholders filled; None when the text is not known."""
    form = receiver if at < 0 else args[at] if at < len(args) else NOTHING
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
