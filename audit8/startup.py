"""From settings to a ready engine: choose the model, fetch it, check that it fits, load it, and say so in the log.

Blocking; runs in a thread of its own. The five lines that users search their log for are Chinese in every language,
in the wording that the plain server had.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit8.errors import Audit8Error, MissingDependency
from audit8.models.choose import Choice, Wish, find_model
from audit8.models.fit import check_fit, measure_need
from audit8.models.machine import Machine
from audit8.settings import Settings
from audit8.types import EngineInfo, LoadProgress, Memory

if TYPE_CHECKING:
    from audit8.engine.build import Built
    from audit8.engine.local import LocalEngine
    from audit8.engine.protocol import Engine

log = logging.getLogger("audit8")

VERSION_OF = {"8bit": "8-bit 量化", "4bit": "4-bit 量化", "none": "16-bit 原版"}
TEXTS = {
    "zh": {"choice": "模型：{name}（{why}）", "folder": "模型文件夹：{folder}", "arithmetic": "运算方式：{arithmetic}"},
    "en": {
        "choice": "model: {name} ({why})",
        "folder": "model folder: {folder}",
        "arithmetic": "arithmetic: {arithmetic}",
    },
}
Progress = Callable[[LoadProgress], None]


@dataclass(frozen=True, slots=True)
class Found:
    """The model that was chosen, and the machine it was chosen for, as it was then. `device`: "cuda:0" or "cpu"."""

    choice: Choice
    machine: Machine
    device: str


def load_engine(settings: Settings, progress: Progress) -> "Engine":
    """Load what `settings` ask for; raises a StartupError in words."""
    if settings.engine == "openai":
        return connect_engine(settings, progress)
    found = find(settings, progress)
    return engine_of(found, build_model(settings, found, progress))


def connect_engine(settings: Settings, progress: Progress) -> "Engine":
    """The engine of --engine-url; nothing of a local model is imported for it. Raises a StartupError in words."""
    from audit8.remote.connect import Wanted, connect  # noqa: PLC0415 - most servers never need it

    progress(LoadProgress("choosing"))
    wanted = Wanted(
        urls=settings.engine_url,
        model=settings.engine_model or "",
        key_file=settings.engine_key_file,
        context_tokens=settings.context_tokens,
        lang=settings.lang,
        parallel=settings.engine_parallel,
    )
    return connect(wanted, lambda host: progress(LoadProgress("loading", detail=host)))


def find(settings: Settings, progress: Progress) -> Found:
    """The model for this machine, on this disk, and sure to fit; raises a StartupError in words."""
    words = TEXTS[settings.lang]
    log.info("正在加载模型（%s版本）...", VERSION_OF[settings.quant])
    progress(LoadProgress("choosing"))
    machine, device_name = probe()
    int8_vocabulary = fused_vocabulary(settings, device_name)
    choice = find_model(wish_of(settings, settings.model, int8_vocabulary), machine, progress)
    log.info(words["choice"].format(name=choice.name, why=choice.why))
    log.info(words["folder"].format(folder=choice.folder))
    check_fit(
        measure_need(
            choice.folder,
            choice.quant,
            settings.context_tokens,
            on_gpu=machine.has_gpu,
            int8_vocabulary=int8_vocabulary and choice.quant == "8bit",
        ),
        machine,
    )
    return Found(choice, machine, device_name)


def probe() -> tuple[Machine, str]:
    """This machine now, and the device that a model would run on; from here on no allocation spills."""
    _quiet_libraries()
    try:
        from audit8.engine import device  # noqa: PLC0415 - torch takes seconds to import; the socket is up by then
    except ModuleNotFoundError as error:
        raise MissingDependency(
            f"The package {error.name} is not installed; a model on this machine needs it.",
            hint="Install requirements.txt, or use another server: --engine openai --engine-url URL.",
        ) from None

    state = device.probe()
    device.cap_to_free_memory(state)
    return Machine(state.gpu_name, state.gpu_free_bytes, state.gpu_total_bytes, state.ram_free_bytes), state.name


def build_model(settings: Settings, found: Found, progress: Progress, *, gpu_bytes: int | None = None) -> "Built":
    """Load what was found, by the best way there is, and say so; `gpu_bytes` as in engine.build.Order."""
    from audit8.engine import build  # noqa: PLC0415

    place = "GPU" if found.device.startswith("cuda") else "CPU"
    log.info("加载模型到 %s（%s）...", place, VERSION_OF[found.choice.quant])
    progress(LoadProgress("loading", unit="tensors"))
    built = build.build(
        build.Order(
            folder=found.choice.folder,
            quant=found.choice.quant,
            device=found.device,
            kind="auto" if settings.engine == "openai" else settings.engine,  # never: load_engine sees to it
            context_tokens=settings.context_tokens,
            head=settings.head,
            cache_tokens=settings.cache_tokens,
            trust_remote_code=settings.trust_remote_code,
            cache_dir=Path(settings.cache_dir).expanduser() if settings.quantised_cache else None,
            gpu_bytes=gpu_bytes,
            speculation=settings.speculation,
        ),
        progress,
    )
    _say_loaded(found.device, built.weights_memory)
    log.info(TEXTS[settings.lang]["arithmetic"].format(arithmetic=built.arithmetic))
    for note in built.notes:
        log.info(note)
    return built


def engine_of(found: Found, built: "Built") -> "LocalEngine":
    """The running engine over what was built."""
    from audit8.engine import device  # noqa: PLC0415
    from audit8.engine.local import LocalEngine  # noqa: PLC0415

    return LocalEngine(
        tokenizer=built.frame.tokenizer,
        executor=built.executor,
        info=EngineInfo(
            model=found.choice.name,
            device=found.device,
            quantisation=found.choice.quant,
            arithmetic=built.arithmetic,
            context_tokens=built.context_tokens,
            pocket=found.choice.pocket,
            parallel=built.parallel,
            reasoning="<think>" in (built.frame.tokenizer.chat_template or ""),
        ),
        eos_ids=built.frame.eos_ids,
        memory=lambda: device.memory(found.device),
        classify=_logged(device.classify),
        vocabulary=built.frame.config.get_text_config().vocab_size,
    )


def _logged(classify: Callable[[BaseException], Audit8Error]) -> Callable[[BaseException], Audit8Error]:
    """An unexpected failure of the model is logged with its traceback (code never is: frames hold no source text)."""

    def classified(error: BaseException) -> Audit8Error:
        ours = classify(error)
        log.error("%s: %s", ours.code, ours.message, exc_info=None if ours is error else error)
        return ours

    return classified


def _say_loaded(device_name: str, memory: Memory) -> None:
    log.info("模型加载完成！")
    log.info("模型设备: %s", device_name)
    if memory.kind == "vram":
        log.info("显存占用: %.2f GB", memory.used_bytes / 2**30)
    else:
        log.info("内存占用: %.2f GB（常驻内存；没有 GPU）", memory.used_bytes / 2**30)


def fused_vocabulary(settings: Settings, device_name: str) -> bool:
    """Whether the fused engine, if it can run the model, will keep embedding and head in 8 bit."""
    from audit8.engine.build import missing_kernels  # noqa: PLC0415

    return settings.engine != "stock" and settings.head == "int8" and not missing_kernels(device_name)


def wish_of(settings: Settings, model: str | None, int8_vocabulary: bool) -> Wish:
    """What `settings` ask for of `model`; None: of one that fits."""
    return Wish(
        model=model,
        source=settings.source,
        quant=settings.quant,
        cache_dir=Path(settings.cache_dir).expanduser(),
        context_tokens=settings.context_tokens,
        lang=settings.lang,
        trust_remote_code=settings.trust_remote_code,
        int8_vocabulary=int8_vocabulary,
    )


def _quiet_libraries() -> None:
    """No telemetry, and no warning about forked tokenizers; what the user set stays."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
