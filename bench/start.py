"""How long a start takes: the first, which quantises, and those after it, which find the int8 weights on disk.

python bench/start.py --model FOLDER [--cache-dir DIR] [--starts 3] [--head int8] [--out FILE]

Every start is a process of its own. `imports_s`: torch, transformers and the engine; `load_s`: from then until the
weights and the key-value cache are in place; `ready_s`: from then until the first prompt could be read, the first
start's writing included in both; `process_s`: from the start of the process. Without --cache-dir a folder that is
removed at the end. The system keeps what was read in memory, so a first start after a boot is slower than these.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

CONTEXT_TOKENS = 8192


def measure(folder: Path, cache_dir: Path, head: Any) -> dict[str, Any]:
    """One start, in this process."""
    import torch

    from audit8.engine.build import Order, build
    from audit8.types import LoadProgress

    cuda = torch.cuda.is_available()
    born = psutil.Process().create_time()
    imports_s = time.time() - born
    stages: dict[str, float] = {}
    peak_bytes = 0
    start = time.perf_counter()

    def progress(step: LoadProgress) -> None:
        nonlocal peak_bytes
        name = f"{step.stage} {step.unit}{', writing' if step.detail else ''}"
        stages[name] = time.perf_counter() - start
        if cuda and step.stage == "loading":
            peak_bytes = torch.cuda.max_memory_allocated()
        if step.stage == "warming":
            stages.setdefault("warming begins", stages[name])

    order = Order(folder, "8bit", "cuda:0" if cuda else "cpu", "fused", CONTEXT_TOKENS, head, cache_dir=cache_dir)
    built = build(order, progress)
    ready_s = time.perf_counter() - start
    return {
        "imports_s": round(imports_s, 2),
        "load_s": round(stages.pop("warming begins", ready_s), 2),
        "ready_s": round(ready_s, 2),
        "process_s": round(time.time() - born, 2),
        "ends_of_stages_s": {name: round(when, 2) for name, when in stages.items()},
        "weights_gib": round(built.weights_memory.used_bytes / 2**30, 3) if cuda else None,
        "peak_gib": round((peak_bytes or peak_resident_bytes()) / 2**30, 3),
        "bitsandbytes_imported": "bitsandbytes" in sys.modules,
        "notes": [note.split(": /")[0] for note in built.notes],
        "hardware": torch.cuda.get_device_name(0) if cuda else platform.processor() or platform.machine(),
    }


def peak_resident_bytes() -> int:
    """The most that this process has held in memory; what it holds now where the system does not say."""
    if sys.platform == "linux":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(psutil.Process().memory_info().rss)


def in_a_process(options: argparse.Namespace, cache_dir: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--once", "--model", str(options.model), "--head", options.head]
    done = subprocess.run([*command, "--cache-dir", str(cache_dir)], stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--cache-dir", type=Path)
    parser.add_argument("--starts", type=int, default=3, help="the first included")
    parser.add_argument("--head", choices=["int8", "fp16"], default="int8")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--once", action="store_true", help="one start in this process (what the others are made of)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        cache_dir = options.cache_dir or Path(temporary)
        if options.once:
            print(json.dumps(measure(options.model, cache_dir, options.head)))
            return
        result = {
            "command": "python " + " ".join(sys.argv),
            "processors": psutil.cpu_count(),
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("torch", "transformers", "bitsandbytes")},
            },
            "starts": [in_a_process(options, cache_dir) for _ in range(options.starts)],
        }
    text = json.dumps(result, indent=1)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
