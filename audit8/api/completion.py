"""The answers of the OpenAI chat form: a whole completion, the chunks of a stream, and log-probabilities in both.

Knows the fields that clients of that form read. Decides nothing, and knows nothing of requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audit8.types import Finish, TokenLogprob, Usage

LEAST_LOGPROB = -9999.0  # JSON has no infinity


@dataclass(frozen=True, slots=True)
class Completion:
    """The fields that all parts of one answer share. `logprobs`: whether they were asked for."""

    id: str
    created: int
    model: str
    logprobs: bool = False

    def chunk(
        self, delta: dict[str, str], finish_reason: str | None = None, logprobs: Sequence[TokenLogprob] = ()
    ) -> dict[str, Any]:
        shown = self._shown(logprobs) if logprobs else None
        choice = {"index": 0, "delta": delta, "logprobs": shown, "finish_reason": finish_reason}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def usage_chunk(self, usage: Usage) -> dict[str, Any]:
        return {**self._head("chat.completion.chunk"), "choices": [], "usage": usage_of(usage)}

    def whole(
        self, content: str, reasoning: str, finish: Finish, logprobs: Sequence[TokenLogprob] = ()
    ) -> dict[str, Any]:
        message = {"role": "assistant", "content": content, "refusal": None}
        if reasoning:
            message["reasoning_content"] = reasoning
        choice = {
            "index": 0,
            "message": message,
            "logprobs": self._shown(logprobs) if self.logprobs else None,
            "finish_reason": finish.reason,
        }
        return {**self._head("chat.completion"), "choices": [choice], "usage": usage_of(finish.usage)}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _shown(self, logprobs: Sequence[TokenLogprob]) -> dict[str, Any]:
        """One entry for each token, thoughts included."""
        content = [
            {**_entry(one.token, one.logprob), "top_logprobs": [_entry(token, value) for token, value in one.top]}
            for one in logprobs
        ]
        return {"content": content, "refusal": None}


def _entry(token: str, logprob: float) -> dict[str, Any]:
    value = max(logprob, LEAST_LOGPROB)
    return {"token": token, "logprob": value, "bytes": list(token.encode(errors="replace"))}


def usage_of(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
