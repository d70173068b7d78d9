"""The choice of the next token from a row of logits. A row's choice depends on that row and its own seed alone."""

import secrets
from collections.abc import Sequence

import torch
from torch import Tensor

from audit8.engine.generation import Logprobs
from audit8.types import Sampling


def is_plain(sampling: Sampling) -> bool:
    """Whether the argmax of the logits is all that is wanted."""
    return sampling.temperature == 0 and sampling.repetition_penalty == 1 and sampling.top_logprobs is None


def logprobs_of(logits: Tensor, token: int, top: int) -> Logprobs:
    """Of the model's own distribution, before temperature and cuts. `logits` float32 [vocab]."""
    logs = logits.log_softmax(-1)
    best = logs.topk(top) if top else None
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True) if best else ()
    return Logprobs(float(logs[token]), tuple((int(other), float(value)) for other, value in pairs))


def make_generator(sampling: Sampling, device: torch.device) -> torch.Generator:
    """A stream of random numbers of this request's own, so that the same seed gives the same answer in any company."""
    seed = secrets.randbits(63) if sampling.seed is None else sampling.seed
    return torch.Generator(device).manual_seed(seed)


def choose(logits: Tensor, sampling: Sampling, generator: torch.Generator, seen: Sequence[int]) -> Tensor:
    """The next token, int64 []. `logits` float32 [vocab]; `seen`: the prompt's and the answer's ids so far.

    The order is transformers': repetition penalty, temperature, top-k, top-p, then the draw.
    """
    if sampling.repetition_penalty != 1:
        logits = _penalised(logits, sampling.repetition_penalty, seen)
    if sampling.temperature == 0:
        return logits.argmax()
    logits = logits / sampling.temperature
    if 0 < sampling.top_k < logits.shape[0]:
        logits = logits.masked_fill(logits < logits.topk(sampling.top_k).values[-1], -torch.inf)
    if sampling.top_p < 1:
        logits = _nucleus(logits, sampling.top_p)
    # The exponential race draws from the softmax without a sum over the vocabulary: argmax(p / e), e ~ Exp(1).
    noise = torch.empty_like(logits).exponential_(generator=generator)
    return (logits - noise.log()).argmax()


def _penalised(logits: Tensor, penalty: float, seen: Sequence[int]) -> Tensor:
    ids = torch.tensor(sorted(set(seen)), dtype=torch.int64, device=logits.device)
    chosen = logits[ids]
    return logits.index_put((ids,), torch.where(chosen < 0, chosen * penalty, chosen / penalty))


def _nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Keep the smallest set of most probable tokens whose probabilities reach `top_p`."""
    ordered, ids = logits.sort(descending=True)
    probabilities = ordered.softmax(-1)
    outside = probabilities.cumsum(-1) - probabilities >= top_p  # what stands before a token already suffices
    return logits.index_put((ids[outside],), torch.tensor(-torch.inf, device=logits.device))
