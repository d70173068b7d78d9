"""`audit8 models`: which of the known models fit this machine, which are on its disk, and fetching one.

Knows sizes and places. How a model is chosen at a start is models/choose.py's.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from audit8.audit.hidden import make_visible
from audit8.models.checkpoint import is_complete
from audit8.models.choose import find_model, model_folders
from audit8.models.fit import GIB, need_of_config, shortfall_bytes
from audit8.models.hub import HubOrigin
from audit8.models.known import KNOWN, KnownModel
from audit8.models.machine import Machine
from audit8.models.modelscope import ModelScopeOrigin
from audit8.models.pocket import NAME as POCKET
from audit8.models.pocket import pocket_folder
from audit8.scan.progress import Display
from audit8.settings import Settings
from audit8.startup import fused_vocabulary, probe, wish_of
from audit8.types import Lang, Quant

FIELDS = ("source", "quant", "engine", "head", "lang", "cache_dir", "context_tokens", "trust_remote_code")
SIZES: tuple[Quant, ...] = ("8bit", "4bit")
WORDS: dict[str, dict[Lang, str]] = {
    "machine": {"en": "{place}: {free:.1f} GiB free", "zh": "{place}：{free:.1f} GiB 空闲"},
    "ram": {"en": "no GPU, main memory", "zh": "没有 GPU，内存"},
    "row": {"en": "{name}: {sizes}; {licence}; {good}", "zh": "{name}：{sizes}；{licence}；{good}"},
    "fits": {"en": "{size} {gib:.1f} GiB", "zh": "{size} {gib:.1f} GiB"},
    "too_large": {"en": "{size} {gib:.1f} GiB (does not fit)", "zh": "{size} {gib:.1f} GiB（放不下）"},
    "here": {"en": "    on disk: {folder}", "zh": "    已在磁盘上：{folder}"},
    "pocket": {"en": "{name}: the pocket model, for trying the server", "zh": "{name}：袖珍模型，用于试用服务器"},
    "local": {"en": "{name}: a folder of yours", "zh": "{name}：您自己的文件夹"},
    "got": {"en": "{name} is in {folder}", "zh": "{name} 位于 {folder}"},
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One model. `gib`: what it needs in all by quantisation; `fits`: in which it fits; `folder` "": not on disk."""

    name: str
    gib: dict[str, float]
    fits: tuple[str, ...]
    folder: str
    licence: str
    good_for: str


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--get", metavar="NAME", default="", help="Fetch this model, going on where a download broke off."
    )
    parser.add_argument("--json", dest="as_json", action="store_true", help="Print the list as JSON.")


def run(settings: Settings, *, get: str, as_json: bool) -> int:
    """List, or fetch and say where it is; 0. Raises ModelNotFound and DoesNotFit as a start would."""
    machine, device = probe()
    small = fused_vocabulary(settings, device)
    if get:
        choice = find_model(wish_of(settings, get, small), machine, Display(sys.stderr, settings.lang).loading)
        print(_say("got", settings.lang, name=choice.name, folder=str(choice.folder)))
        return 0
    listed = [*(entry_of(model, settings, machine, int8_vocabulary=small) for model in KNOWN), *others(settings)]
    if as_json:
        print(json.dumps([asdict(entry) for entry in listed], ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines_of(listed, machine, settings.lang)))
    return 0


def entry_of(model: KnownModel, settings: Settings, machine: Machine, *, int8_vocabulary: bool = False) -> Entry:
    """`int8_vocabulary`: an 8-bit model's embedding and head would be 8 bit too."""
    needs = {
        quant: need_of_config(
            model.config,
            quant,
            settings.context_tokens,
            on_gpu=machine.has_gpu,
            int8_vocabulary=int8_vocabulary and quant == "8bit",
        )
        for quant in SIZES
    }
    return Entry(
        model.id,
        {quant: round(need.total_bytes / GIB, 2) for quant, need in needs.items()},
        tuple(quant for quant, need in needs.items() if shortfall_bytes(need, machine) <= 0),
        next((str(place) for place in _places(model.id) if place and is_complete(place)), ""),
        model.licence,
        model.good_for[settings.lang],
    )


def others(settings: Settings) -> list[Entry]:
    """Folders under ./model/ and the pocket model, where they are on the disk."""
    found = [(folder.resolve().name, folder) for folder in model_folders()]
    pocket = pocket_folder(Path(settings.cache_dir).expanduser())
    return [
        Entry(name, {}, (), str(folder), "", "") for name, folder in [*found, (POCKET, pocket)] if is_complete(folder)
    ]


def lines_of(listed: Iterable[Entry], machine: Machine, lang: Lang) -> list[str]:
    free = machine.gpu_free_bytes if machine.has_gpu else machine.ram_free_bytes
    lines = [_say("machine", lang, place=machine.gpu_name or _say("ram", lang), free=free / GIB)]
    for one in listed:
        sizes = ", ".join(
            _say("fits" if size in one.fits else "too_large", lang, size=size, gib=gib) for size, gib in one.gib.items()
        )
        name = make_visible(one.name)
        known = {"name": name, "sizes": sizes, "licence": one.licence, "good": one.good_for}
        lines.append(
            _say("row", lang, **known)
            if one.gib
            else _say("pocket" if one.name == POCKET else "local", lang, name=name)
        )
        if one.folder:
            lines.append(_say("here", lang, folder=make_visible(one.folder)))
    return lines


def _places(model_id: str) -> list[Path | None]:
    return [HubOrigin().cached(model_id), ModelScopeOrigin().cached(model_id)]


def _say(key: str, lang: Lang, **values: str | float) -> str:
    return WORDS[key][lang].format(**values)
