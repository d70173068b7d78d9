"""A job made from paths, or from what has changed in a git repository.

Knows folders and git. What is code and what is skipped is audit/'s matter.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path

from audit8.audit.archive import is_zip
from audit8.audit.collect import Collector
from audit8.errors import EmptyCode, TooLarge, Undecodable
from audit8.files.git import Change, read_change
from audit8.files.walk import Read, read_paths
from audit8.types import Job, Lang

MAX_TOTAL_BYTES = 256 * 1024 * 1024


def job_of_paths(paths: Sequence[Path], lang: Lang, *, base: Path | None = None, may_be_empty: bool = False) -> Job:
    """Files, folders and zip archives; what is over `MAX_TOTAL_BYTES` in all is listed.

    `base`: the folder that names are relative to where they can be; a file given twice is then read once.
    `may_be_empty`: a job without sources, rather than EmptyCode.

    Raises:
        BadRequest: there is no such path.
        EmptyCode: nothing to audit.
        Undecodable, TooLarge: the only path that was given is such a file.
    """
    collector = Collector(lang, many=len(paths) > 1)
    left_bytes = MAX_TOTAL_BYTES
    alone = len(paths) == 1
    seen: set[str] = set()
    for read in read_paths(paths, base):
        if base and read.name in seen:
            continue
        seen.add(read.name)
        left_bytes -= len(read.data)
        if left_bytes < 0:
            collector.skip(read.name, "total")
        else:
            try:
                _take(collector, read, alone=alone)
            except EmptyCode:
                if not may_be_empty:
                    raise
                collector.skip(read.name, "empty")
    return collector.job(secrets.token_hex(8), may_be_empty=may_be_empty)


def job_of_change(
    folder: Path,
    lang: Lang,
    *,
    base: str = "HEAD",
    head: str = "",
    only: Sequence[Path] = (),
    may_be_empty: bool = False,
) -> Job:
    """What changed in the repository at `folder` from revision `base` to `head`, or to the files as they lie there.

    `only`: what lies at or below these paths; all of it if there are none. Names are relative to the repository.

    Raises BadRequest: no repository, no git, or no such revision. EmptyCode (not with `may_be_empty`): nothing changed.
    """
    change: Change = read_change(folder, base, head, only)
    collector = Collector(lang)
    if change.diff.strip():
        collector.add_diff(change.diff, change.whole)
    return collector.job(secrets.token_hex(8), may_be_empty=may_be_empty)


def _take(collector: Collector, read: Read, *, alone: bool) -> None:
    if read.code == "oversize" and read.named and alone:
        raise TooLarge(f"{read.name} is too large to be audited.", hint="Split it, or audit the folder it lies in.")
    if read.code:
        collector.skip(read.name, read.code, read.why)
    elif not read.named:
        collector.offer(read.name, read.data)
    elif is_zip(read.data) and read.name.lower().endswith(".zip"):
        collector.add_zip(read.data)
    else:
        try:
            collector.add(read.name, read.data)
        except (EmptyCode, Undecodable) as error:
            if alone:
                raise
            collector.skip(read.name, "empty" if isinstance(error, EmptyCode) else "undecodable")
