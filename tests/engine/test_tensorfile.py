"""Sealed files: any damage is found out, and whatever stands in the way of writing leaves nothing behind."""

import gc
import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from audit8.engine import quantised, tensorfile
from audit8.engine.lanes import BrokenFile, Lanes
from audit8.types import LoadProgress
from tests.engine import tiny
from tests.engine.starts import Machine, same

# ---- what was damaged --------------------------------------------------------------------------------------------


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at, os.SEEK_SET if at >= 0 else os.SEEK_END)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 4]))


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], None]] = {
    "truncated": lambda path: os.truncate(path, path.stat().st_size - 1),
    "cut in the header": lambda path: os.truncate(path, 100),
    "empty": lambda path: os.truncate(path, 0),
    "longer": lambda path: os.truncate(path, path.stat().st_size + 1),
    "last byte": lambda path: flip(path, -1),
    "a byte in the middle": lambda path: flip(path, path.stat().st_size // 2),
    "the header's length": lambda path: flip(path, 0),
    "a checksum": lambda path: flip(path, path.read_bytes().index(b'"crc32":"') + 12),
    "a name": lambda path: flip(path, path.read_bytes().index(b"layers.0.qkv")),
    "not even a file": become_a_folder,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_found_out_and_made_again(machine: Machine, damage: str) -> None:
    first = machine.start()
    DAMAGES[damage](machine.file())
    second = machine.start()
    assert machine.made == 1
    assert "made again" in machine.notes[0]
    assert same(first, second)
    if damage != "not even a file":  # which only its owner can remove
        machine.start()
        assert (machine.made, machine.notes) == (0, [])


def test_what_a_failed_read_took_is_given_back_at_once(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without waiting for the garbage collector: on a GPU there is no room for two."""
    machine.start()
    taken: list[weakref.ref[Any]] = []

    def watched(self: tensorfile.Entry, device: torch.device, rows: int | None = None) -> torch.Tensor:
        tensor = torch.empty(self.shape, dtype=tensorfile.DTYPES[self.dtype], device=device)
        taken.append(weakref.ref(tensor))
        return tensor

    monkeypatch.setattr(tensorfile.Entry, "empty", watched)
    header = tensorfile.read_header(machine.file())
    gc.disable()
    try:
        for damage in ("last byte", "truncated"):
            DAMAGES[damage](machine.file())
            with Lanes(tiny.DEVICE) as lanes:
                try:
                    tensorfile.read_sealed(machine.file(), header, tiny.DEVICE, lanes, lambda *_: None)
                except BrokenFile:
                    pass
                else:
                    raise AssertionError("the damage was not found")
            assert len(taken) > 10
            assert {reference() for reference in taken} == {None}
            taken.clear()
    finally:
        gc.enable()


# ---- what stands in the way of writing ---------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_a_note(machine: Machine) -> None:
    machine.cache.write_text("a file where the folder should be")
    machine.start()
    assert machine.made == 1
    assert "could not be kept" in machine.notes[-1]


def test_a_full_disk_is_a_note_and_leaves_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("audit8.engine.lanes._store", full)
        machine.start()
    assert "No space left" in machine.notes[0]
    assert machine.files() == []
    with monkeypatch.context() as patch:
        patch.setattr(tensorfile, "SPARE_BYTES", 2**60)
        machine.start()
    assert "GiB are free" in machine.notes[0]
    assert machine.files() == []


def test_a_start_that_is_broken_off_leaves_nothing(machine: Machine) -> None:
    class Stop(Exception):
        pass

    def progress(step: LoadProgress) -> None:
        if step.detail:
            raise Stop

    weights_read = tiny.read_plain(machine.folder)
    with pytest.raises(Stop):
        quantised.save(weights_read, machine.place(), tiny.DEVICE, progress)
    assert machine.files() == []


def test_leftovers_of_the_dead_are_removed_and_those_of_the_living_stay(machine: Machine) -> None:
    folder = machine.cache / quantised.FOLDER
    folder.mkdir(parents=True)
    me = psutil.Process()
    living = folder / f".part-{me.pid}-{int(me.create_time())}-aa-x.safetensors"
    dead = [
        folder / f".part-{me.pid}-1-aa-x.safetensors",  # the number was given again
        folder / f".part-{2**22 + 1}-{int(me.create_time())}-aa-x.safetensors",
        folder / ".part-nonsense",
    ]
    for path in (living, *dead):
        path.write_text("half")
    machine.start()
    assert machine.files() == [living, machine.place().path]


def test_two_writers_at_once_do_no_harm(machine: Machine) -> None:
    first = tiny.read_plain(machine.folder)
    place = machine.place()
    gate = threading.Barrier(2)
    failures: list[OSError] = []

    def write() -> None:
        gate.wait()
        try:
            quantised.save(first, place, tiny.DEVICE, lambda _: None)
        except OSError as error:
            failures.append(error)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert machine.files() == [place.path]
    assert same(first, machine.start())
    assert machine.made == 0
