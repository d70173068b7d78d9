"""What is known about a value on one path: bounds, where it comes from, what it points to; and the state of a path.

Intervals of whole numbers with infinite ends. A bound that is not a number (`i < n`) is remembered as `capped` or
`floored`: something bounds it, which is the benefit of the doubt. Types are C's on a 64-bit machine.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

INF = math.inf
CLEAN, PARAMETER, OUTSIDE = 0, 1, 2

_SIZES = {
    "char": 1, "bool": 1, "_Bool": 1, "short": 2, "int": 4, "long": 8, "float": 4, "double": 8, "size_t": 8,
    "ssize_t": 8, "off_t": 8, "time_t": 8, "int8_t": 1, "uint8_t": 1, "int16_t": 2, "uint16_t": 2, "int32_t": 4,
    "uint32_t": 4, "int64_t": 8, "uint64_t": 8, "uintptr_t": 8, "intptr_t": 8, "wchar_t": 4, "u_char": 1, "uchar": 1,
    "BYTE": 1, "u8": 1, "u16": 2, "u32": 4, "u64": 8, "uint": 4, "unsigned": 4, "signed": 4, "u_int": 4, "u_short": 2,
    "u_long": 8, "u_int8_t": 1, "u_int16_t": 2, "u_int32_t": 4, "u_int64_t": 8, "__u8": 1, "__u16": 2, "__u32": 4,
    "__u64": 8, "__s8": 1, "__s16": 2, "__s32": 4, "__s64": 8, "s8": 1, "s16": 2, "s32": 4, "s64": 8, "__le16": 2,
    "__le32": 4, "__be16": 2, "__be32": 4, "guint": 4, "guint8": 1, "guint16": 2, "guint32": 4, "guint64": 8,
    "gint": 4, "gint32": 4, "gsize": 8, "gssize": 8, "DWORD": 4, "WORD": 2, "UINT": 4, "UINT16": 2, "UINT32": 4,
    "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "int8": 1, "int16": 2, "int32": 4, "int64": 8, "loff_t": 8,
    "Py_ssize_t": 8, "sector_t": 8, "off64_t": 8, "png_uint_32": 4, "ngx_int_t": 8, "ngx_uint_t": 8, "tsize_t": 8,
    "tmsize_t": 8,
}  # fmt: skip
_UNSIGNED = (
    "u_", "__u", "__le", "__be", "guint", "gsize", "DWORD", "WORD", "UINT", "png_uint", "ngx_uint", "sector_t",
    "unsigned", "uint", "size_t", "u_char", "uchar", "BYTE", "u8", "u16", "u32", "u64", "uintptr",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """`null` is "", "no", "maybe" or "null"; `obj` the object that a pointer points to (0: not known); `found`: it
    is what a look-up returned."""

    lo: float = -INF
    hi: float = INF
    taint: int = CLEAN
    capped: bool = False
    floored: bool = False
    nonzero: bool = False
    obj: int = 0
    null: str = ""
    moved: bool = False
    forged: bool = False
    checked: bool = False
    resolved: bool = False
    found: bool = False

    @property
    def exact(self) -> int | None:
        is_one = self.lo == self.hi and math.isfinite(self.lo) and self.lo == int(self.lo)
        return int(self.lo) if is_one else None


@dataclass(frozen=True, slots=True)
class Obj:
    """`kind` is heap, file, array, var or text; `size` in bytes, where it is a number. `ended`: freed by a function
    that may have freed only what is inside. `freed_line`: where it was freed first."""

    kind: str
    size: float = INF
    type: str = ""
    freed: bool = False
    escaped: bool = False
    line: int = 0
    new: str = ""
    ended: bool = False
    freed_line: int = 0


@dataclass(slots=True)
class State:
    """One path so far. `marks` holds what loops had on entry; `failed` says that a call was seen to return
    NULL, `left` the line of the return."""

    vars: dict[str, Value] = field(default_factory=dict)
    objs: dict[int, Obj] = field(default_factory=dict)
    marks: dict[int, dict[str, Value] | None] = field(default_factory=dict)
    failed: bool = False
    left: int = 0

    def copy(self) -> "State":
        return State(dict(self.vars), dict(self.objs), dict(self.marks), self.failed, self.left)

    def key(self) -> Hashable:
        return (
            frozenset(self.vars.items()),
            frozenset(self.objs.items()),
            frozenset((at, stored is None) for at, stored in self.marks.items()),
            self.failed,
        )

    def change(self, name: str, value: Value) -> None:
        """A new value for a place: what was known about longer places built on the name is gone."""
        for other in [key for key in self.vars if len(key) > len(name) and mentions(key, name)]:
            del self.vars[other]
        self.vars[name] = value

    def release(self, obj: int, line: int) -> None:
        if obj in self.objs:
            self.objs[obj] = replace(self.objs[obj], freed=True, freed_line=self.objs[obj].freed_line or line)

    def escape(self, obj: int) -> None:
        if obj in self.objs and not self.objs[obj].escaped:
            self.objs[obj] = replace(self.objs[obj], escaped=True)


def mentions(key: str, name: str) -> bool:
    """Whether the place `key` has `name` in it as a whole word."""
    at = key.find(name)
    while at >= 0:
        before, after = key[at - 1 : at], key[at + len(name) : at + len(name) + 1]
        if not (before.isalnum() or before == "_") and not (after.isalnum() or after == "_"):
            return True
        at = key.find(name, at + 1)
    return False


def const(number: float) -> Value:
    """The value of a number; of not-a-number nothing is known."""
    if math.isnan(number):
        return UNKNOWN
    return Value(number, number, nonzero=number != 0, null="null" if number == 0 else "no")


UNKNOWN = Value()


def size_of(type_text: str, structs: dict[str, int]) -> int | None:
    """The size in bytes of a type written out, None when it is not known."""
    if "*" in type_text:
        return 8
    words = [word for word in type_text.split() if word not in ("const", "volatile", "static", "register", "extern")]
    if words[:1] in (["struct"], ["union"], ["enum"]):
        return 4 if words[0] == "enum" else structs.get(words[-1])
    if "double" in words and "long" in words:
        return 16
    known = [_SIZES[word] for word in words if word in _SIZES]
    for word in ("char", "short", "long", "double"):
        if word in words:
            return _SIZES[word]
    return known[-1] if known else structs.get(words[-1]) if words else None


def is_unsigned(type_text: str) -> bool:
    return "*" not in type_text and any(word.startswith(_UNSIGNED) for word in type_text.split())


def is_float(type_text: str) -> bool:
    return "*" not in type_text and any(word in ("float", "double") for word in type_text.split())


def bounds(type_text: str, structs: dict[str, int]) -> tuple[float, float] | None:
    """The least and the greatest number of an integer type; None for other types."""
    size = size_of(type_text, structs)
    if "*" in type_text or size not in (1, 2, 4, 8) or is_float(type_text) or _is_structure(type_text):
        return None
    if is_unsigned(type_text):
        return 0, 2 ** (8 * size) - 1
    return -(2 ** (8 * size - 1)), 2 ** (8 * size - 1) - 1


def _is_structure(type_text: str) -> bool:
    return not any(word in _SIZES for word in type_text.split())


def fit(value: Value, type_text: str, structs: dict[str, int]) -> Value:
    """`value` as a variable of the type holds it. What comes from outside fills the type; small types bound all."""
    limits = bounds(type_text, structs)
    if limits is None:
        return value
    low, high = limits
    small, outside = high < 2**16, value.taint == OUTSIDE
    if value.lo >= low and value.hi <= high:
        return value
    if value.lo < low and low == 0:
        wraps = math.isfinite(value.lo) or outside
        value = replace(value, lo=0, hi=high if wraps and (outside or small) else max(0, value.hi))
    if outside and low < 0 and value.hi > high and math.isfinite(value.hi):
        value = replace(value, lo=low)  # The highest bit is the sign.
    if outside or small:
        value = replace(value, lo=max(low, min(high, value.lo)), hi=max(low, min(high, value.hi)))
        value = value if outside else replace(value, capped=True, floored=True)
    return value


def join_taint(*values: Value) -> int:
    return max((value.taint for value in values), default=CLEAN)


def _product(one: float, other: float) -> float:
    return 0 if one == 0 or other == 0 else one * other


def compute(operator: str, left: Value, right: Value) -> Value:
    """The value of `left operator right` for whole numbers. Bounds by symbols survive what keeps their sense."""
    taint = join_taint(left, right)
    capped, floored = left.capped or right.capped, left.floored or right.floored
    result = UNKNOWN
    if operator == "+":
        result = Value(_sum(left.lo, right.lo, -INF), _sum(left.hi, right.hi, INF))
    elif operator == "-":
        result = Value(_sum(left.lo, -right.hi, -INF), _sum(left.hi, -right.lo, INF))
        capped, floored = left.capped or right.floored, left.floored and right.capped
    elif operator == "*":
        corners = [_product(a, b) for a in (left.lo, left.hi) for b in (right.lo, right.hi)]
        result = Value(min(corners), max(corners))
    elif operator == "/" and left.exact is not None and right.exact is not None and left.lo >= 0 and right.lo > 0:
        result = const(left.exact // right.exact)
    elif operator == "/" and right.lo < 0:
        top = max(abs(left.lo), abs(left.hi))
        result = Value(-top, top)
    elif operator in ("/", ">>"):
        result = Value(0 if left.lo >= 0 and right.lo >= 0 else -INF, left.hi if left.hi >= 0 else INF)
    elif operator == "%" and math.isfinite(right.hi):
        top = max(abs(right.lo), abs(right.hi)) - 1
        result = Value(0 if left.lo >= 0 else -top, top)
    elif operator == "%":
        result = Value(0 if left.lo >= 0 else -INF, left.hi if left.lo >= 0 else INF, capped=True)
        capped = True
    elif operator == "&":
        tops = [v.hi for v in (left, right) if v.lo >= 0]
        result = Value(0 if tops else -INF, min(tops, default=INF))
        capped = left.exact is None and right.exact is None
    elif operator == "<<" and right.exact is not None and 0 <= right.exact < 64:
        result = compute("*", left, const(2**right.exact))
    elif operator == "<<" and left.lo >= 0 and right.lo >= 0 and right.hi < 64:
        result = Value(left.lo * 2 ** int(right.lo), left.hi * 2 ** int(right.hi))
    return replace(result, taint=taint, capped=capped or result.capped, floored=floored or result.floored)


def _sum(one: float, other: float, when_unclear: float) -> float:
    total = one + other
    return when_unclear if math.isnan(total) else total


def join(values: list[Value]) -> Value:
    """A value that may be any of these."""
    if not values:
        return UNKNOWN
    nulls = {one.null for one in values}
    null = nulls.pop() if len(nulls) == 1 else "maybe" if nulls & {"null", "maybe"} else ""
    return Value(
        min(one.lo for one in values),
        max(one.hi for one in values),
        join_taint(*values),
        capped=all(one.capped for one in values if one.taint == OUTSIDE or one.hi == INF),
        floored=all(one.floored for one in values if one.taint == OUTSIDE or one.lo == -INF),
        nonzero=all(one.nonzero for one in values),
        obj=values[0].obj if len({one.obj for one in values}) == 1 else 0,
        null=null,
        forged=any(one.forged for one in values),
        checked=all(one.checked for one in values if one.taint == OUTSIDE),
    )
