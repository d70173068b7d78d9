"""Laws of the int8 weights on disk: bit for bit what the checkpoint gives, or made again; never a failed start."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from audit8.engine import quantised, tensorfile, weights
from audit8.engine.lanes import Lanes
from audit8.engine.quantised import named
from audit8.engine.weights import DecoderWeights
from audit8.errors import ModelNotFound
from tests.engine import tiny
from tests.engine.starts import Machine, make_machine, same

# ---- what is kept is what was read ------------------------------------------------------------------------------


@pytest.mark.parametrize("head", ["int8", "fp16"])
@pytest.mark.parametrize("name", tiny.CONFIGS)
def test_the_second_start_has_the_same_bits_and_quantises_nothing(
    name: str, head: weights.HeadKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.save(name, tmp_path / "model")
    machine = make_machine(tmp_path, monkeypatch)
    first = machine.start(head=head)
    assert machine.made == 1
    assert any("kept on disk" in note for note in machine.notes)
    with monkeypatch.context() as patch:
        patch.setattr("bitsandbytes.functional.int8_vectorwise_quant", None)  # calling it would fail
        second = machine.start(head=head)
    assert (machine.made, machine.notes) == (0, [])
    assert same(first, second)
    assert same(tiny.read_plain(machine.folder, head), second)
    assert (second.head is second.embedding) == (name == "llama-tied")
    assert {(step.stage, step.unit) for step in machine.seen} == {("loading", "bytes")}
    assert machine.seen[-1].done == machine.seen[-1].total > 0


def test_any_reader_of_safetensors_opens_the_file(machine: Machine) -> None:
    tensors = named(machine.start())
    with safe_open(machine.file(), framework="pt") as file:
        assert set(file.keys()) == tensors.keys()
        assert all(torch.equal(file.get_tensor(name), tensor.cpu()) for name, tensor in tensors.items())


def test_without_a_cache_folder_nothing_is_written(machine: Machine) -> None:
    machine.start(cache_dir=None)
    assert machine.made == 1
    assert not machine.cache.exists()


def test_a_later_change_of_the_file_changes_no_loaded_weights(machine: Machine) -> None:
    first = machine.start()
    second = machine.start()
    with machine.file().open("r+b") as file:
        file.write(bytes(machine.file().stat().st_size))
    assert same(first, second)


def test_another_device_or_context_is_the_same_file(machine: Machine) -> None:
    wanted = replace(machine.wanted(), device=torch.device("cpu"))
    other = replace(wanted, context_tokens=64, device=torch.device("cuda:0"))
    assert quantised.place_of(wanted) == quantised.place_of(other)
    assert quantised.place_of(replace(wanted, head="fp16")) != quantised.place_of(replace(other, head="fp16"))


# ---- what it was made from ---------------------------------------------------------------------------------------


def touch(machine: Machine) -> None:
    os.utime(machine.folder / "model.safetensors", ns=(1, 1))


def edit_config(machine: Machine) -> None:
    path = machine.folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "rms_norm_eps": 1e-5}))


def edit_header(machine: Machine) -> None:
    """Swap two tensors' names: neither size nor time tells."""
    path = machine.folder / "model.safetensors"
    before = path.stat()
    whole = path.read_bytes()
    first, second, third = b'"model.layers.0.mlp.up_', b'"model.layers.0.mlp.ux_', b'"model.layers.1.mlp.up_'
    whole = whole.replace(first, second).replace(third, first).replace(second, third)
    path.write_bytes(whole)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def move(machine: Machine) -> None:
    """Another model of the same shape, sizes and times."""
    elsewhere = machine.folder.with_name("elsewhere")
    shutil.copytree(machine.folder, elsewhere)
    machine.order = replace(machine.order, folder=elsewhere)


def other_head(machine: Machine) -> None:
    machine.order = replace(machine.order, head="fp16")


def other_format(machine: Machine) -> None:
    machine.monkeypatch.setattr(quantised, "FORMAT", quantised.FORMAT + 1)


def other_quantiser(machine: Machine) -> None:
    machine.monkeypatch.setattr(quantised, "version", lambda name: "99")


CHANGES = [touch, edit_config, edit_header, other_head, other_format, other_quantiser]


@pytest.mark.parametrize("change", [*CHANGES, move])
def test_what_was_made_from_something_else_is_made_again(machine: Machine, change: Callable[[Machine], None]) -> None:
    machine.start()
    before = machine.file()
    change(machine)
    changed = machine.start()
    assert machine.made == 1
    if change is not move:  # the old file of the same model is gone; another model's stays
        assert machine.file() != before
    assert same(tiny.read_plain(machine.folder, machine.order.head), changed)
    machine.start()
    assert machine.made == 0


def test_a_hub_revision_replaces_the_one_before(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs, snapshots = tmp_path / "hub" / "blobs", tmp_path / "hub" / "snapshots"
    blobs.mkdir(parents=True)
    machine = make_machine(tmp_path, monkeypatch)
    for revision in ("aaaa", "bbbb"):
        folder = snapshots / revision
        shutil.copytree(checkpoint, folder)
        os.replace(folder / "model.safetensors", blobs / revision)
        (folder / "model.safetensors").symlink_to(blobs / revision)
        machine.start(folder=folder)
        assert machine.made == 1
        assert len(machine.files()) == 1
        machine.start(folder=folder)
        assert machine.made == 0


def test_a_file_that_another_model_filled_is_not_believed(machine: Machine) -> None:
    """Sealed, and with the right key, but of shapes that the configuration does not promise."""
    right = machine.start()
    place = machine.place()
    tensors = named(right)
    wrong = {
        "is missing": {name: tensor for name, tensor in tensors.items() if name != "final_norm"},
        "does not promise": {**tensors, "layers.0.o.codes": tensors["layers.0.o.codes"].view(256, -1)},
        "layers.9": {**tensors, "layers.9.bias": tensors["final_norm"]},
        "F32": {**tensors, "embedding.codes": tensors["embedding.codes"].float()},
    }
    for words, content in wrong.items():
        with Lanes(tiny.DEVICE) as lanes:
            tensorfile.write_sealed(place.path, content, {"key": place.key}, lanes, lambda *_: None)
        assert same(right, machine.start())
        assert machine.made == 1
        assert words in machine.notes[0]
    with Lanes(tiny.DEVICE) as lanes:
        tensorfile.write_sealed(place.path, tensors, {"key": "another"}, lanes, lambda *_: None)
    machine.start()
    assert "something else" in machine.notes[0]


def test_a_model_that_changes_while_it_is_read_is_not_kept(machine: Machine) -> None:
    wanted = machine.wanted()
    notes: list[str] = []

    def make() -> DecoderWeights:
        read = tiny.read_plain(machine.folder)
        touch(machine)
        return read

    quantised.obtain(wanted, make, lambda _: None, notes.append)
    assert "changed while they were read" in notes[0]
    assert not machine.cache.exists()


def test_a_broken_model_is_refused_in_words_and_its_cache_does_not_hide_it(machine: Machine) -> None:
    machine.start()
    source = machine.folder / "model.safetensors"
    os.truncate(source, source.stat().st_size // 2)
    with pytest.raises(ModelNotFound, match="cannot be loaded"):
        machine.start()
