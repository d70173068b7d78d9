"""What a condition that holds, or does not, says about the values in it.

A comparison with a number bounds the other side; one with something unknown marks both sides as bounded. A test that
calls a function which looks into a text marks the text as checked.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from audit8.audit.rules.native_tree import Node, arguments, bare, callee, calls, names_in, place
from audit8.audit.rules.native_values import INF, OUTSIDE, UNKNOWN, State, Value


@dataclass(frozen=True, slots=True)
class Known:
    """`peek`: what an expression would evaluate to, without a report and an effect. `validates`: whether a function of
    the file looks into the texts that it is given."""

    peek: Callable[[Node, State], Value]
    validates: Callable[[str], bool]


LOOKS = re.compile(
    r"\b(?:is(?:alnum|alpha|digit|xdigit|print|space|punct)|str\w*(?:cmp|str|chr|spn)|regexec|realpath)\b|[=!<>]=? ?'"
)
_RANGE = re.compile(r"[<>]=? ?'[a-zA-Z0-9]'")
_CLASS = re.compile(r"\bis(?:alnum|alpha|digit|xdigit)\b")
_LIMIT = re.compile(r"MAX|MIN\b|LIMIT|SIZE|sizeof")
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"<": ">=", ">": "<=", "<=": ">", ">=": "<", "==": "!=", "!=": "=="}
_VALIDATORS = re.compile(
    r"(?:.*::|.*[.>])?(?:str(?:n?case)?n?cmp|strn?casecmp|memcmp|str(?:case)?str|str[r]?chr|strpbrk|strspn|strcspn|memchr|"
    r"is(?:alnum|alpha|digit|xdigit|print|space|punct|upper|lower)|regexec|fnmatch|find|find_first_not_of|compare|"
    r"\w*(?:valid|check|safe|allow|sanit|whitelist|verify|contains|is_)\w*)",
    re.IGNORECASE,
)


def assume(known: Known, node: Node, state: State, truth: bool, value: Value) -> bool:
    """Narrows `state` by `node` being `truth`; False when that cannot be. `value` is what `node` evaluated to."""
    if (value.exact is not None and (value.exact != 0) is not truth) or (not truth and value.nonzero):
        return False
    mark_checked(known, node, state)
    inner = bare(node)
    if inner is None:
        return True
    if inner.kind == "binary_expression" and inner.kids[1].kind in _FLIPPED:
        operator = inner.kids[1].kind if truth else _OPPOSITE[inner.kids[1].kind]
        return _compare(known, inner.kids[0], operator, inner.kids[2], state) and _compare(
            known, inner.kids[2], _FLIPPED[operator], inner.kids[0], state
        )
    return _truth(inner, state, truth)


def mark_checked(known: Known, node: Node, state: State) -> None:
    """A condition that looks into a text: what is used after it counts as checked."""
    for call in calls(node):
        given = arguments(call)
        name = callee(call)
        if not (_VALIDATORS.fullmatch(name) or known.validates(name)) or any(
            one.text in ("'\\n'", '"\\n"') for one in given
        ):
            continue
        names = set[str]().union(*(names_in(one) for one in given)) | set(_receiver(call))
        if names & {name for name, value in state.vars.items() if value.resolved}:
            names |= set(state.vars)
        for key, value in list(state.vars.items()):
            if key in names or any(key.startswith((f"{name}[", f"{name}-", f"{name}.")) for name in names):
                state.vars[key] = replace(value, checked=True)
    if _RANGE.search(node.text) or (_CLASS.search(node.text) and not names_in(node) & _texts(state)):
        for key, value in list(state.vars.items()):
            if value.taint == OUTSIDE:
                state.vars[key] = replace(value, checked=True)
    for one in node.walk():
        if one.kind == "char_literal" and one.text not in ("'\\n'", "'\\0'"):
            for name in names_in(node):
                if name in state.vars:
                    state.vars[name] = replace(state.vars[name], checked=True)


def _texts(state: State) -> set[str]:
    """Names of values from outside that are not numbers."""
    return {name for name, value in state.vars.items() if value.taint == OUTSIDE and value.lo == -INF}


def _receiver(call: Node) -> Iterator[str]:
    if call.kids[0].kind == "field_expression":
        yield call.kids[0].kids[0].text


def key_of(node: Node | None) -> str:
    """The name under which something about an expression is remembered: a place, or a length that was asked for."""
    inner = bare(node)
    if inner is None:
        return ""
    if inner.kind == "assignment_expression":
        return place(inner.kids[0])
    if inner.kind == "call_expression" and callee(inner) in ("strlen", "strnlen"):
        return "strlen(" + place(next(iter(arguments(inner)), None)) + ")"
    return place(inner)


def _truth(node: Node, state: State, truth: bool) -> bool:
    key = key_of(node)
    return not key or _narrow(state, key, "!=" if truth else "==", Value(0, 0, null="null"))


def _compare(known: Known, node: Node, operator: str, other: Node, state: State) -> bool:
    key = key_of(node)
    if key and key not in state.vars and known.peek(node, state).exact is not None:
        return True  # A constant keeps its value.
    against = known.peek(other, state)
    if _LIMIT.search(other.text) and other.kind == "binary_expression":
        against, key = UNKNOWN, ""
        for name in _places_in(other) | _places_in(node):
            state.vars[name] = replace(state.vars.get(name, UNKNOWN), capped=True, floored=True)
    if key:
        return _narrow(state, key, operator, against)
    if "abs" in node.text:
        for name in _places_in(node):
            state.vars[name] = replace(state.vars.get(name, UNKNOWN), nonzero=True)
    if operator in ("==", "!="):
        return True
    unbounded = against.taint == OUTSIDE and not against.capped and not _finite(against, operator)
    for name in _places_in(node):
        value = state.vars.get(name, UNKNOWN)
        if not unbounded:
            state.vars[name] = replace(value, capped=True, floored=value.floored or operator in (">", ">="))
    return True


def _finite(value: Value, operator: str) -> bool:
    return value.hi < INF if operator in ("<", "<=") else value.lo > -INF


def _places_in(node: Node) -> set[str]:
    found = {
        place(one) for one in node.walk() if one.kind in ("identifier", "field_expression", "subscript_expression")
    }
    return found - {""}


def _narrow(state: State, key: str, operator: str, other: Value) -> bool:
    """Applies `key operator other`; False when nothing satisfies it."""
    known = state.vars.get(key, Value())
    if operator in ("==", "!="):
        return _equal(state, key, known, operator == "==", other)
    strict = 1 if operator in ("<", ">") else 0
    loose = other.taint == OUTSIDE and not other.capped
    if operator in ("<", "<="):
        high = min(known.hi, other.hi - strict)
        taint = max(known.taint, other.taint) if loose and known.hi > other.hi - strict else known.taint
        unclear = other.exact is None and (other.hi == INF or other.capped)
        changed = replace(known, hi=high, taint=taint, capped=known.capped or (unclear and not loose))
    else:
        low = max(known.lo, other.lo + strict)
        changed = replace(known, lo=low, floored=known.floored or other.exact is None)
    if changed.lo > changed.hi:
        return False
    if changed.lo > 0 or changed.hi < 0:
        changed = replace(changed, nonzero=True, null="no")
    state.vars[key] = changed
    return True


def _equal(state: State, key: str, known: Value, equal: bool, other: Value) -> bool:
    is_zero = other.exact == 0
    if is_zero and equal:
        if known.nonzero or known.null == "no" or known.lo > 0 or known.hi < 0:
            return False
        if state.objs.pop(known.obj, None) is not None:
            state.failed = True
        state.vars[key] = replace(known, lo=0, hi=0, null="null", obj=0)
    elif is_zero:
        if known.null == "null" or known.exact == 0:
            return False
        low = 1 if known.lo == 0 else known.lo
        high = -1 if known.hi == 0 else known.hi
        state.vars[key] = replace(known, lo=low, hi=high, nonzero=True, null="no")
    elif other.exact is not None and equal:
        if not known.lo <= other.exact <= known.hi:
            return False
        state.vars[key] = replace(known, lo=other.exact, hi=other.exact, nonzero=True, null="no", checked=True)
    elif other.exact is not None:
        low = known.lo + 1 if known.lo == other.exact else known.lo
        high = known.hi - 1 if known.hi == other.exact else known.hi
        if low > high:
            return False
        state.vars[key] = replace(known, lo=low, hi=high)
    elif equal:
        state.vars[key] = replace(known, capped=True, floored=True)
    return True
