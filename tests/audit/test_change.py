"""Of a change the functions around it are read, and only what touches a changed line is a finding."""

from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.change import keep_changed, regions, touches
from audit8.audit.outline import Outline, outline
from audit8.findings import Finding
from audit8.types import LineRange, Severity, Source

TEXT = "import os\n" + "".join(f"def f{n}(a):\n    b = a\n    return b\n\n" for n in range(10))
FOCUS = st.lists(st.tuples(st.integers(1, 41), st.integers(0, 6)), min_size=1, max_size=4).map(
    lambda pairs: tuple(LineRange(start, min(41, start + more)) for start, more in sorted(pairs))
)


def finding(start: int, end: int) -> Finding:
    return Finding("t", Severity.HIGH, "CWE-78", "a.py", start, end, "q", "", "", 0.5, "rule", "r")


@given(FOCUS)
def test_every_changed_line_is_read_and_functions_are_read_whole(focus: tuple[LineRange, ...]) -> None:
    source = Source("a.py", TEXT, "python", focus=focus)
    tree = outline(source)
    read = [line for one in regions(source, tree) for line in range(one.start_line, one.end_line + 1)]
    assert read == sorted(set(read))
    for one in focus:
        assert set(range(one.start_line, one.end_line + 1)) <= set(read)
        for line in (one.start_line, one.end_line):
            for part in tree.around(line):
                assert set(range(part.start, part.end + 1)) <= set(read)


@given(FOCUS, st.lists(st.tuples(st.integers(1, 41), st.integers(0, 5)), max_size=8))
def test_every_finding_is_kept_or_filtered_with_a_reason(
    focus: tuple[LineRange, ...], places: list[tuple[int, int]]
) -> None:
    findings = [finding(start, start + more) for start, more in places]
    kept, outside = keep_changed(findings, Source("a.py", TEXT, "python", focus=focus), "en")
    changed = {line for one in focus for line in range(one.start_line, one.end_line + 1)}
    assert kept == [one for one in findings if changed & set(range(one.start_line, one.end_line + 1))]
    assert len(kept) + len(outside) == len(findings)
    assert all(one.reason == "outside the change" for one in outside)


def test_without_a_focus_everything_is_read_and_kept() -> None:
    source = Source("a.py", TEXT, "python")
    assert regions(source, outline(source)) == (LineRange(1, 41),)
    assert keep_changed([finding(3, 3)], source, "en") == ([finding(3, 3)], [])
    assert regions(Source("", "", "python"), Outline()) == ()


def test_of_a_bare_diff_the_hunks_are_read() -> None:
    given_lines = (LineRange(3, 9), LineRange(20, 26), LineRange(30, 31))
    source = Source("a.py", TEXT, "python", focus=(LineRange(5, 5), LineRange(23, 24)), given=given_lines)
    assert regions(source, outline(source)) == given_lines[:2]


def test_a_change_in_an_endless_function_is_read_with_some_lines_beside_it() -> None:
    source = Source("a.py", "def f():\n" + "    x = 1\n" * 5000, "python", focus=(LineRange(2000, 2000),))
    assert regions(source, outline(source)) == (LineRange(1900, 2100),)


def test_touching_means_a_common_line() -> None:
    assert touches(1, 5, [LineRange(5, 9)])
    assert not touches(1, 4, [LineRange(5, 9)])
