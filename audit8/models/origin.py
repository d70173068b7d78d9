"""What the two places that models are downloaded from have in common, and the order of a download.

Small files first: config.json says whether the model can be used at all, before the first gigabyte.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from audit8.errors import ModelNotFound
from audit8.models.checkpoint import INDEX_NAME, PICKLE_SUFFIXES, check_folder, weight_names
from audit8.models.disk import check_disk
from audit8.models.meter import Meter, Stopped
from audit8.types import LoadProgress

Result = TypeVar("Result")
SMALL_SUFFIXES = (".json", ".txt", ".model", ".jinja", ".tiktoken")


class Unreachable(Exception):
    """This place cannot be asked now; another one may. Its text says why, in a few words."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """`sha256` is "" where the place does not tell it."""

    name: str
    size_bytes: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files in the top folder of one revision of a model; `folder` is where they will lie on this disk."""

    model_id: str
    revision: str
    files: tuple[RemoteFile, ...]
    folder: Path


class Origin(Protocol):
    """A place that models come from. `label` is its name for people."""

    label: str

    def cached(self, model_id: str) -> Path | None:
        """The folder of a model downloaded earlier, whole or not, without touching the network."""
        ...

    def list_files(self, model_id: str, timeout_s: float) -> Listing:
        """Ask for the model's newest revision.

        Raises:
            Unreachable: no usable answer within `timeout_s`.
            ModelNotFound: an answer, and it is no.
        """
        ...

    def held_bytes(self, listing: Listing, file: RemoteFile) -> int:
        """How much of `file` is on this disk already."""
        ...

    def fetch(self, listing: Listing, files: Sequence[RemoteFile], meter: Meter) -> Path:
        """Download `files` (those that are here already are not sent again) and return the folder they are in.

        Raises:
            ModelNotFound: the download broke; what has arrived is kept, and the next call continues from there.
        """
        ...


def download(
    origin: Origin,
    model_id: str,
    *,
    check: Callable[[Path], None],
    progress: Callable[[LoadProgress], None],
    with_code: bool,
    timeout_s: float,
) -> Path:
    """Download a whole model and return its folder.

    `check` gets the folder as soon as the small files are in it and raises if the rest is not worth downloading.
    `with_code` also downloads the Python files that came with the model. If `progress` raises, the download stops.

    Raises:
        Unreachable, ModelNotFound: as `Origin` says; also if the model has no safetensors weights.
        DoesNotFit: not enough disk; whatever `check` raises.
    """
    progress(LoadProgress("downloading", detail=f"{model_id} ({origin.label})"))
    listing = origin.list_files(model_id, timeout_s)
    small = [file for file in listing.files if _is_small(file.name, with_code=with_code)]
    if not any(file.name == "config.json" for file in small):
        raise ModelNotFound(f"{model_id} on {origin.label} has no config.json", hint=_hint_without_weights(listing))
    meter = Meter(progress, f"{model_id} ({origin.label})")
    try:
        meter.expect(_size(small))
        folder = origin.fetch(listing, small, meter)
        check(folder)
        weights = _weights(listing, folder, origin.label)
        check_disk(folder, sum(file.size_bytes - origin.held_bytes(listing, file) for file in weights))
        meter.expect(_size(weights))
        origin.fetch(listing, weights, meter)
    except Stopped as stopped:
        raise meter.reason or stopped from None
    check_folder(folder)
    return folder


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """The result of `call`, or Unreachable after `seconds`, whatever it is doing.

    A client's own timeout is for one attempt at one address: a host whose dozen addresses are all blackholed takes
    a dozen of them. The abandoned thread is a daemon and ends with its last attempt.
    """
    box: queue.SimpleQueue[tuple[Result | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            box.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - raised again by the waiting thread
            box.put((None, error))

    threading.Thread(target=work, daemon=True, name="audit8-probe").start()
    try:
        result, error = box.get(timeout=seconds)
    except queue.Empty:
        raise Unreachable(f"no answer within {seconds:.0f} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # without an error there is a result


def _size(files: Sequence[RemoteFile]) -> int:
    return sum(file.size_bytes for file in files)


def _weights(listing: Listing, folder: Path, label: str) -> list[RemoteFile]:
    offered = {file.name: file for file in listing.files}
    names = weight_names(folder, offered.__contains__)
    if not names or not all(name in offered for name in names):
        raise ModelNotFound(
            f"{listing.model_id} on {label} has no whole set of *.safetensors", hint=_hint_without_weights(listing)
        )
    return [offered[name] for name in names]


def _is_small(name: str, *, with_code: bool) -> bool:
    return "/" not in name and (
        name.endswith(SMALL_SUFFIXES) or name == INDEX_NAME or (with_code and name.endswith(".py"))
    )


def _hint_without_weights(listing: Listing) -> str:
    names = [file.name for file in listing.files]
    if any(name.endswith(".gguf") for name in names):
        return "it has GGUF files, which are for llama.cpp: name the original model, with *.safetensors"
    if any(name.endswith(PICKLE_SUFFIXES) for name in names):
        return "it only has pickle weights, which can run any code when they are opened: choose one with *.safetensors"
    return "choose a causal language model with config.json and *.safetensors"
