"""The OpenAPI document and the server say the same: what is made up from the one is answered as it says by the other.

The whole of it, with many more requests, is `bench/openapi.py`'s, which needs schemathesis.
"""

import asyncio
import copy
import itertools
import json
import re
import threading
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from audit8.api.app import create_app
from audit8.api.audit import NAMES
from audit8.api.openapi import LINKS
from audit8.api.schemas import EVENT_NAMES
from audit8.engine.fake import FakeEngine
from audit8.errors import StartupError
from audit8.settings import Settings
from tests.api import serving
from tests.api.made_up import Maker, Request
from tests.api.serving import ready
from tests.api.sse_reader import read_all

AT_ONCE = 6
TRYING = settings(
    max_examples=3,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
KEY = "a-key-of-these-tests"
CODE = 'import os\nos.system("ls " + input())\n'
# What a schema cannot say of a request: which schemas a chat may ask for, and what of a report hangs together.
LENIENT = {"/v1/chat/completions", "/api/export"}
KNOWN = {"id": "THE-ID", "fingerprint": "THE-FINGERPRINT", "name": "fake-7b"}  # of an audit that the test makes


def never(*_: object) -> NoReturn:
    raise AssertionError("nothing is loaded to describe the routes")


@cache
def document(*, with_keys: bool = False) -> dict[str, Any]:
    return create_app(Settings(api_key=KEY if with_keys else ()), never).openapi()


def operations(*, with_keys: bool = False) -> list[tuple[str, str]]:
    paths = document(with_keys=with_keys)["paths"]
    return [(method, path) for path, methods in paths.items() for method in methods]


def closed(schema: Any) -> Any:
    """A copy that allows no field which is not named in it; what an error adds of its own is named nowhere."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    tight = {name: closed(one) for name, one in schema.items()}
    if "properties" in tight and tight.get("title") != "ErrorBody":
        tight["additionalProperties"] = False
    return tight


@cache
def components() -> dict[str, Any]:
    return {"schemas": closed(copy.deepcopy(document()["components"]["schemas"]))}


def check(operation: dict[str, Any], answer: httpx.Response) -> None:
    """That the document has this answer: its status, its headers, its type, and its form to the last field."""
    described = operation["responses"].get(str(answer.status_code))
    assert described, f"{answer.status_code} is not described"
    for name, header in described["headers"].items():
        assert name in answer.headers or not header.get("required"), name
    media = answer.headers["content-type"].partition(";")[0]
    content = described["content"].get(media)
    assert content is not None, f"{media} is not described"
    schema = content.get("itemSchema") or content["schema"]
    values: list[Any] = [answer.json() if media.endswith("json") else answer.text]
    if media == "text/event-stream":
        events = read_all(answer.content).events
        values = [{"event": name or "message", "data": json.dumps(data)} for name, data in events]
    validator = Draft202012Validator({**closed(schema), "components": components()})
    for value in values:
        validator.validate(value)


async def send(client: httpx.AsyncClient, request: Request) -> httpx.Response:
    body: dict[str, Any] = {}
    if request.media == "multipart/form-data" and isinstance(request.body, dict) and request.allowed:
        fields = {name: value for name, value in request.body.items() if name != "file"}
        body = {"data": fields, "files": [("file", ("a.py", data)) for data in request.body["file"]]}
    elif request.media:
        content = request.body
        if not isinstance(content, bytes):
            plain = isinstance(content, str) and not request.media.endswith("json")
            content = (content if plain else json.dumps(content)).encode(errors="replace")
        body = {"content": content}
        request.headers["Content-Type"] = request.media
    return await client.request(request.method, request.path, params=request.query, headers=request.headers, **body)


async def try_all(requests: list[Request], operation: dict[str, Any], path: str, folder: Path) -> None:
    async with ready(FakeEngine(), history=True, history_file=folder / "history.db") as client:
        report = (await client.post("/audit", json={"code": CODE, "filename": "a.py"})).json()
        for request in requests:
            there = request.path.replace("THE-FINGERPRINT", report["findings"][0]["fingerprint"])
            answer = await send(client, replace(request, path=there.replace("THE-ID", report["id"])))
            assert answer.status_code < 500 or answer.status_code == 504, answer.text  # 504: its own deadline
            check(operation, answer)
            if request.allowed and path not in LENIENT:
                assert answer.status_code != 400, (request, answer.text)


@pytest.mark.parametrize(("method", "path"), operations())
def test_what_the_document_says_is_what_is_answered(method: str, path: str, tmp_path: Path) -> None:
    operation = document()["paths"][path][method]
    made_up = Maker(document(), KNOWN).requests(path, method, operation)
    folders = (tmp_path / str(number) for number in itertools.count())

    @TRYING
    @given(st.lists(made_up, min_size=AT_ONCE, max_size=AT_ONCE))
    def trying(requests: list[Request]) -> None:
        asyncio.run(try_all(requests, operation, path, next(folders)))

    trying()


@pytest.mark.parametrize(("method", "path"), operations(with_keys=True))
async def test_a_key_is_asked_for_where_the_document_says_so(method: str, path: str) -> None:
    whole = document(with_keys=True)
    operation = whole["paths"][path][method]
    needed = bool(operation.get("security", whole["security"]))
    async with ready(FakeEngine(), api_key=KEY) as client:
        without = await client.request(method, path)
        schemes = whole["components"]["securitySchemes"]
        with_keys = [
            await client.request(method, path, headers={"Authorization": f"Bearer {KEY}"}),
            await client.request(method, path, headers={schemes["key"]["name"]: KEY}),
        ]
    assert (without.status_code == 401) == needed
    assert ("401" in operation["responses"]) == needed
    if needed:
        check(operation, without)
    assert all(answer.status_code != 401 for answer in with_keys)


def test_without_keys_the_document_asks_for_none() -> None:
    assert "security" not in document()
    assert not any("401" in document()["paths"][path][method]["responses"] for method, path in operations())


@pytest.mark.parametrize("while_it", ["loads", "has failed"])
async def test_a_server_that_is_not_ready_is_described_too(while_it: str) -> None:
    def loading(_: object) -> FakeEngine:
        if while_it == "has failed":
            raise StartupError("no model fits", hint="get one")
        started.wait(10)
        return FakeEngine()

    started = threading.Event()
    async with serving.running(create_app(serving.settings(), loading)) as client:
        await serving.until(lambda: _state_is(client, "loading" if while_it == "loads" else "failed"))
        for method, path in operations():
            operation = document()["paths"][path][method]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            check(operation, await client.request(method, path, json=body.get("example", {})))
        started.set()


async def _state_is(client: httpx.AsyncClient, state: str) -> bool:
    return bool((await client.get("/health")).json()["state"] == state)


def test_every_schema_of_the_document_is_one() -> None:
    for schema in document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert "ValidationError" not in json.dumps(document())


def test_the_events_of_a_stream_are_those_of_the_document() -> None:
    assert set(NAMES.values()) == set(EVENT_NAMES)


async def test_a_link_leads_from_an_answer_to_a_request_that_is_answered(tmp_path: Path) -> None:
    assert len(LINKS) == len({(source, target) for source, target, _ in LINKS})
    async with ready(FakeEngine(), history=True, history_file=tmp_path / "history.db") as client:
        report = (await client.post("/audit", json={"code": CODE, "filename": "a.py"})).json()
        place = f"/api/history/{report['id']}"
        assert (await client.get("/api/history")).json()["items"][0]["id"] == report["id"]
        fingerprint = (await client.get(place)).json()["report"]["findings"][0]["fingerprint"]
        dismissed = await client.put(f"{place}/dismissals/{fingerprint}", json={"reason": "a test"})
        assert dismissed.json()["fingerprint"] == fingerprint
        assert len((await client.get(f"{place}/suppressions")).json()["entries"]) == 1


@pytest.mark.parametrize("path", ["/audit", "/api/history", "/api/history/x", "/api/history/x/dismissals/y", "/health"])
async def test_a_refused_method_is_told_all_that_the_path_takes(path: str) -> None:
    described = next(methods for there, methods in document()["paths"].items() if _matches(there, path))
    async with ready(FakeEngine()) as client:
        answer = await client.patch(path)
    assert answer.status_code == 405
    assert {one.lower() for one in answer.headers["allow"].split(", ")} - {"head"} == described.keys()


def _matches(there: str, path: str) -> bool:
    return bool(re.fullmatch(re.sub(r"\{[^/]+\}", "[^/]+", there), path))
