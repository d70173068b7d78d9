"""A unified diff, as git writes it and as people paste it: which lines of which files are new.

Knows the format: renames, new, deleted and binary files, quoted paths, missing line ends at the end, CRLF. A diff is
never refused for a mistake in it: what can be read is read. A path in it is only a name; nothing is opened here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from audit8.audit.shown import join_ranges
from audit8.types import LineRange

MAX_LINE = 300_000
"""A hunk that begins later than this is not read: no source has so many lines, and they would be held as blank ones."""

_LOOK_CHARS = 20_000
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_BEGINNING = re.compile(r"\s*(?:diff --git |diff --cc |Index: |--- |commit [0-9a-f]{7,}|From [0-9a-f]{7,} )")
_HEADERS = re.compile(r"^(?:diff --(?:git|cc|combined) |--- .*\n\+\+\+ )", re.MULTILINE)
_ESCAPE = re.compile(rb'\\([0-7]{1,3}|[abtnvfr"\\])')
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_PREFIXES = ("a/", "b/", "c/", "i/", "o/", "w/")
_NOTHING = "/dev/null"
_ODD_MODE = re.compile(r"(?:new file mode|new mode|index \S+) (120000|160000)$")  # a link, a submodule
_QUOTED_PAIR = re.compile(r'("(?:[^"\\]|\\.)*"|\S+) ("(?:[^"\\]|\\.)*"|\S+)')


@dataclass(frozen=True, slots=True)
class Hunk:
    """The new side of one hunk: `lines` from `start_line` on, and which line numbers count as changed.

    Where lines were only removed, their neighbours count as changed: what is missing is judged there.
    """

    start_line: int
    lines: tuple[str, ...]
    changed: tuple[LineRange, ...]


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What a diff says about one file. `code` (skips.py) is why nothing of it can be audited, or ""."""

    name: str
    hunks: tuple[Hunk, ...] = ()
    code: str = ""

    @property
    def changed(self) -> tuple[LineRange, ...]:
        return join_ranges([one for hunk in self.hunks for one in hunk.changed])

    @property
    def given(self) -> tuple[LineRange, ...]:
        ranges = [LineRange(hunk.start_line, hunk.start_line + len(hunk.lines) - 1) for hunk in self.hunks]
        return join_ranges(ranges)

    def text(self) -> str:
        """The new file as far as the diff shows it, every line at its number, the others blank."""
        lines = [""] * max((one.end_line for one in self.given), default=0)
        for hunk in self.hunks:
            lines[hunk.start_line - 1 : hunk.start_line - 1 + len(hunk.lines)] = hunk.lines
        return "".join(f"{line}\n" for line in lines)

    def fits(self, lines: list[str]) -> bool:
        """Whether `lines`, the whole new file, are what this diff leads to."""
        return all(
            lines[hunk.start_line - 1 : hunk.start_line - 1 + len(hunk.lines)] == list(hunk.lines)
            for hunk in self.hunks
        )


def looks_like_diff(text: str, *, named: bool = False) -> bool:
    """Whether `text` is a diff rather than code that mentions one; `named`: its name or type says that it is one."""
    head = text[:_LOOK_CHARS]
    return bool((named or _BEGINNING.match(head)) and _HEADERS.search(head))


def parse_diff(text: str) -> tuple[FileDiff, ...]:
    """One item for each file in order; a file that occurs twice (as in a series of patches) is named twice."""
    reader = _Reader([_one_line(line) for line in text.removesuffix("\n").split("\n")])
    return tuple(reader.files())


@dataclass(slots=True)
class _Header:
    """What has been said about the present file so far."""

    old: str = ""
    new: str = ""
    code: str = ""
    hunks: list[Hunk] = field(default_factory=list)

    def file(self) -> Iterator[FileDiff]:
        name = self.new if self.new and self.new != _NOTHING else self.old
        if not name or name == _NOTHING:
            return
        code = self.code or ("deleted" if self.new == _NOTHING else "" if self.hunks else "no_lines")
        yield FileDiff(name, () if code else tuple(self.hunks), code)


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._at = 0

    def files(self) -> Iterator[FileDiff]:
        header = _Header()
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.startswith(("diff --git ", "diff --cc ", "diff --combined ", "Index: ")) or (
                line.startswith("--- ") and header.hunks and self._names_follow()
            ):
                yield from header.file()
                header = _Header(*_names_of(line))
            self._take(line, header)
        yield from header.file()

    def _names_follow(self) -> bool:
        return self._at + 1 < len(self._lines) and self._lines[self._at + 1].startswith("+++ ")

    def _take(self, line: str, header: _Header) -> None:
        """One line of a header, or a whole hunk."""
        self._at += 1
        if match := _HUNK.match(line):
            hunk = self._hunk(*(int(value) if value else 1 for value in match.groups()))
            if hunk is not None:
                header.hunks.append(hunk)
        elif line.startswith("--- "):
            header.old = _path(line[4:])
        elif line.startswith("+++ "):
            header.new = _path(line[4:])
        elif line.startswith(("rename to ", "copy to ")):
            header.new = _unquoted(line.partition(" to ")[2])
        elif odd := _ODD_MODE.match(line):
            header.code = "symlink" if odd[1] == "120000" else "special"
        elif line.startswith("deleted file mode"):
            header.code = "deleted"
        elif line.startswith("GIT binary patch") or (line.startswith("Binary files ") and line.endswith(" differ")):
            header.code = header.code or "binary"
        elif line.startswith(("diff --cc ", "diff --combined ")):
            header.code = "combined"

    def _hunk(self, _old_start: int, old_left: int, new_start: int, new_left: int) -> Hunk | None:
        """The lines of a hunk, as many as its head says or as there are."""
        first = max(1, new_start)
        lines: list[str] = []
        changed: list[LineRange] = []
        removed = False  # lines have been removed here, and none put in their place yet
        while (old_left > 0 or new_left > 0) and self._at < len(self._lines):
            line = self._lines[self._at]
            sign = line[:1] or " "  # a blank line of context whose blank was trimmed away
            if sign not in " +-\\" or (line == "-- " and old_left <= 0):
                break
            self._at += 1
            here = first + len(lines)
            if sign == "\\":  # No newline at end of file
                continue
            old_left -= sign != "+"
            new_left -= sign != "-"
            if sign == "+" or (removed and sign == " "):
                changed.append(LineRange(here - (sign == " "), here))
            removed = sign == "-"
            if sign != "-":
                lines.append(line[1:])
        if removed:
            changed.append(LineRange(first + len(lines) - 1, first + len(lines)))
        last = first + len(lines) - 1
        if not lines or last > MAX_LINE:
            return None
        within = [LineRange(max(first, one.start_line), min(last, one.end_line)) for one in changed]
        return Hunk(first, tuple(lines), join_ranges(within))


def _one_line(line: str) -> str:
    """Without the `\\r` of a CRLF; one within the line would count as a line end elsewhere."""
    return line.removesuffix("\r").replace("\r", " ")


def _names_of(line: str) -> tuple[str, str]:
    """Old and new name in the line that begins a file, for those without `---` and `+++` (renamed, binary, empty)."""
    if line.startswith("--- "):
        return "", ""
    if line.startswith("Index: "):
        return "", _unquoted(line[7:])
    rest = line.partition(" ")[2].partition(" ")[2]
    if not line.startswith("diff --git "):
        return "", rest
    if rest.endswith('"') or rest.startswith('"'):
        names = _QUOTED_PAIR.fullmatch(rest)
        return (_path(names[1]), _path(names[2])) if names else ("", "")
    middle = len(rest) // 2  # "a/NAME b/NAME": both halves are the same but for their prefix
    same = rest[middle : middle + 1] == " "
    return (_path(rest[:middle]), _path(rest[middle + 1 :])) if same else ("", "")


def _path(text: str) -> str:
    """A path of `---`, `+++` or `diff --git` without quotes, time stamp and prefix."""
    path = _unquoted(text.partition("\t")[0] if not text.startswith('"') else text)
    return path[2:] if path.startswith(_PREFIXES) else path


def _unquoted(text: str) -> str:
    """A path that git wrote in quotes, with its octal escapes read as UTF-8."""
    text = text.rstrip()
    if len(text) < 2 or not text.startswith('"') or not text.endswith('"'):
        return text

    def one(match: re.Match[bytes]) -> bytes:
        what = match.group(1)
        return bytes([int(what, 8) & 0xFF]) if what[:1].isdigit() else _ESCAPED.get(what, what)

    return _ESCAPE.sub(one, text[1:-1].encode("utf-8", "replace")).decode("utf-8", "replace")
