"""The files below given paths, in a fixed order, each opened only if it is a plain file inside them.

Knows links, special files, folders that are not entered, and what the system refuses. No link is followed, so there is
no loop and no way out; a path that the user gave is followed once, where it is given. Judges names, not contents.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit8.audit.decode import to_text
from audit8.audit.skips import judge_folder, judge_name, judge_size
from audit8.errors import BadRequest, Undecodable
from audit8.files.ignore import Ignore, is_ignored, read_ignore

MAX_DEPTH = 100
_JUNCTION = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1)
_IGNORE_FILE = ".gitignore"
_MAX_IGNORE_BYTES = 256 * 1024
# Neither through a link nor waiting for the other end of a pipe; Windows has neither flag.
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Read:
    """One file: its name for the report and its bytes, or the code (skips.py) and the system's words for why not.

    `named`: it is a path that the user gave, not one that was found in a folder.
    """

    name: str
    data: bytes = b""
    code: str = ""
    why: str = ""
    named: bool = False


def read_paths(paths: Sequence[Path], base: Path | None = None) -> Iterator[Read]:
    """Every file at or below `paths`, one in memory at a time.

    Names are relative to `base` where a path lies below it, as it was given. Else they are relative to the folder that
    was given; of several folders each name begins with its folder's.

    Raises:
        BadRequest: before the first file, if one of `paths` does not exist.
    """
    for path in paths:
        if not path.exists():
            raise BadRequest(f"There is no file or folder {path}.", hint="Check the path.")
    return _read_all(paths, base)


def _read_all(paths: Sequence[Path], base: Path | None) -> Iterator[Read]:
    for path in paths:
        root = path.resolve()
        below = _below(path, base) if base else None
        if not root.is_dir():
            yield read_file(root, "/".join(below or (path.name,)), named=True)
        elif below is not None:
            yield from _walk(root, "".join(f"{part}/" for part in below))
        else:
            yield from _walk(root, f"{path.name or root.name}/" if len(paths) > 1 else "")


def _below(path: Path, base: Path) -> tuple[str, ...] | None:
    """The parts of `path` below `base`, by the paths' words alone (no link is looked at); None if it is not below."""
    whole, above = (Path(os.path.abspath(one)) for one in (path, base))
    return whole.relative_to(above).parts if whole.is_relative_to(above) else None


def read_file(path: Path, name: str, *, named: bool = False) -> Read:
    """One file, or why it was not read. Only a regular file that is no link is opened."""
    try:
        code = _kind(path.lstat().st_mode)
        if code:
            return Read(name, code=code, named=named)
        handle = os.open(path, _OPEN)
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(file.fileno())
            code = _kind(about.st_mode) or judge_size(about.st_size)
            return Read(name, code=code, named=named) if code else Read(name, file.read(), named=named)
    except (OSError, ValueError) as error:
        return Read(name, code="unreadable", why=_why(error), named=named)


def _walk(root: Path, prefix: str) -> Iterator[Read]:
    """A folder's own files and then, by name, what is below; without recursion, however deep it is."""
    pending: list[tuple[tuple[str, ...], tuple[Ignore, ...]]] = [((), ())]
    while pending:
        folder, ignores = pending.pop()
        here = root.joinpath(*folder)
        shown = prefix + "".join(f"{part}/" for part in folder)
        try:
            with os.scandir(here) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield Read(shown or root.name, code="unreadable", why=_why(error))
            continue
        ignores = (*ignores, *_ignore_in(here, folder, found))
        below = []
        for entry in found:
            path = (*folder, entry.name)
            is_folder = _is_folder(entry)
            code = _judge(entry.name, path, is_folder=is_folder, ignores=ignores)
            if code:
                yield Read(shown + entry.name + ("/" if is_folder else ""), code=code)
            elif is_folder:
                below.append((path, ignores))
            else:
                yield read_file(here / entry.name, shown + entry.name)
        pending += reversed(below)


def _judge(name: str, path: tuple[str, ...], *, is_folder: bool, ignores: Sequence[Ignore]) -> str:
    """Why an entry need not be opened, by its name."""
    if is_ignored(path, ignores, is_folder=is_folder):
        return "ignored"
    if is_folder:
        return judge_folder(name) or ("too_deep" if len(path) > MAX_DEPTH else "")
    return judge_name(name)


def _ignore_in(here: Path, folder: tuple[str, ...], entries: Sequence[os.DirEntry[str]]) -> list[Ignore]:
    if all(entry.name != _IGNORE_FILE for entry in entries):
        return []
    read = read_file(here / _IGNORE_FILE, _IGNORE_FILE)
    if read.code or len(read.data) > _MAX_IGNORE_BYTES:
        return []
    try:
        return [read_ignore(folder, to_text(read.data)[0])]
    except Undecodable:
        return []


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return ""
    return "symlink" if stat.S_ISLNK(mode) else "special"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder to go into: no link, and no Windows junction, which leads elsewhere as a link does."""
    try:
        tag = getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0)
        return entry.is_dir(follow_symlinks=False) and tag != _JUNCTION
    except OSError:
        return False  # gone meanwhile: opening it will say so


def _why(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else type(error).__name__
