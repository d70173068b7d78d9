"""What several opinions about one candidate amount to: a confidence, and whether it stands.

Opinions are the static rule's own confidence, whether the model named the place by itself, and probabilities read from
its answers to closed questions. They are added up as evidence (log-odds). What a model's answers are worth was measured
for a small one (bench/results/judge-qwen-coder-1.5b.json); for larger ones the weights are an assumption.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from audit8.findings import Verdict

_SIZE = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,2})?)\s?b(?![a-z])", re.IGNORECASE)
SMALL_BILLIONS = 4.0
_MOST_LOGIT = 6.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was said about a candidate. `rule`: the confidence of the static rule, None where none fired.

    `listed`: the model named it by itself. `chunk`, `place`: the model's probabilities that the chunk has such a flaw
    and that this very place does, several votes each; () where it was not asked.
    """

    rule: float | None = None
    listed: bool = False
    chunk: tuple[float, ...] = ()
    place: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of log-odds. `rule` times the rule's own; `no_rule` where none fired; `listed` if the model named it.

    A candidate below `reject` is filtered out, one at `sure` or more is exploitable, one between is uncertain.
    `judges` False: the model's answers say nothing, so that it is not asked, rules stand unjudged, and what it alone
    names is filtered out. `sweep`: how probable a class of a chunk must be to become a candidate that nobody named.
    """

    judges: bool
    rule: float
    no_rule: float
    listed: float
    chunk: float
    place: float
    reject: float = 0.3
    sure: float = 0.6
    sweep: float = 0.9


# Measured: the answers of a 1.5B to ten forms of the question have an AUC of 0.46 to 0.55 over labelled files.
SMALL = Calibration(judges=False, rule=1.0, no_rule=-2.0, listed=0.0, chunk=0.0, place=0.0)
# Not measured. A model-only candidate needs clear answers: published figures of 7B models alone are near chance.
LARGE = Calibration(judges=True, rule=1.0, no_rule=-2.0, listed=0.4, chunk=0.4, place=0.6)


def calibration_for(model: str) -> Calibration:
    """By the size in the model's name ("...-7B-..."): a model below 4 billion parameters does not judge.

    Of a model without a size in its name nothing is known: it is taken for a large one.
    """
    found = _SIZE.search(model.rpartition("/")[2])
    return SMALL if found and float(found[1]) < SMALL_BILLIONS else LARGE


def confidence(evidence: Evidence, calibration: Calibration) -> float:
    """The probability, 0..1, that the candidate is true."""
    told = calibration.no_rule if evidence.rule is None else calibration.rule * logit(evidence.rule)
    odds = told + calibration.listed * evidence.listed
    if evidence.chunk:
        odds += calibration.chunk * mean_logit(evidence.chunk)
    if evidence.place:
        odds += calibration.place * mean_logit(evidence.place)
    return 1 / (1 + math.exp(-odds))


def verdict(value: float, calibration: Calibration) -> Verdict | None:
    """What a confidence means; None: filtered out."""
    if value < calibration.reject:
        return None
    return "exploitable" if value >= calibration.sure else "uncertain"


def mean_logit(votes: Sequence[float]) -> float:
    """The votes' mean as log-odds: the order of the answers, which a model leans to, cancels out."""
    return sum(map(logit, votes)) / len(votes)


def logit(probability: float) -> float:
    """Log-odds, bounded: no single opinion is certain."""
    bounded = min(max(probability, 1e-9), 1 - 1e-9)
    return max(-_MOST_LOGIT, min(_MOST_LOGIT, math.log(bounded / (1 - bounded))))
