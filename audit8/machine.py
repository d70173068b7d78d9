"""The machine at a glance: how busy the GPU is, its memory and the tokens a second, now and for five minutes back.

Knows the metered engine and NVML, the driver's own library; both may be absent. Knows nothing of jobs or HTTP.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from audit8.metered import MeteredEngine
from audit8.types import Memory

if TYPE_CHECKING:
    from audit8.engine.protocol import Engine

EVERY_S = 5.0
KEPT_S = 300.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What NVML says of the whole GPU, all programs together; None where it does not say."""

    utilisation_percent: int | None = None
    memory: Memory | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the machine; `at` is UTC in ISO 8601. None: not known (no GPU, or no model yet)."""

    at: str
    utilisation_percent: int | None
    memory: Memory | None
    tokens_per_s: float


ReadGpu = Callable[[], Reading]


def open_gpu(device: str) -> ReadGpu:
    """A function that reads the GPU `device` ("cuda:0") now; it reads nothing for a CPU or without NVML. Blocking."""
    if not device.startswith("cuda"):
        return Reading
    try:
        import pynvml  # noqa: PLC0415 - of use with an NVIDIA GPU only

        from audit8.engine.device import gpu_id  # noqa: PLC0415 - torch; the model has loaded it by now
    except ImportError:
        return Reading
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(gpu_id(device))
    except pynvml.NVMLError:
        return Reading
    return lambda: _read(pynvml, handle)


def _read(nvml: Any, handle: Any) -> Reading:
    percent: int | None = None
    memory: Memory | None = None
    with contextlib.suppress(nvml.NVMLError):  # each for itself: a card in MIG mode tells its memory alone
        percent = int(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    with contextlib.suppress(nvml.NVMLError):
        found = nvml.nvmlDeviceGetMemoryInfo(handle)
        memory = Memory("vram", int(found.used), int(found.total))
    return Reading(percent, memory)


class Monitor:
    """Takes a sample every EVERY_S seconds while `run` runs, and keeps those of KEPT_S seconds.

    `engine` gives the engine, None while there is none: then nothing is sampled. Used from one event loop.
    """

    def __init__(
        self,
        engine: Callable[[], MeteredEngine | None],
        *,
        opening: Callable[[str], ReadGpu] = open_gpu,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.samples: deque[Sample] = deque(maxlen=int(KEPT_S / EVERY_S))
        self._engine = engine
        self._opening = opening
        self._clock = clock
        self._read: ReadGpu | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            if self._engine() is not None:
                self.samples.append(await self.look())
            await asyncio.sleep(EVERY_S)

    async def look(self) -> Sample:
        """The machine now. Where NVML says nothing, the memory is what the engine itself uses."""
        engine = self._engine()
        reading = await asyncio.to_thread(self._ask, engine) if engine else Reading()
        memory = reading.memory or (engine.memory() if engine else None)
        at = self._clock().isoformat(timespec="seconds")
        return Sample(at, reading.utilisation_percent, memory, round(engine.tokens_per_s(), 1) if engine else 0.0)

    def _ask(self, engine: "Engine") -> Reading:
        self._read = self._read or self._opening(engine.info.device)
        return self._read()
