"""Checks of C and C++ on memory that is given back while something still points to it: members that outlive what they point
to, and lists that are walked through while their elements go.
"""

import re

from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_names import ENDS, RELEASES
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, callee, calls, place

_FREES = re.compile(r"free|kfree|cfree|g_free|xfree|av_freep?|delete")
_TEARS_DOWN = re.compile(
    r"(?i)\w*(?:free|destroy|release|clean|close|fini|exit|uninit|deinit|delete|remove|dispose|shutdown|clear|teardown|"
    r"disconnect|detach|unbind|unregister|dtor|stop|finish|end|drop|reset|unload|unref|put|discard|flush|deactivate|detach)\w*"
)
_WALKS = re.compile(r"(?:h?list|rb|nla|SLIST|LIST|STAILQ|TAILQ|QTAILQ|QLIST)\w*(?:for_each|FOREACH)\w*", re.IGNORECASE)
_TAKES_OUT = re.compile(r"(?:h?list_(?:del|move)\w*|(?:S?LIST|S?TAILQ|QTAILQ|QLIST)_REMOVE)")
_JUMPS = ("return_statement", "break_statement", "goto_statement")
_HALF = 0.6


def check_dangling(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        if not _TEARS_DOWN.fullmatch(function.name.split()[0]):
            _left_behind(function, report)
        for call in function.every("call_expression"):
            if _WALKS.fullmatch(callee(call)) and not re.search(r"(?i)safe|mutable", callee(call)):
                _walked(call, report)


def _ends(name: str) -> bool:
    return bool(_FREES.fullmatch(name) or RELEASES.fullmatch(name) or ENDS.fullmatch(name))


# ---- members


def _left_behind(function: Function, report: Report) -> None:
    """On its way out with an error a function frees a member of what its caller keeps, and leaves the pointer there."""
    params = {one.name for one in function.params if "*" in one.type}
    for call in function.every("call_expression"):
        given = arguments(call)
        if len(given) != 1 or given[0].kind != "field_expression" or not _ends(callee(call)):
            continue
        key, base = place(given[0]), given[0].kids[0].text
        if base not in params or not _fails_after(call) or _is_set_again(function, call, key, base):
            continue
        if _is_made_here(function, key):
            report.say("free-then-use", call, _HALF)


def _fails_after(call: Node) -> bool:
    """Whether the block goes on to the return of an error."""
    statement = next((up for up in call.above() if up.kind in ("expression_statement", "labeled_statement")), None)
    if statement is not None and statement.up is not None and statement.up.kind == "labeled_statement":
        statement = statement.up
    block = statement.up if statement is not None else None
    if statement is None or block is None:
        return False
    later = [one for one in block.parts if one.start > statement.start and one.kind == "return_statement"]
    return bool(later) and bool(
        re.search(r"-E?[A-Z1]|NULL|nullptr|\bfalse\b|FALSE|\berr|\bret|\brc\b|-1|ERR|FAIL", later[0].text)
    )


def _is_set_again(function: Function, call: Node, key: str, base: str) -> bool:
    """Whether the member gets a new value afterwards, or what it is a member of goes too."""
    for node in function.every("assignment_expression"):
        if node.start > call.start and place(node.kids[0]) == key:
            return True
    for other in function.every("call_expression"):
        given = arguments(other)
        if (
            other.start > call.start
            and given
            and place(given[0]) == base
            and (_ends(callee(other)) or "memset" in callee(other))
        ):
            return True
    return False


def _is_made_here(function: Function, key: str) -> bool:
    """Whether the function itself put it there."""
    return any(
        place(node.kids[0]) == key and node.kids[2].kind in ("call_expression", "cast_expression")
        for node in function.every("assignment_expression")
    )


# ---- lists


def _walked(call: Node, report: Report) -> None:
    """`list_for_each_entry(p, ...) { kfree(p); }`: the step to the next one reads what was freed."""
    given = arguments(call)
    body = _body_of(call)
    if not given or body is None:
        return
    name = place(given[0])
    for inner in calls(body):
        parts = arguments(inner)
        freed = bool(parts) and place(parts[0]) == name and _ends(callee(inner))
        taken = _TAKES_OUT.fullmatch(callee(inner)) and any(
            one.text.startswith((f"&{name}->", f"{name},")) for one in parts
        )
        holder = inner.up.up if inner.up is not None else None
        leaves = holder is not None and any(one.kind in _JUMPS for one in holder.parts if one.start > inner.start)
        if (freed or taken) and name and not leaves:
            report.say("free-then-use", inner, 0.9)
            return


def _body_of(call: Node) -> Node | None:
    """The block that follows a macro which is a loop."""
    statement = call.up
    block = statement.up if statement is not None else None
    if statement is None or block is None:
        return None
    following = [one for one in block.parts if one.start >= statement.end]
    return following[0] if following and following[0].kind == "compound_statement" else None
