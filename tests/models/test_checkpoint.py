"""What counts as a model folder, and what each broken one is told."""

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.errors import ModelNotFound
from audit8.models.checkpoint import check_folder, is_complete, read_header, read_tensors, remote_code
from tests.models.standin import safetensors, tiny_model

SHARD = "model-00002-of-00002.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, body in tiny_model().items():
        (tmp_path / name).write_bytes(body)
    return tmp_path


def test_a_whole_folder_is_accepted_and_read(folder: Path) -> None:
    check_folder(folder)
    shapes = {tensor.name: tensor.shape for tensor in read_tensors(folder)}
    assert shapes["model.embed_tokens.weight"] == (2048, 64)
    assert len(shapes) == 3


@pytest.mark.parametrize(
    ("name", "words"),
    [("config.json", r"no config\.json"), ("tokenizer.json", "no tokenizer"), (SHARD, "incomplete.*" + SHARD)],
)
def test_each_missing_file_is_named(folder: Path, name: str, words: str) -> None:
    (folder / name).unlink()
    assert not is_complete(folder)
    with pytest.raises(ModelNotFound, match=words):
        check_folder(folder)


def test_every_cut_of_a_weight_file_is_noticed(folder: Path) -> None:
    body = (folder / SHARD).read_bytes()
    for length in [*range(0, len(body), 997), len(body) - 1]:
        (folder / SHARD).write_bytes(body[:length])
        with pytest.raises(ModelNotFound, match="not a whole safetensors file"):
            check_folder(folder)


def test_git_lfs_pointer_is_called_that(folder: Path) -> None:
    (folder / SHARD).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    with pytest.raises(ModelNotFound, match="Git LFS pointer") as caught:
        check_folder(folder)
    assert "git lfs pull" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "word"), [("pytorch_model.bin", "pickle"), ("model.gguf", "GGUF"), ("notes.md", "safetensors")]
)
def test_a_folder_without_safetensors_is_told_what_it_has(tmp_path: Path, name: str, word: str) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / name).write_bytes(b"\x80\x04")
    with pytest.raises(ModelNotFound, match=r"no model\.safetensors") as caught:
        check_folder(tmp_path)
    assert word in caught.value.hint


@pytest.mark.parametrize("shard", ["../../etc/passwd", "a/b.safetensors", "weights.bin", 7])
def test_an_index_points_to_nothing_but_weights_beside_it(folder: Path, shard: object) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": shard}}))
    with pytest.raises(ModelNotFound, match="weight_map"):
        check_folder(folder)


@given(header=st.binary(max_size=200), length=st.integers(0, 2**64 - 1))
def test_no_bytes_make_the_header_reader_fail_in_another_way(
    tmp_path_factory: pytest.TempPathFactory, header: bytes, length: int
) -> None:
    path = tmp_path_factory.mktemp("h") / "x.safetensors"
    for start in (struct.pack("<Q", length), struct.pack("<Q", len(header)), b""):
        path.write_bytes(start + header)
        with pytest.raises(ModelNotFound):
            read_header(path)


def test_header_of_a_file_as_the_library_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors({"a": (2, 3), "b": (5,)}, dtype="F32"))
    from safetensors import safe_open

    with safe_open(path, framework="np") as theirs:
        assert {tensor.name: list(tensor.shape) for tensor in read_header(path)} == {
            name: theirs.get_slice(name).get_shape()
            for name in theirs.keys()  # noqa: SIM118 - not a mapping
        }
    assert [tensor.stored_bytes for tensor in read_header(path)] == [24, 20]


def test_remote_code_is_seen_in_the_config() -> None:
    assert remote_code({"auto_map": {"AutoModelForCausalLM": "modeling_x.X"}})
    assert not remote_code({"auto_map": {"AutoTokenizer": "t.T"}})
    assert not remote_code({})
