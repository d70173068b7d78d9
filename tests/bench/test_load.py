"""The laws of the load bench in a few seconds: every job ends once and nothing is left over. No timing is judged."""

from bench.load import run


def test_a_small_crowd_breaks_no_law() -> None:
    figures = run(clients=45, seconds=4)
    assert figures["wrong"] == []
    assert figures["jobs_accepted"] == figures["jobs_ended"]
    seen = figures["seen"]
    assert isinstance(seen, dict)
    for what in ("left", "ended", "spoilt"):
        assert seen[what] > 0, what
