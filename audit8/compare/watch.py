"""Looks at GPU use and resident memory, again and again, while something else runs.

GPU use is what nvidia-smi says of the whole GPU, other programs included: there is no figure for one process.
"""

import shutil
import subprocess
import threading
from typing import Self

import psutil

EVERY_S = 0.25
ANSWER_S = 10.0  # nvidia-smi hangs where the driver does


class Watch:
    """`gpu` is an id for `nvidia-smi --id`, "" for none. Use with `with`; read the figures afterwards."""

    def __init__(self, gpu: str) -> None:
        self._command = shutil.which("nvidia-smi") if gpu else None
        self._gpu = gpu
        self._percents: list[float] = []
        self._process = psutil.Process()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="audit8-watch", daemon=True)
        self.peak_ram_bytes = 0
        self.silent = bool(gpu) and self._command is None

    @property
    def gpu_percent(self) -> float | None:
        """The mean of what was seen; None if nothing was (`silent`: nvidia-smi is absent or says nothing)."""
        return sum(self._percents) / len(self._percents) if self._percents else None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.peak_ram_bytes = max(self.peak_ram_bytes, int(self._process.memory_info().rss))
            if self._command is not None and not self.silent:
                self._ask(self._command)
            if self._over.wait(EVERY_S):
                return

    def _ask(self, command: str) -> None:
        query = [command, f"--id={self._gpu}", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
        try:
            # the command's path is the system's own, the arguments are ours
            done = subprocess.run(query, capture_output=True, text=True, timeout=ANSWER_S, check=True)  # noqa: S603
            self._percents.append(float(done.stdout))
        except (OSError, ValueError, subprocess.SubprocessError):
            self.silent = True
