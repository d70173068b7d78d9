"""docs/scan.md, the pre-commit hook and the workflow are compared with the command, and run as they are written."""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from audit8.audit.baseline import read_baseline
from audit8.scan import command
from audit8.scan.flags import FIELDS, add_flags
from audit8.settings import Settings
from tests.scan.conftest import CLEAN, SHELL

ROOT = Path(__file__).resolve().parents[2]
DOC = (ROOT / "docs" / "scan.md").read_text(encoding="utf-8")
WORKFLOW = (ROOT / "docs" / "examples" / "github-workflow.yml").read_text(encoding="utf-8")
HOOKS = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
FOREIGN = {"--no-deps"}


def own_flags() -> dict[str, argparse.Action]:
    parser = argparse.ArgumentParser(add_help=False)
    add_flags(parser)
    return {action.option_strings[0]: action for action in parser._actions if action.option_strings}


def test_the_table_is_that_of_the_parser() -> None:
    rows = re.findall(r"(?m)^\| `(--[\w-]+)(?: ([A-Z]+))?` \| ([^|]+) \| ([^|]+) \|$", DOC)
    flags = own_flags()
    assert [flag for flag, *_ in rows] == list(flags)
    for flag, metavar, default, words in rows:
        action = flags[flag]
        assert metavar == (action.metavar or "")
        shown = default.strip("`")
        plain = {"-", "off", "standard output"}
        assert shown == action.default or (shown in plain and not action.default), flag
        for choice in action.choices or ():
            assert f"`{choice}`" in words + default, (flag, choice)


def test_every_flag_that_is_named_exists_and_every_setting_is_named() -> None:
    settings = {f"--{name.replace('_', '-')}" for name in FIELDS}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", DOC))
    assert named == settings | own_flags().keys()
    assert settings <= {f"--{name.replace('_', '-')}" for name in Settings.model_fields}


def test_the_exit_codes_are_those_of_the_command() -> None:
    codes = [int(code) for code in re.findall(r"(?m)^\| (\d+) \|", DOC)]
    assert codes == [command.CLEAN, command.FOUND, command.FAILED, command.INTERRUPTED]


def test_the_baseline_that_is_shown_is_one() -> None:
    shown = re.search(r"(?s)```json\n(.*?)```", DOC)
    assert shown
    [entry] = read_baseline(shown[1])
    assert (entry.file, entry.class_id) == ("src/a.py", "command-injection")


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", DOC)
    assert targets
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []


# ---- run as written ----------------------------------------------------------------------------------------------


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which `audit8` is this program."""
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "audit8"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m audit8 "$@"\n')
    program.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "GITHUB_BASE_REF": "main", "LANG": "en_US.UTF-8"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a branch at its origin, one old finding, and a change that adds another."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "old.py").write_text(SHELL)
    for arguments in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "one"),
        ("update-ref", "refs/remotes/origin/main", "HEAD"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    (folder / "new.py").write_text(CLEAN)
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    return folder


def run(line: str, folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


def hook() -> dict[str, Any]:
    """The one hook of the file, read without a YAML parser: its lists are flat."""
    fields = dict(re.findall(r"(?m)^(?:- |  )(\w+): (.+)$", HOOKS))
    assert fields.keys() >= {"id", "entry", "args", "language"}
    assert HOOKS.count("- id:") == 1
    return {**fields, "args": [part.strip() for part in fields["args"].strip("[]").split(",")]}


def test_the_hook_stops_a_commit_with_a_finding_and_lets_others_pass(
    repository: Path, environment: dict[str, str]
) -> None:
    entry = " ".join([hook()["entry"], *map(shlex.quote, hook()["args"])])
    done = run(f"{entry} new.py", repository, environment)
    assert (done.returncode, done.stderr) == (0, "")
    done = run(f"{entry} new.py old.py", repository, environment)
    assert done.returncode == 1
    assert "old.py:2:" in done.stdout


def test_the_workflow_uploads_the_whole_and_stops_only_for_what_is_new(
    repository: Path, environment: dict[str, str]
) -> None:
    scans = re.findall(r"(?m)^ +run: (audit8 scan .*)$", WORKFLOW)
    assert len(scans) == 2
    whole, gate = scans
    output = re.search(r"sarif_file: (\S+)", WORKFLOW)
    assert output
    assert run(whole, repository, environment).returncode == 0
    log = json.loads((repository / output[1]).read_text(encoding="utf-8"))
    assert len(log["runs"][0]["results"]) == 1
    assert run(gate, repository, environment).returncode == 0
    (repository / "new.py").write_text(SHELL.replace("())", "())  # audit8: ignore[CWE-78] hush"))
    stopped = run(gate, repository, environment)
    assert stopped.returncode == 1
    assert "new.py:2:" in stopped.stdout


def test_what_the_workflow_installs_is_all_that_the_rules_need() -> None:
    installed = re.search(r"pip install (ast-grep-py [\w -]+)", WORKFLOW)
    assert installed
    heavy = (
        "torch",
        "transformers",
        "numpy",
        "psutil",
        "llguidance",
        "huggingface_hub",
        "gguf",
        "bitsandbytes",
        "accelerate",
    )
    code = (
        "import sys\n"
        f"for name in {heavy!r}: sys.modules[name] = None\n"
        "from audit8 import cli\n"
        "sys.exit(cli.main(['scan', 'pyproject.toml', '--rules-only', '--quiet', '--format', 'html']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert [name for name in installed[1].split() if not re.search(rf"(?m)^{name}[>=]", requirements)] == []
