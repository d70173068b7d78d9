"""`audit8 scan` as a user runs it: exit codes, formats, what is accepted, what breaks it off, what it does not read."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from audit8.audit.formats import FORMATS
from audit8.audit.report_json import read_report
from tests.audit.test_archive import packed
from tests.audit.test_sarif import validator
from tests.scan.conftest import CLEAN, SHELL, Scan

ROOT = Path(__file__).resolve().parents[2]
EVERY = ("text", *FORMATS)


def check(form: str, text: str) -> None:
    """That a report is whole, by the rules of its format."""
    if form == "json":
        read_report(text)
    elif form == "sarif":
        assert [error.message for error in validator().iter_errors(json.loads(text))] == []
    else:
        last = {"text": "risk: ", "markdown": "- Time: ", "html": "</html>"}[form]
        assert any(line.startswith(last) for line in text.strip().splitlines()[-3:])


# ---- exit codes and formats --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fail_on", "code"), [("critical", 1), ("high", 1), ("medium", 1), ("low", 1), ("never", 0), ("", 1)]
)
def test_the_exit_code_is_by_severity(folder: Path, scan: Scan, fail_on: str, code: int) -> None:
    (folder / "a.py").write_text(SHELL)
    flags = ["--fail-on", fail_on] if fail_on else []
    assert scan(".", "--rules-only", *flags).code == code
    (folder / "a.py").write_text(CLEAN)
    assert scan(".", "--rules-only", *flags).code == 0


def test_a_medium_finding_fails_only_if_asked(folder: Path, scan: Scan) -> None:
    (folder / "a.py").write_text("import hashlib\nx = hashlib.md5(password).hexdigest()\n")
    ran = scan("a.py", "--rules-only", "--format", "json")
    assert (ran.code, json.loads(ran.out)["risk_level"]) == (0, "medium")
    assert scan("a.py", "--rules-only", "--fail-on", "medium").code == 1


@pytest.mark.parametrize("form", EVERY)
def test_every_format_is_whole_on_standard_output_and_in_a_file(folder: Path, scan: Scan, form: str) -> None:
    (folder / "中文.py").write_text(SHELL)
    ran = scan(".", "--rules-only", "--format", form)
    check(form, ran.out)
    assert "os.system" in ran.out
    ran = scan(".", "--rules-only", "--format", form, "--output", "out.report")
    assert (ran.code, ran.out) == (1, "")
    assert "out.report" in ran.err
    check(form, (folder / "out.report").read_text(encoding="utf-8"))
    assert sorted(path.name for path in folder.iterdir()) == ["out.report", "中文.py"]


def test_without_a_model_the_report_says_so(folder: Path, scan: Scan) -> None:
    (folder / "a.py").write_text(SHELL)
    report = read_report(scan("a.py", "--rules-only", "--format", "json").out)
    assert (report.model, report.coverage[0].read, report.coverage[0].total_lines) == ("", (), 2)
    assert "none: the static rules only" in report.result
    assert "the static rules read all 2 lines" in report.result
    chinese = scan("a.py", "--rules-only", "--format", "markdown", "--lang", "zh").out
    assert "无：只用静态规则" in chinese


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "There is no file or folder nowhere"),
        ((), "PATH"),
        ((".", "--format", "pdf"), "pdf"),
        ((".", "--fail-on", "bad"), "bad"),
        ((".", "--nonsense"), "--nonsense"),
        ((".", "--server", "http://localhost:1", "--rules-only"), "--rules-only"),
        ((".", "--server", "http://localhost:1", "--quant", "4bit"), "--quant"),
        ((".", "--rules-only", "--model", "m"), "--model"),
        ((".", "--rules-only", "--api-key-file", "k"), "--api-key-file"),
        ((".", "--rules-only", "--diff", "HEAD", "--write-baseline", "b"), "--write-baseline"),
        ((".", "--rules-only", "--output", "no/such/file"), "no folder"),
        ((".", "--rules-only", "--output", "."), "is a folder"),
        ((".", "--rules-only", "--baseline", "none.json"), "none.json"),
        ((".", "--rules-only", "--baseline", "a.py"), "not valid JSON"),
        ((".", "--rules-only", "--diff", "HEAD"), "git"),
        ((".", "--server", "ftp://x"), "ftp://x"),
        (("binary.py", "--rules-only"), "binary"),
    ],
)
def test_what_cannot_be_done_is_said_and_is_not_a_finding(
    folder: Path, scan: Scan, arguments: Sequence[str], said: str
) -> None:
    (folder / "a.py").write_text(SHELL)
    (folder / "binary.py").write_bytes(b"\0\1")
    ran = scan(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_nothing_to_audit_is_no_finding_and_no_failure(folder: Path, scan: Scan) -> None:
    (folder / "a.py").write_text("")
    for arguments in ((".",), ("a.py",), ("a.py", ".")):
        ran = scan(*arguments, "--rules-only", "--format", "json")
        report = read_report(ran.out)
        assert (ran.code, report.coverage) == (0, ())
        assert [one.file for one in report.skipped] == ["a.py"]
        assert "There was no code to audit." in report.warnings
        assert "There was no code to audit." in ran.err


def test_quiet_is_quiet(folder: Path, scan: Scan) -> None:
    (folder / "a.py").write_text(SHELL)
    assert scan(".", "--rules-only", "--quiet", "--output", "x.txt").err == ""
    assert "static rules" in scan(".", "--rules-only").err


# ---- what is read ------------------------------------------------------------------------------------------------


def test_names_are_relative_to_where_the_user_is_and_no_file_is_read_twice(folder: Path, scan: Scan) -> None:
    (folder / "src" / "in").mkdir(parents=True)
    (folder / "src" / "in" / "a.py").write_text(CLEAN)
    (folder / "b.py").write_text(CLEAN)
    for arguments, names in (
        (("src",), ["src/in/a.py"]),
        (("src/in/a.py", "b.py"), ["src/in/a.py", "b.py"]),
        ((str(folder / "src"), "."), ["src/in/a.py", "b.py"]),
        ((".", "src", "b.py"), ["b.py", "src/in/a.py"]),
    ):
        report = read_report(scan(*arguments, "--rules-only", "--format", "json").out)
        assert [one.file for one in report.coverage] == names
        assert report.skipped == ()


@pytest.mark.parametrize("form", EVERY)
def test_whatever_is_wrong_with_a_file_is_a_line_of_the_report(
    folder: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    tree = folder / "tree"
    tree.mkdir()
    (tree / "ok.py").write_text(SHELL)
    (tree / "loop").symlink_to(tree)
    (tree / "out.py").symlink_to(folder / "outside.py")
    (folder / "outside.py").write_text(SHELL)
    os.mkfifo(tree / "pipe.py")
    (tree / "long.py").write_text("x" * 5_000_000)
    (tree / "locked.py").write_text(SHELL)
    bomb = packed(("bomb.py", b"a" * 10_000_000), ("../up.py", b"x = 1"), ("fine.py", SHELL.encode()))
    (folder / "z.zip").write_bytes(bomb)
    real = os.open

    def opened(path: Path, flags: int) -> int:
        if Path(path).name == "locked.py":
            raise PermissionError(13, "Permission denied")
        return real(path, flags)

    monkeypatch.setattr("audit8.files.walk.os.open", opened)
    ran = scan("tree", "z.zip", "--rules-only", "--format", form)
    monkeypatch.undo()
    check(form, ran.out)
    assert ran.code == 1
    for name in ("loop", "out.py", "pipe.py", "long.py", "locked.py", "bomb.py", "up.py"):
        assert name in ran.out, name
    assert "Permission denied" in ran.out
    if form == "json":
        report = read_report(ran.out)
        assert [one.file for one in report.coverage] == ["tree/ok.py", "fine.py"]
        codes = {one.file: one.code for one in report.skipped}
        assert codes == {
            "tree/loop": "symlink",
            "tree/out.py": "symlink",
            "tree/pipe.py": "special",
            "tree/long.py": "oversize",
            "tree/locked.py": "unreadable",
            "bomb.py": "bomb",
            "../up.py": "outside",
        }


def test_five_hundred_files_and_ten_thousand_lines_are_covered(folder: Path, scan: Scan) -> None:
    (folder / "many").mkdir()
    for number in range(500):
        (folder / "many" / f"f{number:03}.py").write_text(f"x = {number}\n")
    (folder / "long.py").write_text("".join(f"def f{n}(a):\n    b = a\n    return b\n\n" for n in range(2500)))
    report = read_report(scan(".", "--rules-only", "--format", "json").out)
    assert len(report.coverage) == 501
    assert {one.file: one.total_lines for one in report.coverage}["long.py"] == 10_000
    assert (report.skipped, report.left_out) == ((), ())
