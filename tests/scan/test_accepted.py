"""Baselines, comments and changes on the command line, in a real repository."""

import json
import subprocess
from pathlib import Path

import pytest

from audit8.audit.baseline import read_baseline
from audit8.audit.report_json import read_report
from audit8.findings import Report
from tests.scan.conftest import CLEAN, SHELL, Scan

SQL = 'def f(cur, a):\n    cur.execute("SELECT * FROM t WHERE a = \'" + a + "\'")\n'
IGNORED = 'import os\n# audit8: ignore[CWE-78] the list is fixed\nos.system("ls " + input())\n'


def git(*arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(folder: Path) -> Path:
    git("init", "-q", "-b", "main")
    return folder


def report_of(scan: Scan, *arguments: str) -> tuple[int, Report]:
    ran = scan(*arguments, "--rules-only", "--format", "json")
    return ran.code, read_report(ran.out)


# ---- baseline ----------------------------------------------------------------------------------------------------


def test_a_baseline_accepts_what_is_there_and_a_new_finding_still_fails(folder: Path, scan: Scan) -> None:
    (folder / "a.py").write_text(SHELL)
    written = scan(".", "--rules-only", "--write-baseline", "base.json")
    assert written.code == 0
    assert "accepts 1 finding(s)" in written.err
    assert "os.system" not in (folder / "base.json").read_text()
    code, report = report_of(scan, ".", "--baseline", "base.json")
    assert (code, report.findings, len(report.suppressed)) == (0, (), 1)
    assert report.suppressed[0].reason == "accepted when the baseline was written"
    (folder / "a.py").write_text("# moved\n\n" + SHELL)
    assert report_of(scan, ".", "--baseline", "base.json")[0] == 0
    (folder / "b.py").write_text(SHELL)
    code, report = report_of(scan, ".", "--baseline", "base.json")
    assert (code, [one.file for one in report.findings]) == (1, ["b.py"])


def test_what_matches_nothing_is_stale_unless_its_file_was_not_scanned(folder: Path, scan: Scan) -> None:
    for name in ("a.py", "b.py", "gone.py"):
        (folder / name).write_text(SHELL)
    scan(".", "--rules-only", "--write-baseline", "base.json")
    (folder / "gone.py").unlink()
    (folder / "a.py").write_text(CLEAN)
    assert [one for one in report_of(scan, "b.py", "--baseline", "base.json")[1].warnings if "a.py" in one] == []
    said = report_of(scan, ".", "--baseline", "base.json")[1].warnings
    assert sorted(name for name in ("a.py", "b.py", "gone.py") if any(name in one for one in said)) == [
        "a.py",
        "gone.py",
    ]
    scan(".", "--rules-only", "--baseline", "base.json", "--write-baseline", "base.json")
    assert [one.file for one in read_baseline((folder / "base.json").read_text())] == ["b.py"]


def test_a_part_of_the_project_keeps_the_entries_of_the_rest(folder: Path, scan: Scan) -> None:
    for name in ("a.py", "b.py"):
        (folder / name).write_text(SHELL)
    scan(".", "--rules-only", "--write-baseline", "base.json")
    (folder / "a.py").write_text(SHELL + SQL)
    scan("a.py", "--rules-only", "--baseline", "base.json", "--write-baseline", "base.json")
    assert [one.file for one in read_baseline((folder / "base.json").read_text())] == ["a.py", "a.py", "b.py"]


def test_a_baseline_names_no_file_outside(folder: Path, scan: Scan) -> None:
    (folder / "sub").mkdir()
    (folder / "secret.py").write_text(SHELL)
    (folder / "sub" / "a.py").write_text(CLEAN)
    names = ["../secret.py", str(folder / "secret.py")]
    entries = [{"fingerprint": "0" * 16, "file": name} for name in names]
    (folder / "sub" / "base.json").write_text(json.dumps({"audit8_baseline": 1, "entries": entries}))
    report = report_of(scan, "sub/a.py", "--baseline", "sub/base.json")[1]
    assert len(report.warnings) == 2  # stale both: whether they are there is not looked at


# ---- comments and changes ----------------------------------------------------------------------------------------


def test_a_comment_counts_and_is_listed_in_every_format(folder: Path, scan: Scan) -> None:
    (folder / "a.py").write_text(IGNORED)
    for form in ("text", "json", "markdown", "sarif", "html"):
        ran = scan("a.py", "--rules-only", "--format", form)
        assert ran.code == 0
        assert "the list is fixed" in ran.out
    (folder / "a.py").write_text(IGNORED.replace("CWE-78", "CWE-89"))
    ran = scan("a.py", "--rules-only")
    assert ran.code == 1
    assert "a.py:2 names nothing that was found there" in ran.out


def test_only_changed_lines_are_judged_and_a_new_comment_does_not_count(repository: Path, scan: Scan) -> None:
    (repository / "old.py").write_text(SHELL)
    (repository / "a.py").write_text(CLEAN)
    git("add", ".")
    git("commit", "-qm", "one")
    assert report_of(scan, ".", "--diff", "HEAD")[0] == 0
    (repository / "a.py").write_text(CLEAN + IGNORED)
    code, report = report_of(scan, ".", "--diff", "HEAD")
    assert (code, [(one.file, one.start_line) for one in report.findings]) == (1, [("a.py", 4)])
    assert any("part of the change" in warning for warning in report.warnings)
    assert report.suppressed == ()
    assert report_of(scan, "a.py")[0] == 0  # whole files: the comment is the user's own


def test_a_comment_that_was_there_before_counts_in_a_change(repository: Path, scan: Scan) -> None:
    (repository / "a.py").write_text(IGNORED)
    git("add", ".")
    git("commit", "-qm", "one")
    (repository / "a.py").write_text(IGNORED.replace("input()", "input('?')"))
    code, report = report_of(scan, ".", "--diff", "HEAD")
    assert (code, [one.by for one in report.suppressed]) == (0, ["comment"])


def test_a_change_below_a_path_alone(repository: Path, scan: Scan) -> None:
    for name in ("one", "two"):
        (repository / name).mkdir()
        (repository / name / "a.py").write_text(CLEAN)
    git("add", ".")
    git("commit", "-qm", "one")
    for name in ("one", "two"):
        (repository / name / "a.py").write_text(SHELL)
    for paths, files in (
        (("one",), ["one/a.py"]),
        (("two/a.py",), ["two/a.py"]),
        ((".",), ["one/a.py", "two/a.py"]),
        (("one", "two"), ["one/a.py", "two/a.py"]),
    ):
        report = report_of(scan, *paths, "--diff", "HEAD")[1]
        assert [one.file for one in report.coverage] == files


def test_a_baseline_and_a_change(repository: Path, scan: Scan) -> None:
    (repository / "a.py").write_text(SHELL)
    git("add", ".")
    git("commit", "-qm", "one")
    scan(".", "--rules-only", "--write-baseline", "base.json")
    (repository / "a.py").write_text("# a line\n" + SHELL + SQL)
    code, report = report_of(scan, ".", "--diff", "HEAD", "--baseline", "base.json")
    assert (code, [one.cwe for one in report.findings]) == (1, ["CWE-89"])
    assert [one for one in report.warnings if "baseline" in one] == []
