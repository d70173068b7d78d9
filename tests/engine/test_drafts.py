"""Laws of the guesses: what follows the longest known text that is the same, and chances that learn from what came."""

from hypothesis import given, settings
from hypothesis import strategies as st

from audit8.engine.drafts import CHANCES, NEAR, ORDERS, Drafter

Ids = list[int]


def grown(prompt: Ids, answer: Ids, echoes: Ids | None = None) -> Drafter:
    drafter = Drafter(prompt, echoes or [])
    for token in answer:
        drafter.push(token)
    return drafter


def test_what_is_quoted_is_guessed_to_its_end() -> None:
    code = list(range(50, 90))
    drafter = grown([*code, 1, 2, 3], [7, 8, 60, 61, 62])
    assert drafter.guess(10) == list(range(63, 73))
    drafter.push(63)
    assert drafter.guess(4) == [64, 65, 66, 67]
    assert drafter.guess(40)[:26] == [*range(64, 90)]


def test_the_longer_text_that_is_the_same_is_better_than_the_newer() -> None:
    long, short = [9, 8, 7, 6, 5, 4, 3, 2], [4, 3, 2]
    drafter = grown([*long, 100, 0, *short, 200, 0, 0, 0], long)
    assert drafter.guess(1) == [100]
    assert grown([*long, 100, 0, *short, 200, 0, 0, 0], [1, *short]).guess(1) == [200]


def test_what_the_prompt_is_inside_a_string_is_guessed_rather_than_the_prompt() -> None:
    code, quoted = [50, 51, 52, 53, 54], [50, 51, 152, 153, 54]
    assert grown([*code, 1, 2], [7, 50, 51]).guess(3) == [52, 53, 54]
    assert grown([*code, 1, 2], [7, 50, 51], quoted).guess(3) == [152, 153, 54]
    assert grown([*code, 1, 2], [7, 52, 53], quoted).guess(1) == [54], "the prompt itself may be said as well"


def test_a_run_goes_round_and_round() -> None:
    assert grown([1, 2, 3], [7, 8, 9, 7, 8, 9]).guess(8) == [7, 8, 9, 7, 8, 9, 7, 8]


def test_nothing_is_guessed_from_nothing() -> None:
    assert Drafter([]).guess(5) == []
    assert Drafter([1, 2, 3]).guess(5) == []
    assert grown([1, 2, 3, 4], [5, 6, 7, 8]).guess(5) == []
    assert grown([1, 2, 3, 4], [1, 2, 3]).guess(0) == []


def test_after_a_change_the_quoted_text_goes_on_where_it_was_left() -> None:
    code = list(range(50, 90))
    drafter = grown([*code, 1, 2, 3], [7, *code[:10], 200, 201])
    assert drafter.guess(4) != code[10:14]
    drafter.push(code[11])
    assert drafter.guess(4) == code[12:16]
    assert grown([*code, 1, 2, 3], [7, *code[:10], 200, code[NEAR + 12]]).guess(4) == []


def test_chances_fall_with_misses_rise_with_streaks_and_are_of_all_tokens_together() -> None:
    drafter = grown([1, 2, 3, 4, 5], [1, 2])
    first = drafter.chances(3)
    assert first == [CHANCES[0], CHANCES[0] * CHANCES[1], CHANCES[0] * CHANCES[1] ** 2]
    missed = grown([1, 2, 3, *range(300, 320)], [1, 2, 99, *range(100, 110), 1, 2])
    assert missed.guess(1)
    assert missed.chances(1)[0] < first[0]
    quoted = grown(list(range(200)), list(range(100)))
    assert quoted.chances(1)[0] > CHANCES[-1]
    assert len(quoted.chances(16)) == 16


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=40), st.lists(st.integers(0, 3), max_size=40))
def test_growing_is_the_same_as_reading_at_once_and_a_guess_followed_it_before(prompt: Ids, answer: Ids) -> None:
    """A new guess, that is; one that came true goes on where it stood."""
    ids = [*prompt, *answer]
    drafter = Drafter(ids)
    assert drafter._next == grown(prompt, answer)._next
    guess = drafter.guess(4)
    if guess:
        short = ORDERS[-1]
        last = tuple(ids[-short:])
        followers = {ids[at] for at in range(short, len(ids)) if tuple(ids[at - short : at]) == last}
        assert guess[0] in followers
        assert len(guess) == 4
