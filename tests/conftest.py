"""What several test packages share."""

import logging
import os
import threading
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


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """A command that a test ran has set the log up on a standard error which pytest has closed since."""
    root, ours, hook = logging.getLogger(), logging.getLogger("audit8"), threading.excepthook
    handlers, level, our_level = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:], root.level, ours.level = handlers, level, our_level
    threading.excepthook = hook


@pytest.fixture(scope="session")
def pocket_folder() -> Path:
    """The real pocket model, converted once for all runs on this machine: in AUDIT8_CACHE_DIR or ~/.cache/audit8."""
    cache_dir = Path(os.environ.get("AUDIT8_CACHE_DIR") or Path.home() / ".cache" / "audit8")
    return pocket_model(cache_dir, lambda _: None)
