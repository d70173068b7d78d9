"""From a model folder to a loaded causal LM: quantised by bitsandbytes, wholly on one device, or not at all."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
import transformers
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, GenerationConfig

from audit8.errors import MissingDependency, ModelNotFound, Offloaded
from audit8.types import LoadProgress, Quant

OUTLIER_THRESHOLD = 6.0  # LLM.int8's own default: activation columns above it are multiplied in 16 bit
INSTALL_HINT = (
    "pip install -U bitsandbytes accelerate   (from a mirror: add -i https://pypi.tuna.tsinghua.edu.cn/simple)"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What every executor needs beside the weights. `eos_ids`: every token id that ends an answer.

    `context_tokens`: what the model was made for.
    """

    config: Any
    tokenizer: Any
    eos_ids: frozenset[int]
    pad_id: int
    context_tokens: int


def read_frame(folder: Path, *, trust_remote_code: bool = False) -> Frame:
    """The configuration and tokenizer of a model folder; raises ModelNotFound if they cannot be used."""
    with in_words(folder), _quiet():
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)
        generation = folder / "generation_config.json"
        declared = GenerationConfig.from_pretrained(folder).eos_token_id if generation.is_file() else None
    eos_ids = _ids(declared) | _ids(getattr(config, "eos_token_id", None)) | _ids(tokenizer.eos_token_id)
    return Frame(
        config=config,
        tokenizer=tokenizer,
        eos_ids=eos_ids,
        pad_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(eos_ids, default=0),
        context_tokens=int(getattr(config, "max_position_embeddings", 0) or 2048),
    )


def load(
    folder: Path,
    quant: Quant,
    device: str,
    progress: Callable[[LoadProgress], None],
    *,
    trust_remote_code: bool = False,
    gpu_bytes: int | None = None,
) -> Any:
    """The model of `folder` as transformers makes it, on `device` ("cuda:0" or "cpu"), quantised by bitsandbytes.

    `gpu_bytes`: what weights may take of the GPU; accelerate keeps the rest in main memory. None: nothing is offloaded.

    Raises:
        MissingDependency: bitsandbytes is absent or does not work.
        ModelNotFound: the folder is not a model that transformers can load from safetensors.
        Offloaded: a part of the model is not on `device`.
    """
    if quant != "none":
        check_bitsandbytes()
    with in_words(folder), _quiet(), _reported(progress):
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            device_map={"": device} if gpu_bytes is None else "auto",
            max_memory=None if gpu_bytes is None else {0: gpu_bytes, "cpu": int(psutil.virtual_memory().available)},
            dtype=_dtype(quant, device),
            quantization_config=_quantisation(quant),
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
        )
    model.eval()
    if gpu_bytes is None:
        check_placement(model, device)
    return model


def check_placement(model: torch.nn.Module, device: str) -> None:
    """Raises Offloaded unless every parameter and buffer is on `device`: nothing is ever offloaded silently."""
    wanted = torch.device(device)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.device.type != wanted.type:
            raise Offloaded(
                f"{name} is on {tensor.device}, not on {device}: the model does not fit",
                hint="choose a smaller model, --quant 4bit, or close other programs that use the GPU",
            )


def check_bitsandbytes() -> None:
    """Raises MissingDependency, with how to install it, unless bitsandbytes can be imported."""
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # else one line per layer and token
    try:
        import bitsandbytes  # noqa: F401, PLC0415 - its absence is an error with an answer, not a traceback
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise MissingDependency(f"bitsandbytes is missing or broken ({error})", hint=INSTALL_HINT) from error


def _quantisation(quant: Quant) -> BitsAndBytesConfig | None:
    if quant == "8bit":
        return BitsAndBytesConfig(
            load_in_8bit=True,
            llm_int8_threshold=OUTLIER_THRESHOLD,
            llm_int8_has_fp16_weight=False,
        )
    if quant == "4bit":
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.float16 if torch.cuda.is_available() else torch.float32,
        )
    return None


def _dtype(quant: Quant, device: str) -> torch.dtype | str:
    """What is not quantised: the checkpoint's own type for the original, else fp16 on a GPU, fp32 on a CPU.

    LLM.int8 computes its outliers in fp16 whatever it is given. CPUs without native bf16 are faster in fp32.
    """
    if quant == "none":
        return "auto"
    return torch.float16 if device.startswith("cuda") else torch.float32


def _ids(declared: int | list[int] | None) -> frozenset[int]:
    if declared is None:
        return frozenset()
    return frozenset(declared if isinstance(declared, list) else [declared])


class _Bar:
    """Stands in for transformers' progress bar over tensors and reports instead of drawing."""

    def __init__(self, progress: Callable[[LoadProgress], None], items: Any = None, total: int | None = None) -> None:
        self._progress = progress
        self._items = items
        self._total = total if total is not None else len(items) if hasattr(items, "__len__") else 0
        self._done = 0

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            yield item
            self.update()

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, count: int = 1) -> None:
        self._done += count
        self._progress(LoadProgress("loading", self._done, self._total, "tensors"))

    def close(self) -> None:
        return None

    def set_description(self, *_: object, **__: object) -> None:
        return None

    set_postfix = set_postfix_str = refresh = set_description


@contextmanager
def in_words(folder: Path) -> Iterator[None]:
    """What a library says about a folder that is no model, as ModelNotFound."""
    try:
        yield
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelNotFound(
            f"the model in {folder} cannot be loaded: {error}",
            hint="the folder needs config.json, tokenizer files and *.safetensors of a causal language model",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' notices."""
    verbosity = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers.utils.logging.set_verbosity(verbosity)


@contextmanager
def _reported(progress: Callable[[LoadProgress], None]) -> Iterator[None]:
    """Turn transformers' progress bars into reports while a model loads."""

    def hook(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Bar:
        return _Bar(progress, args[0] if args else kwargs.get("iterable"), kwargs.get("total"))

    before = transformers.utils.logging.set_tqdm_hook(hook)
    try:
        yield
    finally:
        transformers.utils.logging.set_tqdm_hook(before)
