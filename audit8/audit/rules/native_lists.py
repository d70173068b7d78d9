"""Checks of C and C++ on lists that are walked through while their elements go."""

import re

from audit8.audit.rules.native_model import Unit
from audit8.audit.rules.native_names import ENDS, RELEASES
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, callee, calls, place

_FREES = re.compile(r"free|kfree|cfree|g_free|xfree|av_freep?|delete")
_WALKS = re.compile(r"(?:h?list|rb|nla|SLIST|LIST|STAILQ|TAILQ|QTAILQ|QLIST)\w*(?:for_each|FOREACH)\w*", re.IGNORECASE)
_TAKES_OUT = re.compile(r"(?:h?list_(?:del|move)\w*|(?:S?LIST|S?TAILQ|QTAILQ|QLIST)_REMOVE)")
_JUMPS = ("return_statement", "break_statement", "goto_statement")


def check_lists(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        for call in function.every("call_expression"):
            if _WALKS.fullmatch(callee(call)) and not re.search(r"(?i)safe|mutable", callee(call)):
                _walked(call, report)


def _ends(name: str) -> bool:
    return bool(_FREES.fullmatch(name) or RELEASES.fullmatch(name) or ENDS.fullmatch(name))


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
