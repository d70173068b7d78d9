"""The report: what counts, in which order, in both languages, with hostile text kept in its place."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.report import build_report, risk_level
from audit8.audit.report_facts import unread
from audit8.findings import FileCoverage, Finding, Rejected, Report, RiskLevel, Timings
from audit8.types import EngineInfo, Job, Lang, LineRange, Severity, Skipped, Source, Usage

SOURCE = Source("src/a.py", "x = 1\n" * 40, "python")
INFO = EngineInfo("Some-7B", "cuda:0", "8bit", "int8", 8192)
FINDING = Finding(
    "Shell command",
    Severity.HIGH,
    "CWE-78",
    "src/a.py",
    5,
    5,
    "    run(x)",
    "because",
    "do this",
    0.8,
    "rule",
    "shell-command",
)
SHOWN_ONLY = replace(
    FINDING,
    title="Guess",
    origin="model",
    rule_id="",
    counts=False,
    severity=Severity.CRITICAL,
    start_line=9,
    end_line=9,
)


def report(
    findings: list[Finding],
    lang: Lang = "en",
    read: tuple[LineRange, ...] = (LineRange(1, 40),),
    warnings: tuple[str, ...] = (),
) -> Report:
    return build_report(
        Job("job1", (SOURCE,), lang, ("first warning",)),
        INFO,
        findings=findings,
        filtered=[Rejected("Gone", "src/a.py", 99, "no such line", "model")],
        coverage=[FileCoverage("src/a.py", "python", "utf-8", 40, read)],
        usage=Usage(100, 20),
        timings=Timings(0.1, 0.2, 0.3, 0.6, 66.7),
        created_at="2024-01-01T00:00:00Z",
        warnings=warnings,
    )


@given(st.lists(st.tuples(st.sampled_from(list(Severity)), st.booleans())))
def test_the_risk_level_is_the_worst_that_counts(pairs: list[tuple[Severity, bool]]) -> None:
    findings = [replace(FINDING, severity=severity, counts=counts) for severity, counts in pairs]
    counting = [severity.rank for severity, counts in pairs if counts]
    expected = list(Severity)[min(counting)].value if counting else "none"
    assert risk_level(findings).value == expected


def test_what_does_not_count_is_shown_apart_and_after() -> None:
    made = report([SHOWN_ONLY, FINDING])
    assert made.risk_level is RiskLevel.HIGH
    assert made.findings == (FINDING, SHOWN_ONLY)
    head, _, tail = made.result.partition("## Demonstration")
    assert "Shell command" in head
    assert "Guess" not in head
    assert "Guess" in tail
    assert "1 finding(s)" in head


def test_worst_first_then_surest() -> None:
    findings = [
        replace(FINDING, severity=Severity.LOW, start_line=1, end_line=1),
        replace(FINDING, confidence=0.3, start_line=2, end_line=2),
        replace(FINDING, confidence=0.9, start_line=3, end_line=3),
    ]
    assert [one.start_line for one in report(findings).findings] == [3, 2, 1]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_report_says_everything(lang: Lang) -> None:
    text = report([FINDING], lang, (LineRange(1, 10), LineRange(12, 40)), ("second warning",)).result
    parts = (
        "`src/a.py:5`",
        "    run(x)",
        "CWE-78",
        "because",
        "do this",
        "80%",
        "1-10, 12-40",
        "11",
        "Some-7B",
        "cuda:0",
        "first warning",
        "second warning",
        "66.7",
        "100",
        "Gone",
        "no such line",
        "shell-command",
    )
    for part in parts:
        assert part in text, part
    assert ("Risk level: high" if lang == "en" else "风险等级：高") in text


def test_no_finding_is_not_called_safe() -> None:
    made = report([])
    assert made.risk_level is RiskLevel.NONE
    assert "not a proof" in made.result


def test_a_chinese_report_has_no_english_sentence() -> None:
    text = report([replace(FINDING, title="标题", why="原因", fix="修复")], "zh").result
    prose = re.sub(r"`[^`]*`|first warning|Gone|no such line|Some-7B|cuda:0", "", text)
    assert re.findall(r"[A-Za-z]{4,} [A-Za-z]{3,}", prose) == []


@given(st.text(st.sampled_from("`#*<>[]()!\\\n -=|~1."), max_size=80))
def test_hostile_text_adds_no_heading_and_no_block(text: str) -> None:
    hostile = replace(FINDING, title=text, why=text, fix=text, cwe=text, file=text, quote=text.replace("\n", " "))
    made = report([hostile], warnings=(text,)).result
    plain = report([FINDING], warnings=("w",)).result

    def headings(markdown: str) -> int:
        return len(re.findall(r"^#{1,6} ", markdown, re.MULTILINE))

    # The quoted line itself may begin with "# ": it stands inside its fence.
    inside = sum(bool(re.match(r"#{1,6} ", line)) for line in [hostile.quote])
    assert headings(made) == headings(plain) + inside
    assert "<script" not in made


def test_thousands_of_findings_make_a_readable_report() -> None:
    findings = [replace(FINDING, start_line=number, end_line=number) for number in range(1, 3000)]
    made = report(findings)
    assert len(made.findings) == 2999
    assert "2899 more finding(s)" in made.result


@given(st.lists(st.integers(1, 20), unique=True).map(sorted))
def test_unread_is_the_complement_of_read(lines: list[int]) -> None:
    file = FileCoverage("a", "python", "utf-8", 20, tuple(LineRange(line, line) for line in lines))
    missing = [line for part in unread(file) for line in range(part.start_line, part.end_line + 1)]
    assert sorted([*lines, *missing]) == list(range(1, 21))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_was_not_audited_is_listed_as_far_as_it_is_readable(lang: Lang) -> None:
    skipped = tuple(Skipped(f"dir/{number}`#.png", "binary", "not *text*") for number in range(50))
    job = Job("job1", (SOURCE,), lang, skipped=skipped)
    made = build_report(
        job,
        INFO,
        findings=[],
        filtered=[],
        coverage=[],
        usage=Usage(),
        timings=Timings(0, 0, 0, 0, 0),
        created_at="",
    )
    assert made.skipped == skipped
    assert "dir/19`#.png" in made.result
    assert "dir/20`#.png" not in made.result
    assert "not \\*text\\*" in made.result
    assert "30" in made.result
    assert "50" in made.result
