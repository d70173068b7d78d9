"""Every number out of range is refused in words before the model sees it."""

import math
from dataclasses import replace

import pytest

from audit8.engine.limits import check_candidates, check_prompt, check_sampling
from audit8.errors import BadRequest, PromptTooLong
from audit8.types import Sampling

GOOD = Sampling(max_tokens=1, temperature=0.7, top_p=0.9, top_k=40, seed=1, repetition_penalty=1.1, stop=("x",))


@pytest.mark.parametrize(
    ("name", "sampling"),
    [
        ("max_tokens", replace(GOOD, max_tokens=0)),
        ("temperature", replace(GOOD, temperature=-0.1)),
        ("temperature", replace(GOOD, temperature=math.nan)),
        ("temperature", replace(GOOD, temperature=math.inf)),
        ("top_p", replace(GOOD, top_p=0.0)),
        ("top_p", replace(GOOD, top_p=math.nan)),
        ("top_k", replace(GOOD, top_k=-1)),
        ("repetition_penalty", replace(GOOD, repetition_penalty=0.0)),
        ("repetition_penalty", replace(GOOD, repetition_penalty=math.nan)),
        ("stop", replace(GOOD, stop=("",))),
        ("stop", replace(GOOD, stop=("a",) * 17)),
        ("stop", replace(GOOD, schema="{}")),
        ("top_logprobs", replace(GOOD, top_logprobs=21)),
        ("seed", replace(GOOD, seed=-1)),
    ],
)
def test_a_value_out_of_range_is_named(name: str, sampling: Sampling) -> None:
    with pytest.raises(BadRequest, match=name):
        check_sampling(sampling)


def test_values_in_range_pass() -> None:
    check_sampling(GOOD)
    check_prompt(10, 6, 16)
    check_candidates(["yes", "no"], [1, 2])


def test_a_prompt_that_does_not_fit_is_refused_with_the_limit() -> None:
    with pytest.raises(PromptTooLong, match="16 tokens"):
        check_prompt(11, 6, 16)
    with pytest.raises(BadRequest, match="empty"):
        check_prompt(0, 6, 16)


@pytest.mark.parametrize("first_ids", [[1], [1, 1], [1, -1], []])
def test_candidates_that_cannot_be_told_apart_are_refused(first_ids: list[int]) -> None:
    with pytest.raises(BadRequest, match="different tokens"):
        check_candidates(["yes"] * len(first_ids), first_ids)
