"""What `.gitignore` files say about the paths of a folder, git itself not asked.

git would run what a hostile `.git/config` names (a file system monitor, filters): a folder to be audited is not trusted
that far. For the same reason patterns are matched part by part with fnmatch, which does not backtrack without end.
"""

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_MAX_PATTERNS = 2000
_MAX_PATTERN_CHARS = 500
_ESCAPED = re.compile(r"\\(.)")

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line: `parts` are tests of path parts, None for `**`. `ignores` False is a line with `!`."""

    parts: tuple[Test | None, ...]
    ignores: bool
    folders_only: bool


@dataclass(frozen=True, slots=True)
class Ignore:
    """One `.gitignore`: its patterns in order, and the folder it lies in as path parts below the root."""

    folder: tuple[str, ...]
    patterns: tuple[Pattern, ...]

    def says(self, path: tuple[str, ...], *, is_folder: bool) -> bool | None:
        """Whether `path` (parts below the root) is ignored; None if no line speaks of it. The last such line wins."""
        relative = path[len(self.folder) :]
        for pattern in reversed(self.patterns):
            if (is_folder or not pattern.folders_only) and _matches(pattern.parts, relative):
                return pattern.ignores
        return None


def read_ignore(folder: tuple[str, ...], text: str) -> Ignore:
    """The `.gitignore` in `folder`. Lines that are too long or mean nothing are passed over, as git does."""
    patterns = [made for line in text.splitlines()[:_MAX_PATTERNS] if (made := _pattern(line)) is not None]
    return Ignore(folder, tuple(patterns))


def is_ignored(path: tuple[str, ...], ignores: Sequence[Ignore], *, is_folder: bool) -> bool:
    """What the nearest of `ignores` (ordered from the root downwards) that speaks of `path` says."""
    for ignore in reversed(ignores):
        said = ignore.says(path, is_folder=is_folder)
        if said is not None:
            return said
    return False


def _pattern(line: str) -> Pattern | None:
    text = line if line.endswith("\\ ") else line.rstrip()
    if not text or text.startswith("#") or len(text) > _MAX_PATTERN_CHARS:
        return None
    ignores = not text.startswith("!")
    text = text if ignores else text[1:]
    folders_only = text.endswith("/")
    text = text.removesuffix("/")
    anchored = "/" in text
    names = text.removeprefix("/").split("/") if text else []
    if not names or "//" in text:
        return None
    parts = [None if name == "**" else _test(name) for name in names]
    return Pattern(tuple(parts if anchored else [None, *parts]), ignores, folders_only)


def _test(name: str) -> Test:
    """A test of one path part; `\\x` is x itself, and `[^a]` is git's other way to write `[!a]`."""
    glob = _ESCAPED.sub(lambda match: f"[{match[1]}]" if match[1] in "*?[" else match[1], name.replace("[^", "[!"))
    try:
        matches = re.compile(fnmatch.translate(glob)).match
    except re.error:
        return lambda part: False
    return lambda part: matches(part) is not None


def _matches(parts: tuple[Test | None, ...], path: tuple[str, ...]) -> bool:
    """Whether the parts match the whole path: a table of which beginnings match, so that `**` costs no search."""
    reached = {0}
    for number, test in enumerate(parts):
        if test is None:
            last = number == len(parts) - 1  # "a/**" is what lies in a, not a itself
            reached = {end for start in reached for end in range(start + last, len(path) + 1)}
        else:
            reached = {start + 1 for start in reached if start < len(path) and test(path[start])}
        if not reached:
            return False
    return len(path) in reached
