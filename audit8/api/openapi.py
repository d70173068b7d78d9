"""The OpenAPI document, completed with what holds for every route and that no route knows: keys, ids, refusals.

Knows the document's form and the two middlewares' answers; nothing of what a route does.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from audit8.api.access import is_open
from audit8.api.schemas import CHAT_SCHEMAS

PROBLEM = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
KEYS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "One of the server's keys."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same; it wins over the other."},
}
UNKNOWN_CALLER = {401: "No key, or a wrong one."}
ALWAYS = {403: "This Host or Origin may not call the server.", 500: "The server or the model failed."}
WITH_BODY = {408: "The body did not arrive in time.", 413: "Larger than limit_bytes."}
TRY_AGAIN = frozenset({"429", "503"})
# Where the answer to one operation has what another asks for: from, to, and the values that go with it.
LINKS = (
    (("/audit", "post"), ("/api/history/{id}", "get"), {"id": "$response.body#/id"}),
    (("/audit", "post"), ("/api/history/{id}", "delete"), {"id": "$response.body#/id"}),
    (("/api/history", "get"), ("/api/history/{id}", "get"), {"id": "$response.body#/items/0/id"}),
    (("/api/history", "get"), ("/api/history", "get"), {"before": "$response.body#/next"}),
    (
        ("/api/history/{id}", "get"),
        ("/api/history/{id}/dismissals/{fingerprint}", "put"),
        {"id": "$request.path.id", "fingerprint": "$response.body#/report/findings/0/fingerprint"},
    ),
    (
        ("/api/history/{id}/dismissals/{fingerprint}", "put"),
        ("/api/history/{id}/dismissals/{fingerprint}", "delete"),
        {"id": "$request.path.id", "fingerprint": "$response.body#/fingerprint"},
    ),
    (
        ("/api/history/{id}/dismissals/{fingerprint}", "put"),
        ("/api/history/{id}/suppressions", "get"),
        {"id": "$request.path.id"},
    ),
)
FRAMEWORKS = ("HTTPValidationError", "ValidationError")  # the framework's errors, which problems.py writes in our shape
REQUEST_ID = {
    "name": "X-Request-Id",
    "in": "header",
    "description": "An id for the log: kept if it is printable ASCII of at most 64 characters, else one is made.",
    "schema": {"type": "string"},
}
HEADERS = {"X-Request-Id": {"description": "The request's id.", "required": True, "schema": {"type": "string"}}}
RETRY_AFTER = {"Retry-After": {"description": "Seconds, where trying again makes sense.", "schema": {"type": "string"}}}


class Described(FastAPI):
    """FastAPI with the whole document. `with_keys`: whether callers need one."""

    def __init__(self, *, with_keys: bool, **given: Any) -> None:
        super().__init__(**given)
        self._with_keys = with_keys

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = completed(super().openapi(), with_keys=self._with_keys)
        return self.openapi_schema


def completed(document: dict[str, Any], *, with_keys: bool) -> dict[str, Any]:
    """`document`, changed in place."""
    components = document["components"]
    for name in FRAMEWORKS:
        components["schemas"].pop(name, None)
    components["schemas"] |= CHAT_SCHEMAS
    if with_keys:
        components["securitySchemes"] = KEYS
        document["security"] = [{name: []} for name in KEYS]
    for path, operation in operations(document):
        _complete(operation, closed=with_keys and not is_open(path))
        if with_keys and is_open(path):
            operation["security"] = []
    for source, target, values in LINKS:
        links = _at(document, source)["responses"]["200"].setdefault("links", {})
        name = _at(document, target)["operationId"]
        links[name] = {"operationId": name, "parameters": values}
    return document


def _at(document: dict[str, Any], place: tuple[str, str]) -> dict[str, Any]:
    path, method = place
    operation: dict[str, Any] = document["paths"][path][method]
    return operation


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation with its path."""
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def _complete(operation: dict[str, Any], *, closed: bool) -> None:
    responses = operation["responses"]
    if responses.get("422", {}).get("description") == "Validation Error":  # the framework's guess
        del responses["422"]
    bounds = WITH_BODY if "requestBody" in operation else {}
    for status, description in (ALWAYS | bounds | (UNKNOWN_CALLER if closed else {})).items():
        responses.setdefault(str(status), {"description": description, "content": PROBLEM})
    operation["responses"] = dict(sorted(responses.items()))
    for status, response in responses.items():
        response["headers"] = HEADERS | (RETRY_AFTER if status in TRY_AGAIN else {}) | response.get("headers", {})
    operation.setdefault("parameters", []).append(REQUEST_ID)
