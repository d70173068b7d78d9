"""What calls do to the values of a path: the C library's functions by table, the file's own by their summaries."""

import re
from dataclasses import replace

from audit8.audit.rules.native_copies import Copies
from audit8.audit.rules.native_model import Function
from audit8.audit.rules.native_names import ALLOCATES, ENDS, FINDS, RELEASES, bits_read
from audit8.audit.rules.native_tree import Node, callee, calls, names_in, place
from audit8.audit.rules.native_values import (
    INF,
    OUTSIDE,
    PARAMETER,
    UNKNOWN,
    Obj,
    State,
    Value,
    compute,
    join_taint,
)

_ALLOCATE = {"malloc": 0, "valloc": 0, "alloca": 0, "kmalloc": 0, "realloc": 1, "reallocf": 1, "aligned_alloc": 1}
_TEXT_COPIES = ("strdup", "strndup", "wcsdup", "xstrdup")
_OPEN = ("fopen", "fdopen", "popen", "opendir", "tmpfile", "freopen")
_MAY_BE_NULL = ("strchr", "strrchr", "strstr", "strpbrk", "strtok", "memchr", "getenv", "bsearch", "localtime",
                "gmtime",
                "getpwnam", "getpwuid", "gethostbyname", "fgets", "strcasestr")  # fmt: skip
_FREE = ("free", "kfree", "cfree", "g_free")
_CLOSE = ("fclose", "pclose", "closedir")
_NUMBERS = ("atoi", "atol", "atoll", "strtol", "strtoul", "strtoll", "strtoull", "atof", "strtod", "ntohl", "ntohs",
            "stoi", "stol", "abs", "labs", "strlen", "strnlen", "toupper", "tolower")  # fmt: skip
_RESULTS = {
    "getenv": Value(taint=OUTSIDE, null="maybe"),
    **dict.fromkeys(("getchar", "getc", "fgetc", "getwchar"), Value(-1, 255, taint=OUTSIDE)),
    **dict.fromkeys(("rand", "random"), Value(0, 2**31 - 1)),
}
_PASS = ("strchr", "strrchr", "strstr", "strtok", "strpbrk", "strdup", "strndup", "basename", "strcasestr", "realpath")
_KNOWN = re.compile(
    r"(?:str|mem|wcs|is)\w+|v?f?s?n?printf|v?asprintf|v?f?s?scanf|f?(?:puts|putc)|putchar|perror|f(?:read|write|gets|seek|tell|flush|"
    r"close|eof|error|getc|puts|putc)|read|write|send|recv|sizeof|ato[ifl]+|qsort|assert|exit|free|close|gets|getline|"
    r"printf|rewind|setvbuf|ferror|feof|rand|srand|time|sleep|usleep|syslog|pthread_mutex_\w+|(?:__builtin_)?\w*expect\w*"
)
_SINKS = {
    "shell-command": re.compile(r"system|popen|exec[lv]p?e?|_popen|wordexp|posix_spawnp?"),
    "sql-from-strings": re.compile(
        r"sqlite3_(?:exec|prepare\w*)|mysql_(?:real_)?query|PQ(?:exec|prepare|sendQuery)|SQLExecDirect"
    ),
    "file-from-request": re.compile(
        r"(?:.*::)?f?re?open(?:64|at)?|fopen|open|creat|unlink|remove|rmdir|opendir|execl?|chmod"
    ),
    "format-from-value": re.compile(r"v?f?w?printf|v?s?n?printf|syslog|dprintf|err|warnx?"),
}
_SINK_ARGUMENTS = {"sql-from-strings": 1}
_FORMAT = {"printf": 0, "fprintf": 1, "sprintf": 1, "snprintf": 2, "syslog": 1, "dprintf": 1, "warn": 0, "warnx": 0,
           "vprintf": 0, "vfprintf": 1}  # fmt: skip
_COUNTS = ("read", "recv", "fread", "write", "readlink", "pread", "recvfrom")
_CAN_FAIL = re.compile(
    r"open|openat|creat|socket|accept|connect|bind|listen|stat|fstat|pipe|dup2?|f?s?scanf|mkstemp|fork"
)


class Calls(Copies):
    def effect(
        self, node: Node, name: str, given: list[Node], values: list[Value], state: State, receiver: Value
    ) -> Value:
        """What the call returns; `state` changes as it does."""
        own = self._unit.functions.get(name)
        if own is not None:
            return self._own(node, own, given, values, state)
        if given and (name in _FREE + _CLOSE or RELEASES.fullmatch(name)):
            self._checks.release(node, given[0], values[0], state, "malloc" if name == "free" else "")
            return UNKNOWN
        if name == "assert" and given:
            self._assert(node, given[0], values[0], state)
        self._sinks(node, name, given, values)
        for one, value in zip(given, values, strict=True):
            self._checks.used(one, value, state)
        self._follow(name, given, values, state)
        self._copy(node, name, given, values, state)
        self._input(name, given, values, state)
        if name == "strsep" and given and (key := place(given[0].kids[-1])) in state.vars:
            state.vars[key] = replace(state.vars[key], moved=True)
        elif not _KNOWN.fullmatch(name) and name not in _PASS:
            self._unknown(name, given, values, state)
        if len(given) == 1 and place(given[0]) and ENDS.fullmatch(name):
            self._end(given[0], values[0], state, node)
        return self._result(node, name, given, values, state, receiver)

    def _end(self, pointer: Node, value: Value, state: State, node: Node) -> None:
        """A function whose name says that it frees what it is given."""
        if not value.obj or value.obj not in state.objs:
            value = replace(value, obj=node.start)
            state.objs[node.start] = Obj("heap", escaped=True)
            state.vars[place(pointer)] = value
        if state.objs[value.obj].kind in ("heap", "param"):
            state.objs[value.obj] = replace(state.objs[value.obj], ended=True)

    def _assert(self, node: Node, condition: Node, value: Value, state: State) -> None:
        known = [state.vars.get(name, UNKNOWN) for name in names_in(condition)]
        numbers = [one for one in known if one.taint == OUTSIDE and not one.checked and one.nonzero is not True]
        bad = any(one.lo < -(2**15) or one.hi > 2**15 for one in numbers if one.lo > -INF or one.hi < INF)
        bad = bad or any(one.null == "maybe" or one.lo == -1 for one in known)
        bad = bad or any(_CAN_FAIL.fullmatch(callee(one)) for one in calls(condition))
        if "NDEBUG" in self._unit.defined:
            return
        if value.exact == 0 or (bad and not value.nonzero):
            self._checks.say("reachable-assert", node)

    def _result(
        self, node: Node, name: str, given: list[Node], values: list[Value], state: State, receiver: Value
    ) -> Value:
        taint = join_taint(*values)
        if name in _ALLOCATE or name == "calloc" or name in _TEXT_COPIES:
            return self._allocated(node, name, given, values, state)
        if name in _OPEN:
            state.objs[node.start] = Obj("file", line=node.line)
            return Value(obj=node.start, null="maybe")
        if name in _MAY_BE_NULL and name != "getenv":
            return Value(taint=taint, null="maybe", moved=True, obj=values[0].obj if values and name != "fgets" else 0)
        if name in _COUNTS and len(values) > 2:
            most = values[2].exact if name != "fread" or values[1].exact == 1 else None
            return Value(0 if name in ("fread", "write") else -1, values[2].hi, capped=most is None)
        found = FINDS.fullmatch(re.split(r"->|\.|::", name)[-1]) and self._is_pointer(node)
        if found or ALLOCATES.fullmatch(name):
            return Value(null="maybe", found=bool(found))
        return _result_of(name, taint, receiver)

    def _is_pointer(self, node: Node) -> bool:
        """Whether the result is put into a pointer."""
        holder = node.up
        while holder is not None and holder.kind in ("cast_expression", "parenthesized_expression"):
            holder = holder.up
        if holder is not None and holder.kind == "init_declarator":
            return any(kid.kind == "pointer_declarator" for kid in holder.kids)
        is_assigned = holder is not None and holder.kind == "assignment_expression"
        return is_assigned and holder is not None and "*" in self._checks.type_of(holder.kids[0])

    def _allocated(self, node: Node, name: str, given: list[Node], values: list[Value], state: State) -> Value:
        size = UNKNOWN
        if name == "calloc" and len(values) > 1:
            size = compute("*", values[0], values[1])
        elif name in _ALLOCATE and len(values) > _ALLOCATE[name]:
            size = values[_ALLOCATE[name]]
        self._checks.allocate(node, size, state)
        if name.startswith("realloc") and values:
            state.escape(values[0].obj)
        bytes_ = size.lo if size.exact is not None else INF
        if name != "alloca":
            state.objs[node.start] = Obj("heap", bytes_, line=node.line, new="malloc")
        text = values[0].taint if values and name in _TEXT_COPIES else 0
        return Value(obj=node.start, null="no" if name == "alloca" else "maybe", taint=text)

    def _own(self, node: Node, own: Function, given: list[Node], values: list[Value], state: State) -> Value:
        summary = own.summary
        if len(summary.given) < 50:
            seen = tuple((replace(value, obj=0), state.objs.get(value.obj)) for value in values)
            summary.given.append(seen)
        for number, (one, value) in enumerate(zip(given, values, strict=True)):
            if number < len(own.params):
                self._checks.passed(node, one, own.params[number].type)
            if number in summary.frees:
                if number not in summary.spares:
                    self._checks.release(node, one, value, state, "")
                else:
                    state.escape(value.obj)
                continue
            self._checks.used(one, value, state)
            if number in summary.keeps:
                state.escape(value.obj)
            self._changed(one, state, OUTSIDE if number in summary.fills else 0)
        self._forget_globals(state)
        returned = summary.returns
        if not returned:
            return UNKNOWN
        low, high = min(one.lo for one in returned), max(one.hi for one in returned)
        null = "maybe" if any(one.null in ("null", "maybe") for one in returned) and "*" in _returns(own) else ""
        value = Value(low, high, join_taint(*returned), null=null, capped=all(one.capped for one in returned))
        if value.taint == PARAMETER:
            value = replace(value, taint=join_taint(*values))
        if summary.allocates and "*" in _returns(own):
            state.objs[node.start] = Obj("heap", line=node.line)
            value = replace(value, obj=node.start, lo=-INF, hi=INF)
        return value

    def _unknown(self, name: str, given: list[Node], values: list[Value], state: State) -> None:
        for one, value in zip(given, values, strict=True):
            state.escape(value.obj)
            self._changed(one, state, 0)
            if name.isupper() and (key := place(one)) in state.vars and state.vars[key].null == "maybe":
                state.vars[key] = replace(state.vars[key], null="no")
        self._forget_globals(state)

    def _changed(self, node: Node, state: State, taint: int) -> None:
        """A pointer to something was handed out: what is behind it may be anything now."""
        if node.kind == "pointer_expression" and node.text.startswith("&"):
            if key := place(node.kids[1]):
                state.escape(state.vars.get(key, UNKNOWN).obj)
                state.change(key, Value(taint=taint))
            return
        key = place(node)
        for other in [
            one for one in state.vars if key and one.startswith((f"{key}->", f"{key}[", f"{key}.", f"*{key}"))
        ]:
            del state.vars[other]
        if taint and key in state.vars:
            state.vars[key] = replace(state.vars[key], taint=taint)

    def _forget_globals(self, state: State) -> None:
        for key in [one for one in state.vars if one in self._unit.globals]:
            del state.vars[key]

    def _follow(self, name: str, given: list[Node], values: list[Value], state: State) -> None:
        """Library functions follow the pointers that they are given."""
        if not _KNOWN.fullmatch(name) or name in ("printf", "fprintf", "close", "exit", "time", "strtol", "assert"):
            return
        for one, value in zip(given, values, strict=True):
            pointer = value.obj or (value.null == "maybe" and "*" in self._checks.type_of(one))
            if value.forged or (value.null in ("null", "maybe") and pointer and place(one)):
                self._checks.deref(one, one, value, state)

    def _sinks(self, node: Node, name: str, given: list[Node], values: list[Value]) -> None:
        for rule_id, pattern in _SINKS.items():
            if not pattern.fullmatch(name) or not given:
                continue
            if rule_id == "format-from-value":
                at = _FORMAT.get(name, len(given))
                if at < len(given) and values[at].taint == OUTSIDE and "string" not in given[at].kind:
                    self._checks.say(rule_id, node)
                continue
            at = _SINK_ARGUMENTS.get(rule_id, 0)
            looked = values[at : at + 1] if not name.startswith("exec") else values[:1]
            least = OUTSIDE if rule_id == "file-from-request" else PARAMETER
            if least == OUTSIDE and given[at].text.startswith("argv["):
                continue  # A program opens the file that its user names.
            if any(value.taint >= least and not value.checked for value in looked) and "string" not in given[at].kind:
                self._checks.say(rule_id, node)


def _returns(own: Function) -> str:
    declarator, kind = own.node.part("declarator"), own.node.part("type")
    return f"{kind.text if kind else ''} {'*' if declarator and declarator.kind == 'pointer_declarator' else ''}"


def _result_of(name: str, taint: int, receiver: Value) -> Value:
    """What a library function returns that only looks at its arguments."""
    if name.endswith((".c_str", ".data", ".str", ".substr")):
        return receiver
    if _CAN_FAIL.fullmatch(name):
        return Value(-1, INF, capped=True)
    if name in ("strlen", "strnlen"):
        return Value(0, INF, taint=taint)
    bits = bits_read(name)
    if bits is not None:
        return Value(0, 2**bits - 1, taint=OUTSIDE)
    if name in _NUMBERS or name in _PASS:
        return Value(taint=taint, null="maybe" if name == "realpath" else "")
    return _RESULTS.get(name, UNKNOWN)
