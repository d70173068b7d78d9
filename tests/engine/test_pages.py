"""Laws of the page pool: a page has one owner or equal history, and everything comes back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from audit8.engine.kernels.types import PAGE_TOKENS
from audit8.engine.pages import PagePool, Table, pages_for

PROMPTS = [tuple([first] * PAGE_TOKENS + [second] * PAGE_TOKENS + [9] * 10) for first in (1, 2) for second in (3, 4)]


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 200), st.booleans()), max_size=30), st.integers(3, 12))
def test_no_page_is_ever_given_to_two_histories(steps: list[tuple[int, int, bool]], page_count: int) -> None:
    pool = PagePool(page_count)
    live: list[tuple[tuple[int, ...], Table]] = []
    for which, extra_tokens, leave in steps:
        prompt = PROMPTS[which]
        table = pool.reserve(prompt, len(prompt) + extra_tokens)
        if table is not None:
            assert len(table.pages) == pages_for(len(prompt) + extra_tokens)
            assert table.cached_tokens < len(prompt)
            live.append((prompt, table))
            pool.publish(prompt, table)
        if leave and live:
            pool.release(live.pop(0)[1])
        held = [page for _, table in live for page in table.pages]
        assert pool.used_pages == len(set(held))
        for page in set(held):
            histories = {
                (table.pages.index(page), prompt[: (table.pages.index(page) + 1) * PAGE_TOKENS])
                for prompt, table in live
                if page in table.pages
            }
            assert len(histories) == 1
            if held.count(page) > 1:
                assert (next(iter(histories))[0] + 1) * PAGE_TOKENS <= len(prompt)
    for _, table in live:
        pool.release(table)
    assert pool.used_pages == 0
    assert pool.available_pages == page_count


def test_a_released_prefix_is_found_again_until_its_space_is_needed() -> None:
    pool = PagePool(4)
    prompt = PROMPTS[0]
    first = pool.reserve(prompt, len(prompt))
    assert first is not None
    pool.publish(prompt, first)
    pool.release(first)
    again = pool.reserve(prompt, len(prompt))
    assert again is not None
    assert again.cached_tokens == 2 * PAGE_TOKENS
    pool.release(again)
    other = pool.reserve(tuple(range(4 * PAGE_TOKENS)), 4 * PAGE_TOKENS)
    assert other is not None
    pool.release(other)
    third = pool.reserve(prompt, len(prompt))
    assert third is not None
    assert third.cached_tokens == 0


def test_an_unpublished_prefix_is_never_shared() -> None:
    pool = PagePool(8)
    first = pool.reserve(PROMPTS[0], 138)
    second = pool.reserve(PROMPTS[0], 138)
    assert first is not None
    assert second is not None
    assert not set(first.pages) & set(second.pages)


def test_sharing_ends_at_multiples_of_the_reuse_unit() -> None:
    pool = PagePool(12, reuse_tokens=2 * PAGE_TOKENS)
    prompt = tuple(range(3 * PAGE_TOKENS + 5))
    first = pool.reserve(prompt, len(prompt))
    assert first is not None
    pool.publish(prompt, first)
    second = pool.reserve(prompt, len(prompt))
    assert second is not None
    assert second.cached_tokens == 2 * PAGE_TOKENS


def test_too_little_room_takes_nothing() -> None:
    pool = PagePool(2)
    assert pool.reserve((1, 2, 3), 3 * PAGE_TOKENS) is None
    assert pool.available_pages == 2
