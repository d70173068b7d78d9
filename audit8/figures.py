"""How close two models are, as figures. Knows nothing of how they were measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Closeness:
    """How close one model's distributions are to another's, over `places` of the same text.

    `perplexity_change_percent` is of the other against the exact one, with its standard error (the places are paired);
    `kl` is the mean of KL(exact || other) in nats; `top1_same_percent` where the most probable token is the same.
    """

    places: int
    perplexity: float
    perplexity_change_percent: float
    perplexity_change_error: float
    kl: float
    kl_error: float
    top1_same_percent: float
