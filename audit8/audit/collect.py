"""The sources of one job gathered from files, archives and diffs, with everything that was left out and why.

Knows which of the readers takes which bytes. Knows nothing of HTTP or disks: bytes come in, a job comes out. What a
user names is audited or refused with an error; what was merely found (in a folder, an archive) is audited or listed.
"""

from collections.abc import Callable
from dataclasses import replace

from audit8.audit.archive import read_zip
from audit8.audit.decode import to_text
from audit8.audit.diff import FileDiff, parse_diff
from audit8.audit.skips import judge_bytes, judge_name, judge_size, judge_text, skipped
from audit8.audit.sources import make_source
from audit8.audit.texts import words
from audit8.errors import EmptyCode, Undecodable
from audit8.types import Job, Lang, Skipped, Source

MAX_SOURCES = 5000
MAX_LISTED = 5000
_MAX_BLANK_LINES = 1_000_000  # of all sources made from bare diffs: lines that only stand for what is not given

WholeFile = Callable[[str], bytes | None]
"""The new content of a file that a diff names, or None where it is not to be had."""


class Collector:
    """Gathers sources in the order in which they come; names are made unique. `many`: a nameless one gets a name."""

    def __init__(self, lang: Lang, *, many: bool = False) -> None:
        self.sources: list[Source] = []
        self.skipped: list[Skipped] = []
        self.warnings: list[str] = []
        self.lang = lang
        self._many = many
        self._taken: set[str] = set()
        self._more = 0
        self._blank_lines = 0
        self._bare_diffs = 0

    def add(self, name: str, data: bytes | str, language: str | None = None) -> None:
        """A file that the user named or pasted. Raises EmptyCode, Undecodable."""
        source, warnings = make_source(name, data, language, lang=self.lang)
        self._keep(source, warnings)

    def offer(self, name: str, data: bytes) -> None:
        """A file that was found: kept if it is code that people write, else listed. Never raises for its content."""
        if code := judge_name(name) or judge_size(len(data)) or judge_bytes(data):
            self.skip(name, code)
        else:
            self._offer(name, data)

    def skip(self, name: str, code: str, why: str = "") -> None:
        if len(self.skipped) < MAX_LISTED:
            self.skipped.append(skipped(name, code, self.lang, why))
        else:
            self._more += 1

    def add_zip(self, data: bytes) -> None:
        """The files of an archive. Raises Undecodable if it is none."""
        for entry in read_zip(data):
            if entry.code:
                self.skip(entry.name, entry.code)
            else:
                self.offer(entry.name.replace("\\", "/"), entry.data)

    def add_diff(self, data: bytes | str, whole: WholeFile | None = None) -> None:
        """The files that a diff changes, each with its changed lines as focus. Raises Undecodable, EmptyCode.

        Without `whole`, or where it gives None or another text than the diff leads to, a source holds the lines that
        stand in the diff.
        """
        for file in parse_diff(to_text(data)[0] if isinstance(data, bytes) else data):
            if code := file.code or judge_name(file.name):
                self.skip(file.name, code)
                continue
            content = whole(file.name) if whole else None
            if content is None or not self._offer(file.name, content, file):
                self._add_bare(file)
        if any(source.focus for source in self.sources):
            self._warn(words("diff_scope", self.lang))
        if self._bare_diffs:
            self._warn(words("diff_only", self.lang, count=self._bare_diffs))

    def job(self, job_id: str, warnings: tuple[str, ...] = (), *, may_be_empty: bool = False) -> Job:
        """What was gathered, as a job; `warnings` come first. Raises EmptyCode if there is nothing to audit, unless
        that may be.
        """
        if not self.sources and not may_be_empty:
            names = "; ".join(f"{one.file}: {one.reason}" for one in self.skipped[:3])
            hint = f"Skipped: {names}" + (" …" if len(self.skipped) > 3 else "") if names else ""
            raise EmptyCode(
                "There is no code to audit: every file is empty or was skipped.",
                hint=hint or "Send at least one file with code.",
            )
        if self._more:
            self.skipped.append(skipped("…", "more", self.lang, str(self._more)))
            self._more = 0
        return Job(job_id, tuple(self.sources), self.lang, (*warnings, *self.warnings), tuple(self.skipped))

    def _offer(self, name: str, data: bytes, change: FileDiff | None = None) -> bool:
        """Keep or list a file; False (and nothing done) only if it is not what `change` leads to."""
        try:
            source, warnings = make_source(name, data, lang=self.lang)
        except EmptyCode:
            self.skip(name, "empty")
            return True
        except Undecodable:
            self.skip(name, "undecodable")
            return True
        if change is not None:
            if not change.fits(source.lines):
                self._warn(words("diff_stale", self.lang, name=source.name))
                return False
            source = replace(source, focus=change.changed)
        if code := judge_text(name, source.text, source.language):
            self.skip(name, code)
        else:
            self._keep(source, warnings)
        return True

    def _add_bare(self, file: FileDiff) -> None:
        """What a diff alone says of a file."""
        last = max((one.end_line for one in file.given), default=0)
        self._blank_lines += last - sum(one.end_line - one.start_line + 1 for one in file.given)
        if self._blank_lines > _MAX_BLANK_LINES:
            self.skip(file.name, "total")
            return
        try:
            source, warnings = make_source(file.name, file.text(), lang=self.lang)
        except (EmptyCode, Undecodable) as error:
            self.skip(file.name, "no_lines" if isinstance(error, EmptyCode) else "binary")
            return
        if judge_text(file.name, source.text, source.language) == "not_code":
            self.skip(file.name, "not_code")
            return
        self._bare_diffs += 1
        self._keep(replace(source, focus=file.changed, given=file.given), warnings)

    def _keep(self, source: Source, warnings: list[str]) -> None:
        if len(self.sources) >= MAX_SOURCES:
            self.skip(source.name, "too_many")
            return
        self.warnings += warnings
        self.sources.append(replace(source, name=self._unique(source.name)))

    def _warn(self, warning: str) -> None:
        if warning not in self.warnings:
            self.warnings.append(warning)

    def _unique(self, name: str) -> str:
        """A name that no other file of the job has, so that a finding's file is one file."""
        stem = name or ("pasted" if self._many else "")
        unique, count = stem, 1
        while unique in self._taken:
            count += 1
            unique = f"{stem} ({count})"
        self._taken.add(unique)
        return unique
