"""Faults on purpose, on a real model: a full cache, memory that is gone, a GPU that has lost its context.

PYTHONPATH=. python bench/faults.py --model FOLDER --out FILE [--context 2048]

`full`: requests for several times what the cache holds; every second one is cancelled while all wait or run. Whoever
stays is served to the end, and no page is left in use. `memory`: everything that is free on the GPU is taken, then a
prompt comes whose prefill finds no room: it alone fails, one that runs goes on to its end, and the next is served once
there is memory again. `lost`: an illegal address in the middle of an answer, in a process of its own, since no CUDA
call works there any more: whoever waits is told, and so is whoever comes later. The last two need a GPU.
"""

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import torch

from audit8.engine import device
from audit8.engine.build import Order, build
from audit8.engine.local import LocalEngine
from audit8.errors import Audit8Error, OutOfMemory
from audit8.types import EngineInfo, Finish, Message, Piece, Sampling

SERVED = "served"
CONTEXTS, CROWD = 4, 40
BALLAST_BYTES = 1 << 20
Facts = dict[str, Any]


def engine_over(folder: Path, context: int) -> LocalEngine:
    name = device.probe().name
    built = build(Order(folder, "8bit", name, "fused", context, cache_tokens=CONTEXTS * context), lambda _: None)
    return LocalEngine(
        tokenizer=built.frame.tokenizer,
        executor=built.executor,
        info=EngineInfo(folder.name, name, "8bit", built.arithmetic, built.context_tokens),
        eos_ids=frozenset(),  # answers are as long as they may be
        memory=lambda: device.memory(name),
        classify=device.classify,
    )


def asked(engine: LocalEngine, words: int, number: int, max_tokens: int) -> AsyncGenerator[Piece | Finish]:
    """A prompt of about `words` tokens that no other begins like."""
    text = f"{number} " + "one two three four " * (words // 4)
    return engine.stream([Message("user", text)], Sampling(max_tokens=max_tokens))


async def outcome(stream: AsyncGenerator[Piece | Finish], first: asyncio.Event | None = None) -> str:
    """`SERVED` or the code of the error."""
    last: Piece | Finish | None = None
    try:
        async with aclosing(stream) as items:
            async for item in items:
                last = item
                if first:
                    first.set()
    except Audit8Error as error:
        return error.code
    return SERVED if isinstance(last, Finish) else "ended without a last word"


async def served_next(engine: LocalEngine) -> bool:
    return await outcome(asked(engine, 40, 999, 8)) == SERVED


async def full(engine: LocalEngine) -> Facts:
    """Each needs a third of a context, so that at most 3 * CONTEXTS have their pages."""
    context = engine.info.context_tokens
    usage: list[float] = []
    crowded = asyncio.Event()

    async def watch() -> None:
        while True:
            usage.append(engine.figures()["kv_cache_usage_ratio"])
            if usage[-1] > 0.8:
                crowded.set()
            await asyncio.sleep(0.01)

    watching = asyncio.ensure_future(watch())
    jobs = [asyncio.ensure_future(outcome(asked(engine, context // 6, n, context // 6))) for n in range(CROWD)]
    await crowded.wait()  # the rest waits for pages
    for job in jobs[::2]:
        job.cancel()
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    next_one = await served_next(engine)
    watching.cancel()
    stayed = ended[1::2]
    return {
        "asked": CROWD,
        "cancelled": sum(isinstance(end, asyncio.CancelledError) for end in ended),
        "stayed": len(stayed),
        "stayed_and_served": stayed.count(SERVED),
        "most_of_the_cache_in_use": round(max(usage), 3),
        "in_use_afterwards": engine.figures()["kv_cache_usage_ratio"],
        "next_served": next_one,
    }


async def memory(engine: LocalEngine) -> Facts:
    context = engine.info.context_tokens
    running = asyncio.Event()
    other = asyncio.ensure_future(outcome(asked(engine, 40, 0, context // 2), running))
    await running.wait()
    torch.cuda.empty_cache()
    ballast = []
    with suppress(torch.OutOfMemoryError):
        size = torch.cuda.mem_get_info()[0]
        while size >= BALLAST_BYTES:
            try:
                ballast.append(torch.empty(size, dtype=torch.uint8, device="cuda"))
            except torch.OutOfMemoryError:
                size //= 2
    free = torch.cuda.mem_get_info()[0]
    met = await outcome(asked(engine, context - 200, 1, 8))
    ballast.clear()
    torch.cuda.empty_cache()
    return {
        "free_mib_when_it_came": free >> 20,
        "the_prompt_without_room": met,
        "expected": OutOfMemory.code,
        "the_one_that_ran": await other,
        "next_served": await served_next(engine),
        "in_use_afterwards": engine.figures()["kv_cache_usage_ratio"],
    }


async def lost(engine: LocalEngine) -> Facts:
    running = asyncio.Event()
    other = asyncio.ensure_future(outcome(asked(engine, 40, 0, engine.info.context_tokens // 2), running))
    waiting = [asyncio.ensure_future(outcome(asked(engine, 40, n, 64))) for n in range(1, 9)]
    await running.wait()
    torch.zeros(4, device="cuda")[torch.tensor([1 << 40], device="cuda")]
    began = time.monotonic()
    ends = await asyncio.gather(other, *waiting)
    return {
        "all_told_after_s": round(time.monotonic() - began, 2),
        "told": sorted(set(ends)),
        "later": await outcome(asked(engine, 40, 99, 8)),
    }


def alone(folder: Path, context: int, channel: Any) -> None:
    """The whole of `lost`; the process may end badly afterwards, and that is the fault's right."""
    channel.put(asyncio.run(lost(engine_over(folder, context))))


def in_a_process(folder: Path, context: int) -> Facts:
    spawn = multiprocessing.get_context("spawn")
    channel = spawn.Queue()
    child = spawn.Process(target=alone, args=(folder, context, channel))
    child.start()
    try:
        return dict(channel.get(timeout=300))
    finally:
        child.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--context", type=int, default=2048, help="tokens of a context; the cache holds four")
    options = parser.parse_args()
    on_gpu = torch.cuda.is_available()
    result: Facts = {
        "command": f"python bench/faults.py --model {options.model.name} --context {options.context}",
        "hardware": torch.cuda.get_device_name(0) if on_gpu else "cpu",
        "torch": torch.__version__,
    }

    async def here() -> None:
        engine = engine_over(options.model, options.context)
        faults: list[Callable[[LocalEngine], Coroutine[Any, Any, Facts]]] = [full, memory] if on_gpu else [full]
        for fault in faults:
            result[fault.__name__] = await fault(engine)
            print(fault.__name__, json.dumps(result[fault.__name__]), flush=True)
        await engine.aclose()

    asyncio.run(here())
    if on_gpu:
        torch.cuda.empty_cache()
        result["lost"] = in_a_process(options.model, options.context)
        print("lost", json.dumps(result["lost"]), flush=True)
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
