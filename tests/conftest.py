"""What several test packages share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit8.models.pocket import pocket_model


@pytest.fixture(scope="session", autouse=True)
def _no_history() -> Iterator[None]:
    """No test writes into the history of whoever runs it; one that needs a history asks for it, and names a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIT8_HISTORY", "false")
        yield


@pytest.fixture(scope="session")
def pocket_folder() -> Path:
    """The real pocket model, converted once for all runs on this machine: in AUDIT8_CACHE_DIR or ~/.cache/audit8."""
    cache_dir = Path(os.environ.get("AUDIT8_CACHE_DIR") or Path.home() / ".cache" / "audit8")
    return pocket_model(cache_dir, lambda _: None)
