"""Machines to be examined: described, not present."""

from pathlib import Path
from typing import Any

from audit8.doctor.check import Driver, Facts, Patient, Tried
from audit8.settings import Settings

GIB = 1024**3
DRIVER = Driver("581.42", ("NVIDIA GeForce RTX 4070",))


def torch_facts(**changed: Any) -> Tried:
    facts: Facts = {
        "version": "2.13.0+cu130",
        "cuda": "13.0",
        "capability": "8.9",
        "gpu_name": "NVIDIA GeForce RTX 4070",
        "gpu_free_bytes": 11 * GIB,
        "gpu_total_bytes": 12 * GIB,
        "ram_free_bytes": 16 * GIB,
    }
    return Tried({**facts, **changed})


CPU_BUILD: Facts = {"version": "2.13.0+cpu", "cuda": None, "capability": "", "gpu_free_bytes": 0, "gpu_total_bytes": 0}


def patient(driver: Driver = DRIVER, torch: Tried | None = None, *, offline: bool = False, **settings: Any) -> Patient:
    return Patient(Settings(**{"lang": "en", **settings}), driver, torch or torch_facts(), offline)


def on_cpu(**settings: Any) -> Patient:
    return patient(Driver(), torch_facts(**CPU_BUILD), **settings)


def a_model(folder: Path) -> Path:
    """The smallest folder that is a whole model by its headers."""
    folder.mkdir(parents=True)
    folder.joinpath("config.json").write_text('{"model_type": "qwen2"}', encoding="utf-8")
    folder.joinpath("tokenizer.json").write_text("{}", encoding="utf-8")
    header = b'{"w": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}}'
    folder.joinpath("model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    return folder
