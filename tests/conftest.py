"""What several test packages share."""

import os
from pathlib import Path

import pytest

from audit8.models.pocket import pocket_model


@pytest.fixture(scope="session")
def pocket_folder() -> Path:
    """The real pocket model, converted once for all runs on this machine: in AUDIT8_CACHE_DIR or ~/.cache/audit8."""
    cache_dir = Path(os.environ.get("AUDIT8_CACHE_DIR") or Path.home() / ".cache" / "audit8")
    return pocket_model(cache_dir, lambda _: None)
