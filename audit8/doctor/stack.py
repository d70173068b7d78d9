"""The checks of what computes: Python, driver, torch, memory, bitsandbytes, Triton. Judges facts; runs no kernel."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audit8.doctor.check import Check, Facts, Patient, Tried
from audit8.doctor.words import say
from audit8.models.fit import GIB, need_of_config
from audit8.models.known import CODER_1_5B, CODER_7B, KnownModel
from audit8.types import Quant

OLDEST, NEWEST = (3, 11), (3, 14)
OLDEST_DRIVER, BEST_DRIVER = 525, 580
INDEX = "https://download.pytorch.org/whl"
TryStep = Callable[[str], Tried]


def python(patient: Patient, version: tuple[int, ...] = sys.version_info[:3], bits: int = 0) -> Check:
    bits = bits or (64 if sys.maxsize > 2**32 else 32)
    shown = ".".join(map(str, version))
    found = say(patient.settings.lang, "python_found", version=shown, bits=bits, system=sys.platform)
    good = OLDEST <= version[:2] <= NEWEST and bits == 64
    return Check("python", "ok" if good else "fail", found, "" if good else say(patient.settings.lang, "python_fix"))


def driver(patient: Patient) -> Check:
    lang, there = patient.settings.lang, patient.driver
    if there.silent:
        return Check("driver", "fail", say(lang, "driver_silent"), say(lang, "driver_silent_fix"))
    if not there.version:
        return Check("driver", "warn", say(lang, "driver_none"), say(lang, "driver_none_fix"))
    found = say(lang, "driver_found", version=there.version, gpus=", ".join(there.gpus))
    if there.major < OLDEST_DRIVER:
        return Check("driver", "fail", found, say(lang, "driver_old_fix"))
    return Check("driver", "ok", found, "" if there.major >= BEST_DRIVER else say(lang, "driver_580_note"))


def torch(patient: Patient) -> Check:
    """The build has to suit the machine: one for the CPU beside an NVIDIA driver is a mistake."""
    lang, facts, has_driver = patient.settings.lang, patient.torch.facts, bool(patient.driver.version)
    if facts is None:
        return _torch_absent(patient)
    version, cuda, sees_gpu = str(facts["version"]), str(facts["cuda"]), bool(facts["gpu_total_bytes"])
    if facts["cuda"] is None and has_driver:
        fix = say(lang, "run", command=torch_command(patient))
        return Check("torch", "fail", say(lang, "torch_cpu_wrong", version=version), fix)
    if has_driver and not sees_gpu:
        fix = say(lang, "torch_blind_fix", command=torch_command(patient))
        return Check("torch", "fail", say(lang, "torch_blind", version=version, cuda=cuda), fix)
    if not sees_gpu:
        return Check("torch", "ok", say(lang, "torch_cpu", version=version))
    gpu = f"{facts['gpu_name']} ({facts['capability']})"
    return Check("torch", "ok", say(lang, "torch_found", version=version, cuda=cuda, gpu=gpu))


def _torch_absent(patient: Patient) -> Check:
    lang, failure, command = patient.settings.lang, patient.torch.failure, torch_command(patient)
    if "No module named 'torch'" in failure:
        return Check("torch", "fail", say(lang, "torch_missing"), say(lang, "torch_missing_fix", command=command))
    found = say(lang, "torch_broken", why=failure)
    return Check("torch", "fail", found, say(lang, "torch_broken_fix", command=command))


def torch_command(patient: Patient) -> str:
    """What installs the build of torch that the driver can run; the start script knows the exceptions as well."""
    major = patient.driver.major
    index = "cpu" if major < OLDEST_DRIVER else "cu130" if major >= BEST_DRIVER else "cu126"
    return f'{_pip()} --force-reinstall "torch>=2.11,<2.14" --index-url {INDEX}/{index}'


def memory(patient: Patient) -> Check:
    lang, facts = patient.settings.lang, patient.torch.facts
    if facts is None:
        return Check("memory", "warn", say(lang, "memory_unknown"))
    on_gpu = bool(facts["gpu_total_bytes"])
    free_bytes = _number(facts, "gpu_free_bytes" if on_gpu else "ram_free_bytes")
    free = _gib(free_bytes)
    if on_gpu:
        total = _gib(_number(facts, "gpu_total_bytes"))
        found = say(lang, "memory_gpu", free=free, total=total, gpu=str(facts["gpu_name"]))
    else:
        found = say(lang, "memory_cpu", free=free)
    rungs: list[tuple[KnownModel, Quant]] = [(CODER_7B, "8bit"), (CODER_7B, "4bit")] if on_gpu else []
    rungs.append((CODER_1_5B, "8bit"))
    needs = [_needed_bytes(patient, model, quant, on_gpu=on_gpu) for model, quant in rungs]
    fitting = next((index for index, needed_bytes in enumerate(needs) if needed_bytes <= free_bytes), None)
    if fitting is None:
        fix = say(lang, "memory_none_gpu_fix" if on_gpu else "memory_none_cpu_fix", needed=_gib(needs[-1]))
        return Check("memory", "fail" if on_gpu else "warn", found, fix)
    model, quant = rungs[fitting]
    found += say(lang, "memory_fits", model=model.id, quant=quant)
    fix = say(lang, "memory_small_fix", model=CODER_7B.id, needed=_gib(needs[0])) if fitting else ""
    return Check("memory", "warn" if fitting else "ok", found, fix)


def bitsandbytes(patient: Patient, try_step: TryStep) -> Check:
    lang = patient.settings.lang
    if patient.torch.facts is None:
        return Check("bitsandbytes", "fail", say(lang, "not_tried"))
    tried = try_step("bitsandbytes")
    if tried.facts is None:
        fix = say(lang, "bitsandbytes_fix", command=f"{_pip()} -U bitsandbytes accelerate")
        return Check("bitsandbytes", "fail", say(lang, "broken", why=tried.failure), fix)
    version, device = str(tried.facts["version"]), str(tried.facts["device"])
    return Check("bitsandbytes", "ok", say(lang, "works", version=version, device=device))


def triton(patient: Patient, try_step: TryStep) -> Check:
    lang, facts = patient.settings.lang, patient.torch.facts
    if facts is None:
        return Check("triton", "warn", say(lang, "not_tried"))
    if not facts["gpu_total_bytes"]:
        return Check("triton", "ok", say(lang, "triton_none"))
    tried = try_step("triton")
    package = "triton-windows" if sys.platform == "win32" else "triton"
    fix = say(lang, "triton_fix", command=f"{_pip()} -U {package}")
    if tried.facts is None:
        return Check("triton", "warn", say(lang, "broken", why=tried.failure), fix)
    if unusable := tried.facts.get("unusable"):
        return Check("triton", "warn", str(unusable), fix)
    return Check("triton", "ok", say(lang, "works", version=str(tried.facts["version"]), device="cuda"))


def _needed_bytes(patient: Patient, model: KnownModel, quant: Quant, *, on_gpu: bool) -> int:
    """What the server itself would ask for, with what is taken already counted as the desktop's share."""
    tokens = patient.settings.context_tokens
    need = need_of_config(model.config, quant, tokens, on_gpu=on_gpu, int8_vocabulary=quant == "8bit")
    if not on_gpu or patient.torch.facts is None:
        return need.model_bytes
    taken_bytes = _number(patient.torch.facts, "gpu_total_bytes") - _number(patient.torch.facts, "gpu_free_bytes")
    return need.model_bytes + max(0, need.desktop_bytes - taken_bytes)


def _number(facts: Facts, name: str) -> int:
    value: Any = facts[name]
    return int(value)


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / GIB:.1f}"


def _pip() -> str:
    program = str(Path(sys.executable))
    return f'"{program}" -m pip install' if " " in program else f"{program} -m pip install"
