"""JSON in what a model wrote, and whether it satisfies a schema: for servers that cannot be relied on to hold to it.

Regular expressions of a schema are not run over a model's text: one of them can take for ever. No
reference is followed out of a schema. Knows no servers.
"""

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable

from audit8.errors import BadRequest


def _unchecked(*_: object) -> None:
    """Nothing to complain of."""


def _additional(validator: Any, allowed: Any, value: Any, schema: Any) -> Iterator[Any]:
    """As it is by the book, except beside patterns of names: which names those allow is not looked at."""
    if "patternProperties" not in schema:
        yield from Draft202012Validator.VALIDATORS["additionalProperties"](validator, allowed, value, schema)


_Validator: Any = validators.extend(
    Draft202012Validator,
    {"pattern": _unchecked, "patternProperties": _unchecked, "additionalProperties": _additional},
)
_OPENINGS = "{["
_MAX_STARTS = 50


def check_schema(schema: str) -> None:
    """Raises BadRequest for what is no JSON Schema; `schema` is known to be JSON that is not nested too deep."""
    try:
        Draft202012Validator.check_schema(json.loads(schema))
    except SchemaError as error:
        why = f"The JSON schema cannot be used: {error.message[:300]}."
        raise BadRequest(why, param="response_format") from None


def satisfies(text: str, schema: str) -> bool:
    """Whether `text` is one JSON document that the schema allows, its patterns apart."""
    try:
        value = json.loads(text)
        return bool(_Validator(json.loads(schema), registry=Registry()).is_valid(value))
    except (ValueError, RecursionError, Unresolvable):
        return False


def document_in(text: str, schema: str) -> str | None:
    """The first JSON value within `text`, of those that the schema allows: models put fences and words around it."""
    text = text.strip()
    if satisfies(text, schema):
        return text
    decoder = json.JSONDecoder()
    starts = [at for at, char in enumerate(text) if char in _OPENINGS][:_MAX_STARTS]
    for start in starts:
        try:
            _, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if satisfies(text[start:end], schema):
            return text[start:end]
    return None
