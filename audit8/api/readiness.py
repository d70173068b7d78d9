"""The engine of this process: loading, ready or failed. Loads on a thread of its own, so that the socket answers.

Knows nothing of HTTP. The thread is a daemon: a server that is stopped while it downloads stops at once.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Literal

from audit8.engine.protocol import Engine
from audit8.errors import Audit8Error, NotReady, StartupError
from audit8.metered import MeteredEngine
from audit8.types import LoadProgress

State = Literal["loading", "ready", "failed"]
LoadEngine = Callable[[Callable[[LoadProgress], None]], Engine]
OnFailed = Callable[[Audit8Error], None]

RETRY_AFTER_S = 5


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

    @property
    def state(self) -> State:
        if self.error:
            return "failed"
        return "ready" if self.engine else "loading"

    def start(self) -> None:
        threading.Thread(target=self._load, name="audit8-load", daemon=True).start()

    def engine_now(self) -> MeteredEngine:
        """The engine. Raises NotReady while it loads, and the start-up's error if loading failed."""
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

    async def aclose(self) -> None:
        """Close the engine; one that becomes ready later is closed by the loading thread."""
        with self._lock:
            self._closed = True
            engine, self.engine = self.engine, None
        if engine:
            await engine.aclose()

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
