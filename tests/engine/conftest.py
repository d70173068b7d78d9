"""A machine with a small model of its own."""

import shutil
from pathlib import Path

import pytest

from tests.engine import tiny
from tests.engine.starts import Machine, make_machine


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save("qwen2", tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def machine(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    shutil.copytree(checkpoint, tmp_path / "model")
    return make_machine(tmp_path, monkeypatch)
