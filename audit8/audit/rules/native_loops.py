"""Checks of C and C++ on loops and recursion without an end."""

import re

from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import Node, arguments, bare, callee, calls, names_in, place
from audit8.audit.rules.native_values import OUTSIDE, bounds, is_float, is_unsigned

LOOPS = ("while_statement", "for_statement", "do_statement")
_EXITS = ("return_statement", "goto_statement", "throw_statement", "co_return_statement")
_ENDS = re.compile(r"_?exit|abort|err|errx|longjmp|pthread_exit|exec[lv]p?e?|quick_exit|_Exit|std::terminate")
_WAITS = re.compile(
    r"accept4?|read|recv\w*|p?select|poll|epoll_wait|u?n?a?n?o?sleep|wait(?:pid)?|pause|getchar|f?s?scanf|f?gets|getline|"
    r"sem_wait|pthread_cond_wait|sigsuspend|sched_yield|msgrcv|sigwait\w*|fgetc|getc|\w*(?:[wW]ait|[sS]leep|[dD]elay|[rR]eceive)\w*"
)
_DECIDES = ("if_statement", "switch_statement", "conditional_expression", *LOOPS)
_MAX_CALLS = 20  # Of one function are looked at for recursion.
_COMPARES = ("<", ">", "<=", ">=", "==", "!=")
_HIGH_DEPTH = 100_000


def check_loops(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        for node in function.every(*LOOPS):
            _loop(unit, function, node, report)
        _recursion(unit, function, report)


# ---- loops


def _leaves(node: Node) -> bool:
    """Whether something in the loop can leave it other than by its condition."""
    for one in node.walk():
        if one.kind in _EXITS or (one.kind == "call_expression" and _ENDS.fullmatch(callee(one))):
            return True
        if one.kind == "break_statement":
            holder = next((up for up in one.above() if up.kind in (*LOOPS, "for_range_loop", "switch_statement")), None)
            if holder is node:
                return True
    return False


def _loop(unit: Unit, function: Function, node: Node, report: Report) -> None:
    condition, body = bare(node.part("condition")), node.part("body")
    if body is None:
        return
    always = condition is None or condition.kind == "true" or unit.fold(condition) not in (0, None)
    if condition is not None:
        _one_too_many(function, condition, body, report)
    if always:
        _allocates_on(node, report)
        busy = any(_WAITS.fullmatch(callee(call).split("->")[-1].split(".")[-1]) for call in calls(node))
        if not busy and not _leaves(node) and node.kind != "do_statement":
            report.say("endless-loop", node)
    elif condition is not None:
        stuck = _unchanged(function, node, condition) or _wrong_way(unit, function, node, condition)
        stuck = stuck or _undone(node, body)
        if (stuck and not _leaves(node)) or _skips(function, node, condition):
            report.say("endless-loop", node)


def _allocates_on(node: Node, report: Report) -> None:
    """A loop without an end allocates, and nothing in it counts."""
    tests = [one for one in node.walk() if one.kind == "binary_expression" and one.kids[1].kind in _COMPARES[:4]]
    limits = [one for one in tests if one.kids[2].text not in ("0", "-1", "1")]
    inside = list(calls(node))
    names = {callee(call) for call in inside}
    for call in inside:
        memory = callee(call) in ("malloc", "calloc", "realloc", "strdup") and not tests
        process = callee(call) == "fork" and not limits and not names & {"wait", "waitpid", "wait4", "sem_wait"}
        if process or (memory and not names & {"free", "close", "fclose"}):
            report.say("allocation-unlimited", call)


def _one_too_many(function: Function, condition: Node, body: Node, report: Report) -> None:
    """`i <= n` where the memory has n elements."""
    if condition.kind != "binary_expression" or condition.kids[1].kind != "<=" or not condition.kids[2].named:
        return
    name, count = place(condition.kids[0]), "".join(condition.kids[2].text.split())
    if not name or condition.kids[2].kind not in ("identifier", "field_expression"):
        return
    for one in body.walk():
        is_read = one.kind == "subscript_expression" and _index_text(one) == name and place(one.kids[0])
        if is_read and count in _counts_of(function, place(one.kids[0])):
            report.say("index-out-of-bounds", one)


def _index_text(node: Node) -> str:
    inside = node.kids[1].parts if node.kids[1].kind == "subscript_argument_list" else node.kids[2:3]
    return inside[0].text if inside else ""


def _counts_of(function: Function, name: str) -> set[str]:
    """The texts of how many elements were allocated for, or declared of, `name`."""
    found = set[str]()
    for one in function.body.walk():
        if one.kind == "array_declarator" and one.kids[0].text == name and (size := one.part("size")) is not None:
            found.add("".join(size.text.split()))
        if one.kind in ("init_declarator", "assignment_expression") and one.kids[0].text.strip("* ") == name:
            value = bare(one.kids[-1])
            if value is not None and value.kind == "call_expression" and callee(value) in ("malloc", "calloc"):
                for part in arguments(value):
                    sides = part.parts if part.kind == "binary_expression" and part.kids[1].kind == "*" else [part]
                    found |= {"".join(side.text.split()) for side in sides if side.kind != "sizeof_expression"}
            elif value is not None and value.kind == "new_expression":
                found |= {kid.text for part in value.parts if part.kind == "new_declarator" for kid in part.parts}
    return found


def _unchanged(function: Function, node: Node, condition: Node) -> bool:
    """The condition is of plain local variables, and nothing in the loop changes one of them."""
    if any(one.kind in ("call_expression", "field_expression", "subscript_expression", "pointer_expression",
                        "assignment_expression", "update_expression") for one in condition.walk()):  # fmt: skip
        return False
    names = names_in(condition)
    own = {name for name in names if name in function.locals and "volatile" not in function.locals[name].node.text}
    changed = {name for name, _, _ in changes(node)} | function.handed_out()
    return bool(own) and own == {name for name in names if not name.isupper()} and not own & changed


def _undone(node: Node, body: Node) -> bool:
    """`for (...; i++)` whose body always takes the step back."""
    step = node.part("update") if node.kind == "for_statement" else None
    name = place(step.parts[0]) if step is not None and step.kind == "update_expression" else ""
    if not name or step is None or body.kind != "compound_statement":
        return False
    back = "--" if "++" in step.text else "++"
    own = [one for one in changes(body) if one[0] == name]
    return len(own) == 1 and back in own[0][1].text and own[0][1].up is not None and own[0][1].up.up is body


def changes(node: Node) -> list[tuple[str, Node, str]]:
    """What a loop assigns: the name, the node, and `+`, `-` or `=`."""
    found = []
    for one in node.walk():
        if one.kind == "update_expression":
            found.append((place(one.parts[0]), one, one.text.strip("*() ")[0:0] + ("+" if "++" in one.text else "-")))
        elif one.kind == "assignment_expression":
            sign = one.kids[1].kind
            found.append((place(one.kids[0]), one, {"+=": "+", "-=": "-"}.get(sign, "=")))
        elif one.kind == "binary_expression" and one.kids[1].kind == ">>" and "cin" in one.text:
            found += [(name, one, "=") for name in names_in(one)]
    return found


def _wrong_way(unit: Unit, function: Function, node: Node, condition: Node) -> bool:
    """One variable against a bound that its steps never reach."""
    if condition.kind != "binary_expression" or condition.kids[1].kind not in ("<", "<=", ">", ">=", "!="):
        return False
    name, operator, bound = place(condition.kids[0]), condition.kids[1].kind, unit.fold(condition.kids[2])
    variable = function.locals.get(name)
    begin = node.part("initializer")
    steps = [(one, way) for target, one, way in changes(node) if target == name and not _within(one, begin)]
    ways = {way for _, way in steps}
    if variable is None or not steps or name in function.handed_out() or variable.counts:
        return False
    other = {target for target, _, _ in changes(node)} & names_in(condition.kids[2])
    if not other and ((operator in ("<", "<=") and ways == {"-"}) or (operator in (">", ">=") and ways == {"+"})):
        return True
    if operator == ">=" and bound == 0 and ways == {"-"} and is_unsigned(variable.type):
        return True
    limits = bounds(variable.type, unit.structs)
    if limits and bound is not None and operator in ("<", "<="):
        return bool(bound > limits[1] - (operator == "<="))
    over = bound is not None and _steps_over(unit, node, name, bound, [one for one, _ in steps])
    never_equal = is_float(variable.type) and ways <= {"+", "-"}
    return operator == "!=" and (over or never_equal)


def _steps_over(unit: Unit, node: Node, name: str, bound: int, steps: list[Node]) -> bool:
    """From a number by the same step to a number that it never meets."""
    begin = node.part("initializer")
    starts = [one for one in begin.walk() if one.kind in ("init_declarator", "assignment_expression")] if begin else []
    first = unit.fold(starts[0].kids[-1]) if len(starts) == 1 and starts[0].text.startswith(name) else None
    size = unit.fold(steps[0].kids[2]) if len(steps) == 1 and steps[0].kind == "assignment_expression" else None
    if first is None or not size or steps[0].kids[1].kind not in ("+=", "-="):
        return False
    return bool((bound - first) % size)


def _within(node: Node, holder: Node | None) -> bool:
    return holder is not None and holder.start <= node.start < holder.end


def _skips(function: Function, node: Node, condition: Node) -> bool:
    """A `continue` before the only step of the condition's variable, under a test of plain variables."""
    if node.kind != "while_statement":
        return False
    own = {name for name in names_in(condition) if name in function.locals}
    changed = [(name, one) for name, one, _ in changes(node) if name in own]
    if not changed or any(one.kind == "call_expression" for one in condition.walk()):
        return False
    first = min(one.start for _, one in changed)
    for one in node.walk():
        if one.kind != "continue_statement" or one.start > first:
            continue
        test = next((up for up in one.above() if up.kind in (*_DECIDES,)), None)
        if test is not None and test.kind == "if_statement" and (tested := test.part("condition")) is not None:
            known = {name for name, _, _ in changes(node) if name not in own}
            if not names_in(tested) & known and not any(True for _ in calls(tested)):
                return True
    return False


# ---- recursion


def _recursion(unit: Unit, function: Function, report: Report) -> None:
    inside = list(calls(function.body))
    own = [call for call in inside if callee(call) == function.name][:_MAX_CALLS]
    names = [one.name for one in function.params]
    for call in own:
        given = ["".join(one.text.split()).removesuffix("++").removesuffix("--") for one in arguments(call)]
        constant = bool(names) and given == names and not any(name in _assigned_in(function, call) for name in names)
        if not _decided(call, function) or constant:
            report.say("endless-recursion", call)
    if own and (_depth_from_input(function) or _away_from_base(function, own[0])):
        report.say("endless-recursion", own[0])
    for call in inside[:_MAX_CALLS]:
        other = unit.functions.get(callee(call))
        if other is not None and other is not function and not _decided(call, function):
            back = [one for one in calls(other.body) if callee(one) == function.name]
            if back and not _decided(back[0], other):
                report.say("endless-recursion", call)


def _assigned_in(function: Function, call: Node) -> set[str]:
    """What is assigned, other than by the call's own arguments: `f(n++)` hands the old value on."""
    return {name for name, one, _ in changes(function.body) if not _within(one, call)}


def _decided(call: Node, function: Function) -> bool:
    """Whether some condition decides about the call: around it, or by leaving the function before it."""
    for one in call.above():
        if one is function.body:
            break
        if one.kind in _DECIDES or (one.kind == "binary_expression" and one.kids[1].kind in ("&&", "||")):
            return True
    before = (
        one for one in function.body.walk() if one.kind in (*_EXITS, "call_expression") and one.start < call.start
    )
    for one in before:
        if one.kind == "call_expression" and not _ENDS.fullmatch(callee(one)):
            continue
        if not any(up is call.up for up in one.above()) and any(up.kind in _DECIDES for up in one.above()):
            return True
    return False


def _away_from_base(function: Function, call: Node) -> bool:
    """The only test of a number asks whether it is small enough, and the call makes it larger."""
    for param, given in zip(function.params, arguments(call), strict=False):
        tests = [
            one for one in function.body.walk() if one.kind == "binary_expression" and one.kids[1].kind in _COMPARES
        ]
        tested = [one for one in tests if param.name in names_in(one)]
        larger = re.fullmatch(rf"{re.escape(param.name)}\+\d+", "".join(given.text.split()))
        if larger and len(tested) == 1 and tested[0].kids[1].kind in ("==", "<=", "<"):
            base = place(tested[0].kids[0]) == param.name and tested[0].kids[2].text in ("0", "1")
            leaves = next((up for up in tested[0].above() if up.kind == "if_statement"), None)
            then = leaves.part("consequence") if leaves is not None else None
            if base and then is not None and not any(True for _ in calls(then)):
                return True
    return False


def _ends_at_one_number(function: Function, names: set[str]) -> str:
    """The parameter whose only test is `== number`: from below that number the calls do not end."""
    tests = [one for one in function.body.walk() if one.kind == "binary_expression" and one.kids[1].kind in _COMPARES]
    tested = [one for one in tests if names & names_in(one)]
    if len(tested) == 1 and tested[0].kids[1].kind == "==":
        return place(tested[0].kids[0])
    return ""


def _depth_from_input(function: Function) -> bool:
    """A number from outside that nothing bounds says how deep the calls go."""
    names = {one.name for one in function.params}
    for one in function.body.walk():
        above = one.kind == "binary_expression" and one.kids[1].kind in (">", ">=")
        if above and names & names_in(one.kids[0]) and one.kids[2].text not in ("0", "1"):
            return False
    exact_base = _ends_at_one_number(function, names)
    for given in function.summary.given:
        for param, (value, _) in zip(function.params, given, strict=False):
            is_number = bounds(param.type, {}) is not None
            deep = value.hi > _HIGH_DEPTH and (value.taint == OUTSIDE or value.exact is not None)
            below = exact_base == param.name and value.lo < 0 and (value.taint == OUTSIDE or value.exact is not None)
            if is_number and ((deep and not value.capped) or (below and not value.floored)):
                return True
    return False
