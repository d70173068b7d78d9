"""Opinions add up in the direction in which they speak, within bounds, and a small model has none."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.judging import LARGE, SMALL, Evidence, calibration_for, confidence, logit, mean_logit, verdict

SHARES = st.floats(0, 1)
VOTES = st.lists(SHARES, max_size=4).map(tuple)
EVIDENCE = st.builds(Evidence, st.none() | SHARES, st.booleans(), VOTES, VOTES)


@given(EVIDENCE)
def test_a_confidence_is_a_probability_and_has_one_meaning(evidence: Evidence) -> None:
    value = confidence(evidence, LARGE)
    assert 0 < value < 1
    meaning = verdict(value, LARGE)
    assert (meaning is None) == (value < LARGE.reject)
    assert (meaning == "exploitable") == (value >= LARGE.sure)


@given(EVIDENCE, SHARES, SHARES)
def test_a_vote_for_the_flaw_never_lowers_the_confidence(evidence: Evidence, one: float, other: float) -> None:
    low, high = sorted((one, other))
    votes = ((low,), (high,))
    about_chunk = [confidence(replace(evidence, chunk=vote), LARGE) for vote in votes]
    about_place = [confidence(replace(evidence, place=vote), LARGE) for vote in votes]
    assert about_chunk[0] <= about_chunk[1]
    assert about_place[0] <= about_place[1]


@given(SHARES, VOTES, VOTES)
def test_the_votes_of_a_small_model_change_nothing(
    rule: float, chunk: tuple[float, ...], place: tuple[float, ...]
) -> None:
    assert confidence(Evidence(rule, True, chunk, place), SMALL) == confidence(Evidence(rule), SMALL)


def test_a_rule_alone_keeps_its_own_confidence() -> None:
    assert confidence(Evidence(rule=0.8), LARGE) == pytest.approx(0.8)


def test_what_only_the_model_names_needs_clear_answers() -> None:
    assert verdict(confidence(Evidence(listed=True), LARGE), LARGE) is None
    unsure = Evidence(listed=True, chunk=(0.6, 0.5), place=(0.6, 0.5))
    assert verdict(confidence(unsure, LARGE), LARGE) is None
    clear = Evidence(listed=True, chunk=(0.95, 0.9), place=(0.98, 0.95))
    assert verdict(confidence(clear, LARGE), LARGE) is not None


def test_one_answer_in_two_orders_that_only_likes_a_letter_says_nothing() -> None:
    assert mean_logit((0.8, 0.2)) == pytest.approx(0)
    assert logit(0.0) == -logit(1.0)


@pytest.mark.parametrize(
    ("name", "judges"),
    [
        ("Qwen/Qwen2.5-Coder-1.5B-Instruct", False),
        ("qwen-coder-0.5b", False),
        ("Llama-3.2-3B", False),
        ("Qwen2.5-Coder-7B-Instruct", True),
        ("DeepSeek-R1-Distill-Qwen-7B", True),
        ("14b/my-model", True),
        ("my-model", True),
        ("model-v1.5beta", True),
    ],
)
def test_the_size_in_a_models_name_says_whether_it_judges(name: str, judges: bool) -> None:
    assert calibration_for(name).judges is judges
