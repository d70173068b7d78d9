"""The engine of this process: loading, ready, failed or stopping. Loads on a thread of its own: the socket answers.

An engine that is lost is loaded anew, once in a while; where that cannot help, the process has to end. Knows nothing
of HTTP. The thread is a daemon: a server that is stopped while it downloads stops at once.
"""

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable
from typing import Literal

from audit8.engine.protocol import Engine
from audit8.errors import Audit8Error, DeviceLost, EngineLost, NotReady, StartupError, Stopping
from audit8.metered import MeteredEngine
from audit8.types import LoadProgress

log = logging.getLogger("audit8.api")

State = Literal["loading", "ready", "failed", "stopping"]
LoadEngine = Callable[[Callable[[LoadProgress], None]], Engine]
OnFailed = Callable[[Audit8Error], None]

RETRY_AFTER_S = 5
RESTART_AFTER_S = 1.0  # lets go of the old engine first
RESTART_WINDOW_S = 600.0  # an engine that is lost twice in this time will be lost again


class Readiness:
    """Holds what `load_engine` gives, metered. `on_failed` is called on the loading thread, at most once."""

    def __init__(self, load_engine: LoadEngine, on_failed: OnFailed | None = None) -> None:
        self.progress = LoadProgress("choosing")
        self.error: Audit8Error | None = None
        self.engine: MeteredEngine | None = None
        self._load_engine = load_engine
        self._on_failed = on_failed
        self._lock = threading.Lock()
        self._closed = False
        self._stopping = False
        self._lost_at: float | None = None

    @property
    def state(self) -> State:
        if self.error:
            return "failed"
        if self._stopping:
            return "stopping"
        return "ready" if self.engine else "loading"

    def start(self) -> None:
        threading.Thread(target=self._load, name="audit8-load", daemon=True).start()

    def engine_now(self) -> MeteredEngine:
        """The engine. Raises NotReady while it loads, the start-up's error if that failed, and Stopping at the end."""
        if self._stopping:
            raise Stopping(
                "The server is being stopped and takes no more jobs.",
                hint="Try again when it has been started again.",
                retry_after_s=RETRY_AFTER_S,
            )
        if self.engine:
            return self.engine
        if self.error:
            raise self.error
        now = self.progress
        raise NotReady(
            f"The model is still loading ({_words(now)}).",
            hint="Try again in a moment; GET /ready says how far it is.",
            retry_after_s=RETRY_AFTER_S,
            stage=now.stage,
            done=now.done,
            total=now.total,
            unit=now.unit,
            detail=now.detail,
        )

    def stop_admitting(self) -> None:
        """From now on `engine_now` gives no engine; jobs that have it go on."""
        self._stopping = True

    def lost(self, engine: Engine, error: EngineLost) -> None:
        """`engine` will not answer again. Load it anew, unless the process or the engine is past that: then fail."""
        with self._lock:
            if engine is not self.engine or self._closed:
                return  # known, and dealt with
            self.engine = None
        before, self._lost_at = self._lost_at, time.monotonic()
        again = before is not None and self._lost_at - before < RESTART_WINDOW_S
        if again or isinstance(error, DeviceLost):
            log.critical("the engine is lost for good (%s): %s", error.code, error.message)
            self._fail(error)
            return
        log.error("the engine is lost (%s: %s); it is loaded again", error.code, error.message)
        self.progress = LoadProgress("loading")
        threading.Thread(target=self._load_again, args=([engine],), name="audit8-load", daemon=True).start()

    async def aclose(self) -> None:
        """Close the engine; one that becomes ready later is closed by the loading thread."""
        with self._lock:
            self._closed = True
            engine, self.engine = self.engine, None
        if engine:
            await engine.aclose()

    def _load_again(self, old: list[Engine]) -> None:
        """`old` holds the lost engine, so that its memory can be freed before the new one needs it."""
        asyncio.run(old.pop().aclose())
        time.sleep(RESTART_AFTER_S)
        gc.collect()
        self._load()

    def _load(self) -> None:
        failure: Audit8Error | None = StartupError(
            "The model could not be loaded.", hint="The log has the traceback; please report it."
        )
        try:
            engine = self._load_engine(self._report)
            failure = None
            self._take(engine)
        except Audit8Error as error:
            failure = error
        finally:  # anything else goes on to threading.excepthook, which prints its traceback
            if failure:
                self._fail(failure)

    def _report(self, progress: LoadProgress) -> None:
        self.progress = progress

    def _take(self, engine: Engine) -> None:
        with self._lock:
            late = self._closed
            if not late:
                self.progress = LoadProgress("ready")
                self.engine = MeteredEngine(engine)
        if late:
            asyncio.run(engine.aclose())

    def _fail(self, error: Audit8Error) -> None:
        self.progress = LoadProgress("failed", detail=error.message)
        self.error = error
        if self._on_failed:
            self._on_failed(error)


def _words(progress: LoadProgress) -> str:
    if not progress.total:
        return progress.stage
    return f"{progress.stage}, {100 * progress.done // progress.total} %"
