"""The server that bench/load.py sets its crowd on, in a process of its own: `load_server.py PORT FILE ENGINE FOLDER`.

FILE: of the history. ENGINE `scripted` plays sixteen answers at once, twenty words of a hundredth of a second each, and
remembers nothing; `instant` finds nothing, at once; `fused` or `stock` runs the model in FOLDER, the pocket model where
it is "". Prints "ready" when it listens, and counts its tasks at /tasks.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from audit8.api.app import create_app
from audit8.api.listen import open_sockets
from audit8.api.readiness import LoadEngine
from audit8.api.server import Server
from audit8.engine.fake import FAKE_INFO, FakeEngine
from audit8.logs import prepare_log
from audit8.settings import Settings
from audit8.types import Finish, Message, Piece, Sampling

SCRIPTED_JOBS, MODEL_JOBS = 64, 16  # places: what a model of two cores answers within a slow client's patience


class Paced(FakeEngine):
    """See the module."""

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece | Finish]:
        self.calls.clear()
        self.enqueue(["["] + [" "] * 18 + ["]"], delay_s=0.01)
        async with aclosing(super().stream(messages, sampling)) as items:
            async for item in items:
                yield item


def engine_of(kind: str, folder: str) -> tuple[dict[str, Any], LoadEngine]:
    """The settings that an engine needs, and what loads it."""
    if kind == "scripted":
        return {"max_jobs": SCRIPTED_JOBS}, lambda _: Paced(replace(FAKE_INFO, parallel=16))
    if kind == "instant":
        return {}, lambda _: FakeEngine()
    from audit8.models.pocket import pocket_model
    from audit8.startup import load_engine

    model = folder or str(pocket_model(Path.home() / ".cache" / "audit8", lambda _: None))
    changed: dict[str, Any] = {"max_jobs": MODEL_JOBS, "engine": kind, "model": model}
    return changed, lambda progress: load_engine(Settings(**changed), progress)


def main(port: int, history_file: str, kind: str, folder: str) -> None:
    prepare_log("error")
    changed, load = engine_of(kind, folder)
    app = create_app(Settings(port=0, lang="en", history_file=Path(history_file), **changed), load)

    @app.get("/tasks", include_in_schema=False)
    async def tasks() -> int:
        return len(asyncio.all_tasks())

    server = Server(app, app.state.lifecycle, lambda: print("ready", flush=True))
    server.run(open_sockets("127.0.0.1", port))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4])
