"""What the documentation says is compared with what there is: twins, settings, routes, figures, requirements."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, get_args
from urllib.parse import urlsplit

import pytest
from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from audit8 import __version__
from audit8.models.fit import need_of_config
from audit8.models.known import CODER_1_5B, CODER_7B, KnownModel
from audit8.settings import Settings
from audit8.types import Quant

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh.md")
GIB = 1024**3
# Flags of curl, pip and pytest that the documents may name beside those of the server and of scripts/install.py.
FOREIGN_FLAGS = {"--data-binary", "--dev", "--json", "--no-history"}
PUBLIC_HOSTS = {"pypi.org", "files.pythonhosted.org", "pypi.tuna.tsinghua.edu.cn", "download.pytorch.org"}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def without_fences(text: str) -> str:
    return re.sub(r"(?ms)^```.*?^```$", "", text)


def tables(text: str) -> list[list[list[str]]]:
    """Tables -> rows -> cells, the line of dashes left out."""
    found: list[list[list[str]]] = []
    inside = False
    for line in without_fences(text).splitlines():
        if line.startswith("|"):
            if not inside:
                found.append([])
            if not set(line) <= set("|- :"):
                found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        inside = line.startswith("|")
    return found


def code_spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


# ---- the twins ---------------------------------------------------------------------------------------------------


def test_the_twins_have_the_same_headings() -> None:
    levels = [re.findall(r"(?m)^(#+) ", without_fences(read(name))) for name in READMES]
    assert levels[0] == levels[1]


def test_the_twins_have_the_same_commands() -> None:
    blocks = [re.findall(r"(?ms)^```.*?^```$", read(name)) for name in READMES]
    assert blocks[0] == blocks[1]


def test_the_twins_have_the_same_tables() -> None:
    english, chinese = (tables(read(name)) for name in READMES)
    assert [len(table) for table in english] == [len(table) for table in chinese]
    for rows, twins in zip(english, chinese, strict=True):
        for row, twin in zip(rows, twins, strict=True):
            assert [code_spans(cell) for cell in row[:-1]] == [code_spans(cell) for cell in twin[:-1]]
            assert re.findall(r"\d+\.\d+", " ".join(row)) == re.findall(r"\d+\.\d+", " ".join(twin))


def test_the_twins_name_the_same_code_and_links() -> None:
    english, chinese = (without_fences(read(name)) for name in READMES)
    flags = re.compile(r"--[a-z][a-z-]+")
    assert set(flags.findall(english)) == set(flags.findall(chinese))
    link = re.compile(r"\]\(([\w/.]+)\)|(https?://[\w.:/-]+\w)", re.ASCII)
    links = [set(link.findall(text)) for text in (english, chinese)]
    assert links[0] - {("README.zh.md", "")} == links[1] - {("README.md", "")}


@pytest.mark.parametrize(
    "name", [*READMES, *sorted(f"docs/{path.name}" for path in ROOT.glob("docs/*.md")), "CHANGELOG.md"]
)
def test_relative_links_lead_somewhere(name: str) -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", read(name)) if "://" not in target]
    assert [target for target in targets if not (ROOT / name).parent.joinpath(target).exists()] == []


# ---- settings ----------------------------------------------------------------------------------------------------


def environment_names(name: str, field: FieldInfo) -> list[str]:
    if isinstance(field.validation_alias, AliasChoices):
        return [str(choice) for choice in field.validation_alias.choices if str(choice).isupper()]
    return [f"AUDIT8_{name.upper()}"]


def shown_default(field: FieldInfo) -> str:
    default = field.default
    if field.default_factory is not None or default is None or default == ():
        return "-"
    if isinstance(default, Path):
        return f"`~/{default.relative_to(Path.home()).as_posix()}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


@pytest.mark.parametrize("readme", READMES)
def test_the_table_of_settings_is_complete_and_true(readme: str) -> None:
    rows = [row for table in tables(read(readme)) for row in table if row[0].startswith("`--")]
    assert [row[:3] for row in rows] == [
        [
            f"`--{name.replace('_', '-')}`",
            ", ".join(f"`{variable}`" for variable in environment_names(name, field)),
            shown_default(field),
        ]
        for name, field in Settings.model_fields.items()
    ]


def test_the_english_table_says_what_the_settings_say() -> None:
    rows = [row for table in tables(read("README.md")) for row in table if row[0].startswith("`--")]
    assert [row[3] for row in rows] == [field.description for field in Settings.model_fields.values()]


@pytest.mark.parametrize("readme", READMES)
def test_no_document_names_a_flag_that_does_not_exist(readme: str) -> None:
    known = {f"--{name.replace('_', '-')}" for name in Settings.model_fields} | FOREIGN_FLAGS | {"--model"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", read(readme))) <= known


# ---- routes and figures ------------------------------------------------------------------------------------------


def test_the_routes_of_the_readme_are_the_routes_of_the_app() -> None:
    from audit8.api.app import create_app

    def never(*_: object) -> NoReturn:
        raise AssertionError("nothing is loaded to list the routes")

    app = create_app(Settings(), never)
    there = {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}
    named = re.findall(r"(?m)^\| `((?:GET|POST|PUT|DELETE) [^`]+)`", read("README.md"))
    assert set(named) == there


@pytest.mark.parametrize(
    ("model", "quant", "on_gpu"),
    [(CODER_7B, "8bit", True), (CODER_7B, "4bit", True), (CODER_1_5B, "8bit", True), (CODER_1_5B, "8bit", False)],
    ids=str,
)
def test_the_memory_figures_are_the_computed_ones(model: KnownModel, quant: Quant, on_gpu: bool) -> None:
    assert quant in get_args(Quant)
    context_tokens = Settings.model_fields["context_tokens"].default
    need = need_of_config(model.config, quant, context_tokens, on_gpu=on_gpu, int8_vocabulary=quant == "8bit")
    figure = f"{(need.total_bytes if on_gpu else need.model_bytes) / GIB:.1f} GiB"
    everything = [row for table in tables(read("README.md")) for row in table]
    rows = [row for row in everything if f"`{model.id}`" in row and f"`{quant}`" in row]
    assert [row[3] for row in rows if ("no GPU" not in row[0]) is on_gpu] == [figure]


def test_the_sixteen_bit_figure_is_the_computed_one() -> None:
    need = need_of_config(CODER_7B.config, "none", Settings.model_fields["context_tokens"].default)
    for name in READMES:
        assert f"{need.total_bytes / GIB:.1f} GiB" in re.sub(r"(?s).*--quant none", "", read(name), count=1)


# ---- requirements, version, licence ------------------------------------------------------------------------------


@pytest.mark.parametrize("readme", READMES)
def test_the_measured_table_is_the_recorded_run(readme: str) -> None:
    run = json.loads(read("bench/results/engine-h100.json"))
    decode = run["decode_tok_s"]
    figures = [
        *(f"{run[name]:.2f} GiB" for name in ("weights_gib", "stock_bnb_weights_gib", "fp16_weights_gib")),
        *(f"{speed:.0f} tokens/s" for speed in (decode["1"], run["stock_bnb_tok_s"], run["fp16_tok_s"])),
        f"{decode['16']:.0f}",
        f"{decode['64']:.0f} tokens/s",
        *(f"{run[name + 'prefill_tok_s']} tokens/s" for name in ("", "stock_bnb_", "fp16_")),
        f"{run['ttft_ms']:.0f} ms; {run['ttft_cached_ms']:.0f} ms",
    ]
    cells = " ".join(cell for row in tables(read(readme))[0] for cell in row)
    assert [figure for figure in figures if figure not in cells] == []
    assert f"{run['limit_tok_s']:.0f} tokens/s" in read(readme)


@pytest.mark.parametrize(("name", "table"), [("requirements.txt", 0), ("requirements-dev.txt", 1)])
def test_every_requirement_has_its_reason(name: str, table: int) -> None:
    lines = requirements(name)
    rows = tables(read("docs/dependencies.md"))[table][1:]
    assert [row[0].strip("`") + row[1].strip("`") for row in rows] == lines
    assert all(all(row) for row in rows)


def requirements(name: str) -> list[str]:
    return [line for line in read(name).splitlines() if line and not line.startswith("#")]


def test_the_smaller_lists_are_part_of_the_larger_ones() -> None:
    assert set(requirements("requirements-remote.txt")) <= set(requirements("requirements.txt"))
    assert set(requirements("requirements-mcp.txt")) <= set(requirements("requirements-dev.txt"))


def test_the_changelog_has_this_version_or_what_comes_next() -> None:
    versions = re.findall(r"(?m)^## \[([^\]]+)\]", read("CHANGELOG.md"))
    assert versions[0] in {"Unreleased", __version__}


def test_the_licence_is_the_one_that_is_declared() -> None:
    assert tomllib.loads(read("pyproject.toml"))["project"]["license"] == "Apache-2.0"
    assert "Apache License" in read("LICENSE")[:200]


# ---- nothing of the machine that it was written on ----------------------------------------------------------------


def project_files() -> Iterator[Path]:
    """What is in the repository or would be added to it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    yield from (path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file())


def pip_places() -> set[str]:
    """The hosts and folders that pip is configured with here, public ones left out."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    urls = [urlsplit(url) for url in re.findall(r"[a-z]+://[^\s'\"]+", listed)]
    folders = re.findall(r"find-links='(/[^']+)'", listed)
    hosts = {url.hostname for url in urls if url.hostname} | {url.path for url in urls if url.scheme == "file"}
    return (hosts | set(folders)) - PUBLIC_HOSTS


def test_no_file_names_a_place_of_this_machine() -> None:
    places = {str(ROOT), *pip_places()} - {"/"}
    pattern = re.compile(
        "|".join([r"/(?:home|Users)/[a-z]\w+", r"/root/", *map(re.escape, sorted(places))]).encode(), re.IGNORECASE
    )
    found = {
        str(path.relative_to(ROOT)): match[0] for path in project_files() if (match := pattern.search(text_of(path)))
    }
    assert found == {}


def text_of(path: Path) -> bytes:
    """The file without this test's own pattern."""
    content = path.read_bytes()
    return content.replace(rb"/root/", b"") if path == Path(__file__).resolve() else content


# ---- the wheel ---------------------------------------------------------------------------------------------------


def test_the_wheel_has_the_whole_package_and_the_page(tmp_path: Path) -> None:
    for name in ("pyproject.toml", *(path.name for path in ROOT.glob("requirements*.txt")), "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("audit8", "static"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", "out", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    wheel = next(tmp_path.joinpath("out").glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = next(archive.read(name).decode() for name in names if name.endswith("/METADATA"))
    needed = re.findall(r"(?m)^Requires-Dist: ([\w-]+)[^;\n]*$", metadata)
    assert set(needed) == {re.split("[<>=]", line)[0] for line in requirements("requirements-remote.txt")}
    assert "torch" in re.findall(r"(?m)^Requires-Dist: ([\w-]+).*extra == ['\"]local['\"]", metadata)
    files = {path.relative_to(tmp_path) for path in tmp_path.joinpath("audit8").rglob("*") if path.is_file()}
    page = {
        Path("audit8") / path.relative_to(tmp_path) for path in tmp_path.joinpath("static").rglob("*") if path.is_file()
    }
    assert {path.as_posix() for path in files | page} <= names
