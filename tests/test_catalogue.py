"""`audit8 models` says what fits and what is there, as a start would find it."""

import json
from pathlib import Path

import pytest

from audit8 import catalogue
from audit8.cli import main
from audit8.models.hub import HubOrigin
from audit8.models.known import CODER_1_5B, CODER_7B, KNOWN
from audit8.models.machine import Machine
from audit8.models.modelscope import ModelScopeOrigin
from audit8.settings import Settings
from tests.models.standin import tiny_model

GIB = 2**30
LARGE = Machine("NVIDIA Card", 23 * GIB, 24 * GIB, 30 * GIB)
SMALL = Machine("NVIDIA Card", 7 * GIB, 8 * GIB, 30 * GIB)
NONE = Machine("", 0, 0, 16 * GIB)


@pytest.fixture(autouse=True)
def nothing_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT8_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(catalogue, "fused_vocabulary", lambda *_: False)
    for origin in (HubOrigin, ModelScopeOrigin):
        monkeypatch.setattr(origin, "cached", lambda *_: None)


@pytest.mark.parametrize(("machine", "fits"), [(LARGE, ("8bit", "4bit")), (SMALL, ("4bit",))])
def test_what_fits_follows_from_the_machine(machine: Machine, fits: tuple[str, ...]) -> None:
    entry = catalogue.entry_of(CODER_7B, Settings(), machine)
    assert entry.fits == fits
    assert entry.gib["4bit"] < entry.gib["8bit"]
    assert entry.folder == ""
    smaller = catalogue.entry_of(CODER_7B, Settings(), machine, int8_vocabulary=True)
    assert smaller.gib["8bit"] < entry.gib["8bit"]
    assert catalogue.entry_of(CODER_1_5B, Settings(), machine).fits == ("8bit", "4bit")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_known_model_has_a_line_with_licence_and_purpose(
    lang: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(catalogue, "probe", lambda: (NONE, "cpu"))
    assert main(["models", "--lang", lang]) == 0
    printed = capsys.readouterr().out
    for model in KNOWN:
        line = next(line for line in printed.splitlines() if line.startswith(model.id))
        assert model.licence in line
        assert model.good_for["zh" if lang == "zh" else "en"] in line


def test_a_folder_is_listed_and_can_be_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "model" / "mine"
    folder.mkdir(parents=True)
    for name, body in tiny_model().items():
        (folder / name).write_bytes(body)
    monkeypatch.setattr(catalogue, "probe", lambda: (NONE, "cpu"))
    assert main(["models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed if one["folder"]] == ["mine"]
    assert main(["models", "--get", str(folder)]) == 0
    assert str(folder) in capsys.readouterr().out


def test_what_cannot_be_had_is_an_error_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(catalogue, "probe", lambda: (NONE, "cpu"))
    assert main(["models", "--get", "./nowhere"]) == 1
    assert "there is no folder ./nowhere" in capsys.readouterr().err
