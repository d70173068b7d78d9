"""Checks of C and C++ on ways out of a function that leave something behind: a lock that is held, memory or a handle.

What other ways out release, the author means to release: the ways that do not are the mistake. Reads the text, not the
paths: `goto` is left alone, as labels release.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_names import ENDS, RELEASES
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, bare, callee, declared, place

_LOCK = re.compile(r"(?P<before>.*?)(?:(?:rd|wr)lock|lock)(?P<after>(?:_(?!init|destroy|free)\w*)?)")
_NO_LOCK = re.compile(
    r".*(?:trylock|unlock|block|clock|is_lock|lockdep|locked|lock_init|tty_lock_set).*", re.IGNORECASE
)
_OTHER_LOCKS = {
    "down": "up", "down_read": "up_read", "down_write": "up_write", "EnterCriticalSection": "LeaveCriticalSection",
    "sem_wait": "sem_post", "local_irq_save": "local_irq_restore", "preempt_disable": "preempt_enable",
    "flockfile": "funlockfile", "SDL_LockMutex": "SDL_UnlockMutex", "g_mutex_lock": "g_mutex_unlock",
}  # fmt: skip
_CLOSES = re.compile(r"f?close|pclose|closedir|closesocket|sd_close|\w+_close")
_FREES = re.compile(r"free|kfree|cfree|g_free|xfree|Py_X?DECREF|delete")
_KEEPS = re.compile(
    r"(?i)\w*(?:add|insert|append|push|register|attach|enqueue|link|set|store|save|put|queue|adopt|own|assign|install|init)\w*"
)
_MAKES = re.compile(r"(?:m|c|z|k[mz]|kvz|vz|v|xm|xc)alloc|malloc|strn?dup|f(?:d|mem)?open|opendir|new")
_JUMPS = ("return_statement", "goto_statement", "break_statement", "continue_statement", "throw_statement")
_MAX_BACK, _MAX_SAID = 60, 4
_MAX_TAKEN, _MAX_EXITS = 40, 60  # Locks, allocations and handles of one function that are followed, and ways out.


@dataclass(frozen=True, slots=True)
class _Taken:
    """Something that a call took and another one of the function gives back: `name` is what both are given."""

    at: Node
    name: str
    given_back: tuple[Node, ...]


def check_exits(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        exits = [one for one in function.every("return_statement") if _deciding(one) is not None][:_MAX_EXITS]
        if not exits:
            continue
        inside, stores = function.every("call_expression"), _stores(function)
        for taken in islice(_locks(inside), _MAX_TAKEN):
            for one in exits:
                if _leaves_with(taken, one):
                    report.say("lock-kept", one)
        for taken in islice(_owned(function, inside), _MAX_TAKEN):
            closes = any(_CLOSES.fullmatch(callee(call)) for call in taken.given_back)
            leaving = (one for one in exits if _leaves_with(taken, one) and _is_still_ours(taken, one, stores))
            for one in islice(leaving, _MAX_SAID):
                report.say("handle-leak" if closes else "memory-leak", one)


def _deciding(node: Node) -> Node | None:
    """The `if` that a way out is in."""
    return next((up for up in node.above() if up.kind == "if_statement"), None)


# ---- what is taken


def _locks(inside: list[Node]) -> Iterator[_Taken]:
    for call in inside:
        release = _unlock_of(callee(call))
        if not release or call.up is None or call.up.kind != "expression_statement":
            continue
        key = _first(call)
        back = [
            one
            for one in inside
            if one.start > call.start and re.fullmatch(release, callee(one)) and _first(one) == key
        ]
        if back:
            yield _Taken(call, key, tuple(back[:_MAX_BACK]))


def _unlock_of(name: str) -> str:
    """What the function that undoes `name` is called, as a pattern; "" for what takes no lock."""
    if name in _OTHER_LOCKS:
        return re.escape(_OTHER_LOCKS[name])
    found = _LOCK.fullmatch(name)
    if found is None or _NO_LOCK.fullmatch(name):
        return ""
    return re.escape(found.group("before")) + r"unlock\w*"


def _first(call: Node) -> str:
    given = arguments(call)
    return "".join(given[0].text.split()) if given else ""


def _owned(function: Function, inside: list[Node]) -> Iterator[_Taken]:
    """Local pointers and handles that a call made and that the function itself gives back somewhere."""
    back: dict[str, list[Node]] = {}
    for call in inside:
        name, given = callee(call), arguments(call)
        if given and (
            _FREES.fullmatch(name) or _CLOSES.fullmatch(name) or RELEASES.fullmatch(name) or ENDS.fullmatch(name)
        ):
            back.setdefault(place(given[0]), []).append(call)
    for one in function.every("delete_expression"):
        back.setdefault(place(one.parts[-1]), []).append(one)
    returned: dict[str, list[Node]] = {}
    for one in function.every("return_statement"):
        returned.setdefault(place(one.parts[0]) if one.parts else "", []).append(one)
    for node in function.every("init_declarator", "assignment_expression"):
        name_node = declared(node.part("declarator")) if node.kind == "init_declarator" else bare(node.kids[0])
        value = bare(node.kids[-1])
        if name_node is None or value is None or value.kind not in ("call_expression", "new_expression"):
            continue
        name = name_node.text
        local = function.locals.get(name)
        if local is None or local.static or name in {one.name for one in function.params}:
            continue
        later = [one for one in back.get(name, ()) if one.start > node.start]
        if not later and _MAKES.fullmatch(callee(value) if value.kind == "call_expression" else "new"):
            later = [one for one in returned.get(name, ()) if one.start > node.start]
        if later:
            yield _Taken(node, name, tuple(later[:_MAX_BACK]))


# ---- ways out


def _leaves_with(taken: _Taken, way: Node) -> bool:
    """Whether what was taken is on every way to this exit, and nothing on it gives it back."""
    if way.start < taken.at.end or not _on_the_way(taken.at, way):
        return False
    return not any(one.start < way.end and not _on_another_way(one, way) for one in taken.given_back)


def _on_the_way(node: Node, way: Node) -> bool:
    """Whether the block that `node` is in is around the exit."""
    if any(
        up.kind in ("if_statement", "while_statement", "for_statement") and _in_condition(up, node)
        for up in node.above()
    ):
        holder = next(up for up in node.above() if up.kind.endswith("_statement") and _in_condition(up, node))
        block = holder.up
    else:
        block = next((up for up in node.above() if up.kind in ("compound_statement", "case_statement")), None)
    return block is not None and block.start <= way.start and way.end <= block.end


def _in_condition(statement: Node, node: Node) -> bool:
    condition = statement.part("condition")
    return condition is not None and condition.start <= node.start and node.end <= condition.end


def _on_another_way(node: Node, way: Node) -> bool:
    """Whether a release is in a block that is not around the exit and ends by going elsewhere."""
    for up in node.above():
        if up.start <= way.start and way.end <= up.end:
            return False
        if up.kind in ("compound_statement", "case_statement") and up.parts and up.parts[-1].kind in _JUMPS:
            return True
        if up.kind == "labeled_statement":
            return True
    return False


def _is_still_ours(taken: _Taken, way: Node, stores: dict[str, list[int]]) -> bool:
    """Whether the function has it, has not given it away, and does not return it."""
    if _names_itself(way, taken.name) or _is_tested(taken, way):
        return False
    return not any(taken.at.end <= at < way.start for at in stores.get(taken.name, ()))


def _is_tested(taken: _Taken, way: Node) -> bool:
    """Whether a condition around the exit looks at the pointer, or is where it is made."""
    for up in way.above():
        condition = up.part("condition") if up.kind in ("if_statement", "while_statement", "switch_statement") else None
        if condition is None:
            continue
        made_there = condition.start <= taken.at.start and taken.at.end <= condition.end
        if made_there or (up.start > taken.at.start and _names_itself(condition, taken.name)):
            return True
    return False


def _stores(function: Function) -> dict[str, list[int]]:
    """For each name where it is stored elsewhere, gets a new value, or is given to what may keep it."""
    found: dict[str, list[int]] = {}
    for node in function.every("assignment_expression", "init_declarator"):
        for name in (place(node.kids[-1]), place(node.kids[0])):
            found.setdefault(name, []).append(node.start)
    for call in function.every("call_expression"):
        for name in map(_whole, arguments(call)) if _KEEPS.fullmatch(callee(call)) else ():
            found.setdefault(name, []).append(call.start)
    return found


def _names_itself(node: Node, name: str) -> bool:
    """Whether a name stands there as a whole, not before one of its members."""
    plain = (one for one in node.walk() if one.kind == "identifier" and one.text == name)
    return any(one.up is None or one.up.kind != "field_expression" for one in plain)


def _whole(node: Node) -> str:
    """What a call is given: a name, or the structure of whose part it gets the address."""
    text = "".join(node.text.split())
    return re.split(r"->|\.|\[", text.lstrip("&"))[0]
