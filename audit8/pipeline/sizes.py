"""How many tokens one call may have: the code of a chunk, what the model may think, and what it may answer.

Knows the context of an engine. Knows nothing of time (calls.py).
"""

from dataclasses import dataclass

from audit8.audit.chunks import MIN_BUDGET_TOKENS
from audit8.errors import PromptTooLong
from audit8.types import EngineInfo

CHUNK_TOKENS = 4096  # a model that reads more at once overlooks more
ANSWER_TOKENS = 320  # eight flaws as JSON, or two texts of 400 characters
REASONING_TOKENS = 2048
POCKET_CHUNK_TOKENS = 2048  # 100 lines in one chunk: two CPU cores then take about 20 s
POCKET_ANSWER_TOKENS = 128
TEMPLATE_TOKENS = 64  # what a chat template adds to a prompt, at most


@dataclass(frozen=True, slots=True)
class Sizes:
    chunk_tokens: int
    reasoning_tokens: int
    answer_tokens: int


def sizes_for(info: EngineInfo, overhead_tokens: int) -> Sizes:
    """The sizes beside `overhead_tokens` of prompt; raises PromptTooLong if the context has no room for code."""
    context_tokens = info.context_tokens
    most_tokens = POCKET_CHUNK_TOKENS if info.pocket else CHUNK_TOKENS
    answer_tokens = min(POCKET_ANSWER_TOKENS if info.pocket else ANSWER_TOKENS, context_tokens // 4)
    reasoning_tokens = min(REASONING_TOKENS, context_tokens // 4) if info.reasoning and not info.pocket else 0
    left_tokens = context_tokens - overhead_tokens - TEMPLATE_TOKENS - answer_tokens - reasoning_tokens
    if left_tokens < MIN_BUDGET_TOKENS:
        raise PromptTooLong(
            f"A context of {context_tokens} tokens has no room for code beside the questions of an audit.",
            hint="Start the server with a larger --context-tokens.",
            context_tokens=context_tokens,
        )
    return Sizes(min(most_tokens, left_tokens), reasoning_tokens, answer_tokens)
