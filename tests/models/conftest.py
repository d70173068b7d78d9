"""A machine of one's own: caches in a temporary folder, no token, and no real Hub or ModelScope anywhere."""

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from audit8.models import choose, meter
from tests.models.standin import StandIn, standing_in

SMALL_BLOCK_BYTES = 16 * 1024
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Both places point to a closed port, the working directory is empty; gives the temporary folder."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MODELSCOPE_DOMAIN", "MODELSCOPE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", NOWHERE)
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "modelscope"))
    monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "modelscope-home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(choose, "PROBE_S", 1.0)
    monkeypatch.setattr(choose, "PATIENT_S", 1.0)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    yield tmp_path
    huggingface_hub.close_session()


@pytest.fixture
def places(alone: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """Stand-ins for the Hub and ModelScope, with small blocks so that there is a middle to interrupt."""
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", SMALL_BLOCK_BYTES)
    monkeypatch.setattr(meter, "REPORT_EVERY_S", 0.0)
    monkeypatch.setattr(choose, "PROBE_S", 20.0)  # a busy machine is not an unreachable place
    with standing_in() as state:
        monkeypatch.setenv("HF_ENDPOINT", state.hub_url)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", state.modelscope_url)
        yield state
