"""A source cut into chunks that fit a token budget: every line is in exactly one chunk, in order.

Knows a token counter and good places to cut. Counts what the model will be shown (shown.py), in blocks: about two
calls of the counter per chunk, none per line.
"""

from collections.abc import Callable

from audit8.audit.places import cut_scores
from audit8.audit.shown import show_lines
from audit8.types import Chunk, Source

MIN_BUDGET_TOKENS = 128
_FIRST_GUESS_CHARS_PER_TOKEN = 3.0
_FILL_AT_LEAST = 0.5  # A cut at a better place may leave at most half of the budget unused.
_MAX_TRIES = 12
_GROW_BELOW = 0.7


def cut(source: Source, budget_tokens: int, count_tokens: Callable[[str], int]) -> list[Chunk]:
    """Chunks of at most `budget_tokens` tokens each, as shown with line numbers.

    A line that alone is over the budget is a chunk of its own and is shown shortened; see shown.py for what that means
    for coverage.

    Raises:
        ValueError: a budget below `MIN_BUDGET_TOKENS`, in which not even a shortened line would fit.
    """
    if budget_tokens < MIN_BUDGET_TOKENS:
        raise ValueError(f"a chunk needs a budget of at least {MIN_BUDGET_TOKENS} tokens, not {budget_tokens}")
    cutter = _Cutter(source, budget_tokens, count_tokens)
    chunks: list[Chunk] = []
    start = 0
    while start < len(cutter.lines):
        end = cutter.next_end(start)
        chunks.append(Chunk(source, start + 1, end))
        start = end
    return chunks


class _Cutter:
    """The state of one cut: the lines, their scores, and how many characters a token has had so far."""

    def __init__(self, source: Source, budget_tokens: int, count_tokens: Callable[[str], int]) -> None:
        self.lines = source.lines
        self._scores = cut_scores(self.lines, source.language)
        self._budget = budget_tokens
        self._count = count_tokens
        self._chars_per_token = _FIRST_GUESS_CHARS_PER_TOKEN

    def next_end(self, start: int) -> int:
        """The index after the last line of the chunk that begins at index `start`."""
        best, limit = 0, len(self.lines)
        for _ in range(_MAX_TRIES):
            reach = min(self._reach(start), limit)
            end = self._best_cut(start, reach)
            if end <= best:
                return best
            tokens = self._measure(start, end)
            if tokens <= self._budget:
                best = end
                if end == len(self.lines) or end != reach or tokens >= _GROW_BELOW * self._budget:
                    return best
            elif end == start + 1:
                return end  # One line alone: shown shortened if it must be.
            else:
                limit = end - 1
        return best or self._halve(start, limit)

    def _halve(self, start: int, end: int) -> int:
        """The counter contradicts every estimate: halve until it fits."""
        while end > start + 1 and self._measure(start, end) > self._budget:
            end = start + max(1, (end - start) // 2)
        return end

    def _measure(self, start: int, end: int) -> int:
        text = show_lines(start + 1, self.lines[start:end], self._budget)
        tokens = self._count(text)
        self._chars_per_token = max(0.2, len(text) / max(1, tokens))
        return tokens

    def _reach(self, start: int) -> int:
        """As many lines as the budget is likely to hold, at least one."""
        room = self._budget * self._chars_per_token * 0.97
        end = start
        while end < len(self.lines):
            room -= min(len(self.lines[end]), self._budget) + len(str(end)) + 3
            if room < 0 and end > start:
                break
            end += 1
        return end

    def _best_cut(self, start: int, reach: int) -> int:
        """The best place in the second half of `start`..`reach`; the latest of equals; the file's end if reached."""
        if reach == len(self.lines) or reach <= start + 1:
            return reach
        earliest = start + max(1, int((reach - start) * _FILL_AT_LEAST))
        return max(range(earliest, reach + 1), key=lambda index: (self._scores[index], index))
