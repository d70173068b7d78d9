"""The web page at / and its files under /static/, and the list of routes at /docs. Nothing comes from elsewhere."""

import json
import mimetypes
from html import escape
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

import audit8

# Windows takes these from its registry, where .js may be text/plain, which a browser told `nosniff` will not run.
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
REVALIDATE = {"Cache-Control": "no-cache"}  # or an upgraded server would be used with the old page


class Files(StaticFiles):
    """Static files that a browser asks for again after an upgrade."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(REVALIDATE)
        return response


def static_folder() -> Path:
    """static/ beside the package in a checkout, inside it in a wheel."""
    package = Path(audit8.__file__).parent
    beside = package.parent / "static"
    return beside if (beside / "index.html").is_file() else package / "static"


def install(app: FastAPI, folder: Path) -> None:
    for ending, media_type in MEDIA_TYPES.items():
        mimetypes.add_type(media_type, ending)
    app.include_router(_make_router(folder))
    app.mount("/static", Files(directory=folder, check_dir=False))


def _make_router(folder: Path) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def page() -> Response:
        index = folder / "index.html"
        if not index.is_file():
            raise HTTPException(404, "the page's files are not installed; the routes work without them")
        return FileResponse(index, headers=REVALIDATE)

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        return HTMLResponse(_docs(request.app.openapi()))

    return router


def _docs(openapi: dict[str, dict[str, dict[str, dict[str, object]]]]) -> str:
    """The OpenAPI document as plain HTML: the usual viewers are scripts from a CDN."""
    parts = []
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            said = escape(str(operation.get("description", "")))
            parts.append(f"<h2>{escape(method.upper())} {escape(path)}</h2><p>{said}</p>")
            parts.append(f"<details><summary>schema</summary><pre>{_pretty(operation)}</pre></details>")
    schemas = _pretty(openapi.get("components", {}))
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Audit8: routes</title><h1>Audit8: routes</h1>"
        "<p>The same for programs: <a href='/openapi.json'>/openapi.json</a>.</p>"
        f"{''.join(parts)}<h2>Schemas</h2><details><summary>schemas</summary><pre>{schemas}</pre></details></html>"
    )


def _pretty(value: object) -> str:
    return escape(json.dumps(value, indent=2, ensure_ascii=False))
