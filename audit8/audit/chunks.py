"""A source cut into chunks that fit a token budget: every line is in exactly one chunk, in order.

Knows a token counter, where functions begin and end (outline.py), and good places to cut where no tree says so
(places.py). A function that fits is never cut. Counts what the model will be shown (shown.py), in blocks: a few calls
of the counter per chunk, none per line. Of a source with a focus only the surroundings of the focus are cut.
"""

from collections.abc import Callable

from audit8.audit.change import regions
from audit8.audit.context import SHARE, Context
from audit8.audit.cuts import Cuts
from audit8.audit.outline import Part, outline
from audit8.audit.shown import show_lines
from audit8.types import Chunk, LineRange, Source

MIN_BUDGET_TOKENS = 128
_FIRST_GUESS_CHARS_PER_TOKEN = 3.0
_MAX_TRIES = 12
_GROW_BELOW = 0.7
_WORTH_A_TRY_CHARS_PER_TOKEN = 8


def cut(source: Source, budget_tokens: int, count_tokens: Callable[[str], int]) -> list[Chunk]:
    """Chunks of at most `budget_tokens` tokens each, their context included, as shown with line numbers.

    A line that alone is over the budget is a chunk of its own and is shown shortened; see shown.py for what that means
    for coverage.

    Raises:
        ValueError: a budget below `MIN_BUDGET_TOKENS`, in which not even a shortened line would fit.
    """
    if budget_tokens < MIN_BUDGET_TOKENS:
        raise ValueError(f"a chunk needs a budget of at least {MIN_BUDGET_TOKENS} tokens, not {budget_tokens}")
    cutter = _Cutter(source, budget_tokens, count_tokens)
    return [chunk for region in cutter.regions for chunk in cutter.chunks(region)]


class _Cutter:
    """The state of one cut: the lines, where they may be cut, and how many characters a token has had so far."""

    def __init__(self, source: Source, budget: int, count_tokens: Callable[[str], int]) -> None:
        self._source = source
        self._lines = source.lines
        parts = outline(source)
        self.regions = regions(source, parts)
        self._cuts = Cuts(self._lines, source.language, parts)
        self._context = Context(parts, self._lines, count_tokens)
        self._reserve = 0 if self._context.is_empty else budget // SHARE
        self._whole = budget  # a line is shown whole up to this
        self._budget = budget - self._reserve  # a chunk's own lines
        self._count = count_tokens
        self._chars_per_token = _FIRST_GUESS_CHARS_PER_TOKEN
        self._fits: dict[Part, bool] = {}

    def chunks(self, region: LineRange) -> list[Chunk]:
        start, stop = region.start_line - 1, region.end_line
        if self._is_all_that_is_needed(start, stop):
            return [Chunk(self._source, 1, stop)]
        made = []
        while start < stop:
            end = self._next_end(start, stop)
            made.append(Chunk(self._source, start + 1, end, self._context_of(start, end)))
            start = end
        return made

    def _is_all_that_is_needed(self, start: int, stop: int) -> bool:
        """Whether this is the whole file and fits as one chunk, which needs no context."""
        if not self._reserve or start > 0 or stop < len(self._lines):
            return False
        most_chars = self._whole * _WORTH_A_TRY_CHARS_PER_TOKEN
        return sum(map(len, self._lines)) <= most_chars and self._measure(start, stop) <= self._whole

    def _context_of(self, start: int, end: int) -> tuple[int, ...]:
        if not self._reserve:
            return ()
        room = min(self._reserve, self._whole - self._tokens(start, end))
        return self._context.lines_for(start + 1, end, room)

    def _next_end(self, start: int, stop: int) -> int:
        """The index after the last line of the chunk that begins at index `start`; at most `stop`."""
        best, limit = 0, stop
        for _ in range(_MAX_TRIES):
            reach = min(self._reach(start, stop), limit)
            end = reach if reach == stop else min(stop, self._cuts.best(start, reach, self._fits_alone))
            if end <= best:
                return best
            tokens = self._measure(start, end)
            if tokens <= self._budget:
                best = end
                if end == stop or end != reach or tokens >= _GROW_BELOW * self._budget:
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

    def _fits_alone(self, part: Part) -> bool:
        if part not in self._fits:
            self._fits[part] = self._tokens(part.start - 1, part.end) <= self._budget
        return self._fits[part]

    def _measure(self, start: int, end: int) -> int:
        text = self._shown(start, end)
        tokens = self._count(text)
        self._chars_per_token = max(0.2, len(text) / max(1, tokens))
        return tokens

    def _tokens(self, start: int, end: int) -> int:
        return self._count(self._shown(start, end))

    def _shown(self, start: int, end: int) -> str:
        return show_lines(start + 1, self._lines[start:end], self._whole)

    def _reach(self, start: int, stop: int) -> int:
        """The end of as many lines as the budget is likely to hold, at least one."""
        room = self._budget * self._chars_per_token * 0.97
        end = start
        while end < stop:
            room -= min(len(self._lines[end]), self._whole) + len(str(end)) + 3
            if room < 0 and end > start:
                break
            end += 1
        return end
