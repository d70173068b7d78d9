"""The folders that the tools may read, and the way from a name to a path inside one of them.

A link is followed to where it leads before anything is judged, so one that leads out is refused as that place.
"""

from collections.abc import Sequence
from pathlib import Path

from audit8.errors import BadRequest


class Roots:
    """Raises BadRequest for a root that is no folder."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = []
        for folder in folders:
            if not folder.is_dir():
                raise BadRequest(f"--root {folder} is not a folder.", hint="Give a folder that exists.")
            self._folders.append(folder.resolve())

    def __bool__(self) -> bool:
        return bool(self._folders)

    @property
    def shown(self) -> str:
        return ", ".join(map(str, self._folders))

    def find(self, name: str) -> Path:
        """The file or folder `name`: absolute, or below a root. Raises BadRequest: none, or not inside a root."""
        if "\0" in name:
            raise BadRequest("A path holds no NUL character.")
        outside = False
        for root in self._folders:
            try:
                path = (root / name).resolve()  # an absolute name replaces the root
                inside = path.is_relative_to(root)
                if inside and path.exists():
                    return path
            except (OSError, RuntimeError, ValueError):  # a loop of links, or a name that no system takes
                inside = True
            outside = outside or not inside
        if outside:
            raise BadRequest(
                f"{name[:200]!r} is outside of the folders that may be read.",
                hint=f"They are: {self.shown}. Others are given at start, with --root.",
            )
        raise BadRequest(f"There is no file or folder {name[:200]!r}.", hint=f"Paths are taken from: {self.shown}.")
