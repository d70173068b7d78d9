"""Which files found in a folder or an archive are not worth auditing, judged by name, size and beginning.

Knows names, marks and sizes; opens nothing. Files that a user names one by one are not judged: they are meant. Whatever
is skipped is listed with the code that is returned here (`skipped`), never dropped silently.
"""

import re
from pathlib import PurePosixPath

from audit8.audit.hidden import one_line
from audit8.audit.languages import TEXT
from audit8.audit.texts import words
from audit8.types import Lang, Skipped

MAX_FILE_BYTES = 2 * 1024 * 1024
_MAX_CONFIG_BYTES = 64 * 1024
_LOOK_BYTES = 8192
_LOOK_CHARS = 8000
_LOOK_LINES = 30
_LOOK_LINE_CHARS = 400
_MINIFIED_LINE_CHARS = 5000
_MAX_NAME_CHARS = 300

_VENDORED = """
node_modules bower_components jspm_packages vendor vendored third_party third-party thirdparty site-packages
dist-packages pods carthage .git .hg .svn dist build target out deriveddata __pycache__ .venv venv .tox .nox .eggs
.gradle .idea .vscode .next .nuxt .terraform .mypy_cache .ruff_cache .pytest_cache .cache
"""
_LOCKS = """
package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lockb poetry.lock pipfile.lock uv.lock cargo.lock
gemfile.lock composer.lock go.sum go.work.sum flake.lock mix.lock podfile.lock packages.lock.json gradle.lockfile
pubspec.lock
"""
_ARCHIVE = ".zip .jar .war .ear .whl .egg .apk .tar .gz .tgz .bz2 .xz .zst .7z .rar"
_NO_TEXT = """
.png .jpg .jpeg .gif .bmp .ico .webp .pdf .exe .dll .so .dylib .o .a .lib .class .pyc .pyd .wasm .woff .woff2 .ttf .otf
.eot .mp3 .mp4 .avi .mov .wav .bin .dat .db .sqlite .sqlite3 .safetensors .gguf .pt .npy .parquet
"""
_SETTINGS = ".env .json .toml .ini .cfg .conf .xml .properties .tf .gradle .cmake .pem .key"
VENDORED_FOLDERS = frozenset(_VENDORED.split())
_LOCK_FILES = frozenset(_LOCKS.split())
_ARCHIVES = tuple(_ARCHIVE.split())
_BINARY = tuple(_NO_TEXT.split())
_CONFIG = tuple(_SETTINGS.split())
_GENERATED_NAME = re.compile(r".*(?:\.pb\.(?:go|cc|h)|_pb2(?:_grpc)?\.pyi?|\.g\.dart|\.designer\.cs|\.generated\.\w+)")
_MINIFIED_NAME = re.compile(r".*[.-]min\.(?:js|css|mjs)|.*\.bundle\.js|.*\.(?:js|css)\.map")
# Said in a comment near the top of a file; a string that mentions it is not a mark.
_GENERATED_MARK = re.compile(
    r"\bcode generated .{0,120}\bdo not edit\b|@generated\b"
    r"|\b(?:auto-?|automatically )generated\b.{0,120}\b(?:do not|don't) (?:edit|modify)\b",
    re.IGNORECASE,
)
_COMMENT_START = re.compile(r"\s*(?://|#|/\*|\*|<!--|--|;|%|\"\"\")")
_CONFIG_NAMES = ("dockerfile", "makefile", "jenkinsfile", ".env", ".npmrc", ".pypirc", ".netrc")


def skipped(name: str, code: str, lang: Lang, why: str = "") -> Skipped:
    """A line of the report: what was not audited and why; `why` are the system's words for an unreadable file."""
    reason = words(f"skip_{code}", lang, limit=MAX_FILE_BYTES // 1024, why=why)
    return Skipped(one_line(name, _MAX_NAME_CHARS), code, reason)


def judge_folder(name: str) -> str:
    """The code for a folder that is not entered, or ""; `name` is its own, without the path."""
    return "vendored" if name.lower() in VENDORED_FOLDERS else ""


def judge_name(path: str) -> str:
    """The code for a file that need not be opened, or ""; `path` is relative, with `/`."""
    pure = PurePosixPath(path.lower())
    if any(part in VENDORED_FOLDERS for part in pure.parts[:-1]):
        return "vendored"
    if pure.name.endswith(_ARCHIVES):
        return "nested"
    if pure.name.endswith(_BINARY):
        return "binary"
    if _MINIFIED_NAME.fullmatch(pure.name):
        return "minified"
    return "generated" if pure.name in _LOCK_FILES or _GENERATED_NAME.fullmatch(pure.name) else ""


def judge_size(size_bytes: int) -> str:
    return "oversize" if size_bytes > MAX_FILE_BYTES else ""


def judge_bytes(data: bytes) -> str:
    """The code for bytes that are no text, or "". Text in a strange encoding is decode.py's matter."""
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return "binary" if b"\0" in data[:_LOOK_BYTES] and not utf16 else ""


def judge_text(path: str, text: str, language: str) -> str:
    """The code for text that no person wrote or that is no code, or ""."""
    head = text[:_LOOK_CHARS].split("\n")[:_LOOK_LINES]
    if any(_COMMENT_START.match(line) and _GENERATED_MARK.search(line[:_LOOK_LINE_CHARS]) for line in head):
        return "generated"
    lines = text.count("\n") + 1
    if len(text) > _MINIFIED_LINE_CHARS * lines:
        return "minified"
    if language != TEXT:
        return ""
    name = PurePosixPath(path.lower()).name
    config = name.startswith(_CONFIG_NAMES) or name.endswith(_CONFIG)
    return "" if config and len(text) <= _MAX_CONFIG_BYTES else "not_code"
