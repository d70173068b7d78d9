"""Values and requests made up from an OpenAPI document, for hypothesis: those that it allows, and any at all.

Knows the part of JSON schema that our document is written in; anything else in it is an error here.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

Schema = dict[str, Any]
NOT_TYPES = frozenset({"description", "title", "default", "example", "contentMediaType"})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
HEADER_TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12)


@dataclass(frozen=True)
class Request:
    """`media`: the body's type, "" where there is no body. `body`: JSON, text or bytes. `allowed`: by the document."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    media: str = ""
    body: Any = None
    allowed: bool = True


class Maker:
    """`known`: values for path parameters that stand for something, beside made-up ones."""

    def __init__(self, document: Schema, known: dict[str, str]) -> None:
        self._schemas: Schema = document["components"]["schemas"]
        self._known = known

    def requests(self, path: str, method: str, operation: Schema) -> st.SearchStrategy[Request]:
        return st.composite(self._request)(path, method, operation)

    def _request(self, draw: st.DrawFn, path: str, method: str, operation: Schema) -> Request:
        allowed = draw(st.booleans())
        placed: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
        for parameter in operation["parameters"]:
            given = self.values(parameter["schema"]) if allowed else st.text(max_size=10)
            if parameter["in"] == "header":
                given = HEADER_TEXT if parameter["schema"]["type"] == "string" or not allowed else given
            if parameter["name"] in self._known:
                given = st.just(self._known[parameter["name"]]) | given
            if parameter.get("required") or draw(st.booleans()):
                placed[parameter["in"]][parameter["name"]] = str(draw(given))
        filled = path.format(**{name: quote(value, safe="") or "-" for name, value in placed["path"].items()})
        media, body = "", None
        if bodies := operation.get("requestBody", {}).get("content"):
            media = draw(st.sampled_from(sorted(bodies)))
            body = draw(self.values(bodies[media]["schema"]) if allowed else JSON | st.binary(max_size=40))
        return Request(method, filled, placed["query"], placed["header"], media, body, allowed)

    def values(self, schema: Schema) -> st.SearchStrategy[Any]:
        """Values that `schema` allows."""
        if "$ref" in schema:
            return st.deferred(lambda: self.values(self._schemas[schema["$ref"].rsplit("/", 1)[1]]))
        if "enum" in schema or "const" in schema:
            return st.sampled_from(schema.get("enum") or [schema["const"]])
        if "anyOf" in schema:
            rest = {name: value for name, value in schema.items() if name != "anyOf"}
            return st.one_of(*(self.values(_both(rest, one)) for one in schema["anyOf"]))
        kinds = schema.get("type")
        if kinds is None:
            assert not schema.keys() - NOT_TYPES, schema
            return JSON
        names = kinds if isinstance(kinds, list) else [kinds]
        return st.one_of(*(getattr(self, f"_{name}")(schema) for name in names))

    def _null(self, _: Schema) -> st.SearchStrategy[None]:
        return st.none()

    def _boolean(self, _: Schema) -> st.SearchStrategy[bool]:
        return st.booleans()

    def _integer(self, schema: Schema) -> st.SearchStrategy[int]:
        return st.integers(schema.get("minimum"), schema.get("maximum"))

    def _number(self, schema: Schema) -> st.SearchStrategy[float]:
        low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
        return st.floats(
            low if above is None else above,
            schema.get("maximum"),
            exclude_min=above is not None,
            allow_nan=False,
            allow_infinity=False,
        )

    def _string(self, schema: Schema) -> st.SearchStrategy[Any]:
        if schema.get("format") == "binary":
            return st.binary(max_size=60)
        if pattern := schema.get("pattern"):
            return st.from_regex(pattern.replace("$", r"\Z"))  # Python's $ allows a line end, JSON schema's does not
        return st.text(min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 12), 12))

    def _array(self, schema: Schema) -> st.SearchStrategy[list[Any]]:
        most = min(schema.get("maxItems", 3), 3)
        return st.lists(self.values(schema["items"]), min_size=schema.get("minItems", 0), max_size=most)

    def _object(self, schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
        properties = {name: self.values(one) for name, one in schema.get("properties", {}).items()}
        needed = {name: properties.get(name, JSON) for name in schema.get("required", ())}
        optional = {name: one for name, one in properties.items() if name not in needed}
        return st.fixed_dictionaries(needed, optional=optional)


def _both(one: Schema, other: Schema) -> Schema:
    """A schema that allows what both allow, as far as ours need it: properties and what is required add up."""
    merged = {**one, **other}
    if "properties" in one or "properties" in other:
        ours, theirs = one.get("properties", {}), other.get("properties", {})
        merged["properties"] = {name: {**ours.get(name, {}), **theirs.get(name, {})} for name in {**ours, **theirs}}
        merged["required"] = [*one.get("required", []), *other.get("required", [])]
    return merged
