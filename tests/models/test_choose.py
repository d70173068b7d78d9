"""Which model is chosen: by name, from ./model/, by hardware; and what happens when nothing can be reached."""

import json
import string
from pathlib import Path
from typing import Any

import pytest

from audit8.errors import DoesNotFit, ModelNotFound
from audit8.models import choose
from audit8.models.choose import Choice, Wish, find_model
from audit8.models.fit import GIB, measure_need
from audit8.models.known import CODER_1_5B, CODER_7B
from audit8.models.machine import Machine
from audit8.models.words import WHY
from audit8.types import LoadProgress, Quant
from tests.models.standin import StandIn, tiny_model

CPU = Machine("", 0, 0, 16 * GIB)
SMALL_CPU = Machine("", 0, 0, 2 * GIB)
SHARD = "model-00001-of-00002.safetensors"


def gpu(total_gib: float, used_gib: float = 0.4) -> Machine:
    return Machine("GeForce Test", int((total_gib - used_gib) * GIB), int(total_gib * GIB), 32 * GIB)


def wish(cache_dir: Path, model: str | None = None, **changes: Any) -> Wish:
    values: dict[str, Any] = {"source": "auto", "quant": "8bit", "context_tokens": 8192, "lang": "en", **changes}
    return Wish(model=model, cache_dir=cache_dir, **values)


def find(wished: Wish, machine: Machine = CPU) -> Choice:
    return find_model(wished, machine, lambda _: None)


def write_model(folder: Path, rows: int = 2048, **config: object) -> Path:
    folder.mkdir(parents=True)
    for name, body in tiny_model(rows=rows).items():
        (folder / name).write_bytes(body)
    if config:
        whole = {**json.loads((folder / "config.json").read_text()), **config}
        (folder / "config.json").write_text(json.dumps(whole))
    return folder


# ---- by name ---------------------------------------------------------------------------------------------------


def test_a_folder_that_was_asked_for_is_used_as_it_is(alone: Path) -> None:
    folder = write_model(alone / "mine")
    choice = find(wish(alone, str(folder), quant="4bit"))
    assert (choice.folder, choice.name, choice.quant, choice.pocket) == (folder, "mine", "4bit", False)


def test_a_folder_wins_over_a_model_of_the_same_name(alone: Path) -> None:
    folder = write_model(Path("Qwen/Tiny"))
    assert find(wish(alone, "Qwen/Tiny")).folder == folder.resolve()


@pytest.mark.parametrize("model", ["./no/such/folder", "/no/such", "../x", "C:\\models\\x", "a/b/c", "~/nothing-here"])
def test_a_path_that_is_not_there_is_not_looked_for_elsewhere(places: StandIn, tmp_path: Path, model: str) -> None:
    with pytest.raises(ModelNotFound, match="there is no folder"):
        find(wish(tmp_path, model))
    assert places.seen == []


def test_a_file_is_not_a_folder(alone: Path) -> None:
    (alone / "m.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelNotFound, match="is a file"):
        find(wish(alone, str(alone / "m.gguf")))


def test_a_name_is_downloaded_once_and_then_needs_no_network(places: StandIn, tmp_path: Path) -> None:
    places.repos["Qwen/Tiny"] = tiny_model()
    first = find(wish(tmp_path, "Qwen/Tiny"))
    assert first.name == "Qwen/Tiny"
    assert "Hugging Face Hub" in first.why
    places.seen.clear()
    second = find(wish(tmp_path, "Qwen/Tiny"))
    assert second.folder == first.folder
    assert places.seen == []


@pytest.mark.parametrize("source", ["auto", "hub", "modelscope"])
def test_a_name_that_cannot_be_had_is_an_error_never_the_pocket_model(alone: Path, source: str) -> None:
    with pytest.raises(ModelNotFound, match="Qwen/Tiny") as caught:
        find(wish(alone, "Qwen/Tiny", source=source))
    assert "HF_ENDPOINT" in caught.value.hint


def test_a_name_the_hub_refuses_is_not_taken_from_somebody_else(places: StandIn, tmp_path: Path) -> None:
    """ModelScope's owner of that name may be another one."""
    with pytest.raises(ModelNotFound, match="Hugging Face Hub"):
        find(wish(tmp_path, "Qwen/Tiny"))
    assert {seen.place for seen in places.seen} == {"hub"}


def test_modelscope_serves_when_the_hub_cannot(places: StandIn, tmp_path: Path) -> None:
    places.repos["Qwen/Tiny"] = tiny_model()
    places.status = 503
    choice = find(wish(tmp_path, "Qwen/Tiny"))
    assert "ModelScope" in choice.why
    assert choice.folder.is_relative_to(tmp_path / "modelscope")


def test_source_modelscope_never_asks_the_hub(places: StandIn, tmp_path: Path) -> None:
    places.repos["Qwen/Tiny"] = tiny_model()
    find(wish(tmp_path, "Qwen/Tiny", source="modelscope"))
    assert {seen.place for seen in places.seen} == {"modelscope"}


def test_a_named_model_that_cannot_fit_is_not_downloaded(places: StandIn, tmp_path: Path) -> None:
    places.repos["Qwen/Tiny"] = tiny_model()
    with pytest.raises(DoesNotFit):
        find(wish(tmp_path, "Qwen/Tiny"), Machine("", 0, 0, 1024))
    assert not places.fetched("files", SHARD)


# ---- code that comes with a model ------------------------------------------------------------------------------


def test_a_model_that_needs_its_own_code_is_refused_until_trusted(alone: Path) -> None:
    auto_map = {"AutoModelForCausalLM": "modeling_tiny.Tiny"}
    folder = write_model(alone / "strange", model_type="tiny_of_its_own", auto_map=auto_map)
    with pytest.raises(ModelNotFound, match="Python code") as caught:
        find(wish(alone, str(folder)))
    assert "--trust-remote-code" in caught.value.hint
    assert find(wish(alone, str(folder), trust_remote_code=True)).folder == folder


def test_code_that_transformers_does_not_need_is_no_obstacle(alone: Path) -> None:
    folder = write_model(alone / "usual", auto_map={"AutoModelForCausalLM": "modeling_tiny.Tiny"})
    assert find(wish(alone, str(folder))).folder == folder


# ---- ./model/ --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["model", "model/one", "model/org/one"])
def test_a_folder_under_model_is_found(alone: Path, place: str) -> None:
    folder = write_model(Path(place))
    choice = find(wish(alone))
    assert choice.folder == folder.resolve()
    assert "./model/" in choice.why


def test_of_several_the_largest_that_fits_and_the_others_are_named(alone: Path) -> None:
    write_model(Path("model/small"), rows=1024)
    write_model(Path("model/middle"), rows=4096)
    large = write_model(Path("model/large"), rows=8192)
    choice = find(wish(alone))
    assert choice.folder == large.resolve()
    assert "small" in choice.why
    assert "middle" in choice.why
    assert "--model" in choice.why
    need = measure_need(large, "8bit", 8192, on_gpu=False)
    assert find(wish(alone), Machine("", 0, 0, need.total_bytes - 1)).name == "middle"


def test_an_unusable_folder_is_named_and_alone_it_is_an_error(alone: Path) -> None:
    broken = write_model(Path("model/broken"))
    (broken / SHARD).unlink()
    with pytest.raises(ModelNotFound, match="incomplete"):
        find(wish(alone))
    good = write_model(Path("model/good"))
    choice = find(wish(alone))
    assert choice.folder == good.resolve()
    assert "broken" in choice.why


# ---- by hardware -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "quant", "model", "chosen"),
    [
        (gpu(24), "8bit", CODER_7B.id, "8bit"),
        (gpu(12), "8bit", CODER_7B.id, "8bit"),
        (gpu(8), "8bit", CODER_7B.id, "4bit"),
        (gpu(8, used_gib=1.2), "8bit", CODER_7B.id, "4bit"),
        (gpu(6), "8bit", CODER_1_5B.id, "8bit"),
        (gpu(24), "none", CODER_7B.id, "none"),
        (gpu(12), "none", CODER_1_5B.id, "none"),
        (gpu(24), "4bit", CODER_7B.id, "4bit"),
        (CPU, "8bit", CODER_1_5B.id, "8bit"),
    ],
)
def test_hardware_decides(
    places: StandIn, tmp_path: Path, machine: Machine, quant: Quant, model: str, chosen: Quant
) -> None:
    places.repos = {CODER_7B.id: tiny_model(), CODER_1_5B.id: tiny_model()}
    choice = find(wish(tmp_path, quant=quant), machine)
    assert (choice.name, choice.quant, choice.pocket) == (model, chosen, False)
    if chosen != quant:
        assert "NF4" in choice.why
        assert "10.58 GiB" in choice.why


def test_a_full_gpu_is_said_before_anything_is_asked(places: StandIn, tmp_path: Path) -> None:
    with pytest.raises(DoesNotFit, match=r"0\.50 GiB are free on GeForce Test"):
        find(wish(tmp_path), gpu(8, used_gib=7.5))
    assert places.seen == []


def test_a_smaller_one_downloaded_before_is_better_than_the_pocket_model(places: StandIn, tmp_path: Path) -> None:
    places.repos[CODER_1_5B.id] = tiny_model()
    find(wish(tmp_path))
    places.repos.clear()
    places.status = 503
    choice = find(wish(tmp_path, source="hub"), gpu(24))
    assert choice.name == CODER_1_5B.id
    assert "503" in choice.why


@pytest.mark.parametrize(("lang", "notice"), [("en", "not for trusting its judgement"), ("zh", "不要相信它的判断")])
def test_with_nothing_in_reach_the_pocket_model_and_a_notice(
    alone: Path, pocket_folder: Path, lang: str, notice: str
) -> None:
    reports: list[LoadProgress] = []
    choice = find_model(wish(pocket_folder.parent, lang=lang), CPU, reports.append)
    assert (choice.folder, choice.pocket, choice.quant) == (pocket_folder, True, "8bit")
    assert notice in choice.why
    assert "Hugging Face Hub" in choice.why
    assert "ModelScope" in choice.why
    assert reports[0].stage == "choosing"


def test_a_hub_that_swallows_everything_does_not_hold_the_start_up(
    places: StandIn, pocket_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "PROBE_S", 0.3)
    places.silent = True
    choice = find(wish(pocket_folder.parent))
    assert choice.pocket
    assert {seen.place for seen in places.seen} == {"hub", "modelscope"}


def test_little_memory_and_no_gpu_means_the_pocket_model(places: StandIn, pocket_folder: Path) -> None:
    choice = find(wish(pocket_folder.parent), SMALL_CPU)
    assert choice.pocket
    assert "2.00 GiB" in choice.why
    assert places.seen == []


def test_every_reason_exists_in_both_languages_with_the_same_blanks() -> None:
    def blanks(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert set(WHY["en"]) == set(WHY["zh"])
    for key in WHY["en"]:
        assert blanks(WHY["en"][key]) == blanks(WHY["zh"][key])
