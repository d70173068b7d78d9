"""Laws of effort: no row is taken that does not pay, and none more than there are."""

from hypothesis import given
from hypothesis import strategies as st

from audit8.engine.effort import CPU_EFFORT, GPU_EFFORT, MOST_ROWS, Effort, worthwhile


def falling(chance: float, count: int) -> list[float]:
    return [chance**at for at in range(1, count + 1)]


def test_sure_guesses_take_all_rows_and_hopeless_ones_none() -> None:
    assert worthwhile([falling(1, 15)], GPU_EFFORT, MOST_ROWS) == [15]
    assert worthwhile([falling(0.02, 15)], GPU_EFFORT, MOST_ROWS) == [0]
    assert worthwhile([[], []], GPU_EFFORT, MOST_ROWS) == [0, 0]


def test_one_guess_among_many_does_not_make_all_wait() -> None:
    assert worthwhile([falling(0.5, 8)], GPU_EFFORT, MOST_ROWS)[0] > 0
    assert worthwhile([falling(0.5, 8), *[[]] * 11], GPU_EFFORT, MOST_ROWS) == [0] * 12


def test_dear_rows_are_taken_more_sparingly() -> None:
    cheap, dear = (worthwhile([falling(0.7, 15)], effort, MOST_ROWS)[0] for effort in (GPU_EFFORT, CPU_EFFORT))
    assert 0 < dear < cheap


@given(st.lists(st.tuples(st.floats(0.01, 1), st.integers(0, 12)), min_size=1, max_size=8), st.integers(8, 16))
def test_what_is_tried_gives_more_tokens_a_time_than_nothing(guesses: list[tuple[float, int]], most_rows: int) -> None:
    chances = [falling(chance, count) for chance, count in guesses]
    effort = Effort(0.1, 0.1)
    lengths = worthwhile(chances, effort, most_rows)
    count, tried = len(chances), sum(lengths)
    assert count + tried <= most_rows
    assert all(length <= len(own) for length, own in zip(lengths, chances, strict=True))
    if tried:
        tokens = count + sum(sum(own[:length]) for own, length in zip(chances, lengths, strict=True))
        assert tokens / (effort.step(count + tried) + effort.wait) > count / effort.step(count)
