"""The monitor: what it reads is what the driver or the engine says, and nothing is made up where neither says it."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from audit8 import machine
from audit8.engine import device
from audit8.engine.fake import FAKE_INFO, FakeEngine
from audit8.machine import Monitor, Reading, open_gpu
from audit8.metered import MeteredEngine
from audit8.types import Memory, Message, Sampling
from tests.api.serving import until

VRAM = Memory("vram", 7, 12)


def clock() -> Iterator[datetime]:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    while True:
        yield at
        at += timedelta(seconds=5)


async def test_without_an_engine_nothing_is_known() -> None:
    monitor = Monitor(lambda: None)
    sample = await monitor.look()
    assert (sample.utilisation_percent, sample.memory, sample.tokens_per_s) == (None, None, 0.0)


async def test_without_a_gpu_the_memory_is_the_engines_own() -> None:
    engine = MeteredEngine(FakeEngine())
    sample = await Monitor(lambda: engine).look()
    assert sample.memory == engine.memory()
    assert sample.utilisation_percent is None


async def test_the_driver_is_opened_once_and_asked_every_time() -> None:
    opened: list[str] = []
    readings = iter([Reading(10, VRAM), Reading(90, VRAM)])

    def opening(name: str) -> machine.ReadGpu:
        opened.append(name)
        return lambda: next(readings)

    engine = MeteredEngine(FakeEngine())
    times = clock()
    monitor = Monitor(lambda: engine, opening=opening, clock=lambda: next(times))
    samples = [await monitor.look(), await monitor.look()]
    assert [sample.utilisation_percent for sample in samples] == [10, 90]
    assert [sample.at for sample in samples] == ["2026-01-02T03:04:05+00:00", "2026-01-02T03:04:10+00:00"]
    assert samples[0].memory == VRAM
    assert opened == [FAKE_INFO.device]


async def test_five_minutes_are_kept_and_tokens_are_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = FakeEngine()
    engine = MeteredEngine(inner)
    inner.enqueue("a b c d e")
    async for _ in engine.stream([Message("user", "hi")], Sampling(max_tokens=9)):
        pass
    monitor = Monitor(lambda: engine, opening=lambda _: Reading)
    monkeypatch.setattr(machine, "EVERY_S", 0)
    running = asyncio.create_task(monitor.run())
    await until(lambda: len(monitor.samples) == 60)
    first = monitor.samples[0]
    await until(lambda: monitor.samples[0] is not first)
    running.cancel()
    assert len(monitor.samples) == 60
    assert first.tokens_per_s == 5.0


class NvmlError(Exception):
    pass


def nvml(**functions: object) -> SimpleNamespace:
    def refuse(_: object) -> None:
        raise NvmlError

    names = ("nvmlDeviceGetHandleByUUID", "nvmlDeviceGetUtilizationRates", "nvmlDeviceGetMemoryInfo")
    return SimpleNamespace(NVMLError=NvmlError, nvmlInit=lambda: None, **{**dict.fromkeys(names, refuse), **functions})


@pytest.mark.parametrize("busy", [True, False])
def test_the_gpu_is_found_by_its_id_and_tells_what_it_can(busy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    fake = nvml(
        nvmlDeviceGetHandleByUUID=asked.append,
        nvmlDeviceGetMemoryInfo=lambda _: SimpleNamespace(used=7, total=12),
        **({"nvmlDeviceGetUtilizationRates": lambda _: SimpleNamespace(gpu=83, memory=40)} if busy else {}),
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.setattr(device, "gpu_id", lambda name: f"GPU-of-{name}")
    assert open_gpu("cuda:0")() == Reading(83 if busy else None, VRAM)
    assert asked == ["GPU-of-cuda:0"]


def test_without_nvml_or_with_one_that_refuses_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "gpu_id", lambda name: name)
    monkeypatch.setitem(sys.modules, "pynvml", nvml())
    assert open_gpu("cuda:0")() == Reading()
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert open_gpu("cuda:0")() == Reading()


def test_a_cpu_has_no_driver_to_ask() -> None:
    assert open_gpu("cpu")() == Reading()
