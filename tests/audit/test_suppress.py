"""What the user accepted is moved aside and listed, nothing else is, and what matches nothing is named."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.baseline import Entry, entry_of
from audit8.audit.ground import ground
from audit8.audit.report import build_report
from audit8.audit.rules import run_rules
from audit8.audit.suppress import apply, read_comments, renew
from audit8.findings import FileCoverage, Finding, Report, RiskLevel, Timings
from audit8.types import EngineInfo, Job, Lang, LineRange, Severity, Source, Usage
from tests.audit.test_report import INFO

SHELL = 'os.system("ls " + input())'
SQL = 'cur.execute("SELECT * FROM t WHERE a = \'" + input() + "\'")'


def source_of(*lines: str, name: str = "a.py", focus: tuple[LineRange, ...] = ()) -> Source:
    return Source(name, "".join(f"{line}\n" for line in lines), "python", focus=focus)


def report_of(*sources: Source, lang: Lang = "en", info: EngineInfo = INFO) -> Report:
    findings: list[Finding] = []
    for source in sources:
        findings += ground(run_rules(source, lang), source, origin_counts=True)[0]
    return build_report(
        Job("j", sources, lang),
        info,
        findings=findings,
        filtered=[],
        coverage=[FileCoverage(one.name, one.language, "utf-8", len(one.lines)) for one in sources],
        usage=Usage(),
        timings=Timings(0, 0, 0, 0, 0),
        created_at="",
    )


def scanned(*sources: Source, baseline: tuple[Entry, ...] = ()) -> Report:
    """As the command line does it."""
    return apply(report_of(*sources), baseline, read_comments(sources, "en"))


def lines(report: Report) -> list[tuple[str, int]]:
    return sorted((one.file, one.start_line) for one in report.findings)


# ---- the baseline ------------------------------------------------------------------------------------------------


def test_what_is_accepted_is_listed_and_does_not_count() -> None:
    report = report_of(source_of("import os", SHELL, SQL))
    shell = next(one for one in report.findings if one.start_line == 2)
    made = apply(report, [entry_of(shell, "only on my machine", "2026-01-01")])
    assert lines(made) == [("a.py", 3)]
    assert [(one.finding, one.by, one.reason) for one in made.suppressed] == [(shell, "baseline", "only on my machine")]
    assert (report.risk_level, made.risk_level) == (RiskLevel.CRITICAL, RiskLevel.HIGH)
    assert "only on my machine" in made.result
    assert made.warnings == ()


@given(st.lists(st.sampled_from(["", "x = 1", "# words", "import re"]), max_size=8), st.integers(0, 8))
def test_a_line_that_moves_stays_suppressed(added: list[str], indent: int) -> None:
    entries = renew(report_of(source_of("import os", SHELL)), reason="r", added="")
    # Also when its indentation changes.
    moved = scanned(source_of(*added, "import os", "if 1:", " " * (indent + 1) + SHELL), baseline=entries)
    assert [one.start_line for one in moved.findings] == []
    assert len(moved.suppressed) == 1
    assert moved.risk_level is RiskLevel.NONE


def test_a_changed_line_another_file_and_a_copy_are_new() -> None:
    entries = renew(report_of(source_of("import os", SHELL)), reason="r", added="")
    assert lines(scanned(source_of("import os", SHELL.replace("ls", "rm")), baseline=entries)) == [("a.py", 2)]
    assert lines(scanned(source_of("import os", SHELL, name="b.py"), baseline=entries)) == [("b.py", 2)]
    copied = scanned(source_of("import os", SHELL, "", SHELL), baseline=entries)
    assert (len(copied.findings), len(copied.suppressed)) == (1, 1)


def test_an_entry_that_matches_nothing_is_named() -> None:
    entries = renew(report_of(source_of("import os", SHELL)), reason="r", added="")
    made = scanned(source_of("import os"), baseline=entries)
    assert [entries[0].fingerprint in warning for warning in made.warnings] == [True]
    assert entries[0].fingerprint in made.result
    many = tuple(replace(entries[0], fingerprint=f"{number:016x}") for number in range(100))
    assert any("80 more" in warning for warning in scanned(source_of("x = 1"), baseline=many).warnings)


def test_what_this_run_could_not_have_found_is_not_stale() -> None:
    [entry] = renew(report_of(source_of("import os", SHELL)), reason="r", added="")
    report = report_of(source_of("x = 1", name="b.py"))
    assert apply(report, [entry], unseen={"a.py"}).warnings == ()
    by_model = replace(entry, origin="model")
    assert len(apply(report, [by_model]).warnings) == 1
    assert apply(replace(report, model=""), [by_model]).warnings == ()


def test_a_baseline_made_anew_keeps_reasons_drops_what_is_stale_and_adds_what_is_new() -> None:
    source = source_of("import os", SHELL)
    [old] = renew(report_of(source), reason="reviewed", added="2025-01-01")
    stale = replace(old, fingerprint="f" * 16)
    elsewhere = replace(old, file="not/here.py")
    baseline = (old, stale, elsewhere)
    report = apply(report_of(source_of("import os", SHELL, SQL)), baseline, unseen={"not/here.py"})
    entries = renew(report, baseline, reason="new", added="2026-01-01", unseen={"not/here.py"})
    assert sorted((one.file, one.reason, one.added) for one in entries) == [
        ("a.py", "new", "2026-01-01"),
        ("a.py", "reviewed", "2025-01-01"),
        ("not/here.py", "reviewed", "2025-01-01"),
    ]
    assert stale not in entries


# ---- comments ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["CWE-78", "cwe-78", "command-injection", "shell-command", "xss, CWE-78"])
def test_a_comment_accepts_by_cwe_class_or_rule_on_its_line_or_the_one_before(name: str) -> None:
    beside = scanned(source_of("import os", f"{SHELL}  # audit8: ignore[{name}] a fixed list"))
    above = scanned(source_of("import os", f"# audit8: ignore[{name}] a fixed list", SHELL))
    for made in (beside, above):
        assert made.findings == ()
        assert [(one.by, one.reason) for one in made.suppressed] == [("comment", "a fixed list")]
        assert made.risk_level is RiskLevel.NONE
        assert made.warnings == ()
        assert "a fixed list" in made.result


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ((f"{SHELL}  # audit8: ignore[CWE-78]",), "no reason"),
        ((f"{SHELL}  # audit8: ignore because",), "no CWE"),
        ((f"{SHELL}  # audit8: ignore[everything] because",), "no CWE"),
        ((f"{SHELL}  # audit8: ignore[CWE-89] because",), "names nothing"),
        (("# audit8: ignore[CWE-78] too far away", "", SHELL), "names nothing"),
        ((SHELL, "# audit8: ignore[CWE-78] after it"), "names nothing"),
    ],
)
def test_a_comment_that_does_not_count_is_named(code: tuple[str, ...], said: str) -> None:
    made = scanned(source_of("import os", *code))
    assert len(made.findings) == 1
    assert made.suppressed == ()
    assert [said in warning for warning in made.warnings] == [True]


def test_a_string_is_no_comment() -> None:
    made = scanned(source_of("import os", 's = "# audit8: ignore[CWE-78] no"; ' + SHELL))
    assert len(made.findings) == 1


def test_a_comment_that_a_change_adds_does_not_count() -> None:
    code = ("import os", "# audit8: ignore[CWE-78] hush", SHELL)
    old = source_of(*code, focus=(LineRange(3, 3),))
    new = source_of(*code, focus=(LineRange(2, 3),))
    assert scanned(old).findings == ()
    refused = scanned(new)
    assert len(refused.findings) == 1
    assert ["part of the change" in warning for warning in refused.warnings] == [True]


def test_nothing_is_suppressed_unless_it_is_asked_for() -> None:
    source = source_of("import os", f"{SHELL}  # audit8: ignore[CWE-78] hush")
    assert len(report_of(source).findings) == 1
    assert apply(report_of(source)).suppressed == ()


def test_the_risk_is_that_of_what_is_left() -> None:
    report = report_of(source_of("import os", SHELL, SQL))
    everything = renew(report, reason="", added="")
    assert apply(report, everything).risk_level is RiskLevel.NONE
    worst = min(report.findings, key=lambda one: one.severity.rank)
    assert worst.severity is Severity.CRITICAL
    assert apply(report, [one for one in everything if one.fingerprint != worst.fingerprint]).risk_level.value == (
        worst.severity.value
    )
