"""One side in a process of its own, `python -m audit8.compare.side`: load, answer, audit, read the text, be gone.

The order comes as JSON on standard input; standard output carries one JSON object a line: `progress`, `chosen`,
`measured`, `missed`, and last `end` or `failed`. Whatever a library prints goes to standard error. A figure that cannot
be had is `missed` with the reason, and the others are still measured.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from audit8.compare import reference
from audit8.compare.lines import SideOrder, Speaker, order_of
from audit8.compare.measures import Chosen, Claim
from audit8.compare.watch import Watch
from audit8.compare.words import say
from audit8.errors import Audit8Error, DoesNotFit, EngineFailure, OutOfMemory
from audit8.events import Failed, Progress, Reported
from audit8.findings import Report
from audit8.models.choose import Choice
from audit8.models.disk import check_disk
from audit8.models.fit import GIB, measure_need
from audit8.service import AuditService
from audit8.settings import Settings
from audit8.startup import Found, build_model, engine_of, find, probe
from audit8.types import Finish, Job, LoadProgress, Message, Sampling, Source

if TYPE_CHECKING:
    from audit8.engine.build import Built
    from audit8.engine.local import LocalEngine

ANSWER_TOKENS = 64
QUESTION = "Explain this code line by line:\n\n{code}"
QUESTION_CHARS = 800
WINDOW_TOKENS = 256
CPU_TOKENS, GPU_TOKENS = 512, 2048


class Run:
    """One side's measurements, in their order."""

    def __init__(self, order: SideOrder, speaker: Speaker) -> None:
        self._order = order
        self._settings = Settings(**order.settings)
        self._source = Source(order.source["name"], order.source["text"], order.source["language"])
        self._speaker = speaker

    def measure(self) -> None:
        """Raises StartupError or OutOfMemory if the model cannot be loaded."""
        with self._loading():
            found, built = self._original() if self._order.side == "original" else self._optimised()
        from audit8.engine import device  # noqa: PLC0415 - torch, which the process that draws the table never loads

        self._speaker.line(
            "measured",
            memory=built.weights_memory.kind,
            weights_bytes=built.weights_memory.used_bytes,
            arithmetic=built.arithmetic,
        )
        with Watch(device.gpu_id(found.device)) as watch:
            asyncio.run(self._talk(found, built))
        self._say_use(watch, device.peak_bytes(found.device), on_gpu=found.machine.has_gpu)
        with self._missing("perplexity", "closeness"):
            self._read_text(built, found)

    # ---- loading -----------------------------------------------------------------------------------------------

    def _load_progress(self, report: LoadProgress) -> None:
        self._speaker.progress(report.stage, report.done, report.total)

    def _optimised(self) -> "tuple[Found, Built]":
        found = find(self._settings, self._load_progress)
        chosen = Chosen(
            folder=str(found.choice.folder),
            name=found.choice.name,
            pocket=found.choice.pocket,
            device=found.machine.gpu_name or "CPU",
            tokens=self._order.tokens or (GPU_TOKENS if found.machine.has_gpu else CPU_TOKENS),
        )
        self._order = replace(self._order, chosen=chosen)
        self._speaker.line("chosen", **asdict(chosen))
        return found, build_model(self._settings, found, self._load_progress)

    def _original(self) -> "tuple[Found, Built]":
        """The 16-bit model by transformers; what the GPU has no room for stays in main memory."""
        chosen = self._order.chosen
        assert chosen is not None
        self._speaker.progress("loading")
        machine, device_name = probe()
        choice = Choice(Path(chosen.folder), chosen.name, "none", chosen.pocket, why="")
        found = Found(choice, machine, device_name)
        need = measure_need(choice.folder, "none", self._settings.context_tokens, on_gpu=machine.has_gpu)
        free_bytes = machine.gpu_free_bytes + machine.ram_free_bytes
        if need.model_bytes > free_bytes:
            numbers = {"needed": f"{need.model_bytes / GIB:.2f}", "free": f"{free_bytes / GIB:.2f}"}
            raise DoesNotFit(say(self._settings.lang, "too_large", **numbers))
        room_bytes = max(0, machine.gpu_free_bytes - need.kv_bytes - need.workspace_bytes)
        offload = machine.has_gpu and need.weights_bytes > room_bytes
        settings = self._settings.model_copy(update={"engine": "stock", "quant": "none"})
        built = build_model(settings, found, self._load_progress, gpu_bytes=room_bytes if offload else None)
        if offload:
            left_bytes = max(0, need.weights_bytes - built.weights_memory.used_bytes)
            self._speaker.line("measured", offloaded_bytes=left_bytes)
        return found, built

    @contextmanager
    def _loading(self) -> Iterator[None]:
        """Memory that runs out while a model is loaded, in words."""
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            from audit8.engine.device import classify  # noqa: PLC0415

            if isinstance(classify(error), OutOfMemory):
                raise OutOfMemory(say(self._settings.lang, "load_memory")) from error
            raise

    # ---- through the engine's seam -----------------------------------------------------------------------------

    async def _talk(self, found: Found, built: "Built") -> None:
        engine = engine_of(found, built)
        try:
            with self._missing("tokens_per_s"):
                self._speaker.line("measured", tokens_per_s=await self._answer(engine))
            with self._missing("audit_s", "findings"):
                report = await self._audit(engine)
                self._speaker.line("measured", audit_s=report.timings.total_s, findings=_claims(report))
        finally:
            await engine.aclose()

    async def _answer(self, engine: "LocalEngine") -> float:
        """Tokens per second of one answer, the first token apart. It also warms up what the audit is timed with."""
        question = Message("user", QUESTION.format(code=self._source.text[:QUESTION_CHARS]))
        done = 0
        self._speaker.progress("answering", 0, ANSWER_TOKENS)
        async with aclosing(engine.stream([question], Sampling(max_tokens=ANSWER_TOKENS))) as stream:
            async for item in stream:
                if isinstance(item, Finish):
                    return self._speed(item)
                done += 1
                self._speaker.progress("answering", done, ANSWER_TOKENS)
        raise EngineFailure("the answer had no end")

    def _speed(self, finish: Finish) -> float:
        tokens = finish.usage.completion_tokens - 1
        if tokens < 1:
            raise EngineFailure(say(self._settings.lang, "few_tokens"))
        if finish.decode_s <= 0:
            raise EngineFailure(say(self._settings.lang, "no_decode_time"))
        return tokens / finish.decode_s

    async def _audit(self, engine: "LocalEngine") -> Report:
        """The report of the audit that the server would run. Raises EngineFailure with what ended it.

        A model that is offloaded writes a token in seconds: after the order's minutes its audit is given up.
        """
        try:
            async with asyncio.timeout(60 * self._order.minutes):
                return await self._events(AuditService(lambda: engine, max_jobs=1))
        except TimeoutError as error:
            raise EngineFailure(say(self._settings.lang, "too_slow", minutes=self._order.minutes)) from error

    async def _events(self, service: AuditService) -> Report:
        done = total = 0
        async with aclosing(service.run_audit(Job("compare", (self._source,), self._settings.lang))) as events:
            async for event in events:
                if isinstance(event, Reported):
                    return event.report
                if isinstance(event, Failed):
                    raise EngineFailure(event.message, hint=event.hint)
                if isinstance(event, Progress) and event.stage == "model":
                    done, total = event.done, event.total
                self._speaker.progress("auditing", done, total)
        raise EngineFailure("the audit had no end")

    def _say_use(self, watch: Watch, gpu_peak_bytes: int, *, on_gpu: bool) -> None:
        self._speaker.line("measured", peak_bytes=gpu_peak_bytes if on_gpu else watch.peak_ram_bytes)
        if watch.gpu_percent is not None:
            self._speaker.line("measured", gpu_percent=watch.gpu_percent)
        else:
            why = say(self._settings.lang, "no_smi" if on_gpu else "no_gpu")
            self._speaker.line("missed", names=["gpu_percent"], why=why)

    # ---- the reference text ------------------------------------------------------------------------------------

    def _read_text(self, built: "Built", found: Found) -> None:
        from audit8.engine import closeness, likelihood  # noqa: PLC0415

        chosen = self._order.chosen
        assert chosen is not None
        ids = built.frame.tokenizer(reference.text(), add_special_tokens=False, verbose=False)["input_ids"]
        length = min(WINDOW_TOKENS, chosen.tokens, built.context_tokens)
        windows = likelihood.windows_of(ids, -(-chosen.tokens // length), length)
        parts = likelihood.parts_of(built.executor, windows, found.device)

        def progress(done: int, total: int) -> None:
            self._speaker.progress("reading", done, total)

        kept = Path(self._order.kept)
        if self._order.side == "optimised":
            numbers = windows.numel() * getattr(built.frame.config, "vocab_size", 0)
            self._check_disk(kept.parent, numbers * closeness.ITEM_BYTES)
            self._speaker.line("measured", perplexity=closeness.keep(parts, windows, kept, progress))
            return
        perplexity, close = closeness.compare(parts, windows, kept if kept.is_file() else None, progress)
        self._speaker.line("measured", perplexity=perplexity)
        if close is not None:
            self._speaker.line("close", **asdict(close))

    def _check_disk(self, folder: Path, needed_bytes: int) -> None:
        try:
            check_disk(folder, needed_bytes)
        except DoesNotFit as error:
            raise DoesNotFit(error.message, hint=say(self._settings.lang, "temporary")) from error

    @contextmanager
    def _missing(self, *names: str) -> Iterator[None]:
        """What fails in here is missed, and the rest goes on."""
        try:
            yield
        except Audit8Error as error:
            self._speaker.line("missed", names=names, why=_words(error))
        except OSError as error:
            why = error.strerror or say(self._settings.lang, "no_source")
            self._speaker.line("missed", names=names, why=why)
        except ValueError:
            self._speaker.line("missed", names=names, why=say(self._settings.lang, "text_short"))


def _claims(report: Report) -> list[dict[str, Any]]:
    return [
        asdict(Claim(finding.file, finding.start_line, finding.cwe, finding.origin == "model"))
        for finding in report.findings
    ]


def _words(error: Audit8Error) -> str:
    return " ".join(part for part in (error.message, error.hint) if part)


def main() -> int:
    """Exit code 0 also where figures were missed: the lines say so."""
    with _own_output() as out:
        speaker = Speaker(out)
        try:
            Run(order_of(sys.stdin.read()), speaker).measure()
        except Audit8Error as error:
            speaker.line("failed", why=_words(error))
            return 1
        speaker.line("end")
    return 0


@contextmanager
def _own_output() -> Iterator[TextIO]:
    """Standard output for the lines alone: what anybody else prints goes to standard error from now on."""
    with os.fdopen(os.dup(1), "w", encoding="ascii") as out:
        os.dup2(2, 1)
        yield out


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):  # the process that waits for this one says it
        sys.exit(main())
    sys.exit(130)
