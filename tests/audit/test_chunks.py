"""Every line is in exactly one chunk, every chunk fits, and the counter is asked about blocks, not lines."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit8.audit.chunks import MIN_BUDGET_TOKENS, cut
from audit8.audit.context import SHARE
from audit8.audit.outline import outline
from audit8.audit.shown import read_ranges, show_lines, show_numbered
from audit8.types import Chunk, LineRange, Source

LINES = st.lists(
    st.sampled_from(["", "x = 1", "def f():", "    return 2", "你好" * 20, "y" * 300, "z " * 90]), max_size=120
)


class Counter:
    """A stand-in for a tokeniser: about `bytes_per_token` bytes are one token."""

    def __init__(self, bytes_per_token: float = 3.0) -> None:
        self.bytes_per_token = bytes_per_token
        self.calls = 0
        self.chars = 0

    def __call__(self, text: str) -> int:
        self.calls += 1
        self.chars += len(text)
        return int(len(text.encode()) / self.bytes_per_token)


def shown(chunk: Chunk, budget: int) -> str:
    return show_lines(chunk.start_line, chunk.lines, budget)


@given(
    LINES,
    st.integers(MIN_BUDGET_TOKENS, 400),
    st.sampled_from([1.0, 2.0, 3.0, 5.0]),
    st.sampled_from(["python", "go", "text"]),
)
@settings(max_examples=60)
def test_the_chunks_are_a_partition_and_each_fits(lines: list[str], budget: int, ratio: float, language: str) -> None:
    source = Source("a", "\n".join(lines), language)
    chunks = cut(source, budget, Counter(ratio))
    covered = [number for chunk in chunks for number in range(chunk.start_line, chunk.end_line + 1)]
    assert covered == list(range(1, len(source.lines) + 1))
    for chunk in chunks:
        assert Counter(ratio)(shown(chunk, budget)) <= budget


def test_a_cut_prefers_the_start_of_a_definition() -> None:
    body = "def f{n}(a):\n    b = a + 1\n    return b\n"
    text = "\n".join(body.format(n=number) for number in range(60))
    chunks = cut(Source("a.py", text, "python"), 200, Counter())
    assert len(chunks) > 3
    assert all(chunk.lines[0].startswith("def ") for chunk in chunks)


def test_ten_thousand_lines_take_few_calls() -> None:
    text = "\n".join(f"value_{number} = compute({number}, 'some text')" for number in range(10_000))
    count = Counter(3.4)
    chunks = cut(Source("a.py", text, "python"), 2000, count)
    assert count.calls <= 3 * len(chunks)
    assert count.chars <= 4 * len(text)
    assert all(count(shown(chunk, 2000)) > 700 for chunk in chunks[:-1])


def test_a_line_over_the_budget_is_alone_shortened_and_not_counted_as_read() -> None:
    source = Source("a.js", "a = 1\n" + "x" * 5_000_000 + "\nb = 2\n", "javascript")
    count = Counter(1.0)
    chunks = cut(source, 300, count)
    read = [part for chunk in chunks for part in read_ranges(chunk, 300)]
    assert LineRange(2, 2) not in read
    assert {line for part in read for line in range(part.start_line, part.end_line + 1)} == {1, 3}
    text = "\n".join(shown(chunk, 300) for chunk in chunks)
    assert "characters of this line are not shown" in text
    assert len(text) < 1000


def test_a_counter_that_lies_about_blocks_still_ends() -> None:
    source = Source("a", "\n".join("ab" for _ in range(200)), "text")
    chunks = cut(source, 150, lambda text: 1000 if "\n" in text else 5)
    assert [chunk.end_line for chunk in chunks] == list(range(1, 201))


def test_no_lines_no_chunks() -> None:
    assert cut(Source("a", "", "text"), 200, Counter()) == []


def test_a_budget_too_small_for_anything_is_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        cut(Source("a", "x", "text"), MIN_BUDGET_TOKENS - 1, Counter())


NESTED = st.recursive(
    st.integers(0, 12).map(lambda size: ["x = compute(1)"] * size),
    lambda inner: st.lists(inner, min_size=1, max_size=4).map(
        lambda bodies: [
            line
            for number, body in enumerate(bodies)
            for line in (f"def f{number}(a):", *(f"    {one}" for one in (*body, "return a")), "")
        ]
    ),
    max_leaves=24,
)


@given(NESTED, st.integers(MIN_BUDGET_TOKENS, 500), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_function_that_fits_is_never_cut(lines: list[str], budget: int, in_class: bool) -> None:
    text = "\n".join((["import os", "class A:", *(f"    {line}" for line in lines)]) if in_class else lines) + "\n"
    source = Source("a.py", text, "python")
    count = Counter()
    chunks = cut(source, budget, count)
    assert [line for chunk in chunks for line in range(chunk.start_line, chunk.end_line + 1)] == list(
        range(1, len(source.lines) + 1)
    )
    for part in outline(source).parts:
        fits = (
            count(show_lines(part.start, source.lines[part.start - 1 : part.end], budget)) <= budget - budget // SHARE
        )
        if part.kind == "function" and fits:
            inside = [chunk for chunk in chunks if chunk.start_line <= part.start and part.end <= chunk.end_line]
            assert len(inside) == 1
    for chunk in chunks:
        context = show_numbered(chunk.context, source.lines)
        assert count(context) <= budget // SHARE
        assert count(context) + count(shown(chunk, budget)) <= budget
        assert not any(chunk.start_line <= line <= chunk.end_line for line in chunk.context)
        assert list(chunk.context) == sorted(set(chunk.context))


def test_the_context_is_the_head_around_the_imports_and_what_is_used() -> None:
    methods = "".join(
        f"    def m{n}(self, key):\n        return load(os.path.join(self.root, key))\n\n" for n in range(60)
    )
    text = f"import os\nimport unused\n\nclass Store:\n{methods}def load(path):\n    return open(path).read()\n"
    source = Source("a.py", text, "python")
    chunks = cut(source, 400, Counter())
    assert len(chunks) > 3
    middle = [source.lines[line - 1] for line in chunks[2].context]
    assert middle == ["import os", "import unused", "class Store:", "def load(path):"]


def test_a_whole_small_file_needs_no_context() -> None:
    assert [
        chunk.context for chunk in cut(Source("a.py", "import os\ndef f():\n    os.x()\n", "python"), 300, Counter())
    ] == [()]


def test_a_focus_is_read_with_the_functions_around_it() -> None:
    body = "def f{n}(a):\n    b = a + 1\n    c = b + 1\n    return c\n\n"
    text = "import os\n" + "".join(body.format(n=number) for number in range(100))
    source = Source("a.py", text, "python", focus=(LineRange(3, 3), LineRange(254, 258)))
    chunks = cut(source, 400, Counter())
    assert [(chunk.start_line, chunk.end_line) for chunk in chunks] == [(2, 5), (252, 260)]
    assert 1 in chunks[1].context


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("".join(f"def f{n}(a):\n    return f{n - 1}(a)\n\n\n" for n in range(2500)), "python"),
        ("class A {\n" + "".join(f"  m{n}() {{\n    return {n};\n  }}\n" for n in range(3333)) + "}\n", "javascript"),
        ("def f():\n" + "    x = compute(1)\n" * 10_000, "python"),
    ],
)
def test_ten_thousand_lines_take_linear_time(text: str, language: str) -> None:
    count = Counter(3.4)
    chunks = cut(Source("a", text, language), 2000, count)
    assert sum(chunk.end_line - chunk.start_line + 1 for chunk in chunks) >= 10_000
    assert count.calls <= 6 * len(chunks)
    assert count.chars <= 6 * len(text)
