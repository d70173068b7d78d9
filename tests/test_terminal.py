"""A line that is redrawn covers what was there, also where characters are two columns wide."""

import io

from audit8.terminal import RedrawnLine, pad, width


def test_chinese_takes_two_columns() -> None:
    assert width("ab中文") == 6
    assert pad("中", 4) == "中  "
    assert pad("long", 2) == "long"


def test_each_line_covers_the_one_before() -> None:
    out = io.StringIO()
    line = RedrawnLine(out)
    line.clear()
    assert out.getvalue() == ""
    for text in ("中文字", "abc", ""):
        line.show(text)
    line.show("x")
    line.clear()
    parts = out.getvalue().split("\r")[1:]
    assert [width(part) for part in parts] == [6, 6, 3, 1, 1, 0]
