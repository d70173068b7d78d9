"""A scan that is broken off claims what was surely done, and no more."""

from dataclasses import replace

from audit8.events import Found, Progress, Reported, Token, Withdrawn
from audit8.findings import Rejected
from audit8.pipeline.record import Record, Step
from audit8.pipeline.sizes import sizes_for
from audit8.scan.gathered import Gathered
from audit8.types import Chunk, Job, LineRange, Source
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


def test_a_line_counts_as_read_when_the_runs_own_record_says_so() -> None:
    state = gathered(Progress("queued", 0, 2), Progress("model", 0, 2, "a.py", 1, 10))
    record = Record(JOB)
    state.see(record)
    step = Step(0, Chunk(SOURCES[0], 1, 10), sizes_for(INFO, 100))
    record.was_read(step, cut_off=True)
    record.filtered.append(Rejected("Gone", "a.py", 3, "safe", "model"))
    state.take(Progress("judge", 1, 4))
    state.take(Token("x"))
    state.take(Progress("model", 1, 2, "a.py", 11, 20))
    made = state.broken_off("why")
    assert [(one.file, one.read) for one in made.coverage] == [
        ("a.py", (LineRange(1, 10),)),
        ("b.py", ()),
        ("c.py", ()),
    ]
    assert made.left_out == (
        "why",
        "Not finished: model, with 1 of 2 steps done.",
        "Not finished: judge, with 1 of 4 steps done.",
    )
    assert (made.usage.completion_tokens, made.model) == (1, INFO.model)
    assert [one.title for one in made.filtered] == ["Gone"]
    assert any("cut off" in warning for warning in made.warnings)


def test_of_a_servers_model_no_line_is_called_read() -> None:
    made = gathered(Progress("model", 1, 2, "a.py", 1, 10)).broken_off("why")
    assert {one.read for one in made.coverage} == {()}
    assert made.left_out[1:] == (
        "Not finished: model, with 1 of 2 steps done.",
        "Which lines the model had read by then is not known; none is called read.",
    )


def test_a_job_that_waits_says_so() -> None:
    made = gathered(Progress("rules", 2, 3), Progress("queued", 0, 7)).broken_off("why")
    assert made.left_out[1:] == ("Not finished: waiting for the model, with 0 of 7 steps done.",)


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
