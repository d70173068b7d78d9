"""Places are bounded and shared, turns go round, and Retry-After follows the measured pace."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.admission import FIRST_GUESS_S, Limits, Pace, Place, Places, Turns
from audit8.errors import QueueFull


def refused(places: Places, client: str, tokens: int = 1) -> QueueFull:
    with pytest.raises(QueueFull) as caught:
        places.enter(client, tokens)
    return caught.value


def test_one_client_may_not_hold_all_places() -> None:
    places = Places(Limits(jobs=4, client_jobs=2, tokens=100))
    mine = [places.enter("a", 1) for _ in range(2)]
    error = refused(places, "a")
    assert (error.details["client_jobs"], error.details["max_client_jobs"]) == (2, 2)
    assert [places.enter("b", 1).ahead for _ in range(2)] == [2, 3]
    assert refused(places, "c").details["max_jobs"] == 4
    mine[0].leave()
    mine[0].leave()  # counts once
    assert places.taken == 3
    assert places.enter("a", 1).ahead == 3


def test_tokens_are_bounded_but_a_job_alone_is_taken_whatever_its_size() -> None:
    places = Places(Limits(jobs=9, client_jobs=9, tokens=100))
    huge = places.enter("a", 1000)
    assert refused(places, "b").details["max_queue_tokens"] == 100
    huge.leave()
    places.enter("a", 60)
    assert places.enter("b", 40).ahead == 1
    assert refused(places, "b").details["position"] == 2


def test_retry_after_is_a_guess_first_and_then_the_measured_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    places = Places(Limits(jobs=1, client_jobs=1, tokens=100))
    place = places.enter("a", 50)
    assert refused(places, "b").retry_after_s == FIRST_GUESS_S
    now[0] += 500  # waiting does not count
    place.begin()
    now[0] += 42
    place.begin()  # a second turn of the same job does not start it again
    place.leave()
    place = places.enter("a", 50)
    assert refused(places, "b").retry_after_s == 42
    places.pace.parallel = 4
    assert refused(places, "b").retry_after_s == 11


def test_retry_after_counts_the_tokens_that_must_go_first() -> None:
    pace = Pace()
    pace.ended(10.0, tokens=1000)
    assert pace.retry_after_s(1, tokens=5000) == 50
    assert pace.retry_after_s(1) == 10
    for _ in range(30):
        pace.ended(2.0, tokens=1000)
    assert pace.retry_after_s(1) in {2, 3}
    assert pace.retry_after_s(10**9) == 3600


def test_a_job_that_never_ran_says_nothing_about_the_pace() -> None:
    places = Places(Limits(1, 1, 1))
    places.enter("a", 1).leave()
    assert places.pace.retry_after_s(1) == FIRST_GUESS_S


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30), st.booleans())))
def test_places_are_given_back_exactly(steps: list[tuple[str, int, bool]]) -> None:
    places = Places(Limits(jobs=5, client_jobs=3, tokens=60))
    held: list[Place] = []
    for client, tokens, leave in steps:
        if leave and held:
            held.pop(0).leave()
        with contextlib.suppress(QueueFull):
            held.append(places.enter(client, tokens))
        assert places.taken == len(held) <= 5
        assert max((sum(one.client == client for one in held) for client in "abc"), default=0) <= 3
        assert len(held) == 1 or sum(one.tokens for one in held) <= 60
    for place in held:
        place.leave()
    assert places.taken == 0
    assert places.enter("a", 60).ahead == 0


# ---- turns ------------------------------------------------------------------------------------------------------


class Crowd:
    """Tasks that take a turn, note who got it, and hold it until told."""

    def __init__(self, slots: int) -> None:
        self.turns = Turns(slots)
        self.got: list[str] = []
        self.go_on = asyncio.Semaphore(0)
        self.most = 0
        self._now = 0

    def join(self, client: str) -> "asyncio.Task[None]":
        return asyncio.create_task(self._take(client))

    async def _take(self, client: str) -> None:
        async with self.turns.turn(client):
            self.got.append(client)
            self._now += 1
            self.most = max(self.most, self._now)
            try:
                await self.go_on.acquire()
            finally:
                self._now -= 1


async def settle(until: Callable[[], bool] = lambda: False) -> None:
    for _ in range(200):
        if until():
            return
        await asyncio.sleep(0)


async def test_turns_go_round_among_clients() -> None:
    crowd = Crowd(1)
    tasks = [crowd.join(client) for client in "aaaabbc"]
    for _ in tasks:
        await settle()
        crowd.go_on.release()
    await asyncio.gather(*tasks)
    assert "".join(crowd.got) == "abcabaa"
    assert crowd.most == 1


async def test_a_newcomer_goes_before_whoever_has_many_turns() -> None:
    crowd = Crowd(3)
    tasks = [crowd.join("a") for _ in range(6)]
    await settle(lambda: len(crowd.got) == 3)
    tasks += [crowd.join("b") for _ in range(2)]
    await settle()
    for _ in tasks:
        crowd.go_on.release()
        await settle()
    await asyncio.gather(*tasks)
    assert "".join(crowd.got) == "aaabbaaa"


@pytest.mark.parametrize("leaving", [[1], [1, 2], [3], [0, 2], [0, 1, 2, 3]])
async def test_whoever_stops_waiting_or_is_cut_off_loses_no_slot(leaving: list[int]) -> None:
    crowd = Crowd(1)
    tasks = [crowd.join(client) for client in "abab"]
    await settle()
    for index in leaving:
        tasks[index].cancel()
    for _ in tasks:
        crowd.go_on.release()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(crowd.got) >= len(tasks) - len(leaving)
    last = crowd.join("z")
    crowd.go_on.release()
    await asyncio.wait_for(last, 1)
    assert crowd.most == 1


async def test_a_turn_that_comes_in_the_very_moment_of_leaving_is_passed_on() -> None:
    crowd = Crowd(1)
    first, second, third = (crowd.join(client) for client in "abc")
    await settle(lambda: crowd.got == ["a"])
    crowd.go_on.release()
    await settle(lambda: not crowd.turns._running["a"])
    assert crowd.got == ["a"]  # the turn is b's, which has not run yet
    second.cancel()
    await settle(lambda: "c" in crowd.got)
    crowd.go_on.release()
    await asyncio.gather(first, second, third, return_exceptions=True)
    assert crowd.got[-1] == "c"
