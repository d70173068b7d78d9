"""A scan that is broken off claims what was surely done, and no more."""

from dataclasses import replace

from audit8.events import Found, Progress, Reported, Token, Withdrawn
from audit8.scan.gathered import Gathered
from audit8.types import Job, LineRange, Source
from tests.audit.test_report import FINDING, INFO, report

SOURCES = tuple(Source(f"{name}.py", "x = 1\n" * 20, "python") for name in "abc")
JOB = Job("j", SOURCES, "en", ("a warning",))
ONE = replace(FINDING, file="a.py", fingerprint="f")


def gathered(*events: object) -> Gathered:
    state = Gathered(JOB, INFO)
    for event in events:
        state.take(event)  # type: ignore[arg-type]
    return state


def test_before_anything_there_is_nothing() -> None:
    state = gathered()
    made = state.broken_off("why")
    assert not state.begun
    assert (made.coverage, made.findings) == ((), ())
    assert made.left_out == ("why", "3 of 3 files were not audited: a.py, b.py, c.py.")
    assert made.warnings == ("a warning",)


def test_a_file_counts_when_the_rules_are_through_with_it() -> None:
    made = gathered(Progress("rules", 0, 3, "a.py"), Found(ONE), Progress("rules", 1, 3, "b.py")).broken_off("why")
    assert [(one.file, one.read) for one in made.coverage] == [("a.py", ())]
    assert made.findings == (ONE,)
    assert made.left_out[1] == "2 of 3 files were not audited: b.py, c.py."


def test_a_line_counts_as_read_when_the_model_is_through_with_its_chunk() -> None:
    state = gathered(
        Progress("queued", 0, 2),
        Progress("model", 0, 2, "a.py", 1, 10),
        Token("x"),
        Progress("model", 1, 2, "a.py", 11, 20),
    )
    made = state.broken_off("why")
    assert [(one.file, one.read) for one in made.coverage] == [
        ("a.py", (LineRange(1, 10),)),
        ("b.py", ()),
        ("c.py", ()),
    ]
    assert made.left_out == ("why", "Ended at the stage “model”, with 1 of 2 steps done.")
    assert made.usage.completion_tokens == 1
    assert made.model == INFO.model
    state.take(Progress("judge", 0, 1))
    assert state.broken_off("why").coverage[0].read == (LineRange(1, 20),)


def test_a_line_that_is_too_long_is_not_called_read() -> None:
    job = replace(JOB, sources=(Source("a.py", "x = 1\n" + "y" * 5000 + "\nz = 2\n", "python"),))
    state = Gathered(job, INFO)
    for event in (Progress("model", 0, 2, "a.py", 1, 3), Progress("report", 2, 2)):
        state.take(event)
    assert state.broken_off("").coverage[0].read == (LineRange(1, 1), LineRange(3, 3))


def test_a_later_finding_replaces_and_a_withdrawn_one_is_kept_as_filtered_out() -> None:
    judged = replace(ONE, verdict="exploitable", confidence=0.9)
    state = gathered(Progress("rules", 0, 3), Found(ONE), Found(judged), Found(replace(ONE, start_line=9, end_line=9)))
    state.take(Withdrawn("a.py", "f", 9, "the value is fixed"))
    made = state.broken_off("why")
    assert made.findings == (judged,)
    assert [(one.line, one.reason) for one in made.filtered] == [(9, "the value is fixed")]


def test_a_report_that_came_is_the_report() -> None:
    whole = report([FINDING])
    assert gathered(Progress("report", 1, 1), Reported(whole)).broken_off("why") is whole
