"""The import law of docs/architecture.md, read off the syntax tree, and what a light import must not pull in."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "audit8"

# What each part of the package may import of the others; a new part is one line.
BASE = frozenset({"types", "findings", "events", "errors", "figures", "terminal"})
LOWER = BASE | {"settings", "audit", "engine", "models", "remote"}
UPPER = LOWER | {
    *("desktop", "ports", "files", "metered", "machine", "store", "pipeline", "service", "startup"),
    *("admission", "live", "logs", "metrics"),
}
MAY_IMPORT = {
    "": frozenset({"client"}),  # audit8.Client, when it is asked for
    "types": frozenset[str](),
    "findings": frozenset({"types"}),
    "events": frozenset({"types", "findings"}),
    "errors": frozenset[str](),
    "figures": frozenset[str](),
    "terminal": frozenset[str](),
    "ports": frozenset[str](),
    "desktop": BASE,
    "settings": BASE,
    "audit": BASE,
    "engine": BASE,
    "models": BASE,
    "remote": BASE | {"engine"},  # it implements that seam, and reads thoughts and schemas as the local one does
    "files": BASE | {"audit"},
    "metered": BASE | {"engine"},
    "machine": BASE | {"engine", "metered"},
    "store": BASE | {"settings", "audit"},
    "pipeline": LOWER,
    "admission": BASE,
    "live": BASE | {"admission"},
    "logs": BASE | {"audit"},
    "metrics": BASE | {"engine"},
    "service": LOWER | {"pipeline", "admission", "live", "metrics"},
    "startup": LOWER,
    "client": BASE | {"audit", "files", "remote"},
    "compare": UPPER,
    "catalogue": UPPER | {"scan"},
    "scan": UPPER | {"client"},
    "api": UPPER,
    "doctor": UPPER | {"api"},
    "mcp": UPPER | {"client"},
    "cli": UPPER | {"api", "catalogue", "compare", "doctor", "mcp", "scan"},
    "__main__": frozenset({"cli"}),
}
# Which modules may import a library: everything below these names.
LIBRARY_HOMES = {
    "torch": ("audit8.engine", "audit8.models.convert"),
    "transformers": ("audit8.engine", "audit8.models.convert"),
    "tokenizers": ("audit8.engine", "audit8.models.convert"),
    "bitsandbytes": ("audit8.engine",),
    "llguidance": ("audit8.engine",),
    "accelerate": ("audit8.engine",),
    "triton": ("audit8.engine",),
    "fastapi": ("audit8.api",),
    "starlette": ("audit8.api",),
    "uvicorn": ("audit8.api",),
    "h11": ("audit8.api",),
    "prometheus_client": ("audit8.metrics",),
    "pynvml": ("audit8.machine",),
    "mcp": ("audit8.mcp.tools",),
    "mcp_types": ("audit8.mcp.tools",),
}
# Libraries that come with another one which requirements.txt names, or under another name.
COMES_WITH = {
    "mcp_types": "mcp",
    "pynvml": "nvidia_ml_py",  # the module of that package
    "referencing": "jsonschema",
    "starlette": "fastapi",
    "h11": "uvicorn",
    "tokenizers": "transformers",
    "tqdm": "huggingface_hub",
    "triton": "torch",
}
HEAVY = ("audit8.engine", "audit8.api", "audit8.cli", "audit8.__main__", "audit8.models.convert", "audit8.mcp.tools")


def below(module: str, homes: tuple[str, ...]) -> bool:
    return any(module == home or module.startswith(f"{home}.") for home in homes)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported module and its line, inside functions too; relative imports are made absolute."""
    parents = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [node.module])])
            start = base if node.level else node.module or ""
            # "from audit8 import types" names the module audit8.types
            yield from ((f"{start}.{alias.name}" if start == "audit8" else start, node.lineno) for alias in node.names)


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part_of(module: str) -> str:
    """`audit8.audit.rules` -> `audit`; the package itself is ""."""
    return module.split(".")[1] if "." in module else ""


def test_every_part_is_on_the_map() -> None:
    parts = {part_of(module_of(path)) for path in modules()} - {""}
    assert parts <= MAY_IMPORT.keys(), "add the new part to MAY_IMPORT and to docs/architecture.md"


def test_the_map_is_in_the_documentation() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    there = {part_of(module_of(path)) for path in modules()} - {""}
    assert [part for part in sorted(there) if not re.search(rf"\b{part}(\.py|/|`)", text)] == []


def test_the_map_goes_one_way() -> None:
    for part, allowed in MAY_IMPORT.items():
        assert part not in allowed
        assert not [other for other in allowed if part in MAY_IMPORT[other]]


@pytest.mark.parametrize("path", modules(), ids=module_of)
def test_imports_go_one_way(path: Path) -> None:
    module = module_of(path)
    part = part_of(module)
    allowed = MAY_IMPORT.get(part, frozenset()) | {part}
    known = MAY_IMPORT.keys()
    wrong = [
        f"{path.name}:{line} imports {name}"
        for name, line in imports_of(path)
        if name.startswith("audit8.") and part_of(name) in known and part_of(name) not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("path", modules(), ids=module_of)
def test_libraries_stay_at_home(path: Path) -> None:
    module = module_of(path)
    wrong = [
        f"{path.name}:{line} imports {name}"
        for name, line in imports_of(path)
        if (homes := LIBRARY_HOMES.get(name.split(".")[0])) and not below(module, homes)
    ]
    assert wrong == []


def test_every_library_is_a_requirement() -> None:
    lists = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("requirements.txt", "requirements-mcp.txt"))
    names = re.findall(r"(?m)^([\w-]+)", lists)
    required = {name.lower().replace("-", "_") for name in names}
    imported = {name.split(".")[0] for path in modules() for name, _ in imports_of(path)}
    libraries = imported - set(sys.stdlib_module_names) - {"audit8"}
    assert {name for name in libraries if COMES_WITH.get(name, name) not in required} == set()


def test_light_modules_load_neither_torch_nor_fastapi() -> None:
    """The socket must answer before torch has been imported, and audit/ must be usable without either."""
    light = [name for path in modules() if not below(name := module_of(path), HEAVY)]
    assert {"audit8.types", "audit8.settings", "audit8.audit", "audit8.models", "audit8.service"} <= set(light)
    code = (
        f"import importlib, sys\nfor name in {light!r}: importlib.import_module(name)\n"
        "print(*sorted({'torch', 'transformers', 'fastapi', 'starlette'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
