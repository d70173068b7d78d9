"""Where the lines of one source are best cut, and where they must not be: within a function that fits into a chunk.

Works on indices: a cut at index i is just before `lines[i]`, which is line i + 1. Counts no tokens itself.
"""

from collections.abc import Callable, Iterator

from audit8.audit.outline import Outline, Part
from audit8.audit.places import cut_scores

_FILL_AT_LEAST = 0.5  # A cut at a better place may leave at most half of the budget unused.
_PER_LEVEL = 4  # more than any difference that places.py makes
_MAX_LEVELS = 8
_BEFORE_PART = 4
_COMMENT_STARTS = ("//", "/*", "*", "@", "#[", "--")
_HASH_COMMENTS = ("python", "ruby", "bash")


class Cuts:
    """How good each cut of a source is, and which function it would divide."""

    def __init__(self, lines: list[str], language: str, outline: Outline) -> None:
        self._parts = outline.parts
        self._scores = cut_scores(lines, language)
        self._inner = [-1] * (len(lines) + 1)  # the innermost function that a cut divides
        comment_starts = _COMMENT_STARTS + (("#",) if language in _HASH_COMMENTS else ())
        for index, part in enumerate(outline.parts):
            if part.kind == "import":
                continue
            for at in range(part.start, min(part.end, len(lines))):
                self._scores[at] -= _PER_LEVEL if self._depth(part) < _MAX_LEVELS else 0
                if part.kind == "function":
                    self._inner[at] = index
        for line in {part.start for part in outline.parts if part.kind != "import"}:
            self._mark_start(line, lines, comment_starts)

    def best(self, start: int, reach: int, fits: Callable[[Part], bool]) -> int:
        """The best cut after `start` and up to `reach`, which divides no function that `fits` and begins after it.

        Of equals the latest, and if there is a choice one that leaves no more than half of the lines unused. If a
        function that fits begins at `start` and goes beyond `reach`, its end.
        """
        while (divided := self._divided(start, reach, fits)) is not None:
            if divided.start - 1 <= start:
                return divided.end
            reach = divided.start - 1
        earliest = start + max(1, int((reach - start) * _FILL_AT_LEAST))
        free = [at for at in range(earliest, reach + 1) if at == reach or not self._divides_whole(at, start, reach)]
        return max(free, key=lambda at: (self._scores[at], at), default=reach)

    def _divided(self, start: int, at: int, fits: Callable[[Part], bool]) -> Part | None:
        """The outermost function that begins at or after `start`, that a cut `at` divides, and that fits."""
        around = [part for part in self._functions_at(at) if part.start > start]
        return next((part for part in reversed(around) if fits(part)), None)

    def _divides_whole(self, at: int, start: int, reach: int) -> bool:
        """Whether a cut `at` divides a function that lies between `start` and `reach`."""
        return any(part.start > start and part.end <= reach for part in self._functions_at(at))

    def _functions_at(self, at: int) -> Iterator[Part]:
        """The functions that a cut `at` divides, the innermost first."""
        index = self._inner[at]
        while index >= 0:
            part = self._parts[index]
            if part.kind == "function" and part.start <= at < part.end:
                yield part
            index = part.parent

    def _depth(self, part: Part) -> int:
        depth = 0
        while part.parent >= 0:
            part, depth = self._parts[part.parent], depth + 1
        return depth

    def _mark_start(self, line: int, lines: list[str], comment_starts: tuple[str, ...]) -> None:
        """The place before a part is good, and that is before the comments and attributes that belong to it."""
        at = line - 1
        while at > 0 and lines[at - 1].lstrip().startswith(comment_starts):
            self._scores[at] -= _BEFORE_PART
            at -= 1
        self._scores[at] += _BEFORE_PART
