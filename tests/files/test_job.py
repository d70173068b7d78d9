"""Files, folders and archives named by the user become one job."""

import tracemalloc
from pathlib import Path

import pytest

from audit8.errors import EmptyCode, TooLarge, Undecodable
from audit8.files import job as module
from audit8.files.job import job_of_paths
from tests.audit.test_archive import packed


def test_files_folders_and_archives_together(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.py").write_text("x = 1\n")
    (tmp_path / "d" / "b.png").write_bytes(b"\0")
    (tmp_path / "z.zip").write_bytes(packed(("in/c.py", b"y = 2\n"), ("../d.py", b"z")))
    (tmp_path / "notes.md").write_text("named, so meant\n")
    (tmp_path / "empty.py").write_text("")
    job = job_of_paths([tmp_path / name for name in ("d", "z.zip", "notes.md", "empty.py")], "en")
    assert [source.name for source in job.sources] == ["d/a.py", "in/c.py", "notes.md"]
    assert [(one.file, one.code) for one in job.skipped] == [
        ("d/b.png", "binary"),
        ("../d.py", "outside"),
        ("empty.py", "empty"),
    ]


def test_a_single_file_that_cannot_be_audited_is_an_error(tmp_path: Path) -> None:
    for name, data, error in (
        ("a.bin", b"\0\1", Undecodable),
        ("a.py", b"", EmptyCode),
        ("b.py", b"x" * 3_000_000, TooLarge),
        ("c.zip", b"PK\x03\x04", Undecodable),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(error):
            job_of_paths([tmp_path / name], "en")


def test_a_folder_of_500_files_is_whole_and_in_memory_once(tmp_path: Path) -> None:
    text = b"value = compute(1)\n" * 500
    for number in range(500):
        (tmp_path / f"f{number:03}.py").write_bytes(text)
    tracemalloc.start()
    job = job_of_paths([tmp_path], "en")
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [source.name for source in job.sources] == [f"f{number:03}.py" for number in range(500)]
    assert job.skipped == ()
    assert peak_bytes < 1.3 * 500 * len(text)


def test_over_the_total_the_rest_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TOTAL_BYTES", 20)
    for name in "abc":
        (tmp_path / f"{name}.py").write_text("x = 1234\n")
    job = job_of_paths([tmp_path], "en")
    assert [source.name for source in job.sources] == ["a.py", "b.py"]
    assert [one.code for one in job.skipped] == ["total"]


def test_names_are_relative_to_a_base_where_they_can_be(tmp_path: Path) -> None:
    base, other = tmp_path / "base", tmp_path / "other"
    for folder in (base / "d", other):
        folder.mkdir(parents=True)
        (folder / "a.py").write_text("x = 1\n")
    (base / "link").symlink_to(other)
    paths = [base / "d", base / "d" / "a.py", base / "d" / ".." / "d", other, base / "link"]
    job = job_of_paths(paths, "en", base=base)
    assert [source.name for source in job.sources] == ["d/a.py", "other/a.py", "link/a.py"]
    assert [source.name for source in job_of_paths([other / "a.py"], "en", base=base).sources] == ["a.py"]
    assert [source.name for source in job_of_paths([base], "en", base=base).sources] == ["d/a.py"]


def test_a_job_may_be_empty_if_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    for path in (tmp_path, tmp_path / "a.py"):
        with pytest.raises(EmptyCode):
            job_of_paths([path], "en")
        job = job_of_paths([path], "en", may_be_empty=True)
        assert (job.sources, [(one.file, one.code) for one in job.skipped]) == ((), [("a.py", "empty")])
