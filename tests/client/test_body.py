"""What is sent to a server is what was read here: the same names, lines and changed lines come out at its side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.api.intake import make_job, read_body
from audit8.client import body
from audit8.client.body import body_of, diff_of, pasted
from audit8.types import Job, LineRange, Source

LINES = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12), min_size=1, max_size=20)


def received(job: Job) -> Job:
    return make_job(read_body(*body_of(job)), "en")


def job_of(*sources: Source) -> Job:
    return Job("j", sources, "en")


SOURCES = (
    Source("src/a b.py", "x = 1\n", "python"),
    Source("中文/名.py", "y = '中'\nz = 2", "python"),
    Source('q"uote.py', "x = 1\n", "python"),
)


def test_few_files_go_as_they_are() -> None:
    there = received(job_of(*SOURCES))
    assert [(one.name, one.text, one.language) for one in there.sources] == [
        (one.name, one.text, one.language) for one in SOURCES
    ]
    assert (there.warnings, there.skipped) == ((), ())


def test_many_files_go_as_an_archive_that_is_smaller() -> None:
    text = "value = compute(1)\n" * 50
    job = job_of(*SOURCES, *(Source(f"d/f{n}.py", text, "python") for n in range(body.MAX_JSON_FILES)))
    packed, content_type = body_of(job)
    assert content_type == "application/zip"
    assert len(packed) < 500 * len(text) / 3
    assert body_of(job)[0] == packed
    there = received(job)
    assert [(one.name, one.text) for one in there.sources] == [(one.name, one.text) for one in job.sources]
    assert there.skipped == ()


@given(LINES, st.data())
def test_a_change_arrives_with_all_its_lines_and_its_focus(lines: list[str], data: st.DataObject) -> None:
    last = len(lines)
    start = data.draw(st.integers(1, last))
    focus = (LineRange(start, data.draw(st.integers(start, last))),)
    text = "x = 1\n" + "\n".join(lines) + "\n"
    focus = (LineRange(focus[0].start_line + 1, focus[0].end_line + 1),)
    source = Source("a.py", text, "python", focus=focus)
    [there] = received(job_of(source, Source("b.py", "x = 1\n", "python", focus=(LineRange(1, 1),)))).sources[:1]
    assert (there.name, there.text, there.focus) == ("a.py", text, focus)


def test_only_given_lines_are_sent() -> None:
    source = Source("a.py", "\n\nx = 1\ny = 2\n", "python", focus=(LineRange(4, 4),), given=(LineRange(3, 4),))
    assert diff_of(source) == "--- a/a.py\n+++ b/a.py\n@@ -3,1 +3,2 @@\n x = 1\n+y = 2\n"
    [there] = received(job_of(source)).sources
    assert (there.text, there.focus, there.given) == (source.text, source.focus, source.given)


def test_a_name_with_quotes_survives_a_change() -> None:
    source = Source('dir/q"u\\o.py', "x = 1\n", "python", focus=(LineRange(1, 1),))
    assert [one.name for one in received(job_of(source)).sources] == ['dir/q"u/o.py']


@pytest.mark.parametrize("many", [False, True])
def test_what_utf8_cannot_say_is_replaced(monkeypatch: pytest.MonkeyPatch, *, many: bool) -> None:
    monkeypatch.setattr(body, "MAX_JSON_FILES", 0 if many else 9)
    [there] = received(job_of(Source("a.py", "x = '\udcff'\n", "python"))).sources
    assert there.text == "x = '?'\n"
    assert pasted("\udcff", "a.py", "")[0] == b'{"code": "?", "filename": "a.py", "language": ""}'
