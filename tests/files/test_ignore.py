"""`.gitignore` as git reads it: compared with git itself where git is there, and never slow."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit8.files.ignore import is_ignored, read_ignore

PATHS = ["a", "b", "ab", "a/b", "a/a/b", "b/a/ab", "a/b/c.py", "c.py", "a/c.py", "x[1].py", "sp ace", "a/b/a/b"]
PATTERNS = [
    "a",
    "b",
    "*.py",
    "!*.py",
    "a/",
    "/a",
    "/a/b",
    "a/b",
    "**/b",
    "a/**",
    "a/**/b",
    "*b",
    "?b",
    "[ab]",
    "[!a]",
    "[^a]",
    "\\!x",
    "x\\[1\\].py",
    "#",
    "!a",
    "b/*",
    "**/",
    "/",
    "//",
    "a//",
    "!",
]


def ignored(path: str, *files: tuple[str, str]) -> bool:
    """As the walk does it: a folder that is ignored is not entered."""
    ignores = [read_ignore(tuple(folder.split("/")) if folder else (), text) for folder, text in files]
    parts = tuple(path.split("/"))
    return any(
        is_ignored(
            parts[:depth],
            [one for one in ignores if parts[: depth - 1][: len(one.folder)] == one.folder],
            is_folder=depth < len(parts),
        )
        for depth in range(1, len(parts) + 1)
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    root = tmp_path_factory.mktemp("repository")
    subprocess.run([git, "init", "-q", str(root)], check=True, timeout=30)
    return root


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=5), st.lists(st.sampled_from(PATTERNS), max_size=3))
def test_git_says_the_same(repository: Path, patterns: list[str], below: list[str]) -> None:
    top, inner = "\n".join(patterns), "\n".join(below)
    (repository / ".gitignore").write_text(top + "\n")
    (repository / "a").mkdir(exist_ok=True)
    (repository / "a" / ".gitignore").write_text(inner + "\n")
    asked = ["git", "-C", str(repository), "check-ignore", "--no-index", "--stdin", "-z"]
    files = "\0".join(f"{path}/leaf" for path in PATHS)
    done = subprocess.run(asked, input=files, capture_output=True, text=True, timeout=30, check=False)
    said = {path for path in done.stdout.split("\0") if path}
    ours = {f"{path}/leaf" for path in PATHS if ignored(f"{path}/leaf", ("", top), ("a", inner))}
    assert ours == said


def test_the_nearest_file_wins() -> None:
    assert ignored("a/x.log", ("", "*.log"))
    assert not ignored("a/x.log", ("", "*.log"), ("a", "!x.log"))


def test_a_hostile_pattern_costs_nothing() -> None:
    started = time.perf_counter()
    for pattern in ("*a" * 200 + "b", "**/" * 150 + "b", "[" * 400, "\\" * 400, "[z-a]"):
        ignored("/".join(["a" * 250] * 40), ("", pattern))
    assert time.perf_counter() - started < 2
