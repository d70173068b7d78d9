"""Syntax-tree checks: requests that reach a page, a file, another server or a redirect; files anyone may change."""

import ast
import re
from collections.abc import Iterator

from audit8.audit.rules import python_calls as calls
from audit8.audit.rules.python_expressions import (
    built_text,
    first_of,
    is_value,
    keyword_of,
    last_name,
    values_in,
)
from audit8.audit.rules.python_scope import Module, Scope


def check_web(module: Module, node: ast.Call, scope: Scope) -> Iterator[str]:
    name, first = module.name_of(node.func), first_of(node)
    if (name in calls.MARKUP and module.varies(first, scope, calls.HTML_SAFE)) or (
        name in calls.PAGES
        and first is not None
        and module.from_request(first, scope, calls.HTML_SAFE)
        and not _other_type(node)
    ):
        yield "html-from-strings"
    if name in ("jinja2.Environment", "Environment", "jinja2.sandbox.SandboxedEnvironment"):
        escape = keyword_of(node, "autoescape")
        if (escape is None and name.startswith("jinja2")) or is_value(escape, False):
            yield "autoescape-off"
    if name in calls.REDIRECTS and module.from_request(first, scope, calls.URL_SAFE):
        yield "redirect-from-request"
    if name in calls.FETCHERS and module.from_request(first, scope) and not _fixed_host(first):
        yield "request-to-request"


def _other_type(node: ast.Call) -> bool:
    kind = keyword_of(node, "content_type") or keyword_of(node, "mimetype") or keyword_of(node, "media_type")
    return isinstance(kind, ast.Constant) and "html" not in str(kind.value)


def _fixed_host(node: ast.expr | None) -> bool:
    """Whether a URL begins with a constant host, so that only its path varies."""
    text = built_text(node) if node is not None else None
    return bool(text and re.match(r"https?://[^/\x01%{]+/", text))


def check_page(module: Module, node: ast.Return, scope: Scope) -> Iterator[str]:
    """A view that returns text with markup and a part of the request in it."""
    if node.value is None:
        return
    text = built_text(node.value)
    if (
        text
        and re.search(r"<\w", text)
        and any(module.from_request(value, scope, calls.HTML_SAFE) for value in values_in(node.value))
    ):
        yield "html-from-strings"


def check_files(module: Module, node: ast.Call, scope: Scope) -> Iterator[str]:
    name, first = module.name_of(node.func), first_of(node)
    if (name in calls.OPENERS and module.from_request(first, scope, calls.PATH_SAFE)) or (
        last_name(node) == "save" and module.from_request(first, scope, calls.PATH_SAFE)
    ):
        yield "file-from-request"
    checked = keyword_of(node, "filter") or keyword_of(node, "members")
    if last_name(node) in ("extractall", "extract") and checked is None and _is_tar(module, node, scope):
        yield "archive-extraction"
    if name == "tempfile.mktemp" or name in ("os.tempnam", "os.tmpnam"):
        yield "temporary-name"
    if last_name(node) in ("chmod", "fchmod", "lchmod"):
        mode = keyword_of(node, "mode") or (node.args[-1] if node.args else None)
        if (
            isinstance(mode, ast.Constant)
            and isinstance(mode.value, int)
            and mode.value & 0o002
            and mode.value <= 0o7777
        ):
            yield "world-writable"


def _is_tar(module: Module, node: ast.Call, scope: Scope) -> bool:
    base = node.func.value if isinstance(node.func, ast.Attribute) else None
    found = scope.find(base.id) if isinstance(base, ast.Name) else None
    makers = found[1] if found else [base]
    return any(isinstance(maker, ast.Call) and module.name_of(maker.func).startswith("tarfile.") for maker in makers)
