"""`response_format` of a chat request: which JSON schema the answer is held to, if any.

Knows the three forms that OpenAI clients send; what a schema may hold is the engine's to say.
"""

import functools
import json
from typing import Any

from audit8.engine.schema import check_depth, refused
from audit8.errors import BadRequest

OBJECT_DEPTH = 16  # objects and arrays within each other in an answer of the form json_object
_FIELD = b'"response_format"'


def check_body(body: bytes) -> None:
    """Raises BadRequest, with the place, for a body with a schema that is nested too deep to be read at all."""
    if _FIELD in body:
        check_depth(body.decode(errors="replace"))


def schema_of(asked: dict[str, Any] | None) -> str | None:
    """The schema as JSON text, None for plain text; raises BadRequest that names the field at fault."""
    if asked is None or (kind := asked.get("type")) == "text":
        return None
    if kind == "json_object":
        return any_object()
    if kind != "json_schema":
        raise _bad("response_format.type", 'it is "text", "json_object" or "json_schema"')
    described = asked.get("json_schema")
    if not isinstance(described, dict) or "schema" not in described:
        raise _bad("response_format.json_schema", 'it is an object with a "schema"')
    try:
        return json.dumps(described["schema"], ensure_ascii=False)
    except RecursionError:
        raise refused("it is nested too deep") from None


@functools.cache
def any_object() -> str:
    """The schema of an object that holds anything, OBJECT_DEPTH deep."""
    scalars = [{"type": kind} for kind in ("string", "number", "boolean", "null")]
    levels: dict[str, Any] = {"level0": {"anyOf": scalars}}
    for level in range(1, OBJECT_DEPTH):
        inner = {"$ref": f"#/$defs/level{level - 1}"}
        both = [{"type": "object", "additionalProperties": inner}, {"type": "array", "items": inner}]
        levels[f"level{level}"] = {"anyOf": [*scalars, *both]}
    values = {"$ref": f"#/$defs/level{OBJECT_DEPTH - 1}"}
    return json.dumps({"$defs": levels, "type": "object", "additionalProperties": values})


def _bad(field: str, allowed: str) -> BadRequest:
    return BadRequest(f"{field}: {allowed}.", hint="See /docs for what is honoured.", param=field)
