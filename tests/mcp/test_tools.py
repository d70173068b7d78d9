"""`audit8 mcp` as an assistant uses it: the official client, over the standard streams of a real process."""

import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from audit8 import cli
from audit8.engine.fake import FakeEngine
from audit8.errors import BadRequest
from audit8.mcp.command import ENGINE_FIELDS
from audit8.mcp.roots import Roots
from tests.api.serving import ANSWER, SQL, served

ROOT = Path(__file__).resolve().parents[2]
PLAIN = "import sys\nfrom audit8.cli import main\nsys.exit(main(sys.argv[1:]))"
WITH_ENGINE = f"""
import sys
from pathlib import Path
from audit8.engine.fake import FakeEngine
from audit8.mcp.command import Wish, run
from audit8.settings import Settings

def load(settings):
    print("a library that prints on standard output")
    return FakeEngine(default={ANSWER!r})

sys.exit(run(Settings(lang="en"), Wish((Path(sys.argv[1]),)), load))
"""


@asynccontextmanager
async def tools(*arguments: str, code: str = PLAIN) -> AsyncIterator[Client]:
    env = {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::RuntimeWarning"}
    env |= {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    async with Client(StdioServerParameters(command=sys.executable, args=["-c", code, *arguments], env=env)) as one:
        yield one


def rules(*arguments: str) -> Any:
    return tools("mcp", "--rules-only", "--lang", "en", *arguments)


def text_of(result: CallToolResult) -> str:
    return "".join(part.text for part in result.content if isinstance(part, TextContent))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "db.py").write_text(SQL)
    (folder / "good.py").write_text("x = 1\n")
    (tmp_path / "secret.py").write_text("PASSWORD = 'hunter2hunter2'\n")
    return folder


async def test_the_rules_alone(project: Path) -> None:
    async with rules("--root", str(project)) as one:
        listed = {tool.name: tool for tool in (await one.list_tools()).tools}
        assert set(listed) == {"audit_code", "audit_path", "explain_finding"}
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in listed.values())
        steps: list[float] = []

        async def on_step(done: float, total: float | None, message: str | None) -> None:
            steps.append(done)

        result = await one.call_tool("audit_path", {"path": "src"}, progress_callback=on_step)
        answer: Any = result.structured_content
        assert (answer["files"], answer["total_lines"], answer["read_lines"], answer["model"]) == (1, 2, 0, "")
        finding = next(item for item in answer["findings"] if item["cwe"] == "CWE-89")
        assert (finding["file"], finding["start_line"], finding["found_by"]) == ("db.py", 2, "rule")
        assert finding["quote"] == SQL.splitlines()[1]
        assert steps
        explained = text_of(await one.call_tool("explain_finding", {"id": finding["id"]}))
        assert re.search(r"(?m)^>    2     return db\.execute", explained)
        assert "CWE-89" in explained
        unknown = await one.call_tool("explain_finding", {"id": "nonsense"})
        assert unknown.is_error
        assert "nonsense" in text_of(unknown)


async def test_code_that_is_given(project: Path) -> None:
    async with rules() as one:
        assert {tool.name for tool in (await one.list_tools()).tools} == {"audit_code", "explain_finding"}
        answer: Any = (await one.call_tool("audit_code", {"code": SQL, "filename": "db.py"})).structured_content
        assert answer["risk_level"] == "high"
        for arguments, words in (({"code": " "}, "no code"), ({"code": "x" * 2**21}, "longer"), ({}, "code")):
            refused = await one.call_tool("audit_code", arguments)
            assert refused.is_error
            assert words in text_of(refused).lower()


async def test_only_what_lies_inside_a_root_is_read(project: Path, tmp_path: Path) -> None:
    (project / "out.py").symlink_to(tmp_path / "secret.py")
    (project / "loop").symlink_to(project / "loop")
    (project / "inner.py").symlink_to(project / "src" / "db.py")
    outside = ["../secret.py", str(tmp_path / "secret.py"), "out.py", "src/../../secret.py", "/etc/passwd", ".."]
    async with rules("--root", str(project), "--root", str(project / "src")) as one:
        for path in outside:
            refused = await one.call_tool("audit_path", {"path": path})
            assert refused.is_error, path
            assert "outside" in text_of(refused)
            assert "hunter2" not in text_of(refused)
        for path in ("none.py", "loop", "a\0b", "x" * 5000):
            refused = await one.call_tool("audit_path", {"path": path})
            assert refused.is_error, path
        for path in ("db.py", "inner.py", str(project / "src" / "db.py")):
            answer: Any = (await one.call_tool("audit_path", {"path": path})).structured_content
            assert answer["findings"], path
        whole: Any = (await one.call_tool("audit_path", {"path": "."})).structured_content
        assert {item["file"] for item in whole["findings"]} == {"src/db.py"}


async def test_a_model_of_its_own_is_loaded_once_and_may_print(project: Path) -> None:
    async with tools(str(project), code=WITH_ENGINE) as one:
        for _ in range(2):
            answer: Any = (await one.call_tool("audit_path", {"path": "src/db.py"})).structured_content
            assert (answer["model"], answer["read_lines"]) == ("fake-7b", 2)
            assert {item["cwe"] for item in answer["findings"]} == {"CWE-89"}


async def test_a_running_server(project: Path) -> None:
    engine = FakeEngine(default=ANSWER)
    with served(engine) as running:
        flags = ["mcp", "--server", running.url, "--lang", "zh", "--root", str(project)]
        async with tools(*flags) as one:
            answer: Any = (await one.call_tool("audit_path", {"path": "src/db.py"})).structured_content
            assert (answer["model"], answer["read_lines"], answer["sent_to"]) == ("fake-7b", 2, "")
            listed = (await one.list_tools()).tools
            assert all(tool.annotations for tool in listed)
            assert [tool.annotations.open_world_hint for tool in listed if tool.annotations] == [True, True, False]
            engine.enqueue("one two", fail_at=1)
            failed = await one.call_tool("audit_code", {"code": "x = 1\n"})
            assert failed.is_error
            assert "scripted engine failed" in text_of(failed)
    async with tools(*flags) as one:
        gone = await one.call_tool("audit_code", {"code": "x = 1\n"})
        assert gone.is_error
        assert "does not answer" in text_of(gone)


# ---- flags -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--server", "http://localhost:1", "--rules-only"], "not allowed with"),
        (["--rules-only", "--model", "m"], "--model is for a model of this process, not for --rules-only"),
        (["--server", "http://localhost:1", "--quant", "4bit"], "--quant is for a model of this process"),
        (["--api-key-file", "f"], "--api-key-file is for --server only"),
        (["--port", "1"], "--port"),
    ],
)
def test_flags_that_say_nothing_are_refused(
    flags: Sequence[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["mcp", *flags])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err.splitlines()[-1]


def test_what_cannot_be_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flags, words in (
        (["--rules-only", "--root", str(tmp_path / "none")], "is not a folder"),
        (["--server", "http://[::1"], "not an address"),
    ):
        assert cli.main(["mcp", *flags]) == 1
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 1
        assert words in said[0]


def test_without_the_sdk_it_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in [name for name in sys.modules if name == "audit8.mcp.tools" or name.split(".")[0] == "mcp"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert cli.main(["mcp", "--rules-only"]) == 1
    assert "requirements-mcp.txt" in capsys.readouterr().err


def test_the_settings_of_a_model_are_the_ones_that_there_are() -> None:
    assert {"model", "engine", "engine_url", "quant", "context_tokens"} <= set(ENGINE_FIELDS)
    with pytest.raises(BadRequest):
        Roots([Path(__file__)])
