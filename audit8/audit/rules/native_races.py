"""Checks of C and C++ on files, threads and signals that may change under the program."""

import re

from audit8.audit.rules.native_loops import LOOPS, changes
from audit8.audit.rules.native_model import Function, Unit, Variable
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_tree import arguments, callee, calls, names_in

_LOCKS = re.compile(
    r"pthread_(?:mutex|spin|rwlock|cond)_\w*|mtx_lock|sem_wait|flock|lockf|.*(?:lock|atomic|fetch_add|__sync)\w*|std::lock_guard"
)
_CHECK_FILE = re.compile(r"access|l?stat|stat64|faccessat|euidaccess")
_USE_FILE = re.compile(
    r"f?open(?:at|64)?|f?re?open|unlink|remove|chmod|chown|rename|execv?l?p?e?|mkdir|rmdir|creat|opendir"
)
_UNSAFE_IN_HANDLER = re.compile(
    r"f?printf|s?n?printf|puts|malloc|calloc|realloc|free|exit|syslog|fopen|fclose|strtok|fputs"
)


def check_races(unit: Unit, report: Report) -> None:
    for function in unit.functions.values():
        _check_then_use(function, report)
    _threads(unit, report)
    _handlers(unit, report)


def _check_then_use(function: Function, report: Report) -> None:
    checked: dict[str, int] = {}
    for call in calls(function.body):
        name, given = callee(call), arguments(call)
        if given and _CHECK_FILE.fullmatch(name):
            checked.setdefault("".join(given[0].text.split()), call.start)
        elif given and _USE_FILE.fullmatch(name) and checked.get("".join(given[0].text.split()), call.end) < call.start:
            report.say("check-then-use", call)


def _threads(unit: Unit, report: Report) -> None:
    """A function that several threads run changes a variable of the file without a lock."""
    if not _several(unit):
        return
    started = [call for call in calls(unit.root) if callee(call) in ("pthread_create", "thrd_create", "CreateThread")]
    names = [one.text.lstrip("&") for call in started for one in arguments(call)]
    names += [one.text for node in unit.nodes if node.kind == "declaration" and "thread" in node.text[:30]
              for one in node.walk() if one.kind == "identifier"]  # fmt: skip
    for function in unit.functions.values():
        if function.name not in names or any(_LOCKS.fullmatch(callee(call)) for call in calls(function.body)):
            continue
        if "lock" in function.body.text:
            continue
        for reached in [function, *_called(unit, function)]:
            _shared(unit, reached, report)


def _several(unit: Unit) -> bool:
    """Whether more than one thread is started."""
    started = [one for one in unit.nodes if one.kind == "call_expression" and "create" in callee(one).lower()]
    threads = unit.root.text.count("std::thread") + unit.root.text.count("thread(")
    return len(started) + threads > 1 or any(up.kind in LOOPS for one in started for up in one.above())


def _same_argument(unit: Unit) -> bool:
    """Whether several threads get the same pointer."""
    given = [arguments(call) for call in calls(unit.root) if callee(call) in ("pthread_create", "thrd_create")]
    last = [one[-1].text for one in given if one and one[-1].text.startswith("&")]
    return len(last) > len(set(last))


def _from_parameter(function: Function, variable: Variable) -> bool:
    names = {one.name for one in function.params}
    return variable.name in names or (variable.value is not None and bool(names & names_in(variable.value)))


def _called(unit: Unit, function: Function) -> list[Function]:
    return [unit.functions[name] for name in {callee(call) for call in calls(function.body)} if name in unit.functions]


def _shared(unit: Unit, function: Function, report: Report) -> None:
    if "lock" in function.body.text:
        return
    shared = _same_argument(unit)
    for name, node, _ in changes(function.body):
        base = function.locals.get(name.split("->")[0].strip("(*)"))
        if shared and base is not None and name != base.name and _from_parameter(function, base):
            report.say("shared-without-lock", node)
        variable = unit.globals.get(name.split("[")[0].split(".")[0])
        if (
            variable is None
            or variable.name in function.locals
            or re.search(r"atomic|_Thread_local", variable.node.text)
        ):
            continue
        report.say("shared-without-lock", node)


def _handlers(unit: Unit, report: Report) -> None:
    for call in calls(unit.root):
        given = arguments(call)
        handler = (
            unit.functions.get(given[1].text.lstrip("&")) if callee(call) == "signal" and len(given) == 2 else None
        )
        for inner in calls(handler.body) if handler is not None else ():
            if _UNSAFE_IN_HANDLER.fullmatch(callee(inner)):
                report.say("unsafe-handler", inner)
