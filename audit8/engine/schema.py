"""A JSON schema as text, before any library sees it: read, kept within limits, and refused with the place in words.

Knows JSON Schema's shape, nothing of tokens. Nothing here recurses before the depth is known to be small.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from audit8.errors import BadRequest

MAX_CHARS = 100_000
MAX_DEPTH = 100  # brackets within brackets; each level of a schema takes two
MAX_SUBSCHEMAS = 600
MAX_CHECKS = 200  # of parts, when looking for the one at fault
MAX_STEP = 4096  # an estimate above it says no more than that
HINT = "Send a JSON Schema object (draft 2020-12) without the keywords that cannot be enforced token by token."
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKET = re.compile(r"[\[{\]}]")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_SINGLE = ("items", "additionalProperties", "additionalItems", "not", "if", "then", "else", "contains")
_FORMAT_SIZE, _MULTIPLE_SIZE = 80, 24
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
MAX_HOPS = 32
_ANY_CHARACTER = re.compile(r"(?<!\\)\.|\[\^|\\[SWDPp]|\|")
_REPEAT = re.compile(r"(\))?\{(\d+)")

Schema = dict[str, Any]


def read_schema(text: str) -> Schema:
    """The schema as a value; raises BadRequest that says what is wrong and, for what is nested too deep, where."""
    check_depth(text)
    if len(text) > MAX_CHARS:
        raise refused(f"it has {len(text)} characters; at most {MAX_CHARS} are read")
    try:
        value = json.loads(text, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise refused("it holds half of a surrogate pair") from None
    except ValueError as error:
        raise refused(f"it is not JSON: {error}") from None
    if value is True:
        return {}
    if value is False:
        raise refused("nothing satisfies the schema `false`")
    if not isinstance(value, dict):
        raise refused(f"a schema is an object, not {type(value).__name__}")
    for count, (place, schema) in enumerate(subschemas(value)):
        if count >= MAX_SUBSCHEMAS:
            raise refused(f"it has more than {MAX_SUBSCHEMAS} schemas within it", place)
        _check_keywords(schema, place)
    return value


def check_depth(text: str) -> None:
    """Raises BadRequest for JSON text whose brackets go deeper than a reader should follow them."""
    depth = 0
    bare = _STRING.sub(lambda match: "_" * len(match[0]), text)
    for bracket in _BRACKET.finditer(bare):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise refused(f"it is nested more than {MAX_DEPTH} deep at character {bracket.start() + 1}")


def refused(why: str, place: str = "") -> BadRequest:
    """`place` is a JSON pointer; "" is the whole schema. Both may hold what cannot be sent: it is replaced."""
    why, place = (text.encode(errors="replace").decode() for text in (why, place))
    where = f" at {place[:200]}" if place else ""
    return BadRequest(f"The JSON schema cannot be used{where}: {why[:500]}.", hint=HINT, param="response_format")


def subschemas(schema: object, place: str = "") -> Iterator[tuple[str, Schema]]:
    """The schema and every schema inside it with its JSON pointer, from the outside in."""
    if not isinstance(schema, dict):
        return
    yield place, schema
    for step, inner in _children(schema):
        yield from subschemas(inner, f"{place}/{step}")


def find_place(root: Schema, error: str, check: Callable[[Schema], str]) -> str:
    """The JSON pointer of the innermost schema that `check` refuses with the same words as the whole; "" if none."""
    definitions: Schema = {name: root[name] for name in ("$defs", "definitions") if name in root}
    place, here = "", root
    checks = 0
    while checks < MAX_CHECKS:
        for step, inner in _children(here):
            checks += 1
            if isinstance(inner, dict) and _alike(check({**definitions, **inner}), error):
                place, here = f"{place}/{step}", inner
                break
        else:
            return place
    return place


def step_size(root: Schema, size: Callable[[bytes], int]) -> int:
    """By how many tokens one choice (a key, a value begun, a pattern's character) can lengthen what is yet to come.

    An estimate from above: the longest of the shortest values of all schemas, with the longest key. `size` counts the
    tokens of a text; what is not known in advance counts one for each byte.
    """
    measure = _Measure(root, size)
    places = [schema for _, schema in subschemas(root)]
    longest_key = max((measure.text(key) for schema in places for key in _properties(schema)), default=0)
    return min(MAX_STEP, 8 + longest_key + max(measure.least(schema) for schema in places))


def has_free_strings_only(root: Schema) -> bool:
    """Whether a string that may go on with any character may also end after any of them.

    So unless a pattern has both; formats allow no spaces.
    """
    found = [pattern for _, schema in subschemas(root) for pattern in _patterns(schema)]
    return all(one.startswith("^") and one.endswith("$") and not _ANY_CHARACTER.search(one) for one in found)


def _patterns(schema: Schema) -> Iterator[str]:
    yield from schema.get("patternProperties", {})
    if "pattern" in schema:
        yield schema["pattern"]


def _check_keywords(schema: Schema, place: str) -> None:
    """What the library would read in a way of its own."""
    if "x-guidance" in schema:
        raise refused('"x-guidance" is not a keyword of JSON Schema', place)
    if isinstance(schema.get("items"), list):
        raise refused('"items" is one schema; a list of them is "prefixItems"', place)
    required = schema.get("required")
    named = len(set(map(str, required))) if isinstance(required, list) else 0
    if _count(schema, "minProperties") > named:  # it counts keys that come twice as two
        raise refused('"minProperties" above the number of required properties cannot be enforced', place)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _children(schema: Schema) -> Iterator[tuple[str, object]]:
    for name in _MAPS:
        if isinstance(inner := schema.get(name), dict):
            yield from ((f"{name}/{_escaped(key)}", value) for key, value in inner.items())
    for name in _LISTS:
        if isinstance(inner := schema.get(name), list):
            yield from ((f"{name}/{index}", value) for index, value in enumerate(inner))
    for name in _SINGLE:
        if name in schema:
            yield name, schema[name]


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _alike(one: str, other: str) -> bool:
    """The same complaint; an outer schema may say more around it, as of a required property."""
    return bool(one) and (one == other or one in other or ("Unsatisfiable" in one and "nsatisfiable" in other))


# ---- how long the shortest value is ------------------------------------------------------------------------------


class _Measure:
    """Tokens of the shortest value of a schema, from above; MAX_STEP when it is more, or unknown after MAX_HOPS."""

    def __init__(self, root: Schema, size: Callable[[bytes], int]) -> None:
        self._root = root
        self._size = size
        self._known: dict[int, int] = {}

    def text(self, value: object) -> int:
        return self._size(json.dumps(value, ensure_ascii=False).encode(errors="replace"))

    def least(self, schema: object, hops: int = 0) -> int:
        if not isinstance(schema, dict):
            return 2
        if hops > MAX_HOPS:
            return MAX_STEP
        if id(schema) not in self._known:
            parts = [self._own(schema, hops), *self._combined(schema, hops)]
            self._known[id(schema)] = min(MAX_STEP, sum(parts))
        return self._known[id(schema)]

    def _combined(self, schema: Schema, hops: int) -> Iterator[int]:
        if isinstance(target := schema.get("$ref"), str):
            yield self.least(_resolved(self._root, target), hops + 1)
        for name in ("anyOf", "oneOf"):
            if isinstance(options := schema.get(name), list) and options:
                yield min(self.least(option, hops + 1) for option in options)
        if isinstance(every := schema.get("allOf"), list):
            yield from (self.least(one, hops + 1) for one in every)

    def _own(self, schema: Schema, hops: int) -> int:
        if "const" in schema:
            return self.text(schema["const"])
        if isinstance(values := schema.get("enum"), list):
            return max((self.text(value) for value in values), default=0)
        kinds = {"string": self._string, "number": self._number, "integer": self._number}
        kinds |= {"array": self._array, "object": self._object}
        named = schema.get("type", [])
        asked = [named] if isinstance(named, str) else named if isinstance(named, list) else []
        return max((kinds[kind](schema, hops) for kind in map(str, asked or kinds) if kind in kinds), default=5)

    def _string(self, schema: Schema, hops: int) -> int:
        least = 2 + _count(schema, "minLength")
        if isinstance(pattern := schema.get("pattern"), str):
            once, times = len(pattern), 1
            for group, count in _REPEAT.findall(pattern):
                once += 0 if group else int(count[:6])
                times = min(MAX_STEP, times * max(1, int(count[:6]))) if group else times
            least += once * times
        return least + (_FORMAT_SIZE if "format" in schema else 0)

    def _number(self, schema: Schema, hops: int) -> int:
        return (
            2
            + sum(len(str(schema[name])) for name in _BOUNDS if name in schema)
            + _MULTIPLE_SIZE * ("multipleOf" in schema)
        )

    def _array(self, schema: Schema, hops: int) -> int:
        wanted = _count(schema, "minItems")
        first = schema.get("prefixItems")
        fixed = first[:wanted] if isinstance(first, list) else []
        least = 2 + sum(self.least(one, hops + 1) + 1 for one in fixed)
        if wanted > len(fixed):
            least += (wanted - len(fixed)) * (self.least(schema.get("items"), hops + 1) + 1)
        return least

    def _object(self, schema: Schema, hops: int) -> int:
        properties = _properties(schema)
        required = schema.get("required")
        names = [str(name) for name in required] if isinstance(required, list) else []
        return 2 + sum(self.text(name) + 2 + self.least(properties.get(name), hops + 1) for name in names)


def _count(schema: Schema, name: str) -> int:
    value = schema.get(name)
    return int(min(MAX_STEP, value)) if isinstance(value, int | float) and value > 0 else 0


def _properties(schema: Schema) -> Schema:
    known = schema.get("properties")
    return known if isinstance(known, dict) else {}


def _resolved(root: Schema, target: str) -> object:
    here: object = root
    for step in target.removeprefix("#").strip("/").split("/"):
        if step:
            here = here.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(here, dict) else None
    return here
