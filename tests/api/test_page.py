"""The page and its files are served as a browser wants them, and nothing comes from elsewhere."""

import re
import shutil
from pathlib import Path

import pytest

from audit8.api import page
from audit8.engine.fake import FakeEngine
from tests.api.serving import ready


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "index.html").write_text("<!doctype html><title>page</title>", encoding="utf-8")
    (tmp_path / "app.js").write_text("export {};", encoding="utf-8")
    (tmp_path / "style.css").write_text("", encoding="utf-8")
    monkeypatch.setattr(page, "static_folder", lambda: tmp_path)
    return tmp_path


async def test_the_page_and_its_files(folder: Path) -> None:
    async with ready(FakeEngine()) as client:
        index = await client.get("/")
        head = await client.head("/")
        script = await client.get("/static/app.js")
        style = await client.get("/static/style.css")
    assert index.text == (folder / "index.html").read_text(encoding="utf-8")
    assert index.headers["content-type"].startswith("text/html")
    assert head.status_code == 200
    assert script.headers["content-type"].startswith("text/javascript")
    assert style.headers["content-type"].startswith("text/css")
    for answer in (index, script, style):
        assert answer.headers["cache-control"] == "no-cache"


async def test_without_the_pages_files_the_routes_still_work(folder: Path) -> None:
    shutil.rmtree(folder)
    async with ready(FakeEngine()) as client:
        assert (await client.get("/")).status_code == 404
        assert (await client.get("/health")).status_code == 200


def test_the_checkouts_page_is_found() -> None:
    assert (page.static_folder() / "index.html").is_file()


async def test_the_list_of_routes_loads_nothing_from_elsewhere() -> None:
    async with ready(FakeEngine()) as client:
        docs = await client.get("/docs")
        openapi = (await client.get("/openapi.json")).json()
    assert not re.search(r"<script|<link|src=|https?://", docs.text)
    for path in ("/audit", "/v1/chat/completions", "/health", "/ready"):
        assert path in openapi["paths"]
        assert path in docs.text
    assert {"Report", "Finding", "FileCoverage"} <= openapi["components"]["schemas"].keys()
    body = openapi["paths"]["/audit"]["post"]["requestBody"]["content"]
    assert body.keys() == {"application/json", "text/plain", "text/x-diff", "application/zip", "multipart/form-data"}
