"""The probability of candidates for an answer's first token, from what a server says of it; or by asking for a word.

Pure. With log-probabilities only the most probable tokens are known (20 at most): a candidate that is not among them
has the probability that is left at the most, and no more than the least of those named; that bound is what it gets.
Without, one answer is one vote: 1 for the candidate that was said, 0 for the others.
"""

import json
import math
from collections.abc import Sequence

from audit8.errors import BadRequest
from audit8.types import TokenLogprob

_MARKS = " \t\r\n\"'`*_.,;:!。，！：“”"


def check(candidates: Sequence[str]) -> None:
    """Raises BadRequest unless there are two or more, different and not empty."""
    if len(candidates) < 2 or len(set(candidates)) != len(candidates) or not all(candidates):
        raise BadRequest(f"cannot score {list(candidates)}: give two or more different texts")


def probabilities(first: TokenLogprob, candidates: Sequence[str]) -> list[float]:
    """Of each candidate's first token, taken to be the longest token named that the candidate begins with.

    Raises BadRequest if two candidates begin with the same one.
    """
    named = dict(reversed([*first.top, (first.token, first.logprob)]))
    named.pop("", None)
    begins = [max((token for token in named if text.startswith(token)), key=len, default="") for text in candidates]
    found = [token for token in begins if token]
    if len(set(found)) != len(found):
        raise BadRequest(f"cannot score {list(candidates)}: two of them begin with the same token")
    known = [math.exp(value) for value in named.values()]
    bound = min(max(0.0, 1.0 - sum(known)), *known)
    return [math.exp(named[token]) if token else bound for token in begins]


def vote_schema(candidates: Sequence[str]) -> str:
    """A schema of which the answer is one of the candidates; an object, for some servers hold to no other."""
    properties = {"answer": {"type": "string", "enum": list(candidates)}}
    schema = {"type": "object", "properties": properties, "required": ["answer"], "additionalProperties": False}
    return json.dumps(schema, ensure_ascii=False)


def vote(text: str, candidates: Sequence[str]) -> list[float]:
    """1 for the candidate that `text` is (under vote_schema) or begins with; alike for all if it is none of them."""
    said = _said(text).strip(_MARKS).casefold()
    fitting = [index for index, one in enumerate(candidates) if _begins(said, one.strip(_MARKS).casefold())]
    best = max(fitting, key=lambda index: len(candidates[index]), default=None)
    if best is None:
        return [1 / len(candidates)] * len(candidates)
    return [float(index == best) for index in range(len(candidates))]


def _said(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    answer = value.get("answer") if isinstance(value, dict) else value
    return answer if isinstance(answer, str) else text


def _begins(said: str, candidate: str) -> bool:
    after = said[len(candidate) : len(candidate) + 1]
    return bool(candidate) and said.startswith(candidate) and not (after.isascii() and after.isalnum())
