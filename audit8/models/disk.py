"""Free disk space, asked before anything large is written."""

import shutil
from pathlib import Path

from audit8.errors import DoesNotFit

GIB = 1024**3
SPARE_BYTES = 200 * 1024**2  # a disk filled to the last byte breaks other things


def check_disk(folder: Path, needed_bytes: int) -> None:
    """Raises DoesNotFit if `needed_bytes` more do not fit on the disk that holds (or will hold) `folder`."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    free_bytes = shutil.disk_usage(existing).free
    missing_bytes = needed_bytes + SPARE_BYTES - free_bytes
    if missing_bytes > 0:
        raise DoesNotFit(
            f"not enough disk space under {existing}: {needed_bytes / GIB:.2f} GiB are needed, "
            f"{free_bytes / GIB:.2f} GiB are free, {missing_bytes / GIB:.2f} GiB are missing",
            hint="free some space, or keep models on another disk (HF_HOME, MODELSCOPE_CACHE, --cache-dir)",
            needed_bytes=needed_bytes,
            free_bytes=free_bytes,
        )
