"""Which lines from elsewhere in a file help to read one chunk of it: enclosing heads, imports, types and signatures.

Knows the outline of a source and a token counter. The lines are shown above the chunk and never count as read.
"""

import re
from collections.abc import Callable, Iterator

from audit8.audit.outline import Outline, Part
from audit8.audit.shown import show_numbered

SHARE = 6
"""A chunk's context takes at most this part (one sixth) of the token budget."""

_MAX_LINE_CHARS = 300
_MAX_LINES = 200
_MAX_IMPORTS = 200
_MAX_OF_ONE_NAME = 4
_LOOK_CHARS = 1000
_WORD = re.compile(r"\w+")


class Context:
    """The lines of one source that can be context, found by the names that a chunk uses. Built once for a source."""

    def __init__(self, outline: Outline, lines: list[str], count_tokens: Callable[[str], int]) -> None:
        self._outline = outline
        self._lines = lines
        self._count = count_tokens
        imports = [part for part in outline.parts if part.kind == "import"][:_MAX_IMPORTS]
        self._imports = [(part, self._words(part.start, part.end)) for part in imports]
        self._named: dict[str, list[Part]] = {}
        for part in outline.parts:
            if part.kind != "import" and part.name:
                same = self._named.setdefault(part.name, [])
                same += [part] * (len(same) < _MAX_OF_ONE_NAME)

    @property
    def is_empty(self) -> bool:
        return not self._outline.parts

    def lines_for(self, start_line: int, end_line: int, room_tokens: int) -> tuple[int, ...]:
        """Numbers of lines outside `start_line`..`end_line`, at most `room_tokens` as shown; the most useful ones."""
        groups: list[list[int]] = []
        taken: set[int] = set()
        for first, last in self._useful(start_line, end_line):
            outside = [line for line in range(first, last + 1) if not start_line <= line <= end_line]
            group = [line for line in outside if line not in taken and 0 < len(self._lines[line - 1]) < _MAX_LINE_CHARS]
            taken.update(group)
            if group:
                groups.append(group)
            if len(taken) >= _MAX_LINES:
                break
        while groups:
            numbers = tuple(sorted(line for group in groups for line in group))
            tokens = self._count(show_numbered(numbers, self._lines))
            if tokens <= room_tokens:
                return numbers
            groups = groups[: min(len(groups) - 1, int(len(groups) * 0.95 * room_tokens / tokens))]
        return ()

    def _useful(self, start_line: int, end_line: int) -> Iterator[tuple[int, int]]:
        """First and last lines of what helps, the best first."""
        for part in self._outline.around(start_line):
            yield part.start, part.head_end
        words = self._words(start_line, end_line)
        used = [part for part, names in self._imports if not words.isdisjoint(names)]
        yield from ((part.start, part.shown_end) for part in used)
        named = [part for word in sorted(words & self._named.keys()) for part in self._named[word]]
        for kind in ("type", "function"):
            yield from ((part.start, part.shown_end) for part in named if part.kind == kind)
        yield from ((part.start, part.shown_end) for part, _ in self._imports)

    def _words(self, start_line: int, end_line: int) -> set[str]:
        return {word for line in self._lines[start_line - 1 : end_line] for word in _WORD.findall(line[:_LOOK_CHARS])}
