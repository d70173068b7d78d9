"""What git writes is read back exactly; what people paste is read as far as it goes."""

import difflib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit8.audit.diff import MAX_LINE, looks_like_diff, parse_diff
from audit8.types import LineRange

LINES = st.lists(
    st.sampled_from(["a", "b", "c", "", " x", "-- y", "++ z", "@@ -1 +1 @@", "diff --git a/q b/q"]), max_size=25
)
GIT = """\
diff --git a/src/app.py b/src/app.py
index 111..222 100644
--- a/src/app.py
+++ b/src/app.py
@@ -10,4 +10,5 @@ def f():
 one
-two
+TWO
+three
 four
 five
"""


def lines_of(ranges: tuple[LineRange, ...]) -> set[int]:
    return {line for one in ranges for line in range(one.start_line, one.end_line + 1)}


@given(LINES, LINES, st.integers(0, 4), st.booleans())
@example(["-- y"], [], 0, False)
@example(["a", "b"], ["a"], 0, False)
def test_the_new_side_and_its_changes_are_what_they_are(
    old: list[str], new: list[str], around: int, crlf: bool
) -> None:
    body = list(difflib.unified_diff(old, new, "a/n.py", "b/n.py", lineterm="", n=around))
    text = ("\r\n" if crlf else "\n").join(["diff --git a/n.py b/n.py", *body, ""])
    (file,) = parse_diff(text)
    if old == new:
        assert file.code == "no_lines"
        return
    known = {number: line for hunk in file.hunks for number, line in enumerate(hunk.lines, hunk.start_line)}
    assert all(new[number - 1] == line for number, line in known.items())
    assert file.fits(new)
    matcher = difflib.SequenceMatcher(None, old, new)
    added = {
        line + 1 for tag, _, _, first, end in matcher.get_opcodes() if tag != "equal" for line in range(first, end)
    }
    assert added & lines_of(file.changed) == added & known.keys() == added
    assert lines_of(file.changed) <= known.keys()
    assert lines_of(file.given) == known.keys()
    # what only was removed marks its neighbours and nothing else does
    removals = [first for tag, _, _, first, _ in matcher.get_opcodes() if tag == "delete"]
    assert lines_of(file.changed) - added <= {line for first in removals for line in (first, first + 1)}


def test_the_text_has_every_line_at_its_number() -> None:
    (file,) = parse_diff(GIT)
    assert (file.name, file.changed, file.given) == ("src/app.py", (LineRange(11, 12),), (LineRange(10, 14),))
    assert file.text().split("\n") == [""] * 9 + ["one", "TWO", "three", "four", "five", ""]
    assert not file.fits(["one"])


HEADS = [
    ("--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "x", "deleted"),
    ("diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc/x\n", "x", "symlink"),
    ("diff --git a/m b/m\nindex 1..2 160000\n--- a/m\n+++ b/m\n@@ -1 +1 @@\n-a\n+b\n", "m", "special"),
    ("diff --git a/x.py b/x.py\nnew file mode 100644\n--- /dev/null\n+++ b/x.py\n@@ -0,0 +1 @@\n+a\n", "x.py", ""),
    (
        "diff --git a/x.py b/x.py\ndeleted file mode 100644\n--- a/x.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
        "x.py",
        "deleted",
    ),
    ("diff --git a/o.py b/n.py\nsimilarity index 90%\nrename from o.py\nrename to n.py\n", "n.py", "no_lines"),
    ("diff --git a/o b/n\nrename from o\nrename to n\n--- a/o\n+++ b/n\n@@ -1 +1 @@\n-a\n+b\n", "n", ""),
    ("diff --git a/p.png b/p.png\nBinary files a/p.png and b/p.png differ\n", "p.png", "binary"),
    ("diff --git a/p b/p\nGIT binary patch\nliteral 3\nabc\n", "p", "binary"),
    ("diff --git a/m b/m\nold mode 100644\nnew mode 100755\n", "m", "no_lines"),
    (
        'diff --git "a/\\303\\251 \\"x\\".py" "b/\\303\\251 \\"x\\".py"\nold mode 1\nnew mode 2\n',
        'é "x".py',
        "no_lines",
    ),
    ('--- "a/\\344\\275\\240.py"\n+++ "b/\\344\\275\\240.py"\n@@ -1 +1 @@\n-a\n+b\n', "你.py", ""),
    ("--- a/with space.py\t2024-01-01\n+++ b/with space.py\t2024-01-02\n@@ -1 +1 @@\n-a\n+b\n", "with space.py", ""),
    (
        "--- old.c\n+++ new.c\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n",
        "new.c",
        "",
    ),
    ("diff --cc m.py\nindex 1,2..3\n--- a/m.py\n+++ b/m.py\n@@@ -1,1 -1,1 +1,1 @@@\n++a\n", "m.py", "combined"),
    ("Index: s.c\n=====\n--- s.c\t(revision 1)\n+++ s.c\t(working copy)\n@@ -1 +1 @@\n-a\n+b\n", "s.c", ""),
]


@pytest.mark.parametrize(("text", "name", "code"), HEADS, ids=[f"{number}" for number in range(len(HEADS))])
def test_every_kind_of_head(text: str, name: str, code: str) -> None:
    (file,) = parse_diff(text)
    assert (file.name, file.code, bool(file.hunks)) == (name, code, not code)


def test_files_follow_each_other_with_and_without_gits_line() -> None:
    plain = "--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-a\n+b\n"
    assert [file.name for file in parse_diff(GIT + GIT.replace("app", "b"))] == ["src/app.py", "src/b.py"]
    assert [file.name for file in parse_diff(plain.format("x") + plain.format("y"))] == ["x", "y"]
    mail = "From 0123abc Mon Sep 17\nSubject: x\n---\n a | 1 +\n\n" + GIT + "-- \n2.39\n\n"
    assert [file.text() for file in parse_diff(mail)] == [parse_diff(GIT)[0].text()]


def test_a_cut_off_hunk_is_read_as_far_as_it_goes() -> None:
    (file,) = parse_diff(GIT.partition(" four")[0])
    assert file.hunks[0].lines == ("one", "TWO", "three")
    assert parse_diff(GIT.replace("+10,5", f"+{MAX_LINE},5"))[0].code == "no_lines"


def test_context_whose_blank_was_trimmed_away_is_a_blank_line() -> None:
    assert parse_diff(GIT.replace(" four", ""))[0].hunks[0].lines == ("one", "TWO", "three", "", "five")


@given(st.text(st.sampled_from('@+-\\ \n"ab/,0129\r')) | st.text(), st.integers(0, 200))
def test_any_text_is_read_without_an_error(junk: str, at: int) -> None:
    for text in (junk, GIT[:at] + junk + GIT[at:]):
        for file in parse_diff(text):
            assert file.name
            assert all(1 <= one.start_line <= one.end_line <= MAX_LINE for one in (*file.changed, *file.given))
            assert lines_of(file.changed) <= lines_of(file.given)


def test_a_diff_is_told_from_code_that_mentions_one() -> None:
    assert looks_like_diff(GIT)
    assert looks_like_diff("\n" + GIT.partition("\n")[2].partition("\n")[2])
    code = f'EXAMPLE = """\n{GIT}"""\n'
    assert not looks_like_diff(code)
    assert looks_like_diff(code, named=True)
    assert not looks_like_diff("--- a\nb\n", named=True)
    assert not looks_like_diff("x = 1\n")
