"""The checks of what lies around the engine, against real folders, ports and files; nothing is left behind."""

import shutil
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from audit8.doctor import surroundings
from audit8.doctor.check import Driver
from tests.doctor.patients import GIB, a_model, on_cpu, patient

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(("free", "state"), [(100, "ok"), (10, "warn"), (1, "fail")])
def test_disk(free: int, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, free * GIB))
    check = surroundings.disk(on_cpu(cache_dir=tmp_path / "not" / "yet"))
    assert check.state == state
    assert f"{free} GiB" in check.found
    assert bool(check.fix) is (state != "ok")
    assert not (tmp_path / "not").exists()


def test_the_hubs_folder_is_where_its_variables_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert surroundings.hub_folder() == tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "x"))
    assert surroundings.hub_folder() == tmp_path / "x"


def test_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert surroundings.model(on_cpu()).state == "ok"
    whole = a_model(tmp_path / "model" / "org" / "one")
    found = surroundings.model(on_cpu())
    assert (found.state, "org" in found.found) == ("ok", True)
    whole.joinpath("tokenizer.json").unlink()
    broken = surroundings.model(on_cpu())
    assert broken.state == "fail"
    assert "tokenizer" in broken.found
    assert "download" in broken.fix
    a_model(tmp_path / "model" / "two")
    assert surroundings.model(on_cpu()).state == "ok"
    assert surroundings.model(on_cpu(model=str(whole))).state == "fail"
    assert surroundings.model(on_cpu(model="Qwen/Qwen2.5-Coder-7B-Instruct")).state == "ok"


@pytest.mark.parametrize(
    ("silent", "state"), [((), "ok"), (("hub",), "ok"), (("modelscope",), "ok"), (("hub", "modelscope"), "warn")]
)
def test_one_place_that_answers_is_enough(silent: tuple[str, ...], state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://me:secret@hub.example")
    asked: list[str] = []

    def knock(place: str) -> str:
        asked.append(place)
        return "no route" if any(name in place for name in silent) else ""

    check = surroundings.network(on_cpu(), knock)
    assert check.state == state
    assert bool(check.fix) is (state == "warn")
    assert ("hub.example" in check.found, "secret" in check.found) == (True, False)
    assert asked == ["https://me:secret@hub.example", "https://modelscope.cn"]


def test_offline_nobody_is_asked() -> None:
    def never(_: str) -> str:
        raise AssertionError("it was asked")

    assert surroundings.network(patient(offline=True), never).state == "ok"


def test_a_knock_says_why_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert "refused" in surroundings.knock_at(f"http://127.0.0.1:{port}")
    assert surroundings.knock_at("nonsense") != ""


def test_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        taken = surroundings.port(on_cpu(port=port, host="127.0.0.1"))
    free = surroundings.port(on_cpu(port=port, host="127.0.0.1"))
    assert (taken.state, free.state) == ("fail", "ok")
    assert str(port) in taken.found
    assert "--port" in taken.fix


def test_history(tmp_path: Path) -> None:
    def state_of(file: Path) -> str:
        return surroundings.history(on_cpu(history=True, history_file=file)).state

    assert state_of(tmp_path / "a" / "b" / "history.db") == "ok"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_bytes(b"something else")
    assert state_of(tmp_path / "file") == "warn"
    assert state_of(tmp_path / "file" / "history.db") == "warn"
    assert surroundings.history(on_cpu(history=False)).state == "ok"


@pytest.mark.parametrize(
    ("platform", "driver", "told"),
    [("win32", Driver("581", ("x",)), True), ("win32", Driver(), False), ("linux", Driver("581", ("x",)), False)],
)
def test_the_setting_of_windows_is_explained_where_it_matters(platform: str, driver: Driver, told: bool) -> None:
    check = surroundings.sysmem(patient(driver), platform)
    assert (check is not None) is told
    assert check is None or (check.state == "ok" and "Sysmem Fallback" in check.fix)
