"""Refusals before anything reaches the model: every number in range, every prompt within the context."""

import math
from collections.abc import Sequence

from audit8.errors import BadRequest, PromptTooLong
from audit8.types import Sampling

MAX_STOP_STRINGS = 16
MAX_TOP_LOGPROBS = 20


def check_sampling(sampling: Sampling) -> None:
    """Raises BadRequest that names the value and its range."""
    _check(sampling.max_tokens >= 1, "max_tokens", sampling.max_tokens, "at least 1")
    _check(0 <= sampling.temperature <= 5, "temperature", sampling.temperature, "between 0 and 5")
    _check(0 < sampling.top_p <= 1, "top_p", sampling.top_p, "above 0 and at most 1")
    _check(sampling.top_k >= 0, "top_k", sampling.top_k, "0 (all) or more")
    _check(
        math.isfinite(sampling.repetition_penalty) and 0 < sampling.repetition_penalty <= 5,
        "repetition_penalty",
        sampling.repetition_penalty,
        "above 0 and at most 5",
    )
    _check(all(sampling.stop), "stop", "an empty string", "non-empty strings")
    _check(len(sampling.stop) <= MAX_STOP_STRINGS, "stop", len(sampling.stop), f"at most {MAX_STOP_STRINGS} strings")
    _check(
        sampling.top_logprobs is None or 0 <= sampling.top_logprobs <= MAX_TOP_LOGPROBS,
        "top_logprobs",
        sampling.top_logprobs,
        f"between 0 and {MAX_TOP_LOGPROBS}",
    )
    _check(sampling.schema is None or not sampling.stop, "stop", "given", "left out where a schema ends the answer")
    _check(sampling.seed is None or 0 <= sampling.seed < 2**63, "seed", str(sampling.seed), "between 0 and 2**63 - 1")


def check_prompt(prompt_tokens: int, max_tokens: int, context_tokens: int) -> None:
    """Raises PromptTooLong unless the prompt and the longest answer fit the context together."""
    if prompt_tokens < 1:
        raise BadRequest("the prompt is empty", hint="send at least one message with some text")
    if prompt_tokens + max_tokens > context_tokens:
        raise PromptTooLong(
            f"the prompt has {prompt_tokens} tokens and asks for up to {max_tokens} more; "
            f"this server's context is {context_tokens} tokens",
            hint="shorten the prompt, lower max_tokens, or start the server with a larger --context-tokens",
            prompt_tokens=prompt_tokens,
            max_tokens=max_tokens,
            context_tokens=context_tokens,
        )


def check_candidates(candidates: Sequence[str], first_ids: Sequence[int]) -> None:
    """Raises BadRequest unless every candidate is told apart by its first token."""
    if len(candidates) < 2 or min(first_ids, default=-1) < 0 or len(set(first_ids)) != len(first_ids):
        raise BadRequest(f"cannot score {list(candidates)}: give two or more texts that begin with different tokens")


def _check(right: bool, name: str, value: object, allowed: str) -> None:
    if not right:
        raise BadRequest(f"{name} is {value}; it must be {allowed}", param=name)
