"""What a test says about the values in it: after `if name not in ALLOWED: return`, `name` is one of a list.

Knows which outcome of a test makes which value harmless for which kinds of sink. Where the outcome cannot be told from
a check's name, both count: a check that is there was written for a reason.
"""

import re
from collections.abc import Iterator

from audit8.audit.flow.nodes import Build, Call, Cast, Compare, Fixed, Index, Logic, Many, Member, Name, Node
from audit8.audit.flow.state import State, path_of
from audit8.audit.flow.value import ANYTHING

_ALL = frozenset([ANYTHING])
_PATH = frozenset(["path"])
_NUMBER = frozenset(["number"])
_MAX_PATHS = 24
_SCHEMES = ("scheme", "protocol", "getscheme", "getprotocol")
_CLIMBS = ("..", "../", "/", "\\", "..\\", "/..", "\0", "./")
_POSITIVE = (
    r"(?i)\.(?:includes|contains|containsKey|has|include\?|key\?|member\?|test|match|fullmatch|matches|match\?|"
    r"MatchString|Contains|hasOwnProperty|in_array|isdigit|isalnum|isdecimal|isidentifier|isnumeric|indexOf|index|"
    r"some|find|search|equals|equalsIgnoreCase|eql\?|Equal|EqualFold)$|^in_array$|^(?:re|regexp|regex)\.\w*[mM]atch\w*$"
    r"|^slices\.Contains$|^preg_match$|^isNaN$"
)
_PREFIX = (
    r"(?:startswith|startsWith(?:Path|Dir\w*|Folder)?|isSub(?:Path|Dir\w*)|isDescendant\w*|isChildOf|isParentOf|starts_with\?|start_with\?|HasPrefix|is_relative_to|relative_to|commonpath|"
    r"commonprefix|filepath\.Rel|filepath\.IsLocal|str_starts_with|isAbsolute|IsAbs|path\.relative)$"
)
VALIDATOR = (
    r"(?i)(?:valid|verif|check|ensure|assert|sanitiz|safe|allow|permit|whitelist|legal|traversal|within|inside|outside|"
    r"sub_?(?:path|dir)|descendant|contained|jail|is_?child|escapes)"
)
_MATCHES = r"(?i)(?:test|match|fullmatch|matches|match\?|search|exec|MatchString)$|^preg_match$"
_FROM_START = r"(?i)(?:re|regex|pattern|\w*_re)\.match$"
_WHOLE = r"(?:fullmatch|matches)$"
_BEGINS, _ENDS = re.compile(r"^\W?(?:\^|\\A)|\(\?:?\^"), re.compile(r"(?:\$|\\[zZ])\W?\w{0,4}$|\$\)")
_SIGNS = {
    "path": re.compile(r"\\\.\\\.|\\\.\{2|[/\\]\]|\[[^\]]*/"),
    "command": re.compile(r"[;&|`$]"),
    "xss": re.compile(r"<"),
}
_EMPTY = ("nil", "null", "None", "undefined", "true", "false", "True", "False", "0", "NULL")
_PREFIXED = frozenset(["path", "redirect", "ssrf"])


def refine(state: State, test: Node, holds: bool, depth: int = 0) -> None:
    """Marks the variables that `test`, having come out as `holds`, has shown to be harmless."""
    if depth > 20:
        return
    if isinstance(test, Logic):
        _refine_logic(state, test, holds, depth)
    elif isinstance(test, Compare):
        _refine_comparison(state, test, holds, depth)
    elif isinstance(test, Call):
        _refine_call(state, test, holds)
    elif isinstance(test, Name | Member) and path_of(test) in state.tests:
        refine(state, state.tests[path_of(test)], holds, depth + 1)
    elif isinstance(test, Index) and holds:
        mark(state, test.key, _ALL)  # A table of what is allowed.
    elif isinstance(test, Many | Cast):
        for part in test.parts if isinstance(test, Many) else [test.value]:
            refine(state, part, holds, depth + 1)


def _refine_logic(state: State, test: Logic, holds: bool, depth: int) -> None:
    if test.operator == "not":
        for part in test.parts:
            refine(state, part, not holds, depth + 1)
    elif (test.operator == "and") == holds:
        for part in test.parts:
            if not (_is_switched(state, test) and isinstance(part, Logic) and part.operator == "not"):
                refine(state, part, holds, depth + 1)
    elif all(isinstance(part, Compare) and part.operator in ("==", "!=") for part in test.parts):
        _refine_listed(state, test)
    elif not _is_switched(state, test):
        # One of the parts came out so, and which one is not known: checks without a polarity count.
        for part in test.parts:
            _refine_either(state, part, depth + 1)


def _is_switched(state: State, test: Logic) -> bool:
    """`if safely and not inside(path): raise`: a parameter can switch the check off."""
    return test.operator == "and" and any(
        isinstance(part, Name) and part.id in state.frame.params for part in test.parts
    )


def _refine_listed(state: State, test: Logic) -> None:
    """`not (x != "a" and x != "b")`, or `x == "a" or x == "b"`: it is one of the texts."""
    wanted = "!=" if test.operator == "and" else "=="
    sides = [part for part in test.parts if isinstance(part, Compare) and part.operator == wanted]
    paths = {path_of(part.left) for part in sides if isinstance(part.right, Fixed) and part.right.text not in _EMPTY}
    if len(sides) == len(test.parts) and len(paths) == 1 and paths != {""}:
        mark(state, sides[0].left, _ALL)


def _refine_either(state: State, test: Node, depth: int) -> None:
    inner = test.parts[0] if isinstance(test, Logic) and test.operator == "not" and test.parts else test
    if isinstance(inner, Call) and not state.matcher.fits(_POSITIVE, way_of(state, inner)):
        _refine_call(state, inner, True)
    elif isinstance(inner, Compare) and _climb_check(inner):
        _refine_comparison(state, inner, False, depth)
    elif isinstance(inner, Logic) and depth < 20:
        for part in inner.parts:
            _refine_either(state, part, depth + 1)


def _refine_comparison(state: State, test: Compare, holds: bool, depth: int) -> None:
    operator, left, right = test.operator, test.left, test.right
    if operator in ("!=", "not in", "!~"):
        holds = not holds
    if _climb_check(test):
        mark(state, right if isinstance(left, Fixed) else left, _PATH)
    elif operator in ("==", "!="):
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Call):
                _refine_call(state, one, True)  # `x.indexOf(y) == -1`: which way is not looked into.
            elif (
                holds
                and isinstance(other, Fixed)
                and other.text
                and other.text not in _EMPTY
                and not isinstance(one, Fixed)
            ):
                mark(state, one, _ALL)
    elif operator == "<":
        for one in (left, right):
            if isinstance(one, Call):
                _refine_call(state, one, True)
            mark(state, one, _NUMBER)
    elif operator in ("in", "not in") and isinstance(right, Member) and right.name == "parents":
        mark(state, right.base, _PATH)
    elif operator in ("in", "not in") and holds and not isinstance(left, Fixed):
        mark(state, left, _ALL)
    elif operator in ("=~", "!~"):
        _refine_match(state, [left, right], holds)


def _refine_match(state: State, parts: list[Node], holds: bool) -> None:
    whole = holds and not _finds_anywhere(parts, False)
    for part in parts:
        mark(state, part, _ALL if whole else _refused(parts) if not holds else frozenset())


def _climb_check(test: Compare) -> bool:
    """`".." in name`, in either direction."""
    return test.operator in ("in", "not in") and isinstance(test.left, Fixed) and test.left.text in _CLIMBS


def _refine_call(state: State, test: Call, holds: bool) -> None:
    way = way_of(state, test)
    base = test.function.base if isinstance(test.function, Member) else None
    climbs = any(isinstance(arg, Fixed) and arg.text in _CLIMBS for arg in test.args)
    if state.matcher.fits(_PREFIX, way):
        if _is_mere_word(test) and not climbs:
            return
        for part in (base, *test.args):
            mark(state, part, _PREFIXED)
    elif state.matcher.fits(_POSITIVE, way):
        parts = [part for part in (base, *test.args) if part is not None]
        by_pattern = state.matcher.fits(_MATCHES, way)
        loose = by_pattern and not state.matcher.fits(_WHOLE, way)
        whole = holds and not (loose and _finds_anywhere(parts, state.matcher.fits(_FROM_START, way)))
        kinds = (
            _PATH if climbs else _ALL if whole else _refused(parts) if by_pattern and not holds else frozenset[str]()
        )
        for part in parts:
            mark(state, part, kinds)
    else:
        kinds = state.matcher.checked(way)
        if kinds or state.matcher.fits(VALIDATOR, way.rpartition(".")[2]):
            for part in (base, *test.args):
                mark(state, part, kinds or _ALL)


def _finds_anywhere(parts: list[Node], from_start: bool) -> bool:
    """Whether a written-out pattern matches a part of a text: what stands around that part is not looked at."""
    text = next((part.text for part in parts if isinstance(part, Fixed) and part.text), "").strip("/")
    return bool(text) and not ((from_start or _BEGINS.search(text)) and _ENDS.search(text)) and "[^" not in text


def _refused(parts: list[Node]) -> frozenset[str]:
    """What a text is not, when a written-out pattern of bad characters was not found in it."""
    text = next((part.text for part in parts if isinstance(part, Fixed) and part.text), "")
    if "[^" in text:
        return _ALL
    kinds = {kind for kind, sign in _SIGNS.items() if sign.search(text)}
    return frozenset(kinds)


def _is_mere_word(test: Call) -> bool:
    """`name.startsWith("bin")`: the rest of the name may lead anywhere."""
    words = [arg for arg in test.args if isinstance(arg, Fixed) and arg.text]
    return len(words) == len(test.args) == 1 and not any(mark in words[0].text for mark in "/\\:")


def mark(state: State, node: Node | None, kinds: frozenset[str]) -> None:
    """Marks every variable in an expression. Whether an address begins with https says nothing about the rest."""
    if node is not None and not _is_scheme(node):
        for path in list(paths_in(node)):
            state.clean(path, kinds)


def _is_scheme(node: Node) -> bool:
    named = node.function if isinstance(node, Call) else node
    return isinstance(named, Member) and named.name.lower() in _SCHEMES


def paths_in(node: Node) -> Iterator[str]:
    """The names and members in an expression, a bounded number."""
    pending, count = [node], 0
    while pending and count < _MAX_PATHS:
        one = pending.pop()
        count += 1
        path = path_of(one)
        if path:
            yield path
            yield from _heads(path)
        elif isinstance(one, Call):
            pending += [*([one.function.base] if isinstance(one.function, Member) else []), *one.args]
        elif isinstance(one, Build | Many | Logic):
            pending += one.parts
        elif isinstance(one, Cast):
            pending.append(one.value)
        elif isinstance(one, Member | Index):
            pending.append(one.base)
        elif isinstance(one, Compare):
            pending += [one.left, one.right]


def _heads(path: str) -> Iterator[str]:
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def way_of(state: State, call: Call) -> str:
    """The dotted way to a call, as far as the names say it; variables keep their names."""
    parts: list[str] = []
    node: Node = call.function
    while isinstance(node, Member | Index | Call) and len(parts) < 8:
        if isinstance(node, Member):
            parts.append(node.name)
        node = node.function if isinstance(node, Call) else node.base
    if isinstance(node, Name):
        parts.append(state.imports.get(node.id, node.id))
    else:
        parts.append("")
    return ".".join(reversed(parts))
