"""What changed in a git repository: the diff, and the new text of each changed file.

git is run with everything off that a repository's own configuration could make it run: hooks, monitors, external diffs,
text converters, and the filters of its attributes.
"""

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit8.errors import BadRequest
from audit8.files.walk import read_file

TIMEOUT_S = 60
_SAFE = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "diff.external=",
    "--no-pager",
    "--literal-pathspecs",
)
_FILTERS = r"^filter\..*\.(clean|smudge|process|required)$"
_DIFF = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", "--src-prefix=a/", "--dst-prefix=b/")


@dataclass(frozen=True, slots=True)
class Change:
    """A diff in git's words, and the new content of a file that it names (None if it cannot be had)."""

    diff: bytes
    whole: Callable[[str], bytes | None]


def read_change(folder: Path, base: str, head: str = "", only: Sequence[Path] = ()) -> Change:
    """The change from `base` to `head`, or to the work tree if `head` is "", at or below the paths `only` if there are
    any. Raises BadRequest.
    """
    for revision in filter(None, (base, head)):
        if revision.startswith("-"):
            raise BadRequest(f"{revision!r} is not a revision.", hint="For example HEAD~1, or a branch's name.")
    root = Path(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").rstrip(b"\r\n"))).resolve()
    diff = _git(root, *_without_filters(root), *_DIFF, *filter(None, (base, head)), "--", *_within(root, only))

    def whole(name: str) -> bytes | None:
        if head:
            return _show(root, head, name)
        path = root.joinpath(*name.split("/"))
        if not path.resolve().is_relative_to(root):
            return None
        read = read_file(path, name)
        return None if read.code else read.data

    return Change(diff, whole)


def _within(root: Path, paths: Sequence[Path]) -> list[str]:
    """Paths as git takes them, from its own root; a path that is the root itself means everything."""
    found = []
    for path in paths:
        whole = path.parent.resolve() / path.name if path.name else path.resolve()
        whole = whole.resolve() if whole.name == ".." else whole
        if not whole.is_relative_to(root):
            raise BadRequest(f"{path} is not in the repository at {root}.", hint="Name paths of one repository.")
        found.append(whole.relative_to(root).as_posix())
    return [] if "." in found else found


def _show(root: Path, revision: str, name: str) -> bytes | None:
    try:
        return _git(root, "cat-file", "blob", f"{revision}:{name}")
    except BadRequest:
        return None


def _without_filters(root: Path) -> list[str]:
    """Options that empty every filter which the configuration names: git would run them on changed files."""
    try:
        found = _git(root, "config", "-z", "--name-only", "--get-regexp", _FILTERS)
    except BadRequest:
        return []  # none: git says so with an exit code
    keys = sorted({key for key in os.fsdecode(found).split("\0") if key and "=" not in key})
    return [part for key in keys for part in ("-c", f"{key}={'false' if key.endswith('.required') else ''}")]


def _git(folder: Path, *arguments: str) -> bytes:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 - a list of arguments, no shell
            ["git", "-C", os.fspath(folder), *_SAFE, *arguments],  # noqa: S607 - the user's git
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            env=environment,
            check=False,
        )
    except FileNotFoundError as error:
        raise BadRequest("git is not installed, or not on the PATH.", hint="Send the diff itself instead.") from error
    except subprocess.TimeoutExpired as error:
        raise BadRequest(f"git did not answer within {TIMEOUT_S} s.", hint="Send the diff itself instead.") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise BadRequest(f"git: {said[0] if said else 'failed'}", hint="Name a work tree and revisions it has.")
    return done.stdout
