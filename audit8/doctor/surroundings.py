"""The checks of what lies around the engine: disk, model folder, network, port, history, and a setting of Windows.

Each leaves everything as it was: nothing is made, downloaded or kept open.
"""

import os
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from audit8.api.listen import open_sockets
from audit8.doctor.check import Check, Patient, State
from audit8.doctor.words import say
from audit8.errors import ModelNotFound, StartupError
from audit8.models.checkpoint import check_folder
from audit8.models.fit import GIB
from audit8.store.allowed import history_refusal

MODEL_FOLDER = Path("model")
LEAST_GIB, PLENTY_GIB = 2, 24
ASK_S = 4.0
HUB, MODELSCOPE = "https://huggingface.co", "https://modelscope.cn"
SQLITE = b"SQLite format 3\x00"
Knock = Callable[[str], str]


def disk(patient: Patient) -> Check:
    """Free space where models are downloaded to and where their 8-bit copies are kept."""
    lang = patient.settings.lang
    folders = [hub_folder(), Path(patient.settings.cache_dir).expanduser()]
    free = [shutil.disk_usage(existing(folder)).free / GIB for folder in folders]
    found = say(lang, "disk_found", free=f"{free[0]:.0f}", folder=str(folders[0]))
    found += say(lang, "disk_cache", free=f"{free[1]:.0f}", folder=str(folders[1]))
    least = min(free)
    state: State = "fail" if least < LEAST_GIB else "warn" if least < PLENTY_GIB else "ok"
    return Check("disk", state, found, "" if state == "ok" else say(lang, "disk_fix"))


def model(patient: Patient) -> Check:
    """Whether the folder that `--model` or ./model/ names is a whole model; its weights are not read."""
    lang, named = patient.settings.lang, patient.settings.model
    if named and not Path(named).expanduser().exists():
        return Check("model", "ok", say(lang, "model_named", model=named))
    folders = [Path(named).expanduser()] if named else _folders()
    if not folders:
        return Check("model", "ok", say(lang, "model_none"))
    broken: Check | None = None
    for folder in folders:
        try:
            check_folder(folder)
        except (ModelNotFound, OSError) as error:
            hint = error.hint if isinstance(error, ModelNotFound) else ""
            broken = broken or Check("model", "fail", say(lang, "model_broken", why=str(error)), hint)
        else:
            return Check("model", "ok", say(lang, "model_folder", folder=str(folder)))
    assert broken is not None
    return broken


def network(patient: Patient, knock: Knock | None = None) -> Check:
    """Whether the Hub (or its mirror) and ModelScope answer at all; one of them is enough."""
    lang = patient.settings.lang
    if patient.offline:
        return Check("network", "ok", say(lang, "network_offline"))
    hub = os.environ.get("HF_ENDPOINT") or HUB
    reasons = {place: (knock or knock_at)(place) for place in (hub, MODELSCOPE)}
    parts = [
        say(lang, "network_no", place=_host(place), why=why) if why else say(lang, "network_yes", place=_host(place))
        for place, why in reasons.items()
    ]
    reached = not all(reasons.values())
    return Check("network", "ok" if reached else "warn", "; ".join(parts), "" if reached else say(lang, "network_fix"))


def port(patient: Patient) -> Check:
    settings = patient.settings
    try:
        sockets = open_sockets(settings.host, settings.port)
    except StartupError as error:
        return Check("port", "fail", error.message, error.hint)
    for one in sockets:
        one.close()
    return Check("port", "ok", say(settings.lang, "port_free", port=settings.port, host=settings.host))


def history(patient: Patient) -> Check:
    """Whether the file can be written, or made."""
    lang, file = patient.settings.lang, Path(patient.settings.history_file).expanduser()
    if refusal := history_refusal(patient.settings):
        return Check("history", "ok", say(lang, "history_off"), refusal)
    if why := _why_not_writable(file):
        return Check("history", "warn", say(lang, "history_fail", file=str(file), why=why), say(lang, "history_fix"))
    return Check("history", "ok", say(lang, "history_on", file=str(file)))


def sysmem(patient: Patient, platform: str = sys.platform) -> Check | None:
    """Only Windows' driver has this setting, and it cannot be read: it is explained where it may matter."""
    if platform != "win32" or not patient.driver.version:
        return None
    lang = patient.settings.lang
    return Check("sysmem", "ok", say(lang, "sysmem_found"), say(lang, "sysmem_fix"))


def hub_folder() -> Path:
    """Where the Hub's client keeps models, by its own variables; asking it would take a second of imports."""
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named).expanduser()
    home = os.environ.get("HF_HOME")
    return (Path(home).expanduser() if home else Path.home() / ".cache" / "huggingface") / "hub"


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    folder = folder.absolute()
    return next(one for one in (folder, *folder.parents) if one.is_dir())


def knock_at(address: str) -> str:
    """Why nobody answers there; "" if somebody does, whatever they say. Proxies of the environment are used."""
    try:
        request = urllib.request.Request(address, method="HEAD")  # noqa: S310 - the client's own address, or the user's
        urllib.request.urlopen(request, timeout=ASK_S).close()  # noqa: S310
    except urllib.error.HTTPError as answer:
        answer.close()
    except urllib.error.URLError as error:
        return str(error.reason)
    except (OSError, HTTPException, ValueError) as error:
        return str(error) or type(error).__name__
    return ""


def _folders() -> list[Path]:
    configs = [path for pattern in ("", "*/", "*/*/") for path in MODEL_FOLDER.glob(f"{pattern}config.json")]
    return sorted({path.parent for path in configs})


def _host(address: str) -> str:
    """Without a user's name and password."""
    return urlsplit(address).hostname or address


def _why_not_writable(file: Path) -> str:
    try:
        with file.open("r+b") as opened:
            head = opened.read(len(SQLITE))
        return "" if head in {b"", SQLITE} else "it is no database"
    except FileNotFoundError:
        above = existing(file.parent)
        return "" if os.access(above, os.W_OK) else f"{above} cannot be written"
    except OSError as error:
        return error.strerror or type(error).__name__
