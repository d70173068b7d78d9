"""Requests that nobody sends by accident, byte for byte: each is answered or cut off, none brings the server down.

The law: no answer of 500 or above, one answer a request at most, nothing of a job left, and the next one is served.
"""

import contextlib
import re
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from audit8.api import limits, server
from audit8.engine.fake import FakeEngine
from tests.api.serving import served

HOST = b"Host: localhost\r\nConnection: close\r\n"
STAYING = b"Host: localhost\r\n"
JSON = b"Content-Type: application/json\r\n"
PLAIN = b"Content-Type: text/plain\r\n"
FORM = b"Content-Type: multipart/form-data; boundary=b\r\n"
CODE = b'{"code": "eval(input())"}'
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="'


def get(target: bytes = b"/health", headers: bytes = HOST, version: bytes = b"HTTP/1.1") -> bytes:
    return b"GET " + target + b" " + version + b"\r\n" + headers + b"\r\n"


def post(body: bytes, headers: bytes = JSON, path: bytes = b"/audit") -> bytes:
    length = f"Content-Length: {len(body)}\r\n".encode()
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + headers + length + b"\r\n" + body


def raw(headers: bytes, body: bytes = b"") -> bytes:
    return b"POST /audit HTTP/1.1\r\n" + HOST + PLAIN + headers + b"\r\n" + body


def chunked(body: bytes, headers: bytes = b"") -> bytes:
    return raw(b"Transfer-Encoding: chunked\r\n" + headers, body)


def part(name: bytes, content: bytes = b"x = 1\n") -> bytes:
    return FILE + name + b'"\r\n\r\n' + content + b"\r\n--b--\r\n"


CHAT = b"/v1/chat/completions"
SMUGGLED = b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
NASTY: dict[str, bytes] = {
    # the request line and the headers
    "nothing": b"",
    "only line ends": b"\r\n" * 50,
    "binary": bytes(range(256)),
    "tls hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    "http2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http 0.9": b"GET /health\r\n\r\n",
    "http 3.0": get(version=b"HTTP/3.0"),
    "no version": get(version=b""),
    "http 1.0": get(version=b"HTTP/1.0"),
    "no host": get(headers=b""),
    "two hosts": get(headers=HOST + HOST),
    "host of elsewhere": get(headers=b"Host: evil.example\r\n"),
    "host with a user": get(headers=b"Host: localhost@evil.example\r\n"),
    "host with a tab": get(headers=b"Host: localhost\tevil\r\n"),
    "empty host": get(headers=b"Host:\r\n"),
    "absolute target": get(b"http://evil.example/health"),
    "authority target": b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "unknown method": b"BREW /audit HTTP/1.1\r\n" + HOST + b"\r\n",
    "method of line noise": b"\x00\x01 / HTTP/1.1\r\n" + HOST + b"\r\n",
    "trace": b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n",
    "long target": get(b"/" + b"a" * 20_000),
    "target with a line end": get(b"/%0d%0aSet-Cookie:%20a=b"),
    "target with nul": get(b"/static/%00index.html"),
    "target of bad utf-8": get(b"/static/%ff%fe%c0%af"),
    "traversal": get(b"/static/../../pyproject.toml"),
    "encoded traversal": get(b"/static/%2e%2e/%2e%2e/pyproject.toml"),
    "double traversal": get(b"/static/....//....//pyproject.toml"),
    "windows traversal": get(b"/static/..%5c..%5cpyproject.toml"),
    "windows drive": get(b"/static/c:%5cwindows%5cwin.ini"),
    "windows device": get(b"/static/con"),
    "escape in the target": get(b"/%1b[31m"),
    "space in the target": get(b"/a b"),
    "folded header": get(headers=HOST + b"X-A: a\r\n b\r\n"),
    "header without colon": get(headers=HOST + b"nonsense\r\n"),
    "header with space before colon": get(headers=HOST + b"X-A : b\r\n"),
    "header without name": get(headers=HOST + b": b\r\n"),
    "nul in a header": get(headers=HOST + b"X-A: a\x00b\r\n"),
    "bare cr in a header": get(headers=HOST + b"X-A: a\rb\r\n"),
    "bad utf-8 in a header": get(headers=HOST + b"X-Request-Id: \xff\xfe\r\n"),
    "many headers": get(headers=HOST + b"".join(b"X-%d: a\r\n" % number for number in range(1500))),
    "long header": get(headers=HOST + b"X-A: " + b"a" * 200_000 + b"\r\n"),
    "escape as request id": get(headers=HOST + b"X-Request-Id: \x1b[2J\r\n"),
    "upgrade": get(headers=HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
    "h2c": get(headers=HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"),
    "range": get(b"/static/app.js", HOST + b"Range: bytes=0-0,1-1," + b"0-," * 500 + b"5-4\r\n"),
    "odd conditional": get(b"/static/app.js", HOST + b"If-Modified-Since: Thu, 99 Foo 99999 99:99:99 GMT\r\n"),
    # the length of the body: smuggling
    "length and chunked": raw(b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", SMUGGLED),
    "chunked and length": raw(b"Transfer-Encoding: chunked\r\nContent-Length: 60\r\n", SMUGGLED),
    "two lengths": raw(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"x = 1\n"),
    "two equal lengths": raw(b"Content-Length: 6\r\nContent-Length: 6\r\n", b"x = 1\n"),
    "length list": raw(b"Content-Length: 6, 6\r\n", b"x = 1\n"),
    "negative length": raw(b"Content-Length: -1\r\n", b"x = 1\n"),
    "signed length": raw(b"Content-Length: +6\r\n", b"x = 1\n"),
    "hex length": raw(b"Content-Length: 0x6\r\n", b"x = 1\n"),
    "length of words": raw(b"Content-Length: six\r\n", b"x = 1\n"),
    "length beyond 64 bits": raw(b"Content-Length: 99999999999999999999999\r\n", b"x = 1\n"),
    "arabic digits": raw("Content-Length: ٦\r\n".encode(), b"x = 1\n"),
    "no length": raw(b"", b"x = 1\n"),
    "short body": raw(b"Content-Length: 1000\r\n", b"x = 1\n"),
    "identity": raw(b"Transfer-Encoding: identity\r\n", b"x = 1\n"),
    "gzip": raw(b"Transfer-Encoding: gzip, chunked\r\n", SMUGGLED),
    "hidden chunked": raw(b"Transfer-Encoding: xchunked\r\n", SMUGGLED),
    "chunked twice": raw(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", SMUGGLED),
    "chunked with tab": raw(b"Transfer-Encoding:\tchunked\r\n", SMUGGLED),
    "chunk": chunked(b"6\r\nx = 1\n\r\n0\r\n\r\n"),
    "chunk of huge size": chunked(b"ffffffffffffffffff\r\nx"),
    "negative chunk": chunked(b"-1\r\nx\r\n0\r\n\r\n"),
    "chunk of no size": chunked(b"\r\nx\r\n0\r\n\r\n"),
    "chunk with extension": chunked(b"6;" + b"a" * 50_000 + b"\r\nx = 1\n\r\n0\r\n\r\n"),
    "chunk too long": chunked(b"2\r\nx = 1\n\r\n0\r\n\r\n"),
    "endless trailers": chunked(b"6\r\nx = 1\n\r\n0\r\n" + b"X-A: a\r\n" * 20_000),
    "tiny chunks": chunked(b"1\r\nx\r\n" * 3000 + b"0\r\n\r\n"),
    "too many chunks": chunked(b"400\r\n" + b"x" * 1024 + b"\r\n" + b"400\r\n" + b"x" * 1024 + b"\r\n"),
    "pipelined": get(headers=STAYING) + get(headers=STAYING) + post(CODE),
    "pipelined after garbage": get(headers=STAYING) + b"\x00garbage\r\n\r\n" + get(),
    "expects the moon": raw(b"Expect: the-moon\r\nContent-Length: 6\r\n", b"x = 1\n"),
    "encoded body": raw(b"Content-Encoding: gzip\r\nContent-Length: 6\r\n", b"x = 1\n"),
    # what is in the body
    "no json": post(b"{"),
    "json of nothing": post(b""),
    "json null": post(b"null"),
    "json list": post(b"[" * 50 + b"]" * 50),
    "json depth": post(b"[" * 10_000),
    "json depth closed": post(b'{"code":' * 10_000 + b"1" + b"}" * 10_000),
    "json nan": post(b'{"code": NaN, "lang": -Infinity}'),
    "json duplicate keys": post(b'{"code": "", "code": "x = 1", "code": 7}'),
    "json huge number": post(b'{"code": 1' + b"0" * 5000 + b"}"),
    "json exponent": post(b'{"code": 1e999999999}'),
    "json surrogate": post(b'{"code": "x = \\"\\ud800\\"", "filename": "\\udfff"}'),
    "json nul": post(b'{"code": "x\\u0000y", "filename": "a\\u0000b"}'),
    "json bad utf-8": post(b'{"code": "\xff\xfe\xfa"}'),
    "json utf-16": post('{"code": "x = 1"}'.encode("utf-16")),
    "json utf-32": post('{"code": "x = 1"}'.encode("utf-32")),
    "json bom": post(b"\xef\xbb\xbf" + CODE),
    "json wrong types": post(b'{"code": {"a": []}, "files": "no", "lang": 5}'),
    "json files of files": post(b'{"files": [{"code": "x"}, 5, null]}'),
    "json many files": post(b'{"files": [' + b'{"code":"x"},' * 2000 + b'{"code":"y"}]}'),
    "json proto": post(b'{"__proto__": {"code": 1}, "constructor": 2, "code": "x = 1"}'),
    "name of escapes": post(b'{"code": "x = 1", "filename": "\\u001b[2J\\u202e../../etc/passwd"}'),
    "long name": post(b'{"code": "x = 1", "filename": "' + b"a/" * 5000 + b'"}'),
    "unknown charset": post(b"x = 1", b"Content-Type: text/plain; charset=\xff\r\n"),
    "type of nonsense": post(CODE, b"Content-Type: ;;;===;\r\n"),
    "two types": post(CODE, JSON + FORM),
    "chat nan": post(b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}', path=CHAT),
    "chat huge seed": post(
        b'{"messages": [{"role": "user", "content": "x"}], "seed": -1' + b"0" * 400 + b"}", path=CHAT
    ),
    "chat role": post(b'{"messages": [{"role": "root", "content": "x"}]}', path=CHAT),
    "chat content": post(b'{"messages": [{"role": "user", "content": [[[]]]}]}', path=CHAT),
    "chat surrogate": post(b'{"messages": [{"role": "user", "content": "\\ud83d"}]}', path=CHAT),
    "chat time-out": post(b'{"messages": [{"role": "user", "content": "x"}]}', JSON + b"X-Timeout-S: 1e400\r\n", CHAT),
    "time-out nan": post(CODE, JSON + b"X-Timeout-S: nan\r\n"),
    "time-out of words": post(CODE, JSON + b"X-Timeout-S: soon\r\n"),
    # multipart and archives
    "multipart without boundary": post(part(b"a.py"), b"Content-Type: multipart/form-data\r\n"),
    "multipart long boundary": post(
        part(b"a.py"), b"Content-Type: multipart/form-data; boundary=" + b"b" * 5000 + b"\r\n"
    ),
    "multipart cut": post(part(b"a.py")[:-20], FORM),
    "multipart other boundary": post(part(b"a.py").replace(b"--b", b"--c"), FORM),
    "multipart many parts": post((FILE + b'a"\r\n\r\nx\r\n') * 1500 + b"--b--\r\n", FORM),
    "multipart long part header": post(part(b"a" * 100_000), FORM),
    "multipart many part headers": post(FILE + b'a"\r\n' + b"X-A: a\r\n" * 5000 + b"\r\nx\r\n--b--\r\n", FORM),
    "multipart path": post(part(b"../../etc/passwd"), FORM),
    "multipart bad utf-8": post(part(b"\xff\xfe\x1b.py"), FORM),
    "multipart nameless": post(b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", FORM),
    "multipart nested": post(
        b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n--c--\r\n--b--\r\n", FORM
    ),
    "zip that is none": post(b"PK\x03\x04" + b"\x00" * 500, b"Content-Type: application/zip\r\n"),
    "zip cut": post(b"PK\x05\x06" + b"\xff" * 18, b"Content-Type: application/zip\r\n"),
    "diff of nonsense": post(b"--- a\n+++ b\n@@ -9999999999999,1 +0,0 @@\n", b"Content-Type: text/x-diff\r\n"),
    "only a bom": post(b"\xef\xbb\xbf", PLAIN),
    "form of percent": post(b"code=%&code=%zz&code=%ff", b"Content-Type: application/x-www-form-urlencoded\r\n"),
    "cancel of nothing": b"DELETE /audits/%1b%0a HTTP/1.1\r\n" + HOST + b"\r\n",
    "cancel of a path": b"DELETE /audits/../health HTTP/1.1\r\n" + HOST + b"\r\n",
}


def exchanged(address: tuple[str, int], request: bytes) -> bytes:
    """All that is answered to `request` until the server closes the connection."""
    got = b""
    with contextlib.closing(socket.create_connection(address, timeout=10)) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
        with contextlib.suppress(ConnectionError):
            while portion := connection.recv(65536):
                got += portion
    return got


def test_nasty_requests(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(server, "HEADER_S", 0.3)
    monkeypatch.setattr(server, "KEEP_ALIVE_S", 0)
    monkeypatch.setattr(limits, "BODY_S", 0.3)
    monkeypatch.setattr(limits, "MIN_BYTES_PER_S", 10**9)
    assert len(NASTY) >= 100
    with served(FakeEngine()) as at:
        url = httpx.URL(at.url)
        with ThreadPoolExecutor(16) as pool:  # most of the time is waiting for the server to lose its patience
            seen = list(pool.map(lambda request: exchanged((url.host, url.port or 80), request), NASTY.values()))
        for name, got in zip(NASTY, seen, strict=True):
            statuses = [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d+)", got, re.MULTILINE)]
            assert all(100 <= status < 500 for status in statuses), (name, statuses)
            assert len(statuses) <= (3 if name.startswith("pipelined") else 1), (name, statuses)
            assert b"audit8_" not in got, name  # the smuggled request was not answered
            assert b"[project]" not in got, name
            assert b"\x1b" not in got, name
        assert sum(got.startswith(b"HTTP/1.1") for got in seen) > 90  # the others were cut off, as the law allows
        assert httpx.post(f"{at.url}/audit", json={"code": "x = 1"}).status_code == 200
        assert httpx.get(f"{at.url}/health").json()["jobs"] == {"running": 0, "waiting": 0}
    assert "unexpected" not in caplog.text
    assert "Traceback" not in caplog.text
    assert "\x1b" not in caplog.text
