"""A change in a repository becomes a diff and whole files, and the repository's configuration runs nothing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from audit8.errors import BadRequest, EmptyCode
from audit8.files.git import read_change
from audit8.files.job import job_of_change
from audit8.types import LineRange

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
OLD = "import os\n\n\ndef f(a):\n    return a\n\n\ndef g(b):\n    return b\n"
NEW = OLD.replace("return b", "return os.system(b)")


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", str(root), *who, *arguments], capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "名 a.py").write_text(OLD, encoding="utf-8")
    (tmp_path / "gone.py").write_text("x = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "src" / "名 a.py").write_text(NEW, encoding="utf-8")
    (tmp_path / "gone.py").unlink()
    return tmp_path


def test_the_work_tree_against_the_last_commit(repository: Path) -> None:
    for folder in (repository, repository / "src"):
        job = job_of_change(folder, "en")
        (source,) = job.sources
        assert (source.name, source.text, source.focus) == ("src/名 a.py", NEW, (LineRange(9, 9),))
        assert [(one.file, one.code) for one in job.skipped] == [("gone.py", "deleted")]


def test_between_two_commits_the_files_are_those_of_the_second(repository: Path) -> None:
    git(repository, "commit", "-qam", "second")
    (repository / "src" / "名 a.py").write_text("something else\n")
    (source,) = job_of_change(repository, "en", base="HEAD~1", head="HEAD").sources
    assert (source.text, source.given) == (NEW, ())


def test_nothing_changed_and_nothing_there_are_said(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    git(repository, "commit", "-qam", "second")
    with pytest.raises(EmptyCode):
        job_of_change(repository, "en")
    for base in ("no-such-revision", "--output=x", "-p"):
        with pytest.raises(BadRequest):
            read_change(repository, base)
    assert not (repository / "x").exists()
    with pytest.raises(BadRequest, match="git"):
        read_change(tmp_path_factory.mktemp("plain"), "HEAD")


@pytest.mark.skipif(os.name == "nt", reason="the hostile commands are for a POSIX shell")
def test_a_hostile_configuration_runs_nothing(repository: Path) -> None:
    mark = repository / "was-run"
    command = f"touch '{mark}'; cat"
    (repository / ".gitattributes").write_text("*.py filter=evil diff=evil\n")
    for key in ("core.fsmonitor", "diff.external", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv"):
        git(repository, "config", key, command)
    git(repository, "config", "diff.evil.command", command)
    assert job_of_change(repository, "en").sources[0].text == NEW
    assert not mark.exists()


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_in_the_work_tree_leads_nowhere(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("secret") / "s.py"
    secret.write_text("secret = 1\n")
    (repository / "gone.py").symlink_to(secret)
    change = read_change(repository, "HEAD")
    assert change.whole("gone.py") is None
    assert change.whole("../" + secret.name) is None
    assert not any("secret" in source.text for source in job_of_change(repository, "en").sources)


def test_only_what_lies_below_the_paths_that_are_given(repository: Path) -> None:
    (repository / "b.py").write_text("y = [2, 3, 4]\n")  # not what gone.py was: git would call it renamed
    git(repository, "add", ".")
    for only, names in (
        ((repository / "b.py",), ["b.py"]),
        ((repository / "src",), ["src/名 a.py"]),
        ((repository / "src", repository / "b.py"), ["b.py", "src/名 a.py"]),
        ((repository,), ["b.py", "src/名 a.py"]),
        ((repository / "src" / "..",), ["b.py", "src/名 a.py"]),
    ):
        job = job_of_change(repository, "en", only=only)
        assert [source.name for source in job.sources] == names
    with pytest.raises(BadRequest, match="not in the repository"):
        job_of_change(repository, "en", only=(repository.parent,))


def test_a_path_is_no_pattern(repository: Path) -> None:
    (repository / "[ab].py").write_text("x = 1\n")
    (repository / "a.py").write_text("x = 1\n")
    git(repository, "add", ".")
    job = job_of_change(repository, "en", only=(repository / "[ab].py",))
    assert [source.name for source in job.sources] == ["[ab].py"]


def test_a_change_may_be_none_if_that_is_said(repository: Path) -> None:
    git(repository, "commit", "-qam", "second")
    assert job_of_change(repository, "en", may_be_empty=True).sources == ()
