"""What is known about a value: where it may come from, what has made it harmless, and the text around it."""

from dataclasses import dataclass, replace

FIXED, UNKNOWN, PARAMETER, OUTSIDE = 0, 1, 2, 3
"""Levels: fixed by the source; from an unseen place; a parameter of this function; visibly from outside."""

HOLE = "\x01"  # In a text: here stands something that may vary.
FILL = "\x02"  # In a text: here stands something fixed whose text is not known.
ANYTHING = "*"  # In `clean`: harmless for every kind of sink.
_MAX_TEXT_CHARS = 2000
_MAX_KIND_CHARS = 120
_MAX_ORIGINS = 12


@dataclass(frozen=True, slots=True)
class Value:
    """`clean`: kinds of sink for which it is harmless. `text`: known literal text. `kind`: the dotted way to it, as
    far as it is known ("http.Request.URL.Path"). `params`: the parameters of the function in it. `origins`: names
    that it was made from. `built`: a text put together from several parts. `rest`: the level of the parts that
    `clean` does not speak of: a cleaned name in an unseen folder is as sure as the folder. `made`: the line where a
    path was put together first, 0 where it was not.
    """

    level: int = FIXED
    clean: frozenset[str] = frozenset()
    text: str = ""
    kind: str = ""
    params: frozenset[int] = frozenset()
    origins: frozenset[str] = frozenset()
    built: bool = False
    rest: int = FIXED
    made: int = 0

    def level_for(self, sink: str) -> int:
        """How surely it holds something from outside that is dangerous for this kind of sink."""
        return self.rest if sink in self.clean or ANYTHING in self.clean else self.level

    def cleaned(self, kinds: frozenset[str]) -> "Value":
        return replace(self, clean=self.clean | kinds, rest=FIXED)


NOTHING = Value()


def kind_of(base: str, name: str) -> str:
    """`base.name`, the beginning left out when it grows long."""
    whole = f"{base}.{name}" if base else name
    return whole if len(whole) <= _MAX_KIND_CHARS else whole[-_MAX_KIND_CHARS:]


def join(values: list[Value]) -> Value:
    """Any one of the values."""
    if not values:
        return NOTHING
    if len(values) == 1:
        return values[0]
    worst = max(values, key=lambda value: (value.level, not value.clean))
    top = [value for value in values if value.level == worst.level]
    clean = frozenset.intersection(*(value.clean for value in top)) if worst.level else frozenset[str]()
    rest = max(value.rest if value.level == worst.level else _open_level(value, clean) for value in values)
    kinds = {value.kind for value in values if value.kind}
    return Value(
        worst.level,
        clean,
        worst.text,
        worst.kind if len(kinds) != 1 else kinds.pop(),
        frozenset().union(*(value.params for value in values)),
        _origins(values),
        worst.built,
        rest,
        worst.made or next((value.made for value in top if value.made), 0),
    )


def build(values: list[Value]) -> Value:
    """The text that the values make one after the other."""
    whole = join(values)
    text = "".join(value.text or (HOLE if value.level else FILL) for value in values)[:_MAX_TEXT_CHARS]
    return replace(whole, text=text, kind="", built=True)


def _open_level(value: Value, clean: frozenset[str]) -> int:
    """The level of what is in `value` beyond what `clean` speaks of."""
    return value.rest if clean <= value.clean or ANYTHING in value.clean else value.level


def _origins(values: list[Value]) -> frozenset[str]:
    found = frozenset[str]().union(*(value.origins for value in values))
    return found if len(found) <= _MAX_ORIGINS else frozenset(sorted(found)[:_MAX_ORIGINS])
