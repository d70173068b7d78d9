"""What calls do to the values of a path: the C library's functions by table, the file's own by their summaries."""

import re
from dataclasses import replace

from audit8.audit.rules.native_memory import Checks
from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_tree import Node, bare, callee, calls, literal_length, names_in, place
from audit8.audit.rules.native_values import INF, OUTSIDE, PARAMETER, UNKNOWN, Obj, State, Value, compute, fit, join_taint

_ALLOCATE = {"malloc": 0, "valloc": 0, "alloca": 0, "kmalloc": 0, "realloc": 1, "reallocf": 1, "aligned_alloc": 1}
_TEXT_COPIES = ("strdup", "strndup", "wcsdup", "xstrdup")
_OPEN = ("fopen", "fdopen", "popen", "opendir", "tmpfile", "freopen")
_MAY_BE_NULL = ("strchr", "strrchr", "strstr", "strpbrk", "strtok", "memchr", "getenv", "bsearch", "localtime", "gmtime",
                "getpwnam", "getpwuid", "gethostbyname", "fgets", "strcasestr")  # fmt: skip
_FREE = ("free", "kfree", "cfree", "g_free")
_CLOSE = ("fclose", "pclose", "closedir")
# Which argument is the target and which the length (two: a product).
_BOUNDED = {"memcpy": (0, 2), "memmove": (0, 2), "memset": (0, 2), "strncpy": (0, 2), "snprintf": (0, 1), "fgets": (0, 1),
            "read": (1, 2), "recv": (1, 2), "recvfrom": (1, 2), "fread": (0, 1, 2), "bcopy": (1, 2), "vsnprintf": (0, 1),
            "strlcpy": (0, 2), "wmemcpy": (0, 2), "getcwd": (0, 1)}  # fmt: skip
_INPUTS = {"fgets": 0, "gets": 0, "read": 1, "recv": 1, "recvfrom": 1, "fread": 0, "getline": 0, "getdelim": 0}
_SCANS = {"scanf": 0, "fscanf": 1, "sscanf": 1, "scanf_s": 0, "wscanf": 0}
_NUMBERS = ("atoi", "atol", "atoll", "strtol", "strtoul", "strtoll", "strtoull", "atof", "strtod", "ntohl", "ntohs",
            "stoi", "stol", "abs", "labs", "strlen", "strnlen", "toupper", "tolower")  # fmt: skip
_READS = ("getchar", "getc", "fgetc", "getwchar")
_PASS = ("strchr", "strrchr", "strstr", "strtok", "strpbrk", "strdup", "strndup", "basename", "strcasestr", "realpath")
_COPIES = {"strcpy": 1, "strcat": 1, "strncpy": 1, "strncat": 1, "memcpy": 1, "memmove": 1, "strlcpy": 1, "stpcpy": 1,
           "sprintf": 2, "snprintf": 3, "asprintf": 2, "vsprintf": 2, "strlcat": 1}  # fmt: skip
_KNOWN = re.compile(
    r"(?:str|mem|wcs|is)\w+|v?f?s?n?printf|v?f?s?scanf|f?(?:puts|putc)|putchar|perror|f(?:read|write|gets|seek|tell|flush|"
    r"close|eof|error|getc|puts|putc)|read|write|send|recv|sizeof|ato[ifl]+|qsort|assert|exit|free|close|gets|getline|"
    r"printf|rewind|setvbuf|ferror|feof|rand|srand|time|sleep|usleep|syslog|pthread_mutex_\w+|(?:__builtin_)?\w*expect\w*"
)
_SINKS = {
    "shell-command": re.compile(r"system|popen|exec[lv]p?e?|_popen|wordexp|posix_spawnp?"),
    "sql-from-strings": re.compile(r"sqlite3_(?:exec|prepare\w*)|mysql_(?:real_)?query|PQ(?:exec|prepare|sendQuery)|SQLExecDirect"),
    "file-from-request": re.compile(r"(?:.*::)?f?re?open(?:64|at)?|fopen|open|creat|unlink|remove|rmdir|opendir|execl?|chmod"),
    "format-from-value": re.compile(r"v?f?w?printf|v?s?n?printf|syslog|dprintf|err|warnx?"),
}
_SINK_ARGUMENTS = {"sql-from-strings": 1}
_FORMAT = {"printf": 0, "fprintf": 1, "sprintf": 1, "snprintf": 2, "syslog": 1, "dprintf": 1, "warn": 0, "warnx": 0,
           "vprintf": 0, "vfprintf": 1}  # fmt: skip
_CAN_FAIL = re.compile(r"open|openat|creat|socket|accept|connect|bind|listen|stat|fstat|pipe|dup2?|f?s?scanf|mkstemp|fork")
_CONVERSION = re.compile(r"%(?:%|[-+ #0]*(\*|\d+)?(?:\.(\*|\d+))?(?:hh|h|ll|l|z|j|t|L)?([a-zA-Z\[]))")


class Calls:
    def __init__(self, unit: Unit, checks: Checks) -> None:
        self._unit, self._checks = unit, checks

    def effect(
        self, node: Node, name: str, given: list[Node], values: list[Value], state: State, receiver: Value
    ) -> Value:
        """What the call returns; `state` changes as it does."""
        own = self._unit.functions.get(name)
        if own is not None:
            return self._own(node, own, given, values, state)
        if name in _FREE + _CLOSE and given:
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
        return self._result(node, name, given, values, state, receiver)

    def _assert(self, node: Node, condition: Node, value: Value, state: State) -> None:
        known = [state.vars.get(name, UNKNOWN) for name in names_in(condition)]
        numbers = [one for one in known if one.taint == OUTSIDE and not one.checked and one.nonzero is not True]
        bad = any(one.lo < -(2**15) or one.hi > 2**15 for one in numbers if one.lo > -INF or one.hi < INF)
        bad = bad or any(one.null == "maybe" or one.lo == -1 for one in known)
        bad = bad or any(_CAN_FAIL.fullmatch(callee(one)) for one in calls(condition))
        if value.exact == 0 or (bad and not value.nonzero):
            self._checks.say("reachable-assert", node)

    # ---- results

    def _result(self, node: Node, name: str, given: list[Node], values: list[Value], state: State, receiver: Value) -> Value:
        taint = join_taint(*values)
        if name.endswith((".c_str", ".data", ".str", ".substr")):
            return receiver
        if name in _ALLOCATE or name == "calloc" or name in _TEXT_COPIES:
            return self._allocated(node, name, given, values, state)
        if name in _OPEN:
            state.objs[node.start] = Obj("file", line=node.line)
            return Value(obj=node.start, null="maybe")
        if _CAN_FAIL.fullmatch(name):
            return Value(-1, INF, capped=True)
        if name == "getenv":
            return Value(taint=OUTSIDE, null="maybe")
        if name in _MAY_BE_NULL:
            return Value(taint=taint, null="maybe", moved=True, obj=values[0].obj if values and name != "fgets" else 0)
        if name in _READS:
            return Value(-1, 255, taint=OUTSIDE)
        if name in ("strlen", "strnlen"):
            return Value(0, INF, taint=taint)
        if name in ("rand", "random"):
            return Value(0, 2**31 - 1)
        if name in _NUMBERS:
            return Value(taint=taint, nonzero=False)
        if name in ("read", "recv", "fread", "write"):
            size = values[2].hi if len(values) > 2 else INF
            return Value(-1 if name in ("read", "recv") else 0, size, capped=True)
        if name in _PASS:
            return Value(taint=taint, null="maybe" if name == "realpath" else "")
        return UNKNOWN

    def _allocated(self, node: Node, name: str, given: list[Node], values: list[Value], state: State) -> Value:
        size = UNKNOWN
        if name == "calloc" and len(values) > 1:
            size = compute("*", values[0], values[1])
        elif name in _ALLOCATE and len(values) > _ALLOCATE[name]:
            size = values[_ALLOCATE[name]]
        self._checks.allocate(node, size)
        if name.startswith("realloc") and values:
            state.escape(values[0].obj)
        bytes_ = size.lo if size.exact is not None else INF
        if name != "alloca":
            state.objs[node.start] = Obj("heap", bytes_, line=node.line, new="malloc")
        text = values[0].taint if values and name in _TEXT_COPIES else 0
        return Value(obj=node.start, null="no" if name == "alloca" else "maybe", taint=text)

    # ---- the file's own functions, and unknown ones

    def _own(self, node: Node, own: Function, given: list[Node], values: list[Value], state: State) -> Value:
        summary = own.summary
        if len(summary.given) < 50:
            seen = tuple((replace(value, obj=0), state.objs.get(value.obj)) for value in values)
            summary.given.append(seen)
        for number, (one, value) in enumerate(zip(given, values, strict=True)):
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
        for other in [one for one in state.vars if key and one.startswith((f"{key}->", f"{key}[", f"{key}.", f"*{key}"))]:
            del state.vars[other]
        if taint and key in state.vars:
            state.vars[key] = replace(state.vars[key], taint=taint)

    def _forget_globals(self, state: State) -> None:
        for key in [one for one in state.vars if one in self._unit.globals]:
            del state.vars[key]

    # ---- input and copies

    def _input(self, name: str, given: list[Node], values: list[Value], state: State) -> None:
        if name in _SCANS:
            first = _SCANS[name] + 1
            outside = name != "sscanf" or values[0].taint == OUTSIDE
            for one in given[first:]:
                self.filled(one, state, OUTSIDE if outside else 0)
        elif name == "getline" and len(given) > 1 and not given[0].text.startswith("&"):
            self.filled(given[1], state, OUTSIDE)
        elif name in ("getline", "getdelim", "asprintf") and given and given[0].text.startswith("&"):
            state.objs[given[0].start] = Obj("heap", line=given[0].line, escaped=True)
            state.change(place(given[0].kids[1]), Value(obj=given[0].start, taint=OUTSIDE if name[0] == "g" else 0))
        elif name in _INPUTS and len(given) > _INPUTS[name]:
            self.filled(given[_INPUTS[name]], state, OUTSIDE)
            if name == "fgets" and values[1].hi < INF:
                state.vars[f"strlen({place(given[0])})"] = Value(0, values[1].hi - 1, taint=OUTSIDE)

    def filled(self, node: Node, state: State, taint: int) -> None:
        node = bare(node) or node
        if node.kind == "pointer_expression" and node.text.startswith("&"):
            key, inner = place(node.kids[1]), node.kids[1]
            kind = self._checks.type_of(inner)
            if key:
                from_outside = Value(taint=taint, forged="*" in kind and taint == OUTSIDE and "getline" not in _call(node))
                state.change(key, self._fit(from_outside, kind))
        elif key := place(node):
            state.vars[key] = replace(state.vars.get(key, UNKNOWN), taint=taint, checked=False)

    def _fit(self, value: Value, kind: str) -> Value:
        return fit(value, kind, self._unit.structs)

    def _follow(self, name: str, given: list[Node], values: list[Value], state: State) -> None:
        """Library functions follow the pointers that they are given."""
        if not _KNOWN.fullmatch(name) or name in ("printf", "fprintf", "close", "exit", "time", "strtol", "assert"):
            return
        for one, value in zip(given, values, strict=True):
            if value.forged or (value.null in ("null", "maybe") and value.obj and place(one)):
                self._checks.deref(one, one, value, state)
            elif value.null == "maybe" and place(one) and "*" in self._checks.type_of(one):
                self._checks.deref(one, one, value, state)

    def _copy(self, node: Node, name: str, given: list[Node], values: list[Value], state: State) -> None:
        bounded = _BOUNDED.get(name)
        if bounded is not None and len(given) > max(bounded):
            length = values[bounded[1]]
            if len(bounded) == 3:
                length = compute("*", length, values[bounded[2]])
            self._checks.copy(node, given[bounded[0]], values[bounded[0]], length, state)
            if name in ("memcpy", "memmove", "write"):
                self._checks.read(node, given[1], values[1], length, state)
        if name in ("strcpy", "strcat", "stpcpy", "sprintf", "vsprintf") and len(given) > 1:
            self._unbounded(node, name, given, values, state)
        first = _COPIES.get(name)
        if first is not None and len(given) > first and (key := _target(given[0])):
            before = state.vars.get(key, UNKNOWN)
            sources = [v for v, g in zip(values[first:], given[first:], strict=True) if not self._is_number(g)]
            kept = before.taint if "cat" in name else 0
            bad = [one for one in sources if one.taint == OUTSIDE]
            taint = max(kept, join_taint(*sources))
            checked = bool(bad) and all(one.checked for one in bad)
            whole = given[0].kind == "pointer_expression" and "*" in self._checks.type_of(bare(given[0].kids[1]))
            state.vars[key] = replace(before, taint=taint, checked=checked, forged=whole and taint == OUTSIDE)
        if name == "realpath" and len(given) > 1 and (key := _target(given[1])):
            state.vars[key] = replace(state.vars.get(key, UNKNOWN), taint=values[0].taint, resolved=True)

    def _is_number(self, node: Node) -> bool:
        kind = self._checks.type_of(node)
        return bool(kind) and "*" not in kind

    def _unbounded(self, node: Node, name: str, given: list[Node], values: list[Value], state: State) -> None:
        """strcpy() and its kind into something whose size is known."""
        room = self._checks.room(given[0], values[0], state)
        if room == INF:
            return
        sources, literal = [(given[1], values[1])], 0
        if name.endswith("sprintf"):
            sources, literal = _holes(given, values)
        for one, value in sources:
            most = self._length(one, value, state)
            unknown = value.taint == OUTSIDE or (value.taint == PARAMETER and most == INF)
            exact = most != INF and value.obj and state.objs.get(value.obj, Obj("")).kind == "text"
            if most + literal >= room and (unknown or exact) and not value.capped:
                self._checks.say("unbounded-copy", node)
        if not sources and literal >= room:
            self._checks.say("unbounded-copy", node)

    def _length(self, node: Node, value: Value, state: State) -> float:
        asked = state.vars.get(f"strlen({place(node)})")
        if asked is not None and (asked.capped or asked.hi < INF):
            return asked.hi if not asked.capped else -INF
        return self._checks.room(node, value, state) - 1

    # ---- where outside data must not arrive

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
            if any(value.taint >= least and not value.checked for value in looked) and "string" not in given[at].kind:
                self._checks.say(rule_id, node)


def _holes(given: list[Node], values: list[Value]) -> tuple[list[tuple[Node, Value]], int]:
    """The arguments for each %s without a precision, and how long the rest of the format is."""
    text = given[1].text
    if given[1].kind != "string_literal":
        return [], 0
    holes, at = list[tuple[Node, Value]](), 2
    for found in _CONVERSION.finditer(text):
        if found.group(3) is None:
            continue
        if found.group(3) == "s" and found.group(2) is None and at < len(given):
            holes.append((given[at], values[at]))
        at += 1 + (found.group(1) == "*") + (found.group(2) == "*")
    plain = _CONVERSION.sub("", text)
    return holes, literal_length(plain)


def _target(node: Node) -> str:
    """The place that a copy writes to: `b` for `b`, `b + n` and `&b[n]`."""
    if key := place(node):
        return key
    names = names_in(node)
    return names.pop() if len(names) == 1 else ""


def _returns(own: Function) -> str:
    declarator, kind = own.node.part("declarator"), own.node.part("type")
    return f"{kind.text if kind else ''} {'*' if declarator and declarator.kind == 'pointer_declarator' else ''}"


def _call(node: Node) -> str:
    return next((callee(one) for one in node.above() if one.kind == "call_expression"), "")
