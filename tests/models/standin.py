"""A local stand-in for the Hugging Face Hub, its file server and ModelScope: real HTTP on real ports."""

import hashlib
import json
import re
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True)
class Seen:
    """One request: `place` is hub, files or modelscope; `start` is where its Range begins, None without one."""

    place: str
    method: str
    path: str
    start: int | None
    authorization: str | None


@dataclass
class StandIn:
    """`repos`: model id -> file name -> bytes. `cut`: file name -> bytes after which its next answer breaks off.

    `status`: answer every Hub request with this one instead. `silent`: accept, and never answer.
    """

    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    status: int = 200
    silent: bool = False
    seen: list[Seen] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    hub_url: str = ""
    files_url: str = ""
    modelscope_url: str = ""

    def fetched(self, place: str, name: str) -> list[Seen]:
        """The GET requests for the bytes of the file `name`."""
        return [seen for seen in self.seen if seen.place == place and seen.method == "GET" and name in seen.path]


@contextmanager
def standing_in() -> Iterator[StandIn]:
    """Three servers for one state, each on a port of its own."""
    state = StandIn()
    servers = []
    for place, route in (("hub", _hub), ("files", _files), ("modelscope", _modelscope)):
        server = _Server(("127.0.0.1", 0), _handler(state, place, route))
        setattr(state, f"{place}_url", f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
    try:
        yield state
    finally:
        state.released.set()
        for server in servers:
            server.shutdown()
            server.server_close()


def tiny_model(seed: int = 0, rows: int = 2048) -> dict[str, bytes]:
    """A whole model of two shards; its bytes are noise, its headers are true."""
    config = {
        "model_type": "llama",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": rows,
        "tie_word_embeddings": True,
    }
    shards: dict[str, dict[str, tuple[int, ...]]] = {
        "model-00001-of-00002.safetensors": {"model.embed_tokens.weight": (rows, 64)},
        "model-00002-of-00002.safetensors": {
            "model.layers.0.mlp.down_proj.weight": (64, 128),
            "model.norm.weight": (64,),
        },
    }
    index = {"metadata": {}, "weight_map": {name: file for file, tensors in shards.items() for name in tensors}}
    return {
        "config.json": json.dumps(config).encode(),
        "tokenizer.json": b"{}",
        "generation_config.json": b"{}",
        "model.safetensors.index.json": json.dumps(index).encode(),
        **{file: safetensors(tensors, seed) for file, tensors in shards.items()},
        "README.md": b"# a model",
        "pytorch_model.bin": b"\x80\x04never load me",
        "modeling_tiny.py": b"raise SystemExit('never run me')",
    }


def safetensors(shapes: dict[str, tuple[int, ...]], seed: int = 0, dtype: str = "BF16") -> bytes:
    """A safetensors file with those tensors, filled with bytes that depend on `seed`."""
    width = {"BF16": 2, "F32": 4, "I8": 1}[dtype]
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        size = width
        for length in shape:
            size *= length
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    noise = hashlib.shake_128(str(seed).encode()).digest(end)
    return struct.pack("<Q", len(text)) + text + noise


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_file(self, state: StandIn, name: str, body: bytes, headers: dict[str, str]) -> None:
        """The bytes from where Range asks for them; broken off where `state.cut` says, once."""
        match = RANGE.fullmatch(self.headers.get("Range") or "")
        start = int(match[1]) if match else 0
        end = int(match[2]) + 1 if match and match[2] else len(body)
        part = body[start:end]
        self.send_response(206 if match else 200)
        ranged = {"Content-Range": f"bytes {start}-{end - 1}/{len(body)}"} if match else {}
        for key, value in {"Content-Length": str(len(part)), "Accept-Ranges": "bytes", **headers, **ranged}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = state.cut.pop(name, None)
        if cut is not None:
            self.wfile.write(part[:cut])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.wfile.write(part)


def _handler(state: StandIn, place: str, route: Any) -> type[_Handler]:
    class Handler(_Handler):
        def do_GET(self) -> None:
            match = RANGE.fullmatch(self.headers.get("Range") or "")
            start = int(match[1]) if match else None
            state.seen.append(Seen(place, self.command, self.path, start, self.headers.get("Authorization")))
            if state.silent:
                state.released.wait(10)
                return
            route(self, state, urlsplit(self.path))

        do_HEAD = do_GET

    return Handler


def _hub(handler: _Handler, state: StandIn, url: Any) -> None:
    if state.status != 200:
        return handler.send(state.status, b"not well")
    path = unquote(url.path)
    for model_id, files in state.repos.items():
        if path in (f"/api/models/{model_id}", f"/api/models/{model_id}/revision/main"):
            siblings = [{"rfilename": name, **_entry(name, body)} for name, body in files.items()]
            return handler.send(200, json.dumps({"id": model_id, "sha": COMMIT, "siblings": siblings}).encode())
        if path == f"/api/models/{model_id}/tree/{COMMIT}":
            tree = [{"type": "file", "path": name, **_entry(name, body)} for name, body in files.items()]
            return handler.send(200, json.dumps(tree).encode())
        for name in files:
            if path in (f"/{model_id}/resolve/{COMMIT}/{name}", f"/{model_id}/resolve/main/{name}"):
                return _resolve(handler, state, name, files[name])
    return handler.send(404, b"", {"X-Error-Code": "RepoNotFound"})


def _resolve(handler: _Handler, state: StandIn, name: str, body: bytes) -> None:
    if not _is_lfs(name):
        return handler.send_file(state, name, body, {"ETag": f'"{_blob_id(body)}"', "X-Repo-Commit": COMMIT})
    sha256 = hashlib.sha256(body).hexdigest()
    headers = {
        "Location": f"{state.files_url}/{sha256}/{name}",
        "X-Linked-Etag": f'"{sha256}"',
        "X-Linked-Size": str(len(body)),
        "X-Repo-Commit": COMMIT,
    }
    return handler.send(302, b"", headers)


def _files(handler: _Handler, state: StandIn, url: Any) -> None:
    """Where the Hub keeps large files: another host, which must never see a token."""
    for files in state.repos.values():
        for name, body in files.items():
            if url.path == f"/{hashlib.sha256(body).hexdigest()}/{name}":
                return handler.send_file(state, name, body, {"ETag": '"x"'})
    return handler.send(404, b"")


def _modelscope(handler: _Handler, state: StandIn, url: Any) -> None:
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    for model_id, files in state.repos.items():
        if url.path == f"/api/v1/models/{model_id}/repo/files":
            entries = [
                {"Path": name, "Size": len(body), "Sha256": hashlib.sha256(body).hexdigest(), "Type": "blob"}
                for name, body in files.items()
            ]
            return handler.send(200, json.dumps({"Code": 200, "Success": True, "Data": {"Files": entries}}).encode())
        if url.path == f"/api/v1/models/{model_id}/repo" and query.get("FilePath") in files:
            return handler.send_file(state, query["FilePath"], files[query["FilePath"]], {})
    return handler.send(404, json.dumps({"Code": 404, "Message": "not found", "Success": False}).encode())


def _is_lfs(name: str) -> bool:
    return name.endswith((".safetensors", ".bin"))


def _blob_id(body: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


def _entry(name: str, body: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"size": len(body), "oid": _blob_id(body), "blobId": _blob_id(body)}
    if _is_lfs(name):
        sha256 = hashlib.sha256(body).hexdigest()
        entry["lfs"] = {"oid": sha256, "sha256": sha256, "size": len(body), "pointerSize": 130}
    return entry
