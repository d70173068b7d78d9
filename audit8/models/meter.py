"""Adds up the bytes of a download, from whichever threads they come, and reports them at a bearable rate."""

import threading
import time
from collections.abc import Callable

from audit8.types import LoadProgress

REPORT_EVERY_S = 0.1


class Stopped(BaseException):
    """The listener raised: stop the download. Not an `Exception`, for the clients retry on those."""


class Meter:
    """`add` may be called from several threads; `progress` is called by one at a time.

    If `progress` raises, `add` raises `Stopped`, there and in every later call, and `reason` keeps the error.
    """

    def __init__(self, progress: Callable[[LoadProgress], None], detail: str) -> None:
        self._progress = progress
        self._detail = detail
        self._lock = threading.Lock()
        self._done_bytes = 0
        self._total_bytes = 0
        self._reported_at_s = 0.0
        self.reason: Exception | None = None

    def expect(self, size_bytes: int) -> None:
        """So many bytes more will come."""
        with self._lock:
            self._total_bytes += size_bytes
            self._report(always=True)

    def add(self, size_bytes: int) -> None:
        """So many bytes came; fewer than 0 when a client has to start over."""
        with self._lock:
            if self.reason is not None:
                raise Stopped from self.reason
            self._done_bytes += size_bytes
            self._report(always=self._done_bytes >= self._total_bytes)

    def _report(self, *, always: bool) -> None:
        now_s = time.monotonic()
        if not always and now_s - self._reported_at_s < REPORT_EVERY_S:
            return
        self._reported_at_s = now_s
        try:
            self._progress(LoadProgress("downloading", self._done_bytes, self._total_bytes, "bytes", self._detail))
        except Exception as error:  # whatever it is, it must not be taken for a failed transfer and retried
            self.reason = error
            raise Stopped from error
