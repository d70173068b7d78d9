"""`audit8 doctor`: the first looks, the checks one by one, and the lines or the JSON of what they say."""

import argparse
import contextlib
import getpass
import json
import platform
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from audit8 import __version__
from audit8.doctor import stack, surroundings
from audit8.doctor.check import Check, Driver, Patient, exit_code
from audit8.doctor.trial import try_step
from audit8.doctor.words import say
from audit8.settings import Settings
from audit8.types import Lang

# The settings that decide what is looked at.
FIELDS = (
    *("host", "port", "model", "lang", "cache_dir", "context_tokens"),
    *("history", "history_file"),
)
ANSWER_S = 20.0  # nvidia-smi hangs where the driver does
CARDS = Path("/sys/bus/pci/devices")
NVIDIA, DISPLAY_CLASS = "0x10de", "0x03"
NAME_COLUMNS = 24


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", dest="as_json", action="store_true", help="For a bug report: nothing private in it.")
    parser.add_argument("--offline", action="store_true", help="Do not ask whether the network is there.")


def run(settings: Settings, *, as_json: bool, offline: bool) -> int:
    """Check and print; the exit code: 1 if something stands in the way of the main job."""
    checks = []
    for check in examine(settings, offline=offline):
        checks.append(check)
        if not as_json:
            print(line_of(check, settings.lang), flush=True)
    if as_json:
        print(json.dumps(report_of(checks), ensure_ascii=False, indent=2))
        return exit_code(checks)
    failed = sum(check.state == "fail" for check in checks)
    print(say(settings.lang, "not_well", count=failed) if failed else say(settings.lang, "all_well"))
    return exit_code(checks)


def examine(settings: Settings, *, offline: bool) -> Iterator[Check]:
    """The checks, one after the other as they are done: some take seconds."""
    driver = find_driver()
    patient = Patient(settings, driver, try_step("torch"), offline)
    for check in (stack.python, stack.driver, stack.torch, stack.memory):
        yield check(patient)
    yield stack.bitsandbytes(patient, try_step)
    yield stack.triton(patient, try_step)
    around: tuple[Callable[[Patient], Check], ...] = (
        *(surroundings.disk, surroundings.model, surroundings.network),
        *(surroundings.port, surroundings.history),
    )
    for look in around:
        yield look(patient)
    if setting := surroundings.sysmem(patient):
        yield setting


def find_driver(cards: Path = CARDS) -> Driver:
    """Ask nvidia-smi; where it is silent, look whether the machine has a card of NVIDIA's at all (Linux)."""
    command = shutil.which("nvidia-smi")
    if command is not None:
        query = [command, "--query-gpu=driver_version,name", "--format=csv,noheader"]
        try:
            # the command's path is the system's own, the arguments are ours
            done = subprocess.run(query, capture_output=True, text=True, timeout=ANSWER_S, check=True)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            return Driver(silent=True)
        rows = [line.partition(", ") for line in done.stdout.splitlines() if ", " in line]
        if rows:
            return Driver(rows[0][0].strip(), tuple(name.strip() for _, _, name in rows))
    return Driver(silent=any(_is_card(device) for device in cards.glob("*")))


def _is_card(device: Path) -> bool:
    try:
        vendor, kind = (device.joinpath(name).read_text().strip() for name in ("vendor", "class"))
    except OSError:
        return False
    return vendor == NVIDIA and kind.startswith(DISPLAY_CLASS)


# ---- what is printed -----------------------------------------------------------------------------------------------


def line_of(check: Check, lang: Lang) -> str:
    """A line, and under it what to do."""
    head = f"[{say(lang, check.state):^4}] {say(lang, check.name)}: {check.found}"
    return head + (f"\n       -> {check.fix}" if check.fix else "")


def report_of(checks: list[Check]) -> dict[str, object]:
    """For a bug report: names of the user, the machine and the home folder are masked."""
    hidden = private_words()
    masked = [{name: mask(str(value), hidden) for name, value in asdict(check).items()} for check in checks]
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return {"audit8": __version__, "python": sys.version.split()[0], "system": mask(system, hidden), "checks": masked}


def private_words() -> dict[str, str]:
    """What must not be in a report -> what stands there instead, the longest first."""
    words = {str(Path.home()): "~", Path.home().as_posix(): "~", socket.gethostname(): "<machine>"}
    with contextlib.suppress(OSError, KeyError, ImportError):  # an account without a name
        words[getpass.getuser()] = "<user>"
    ordered = sorted(words, key=len, reverse=True)
    return {word: words[word] for word in ordered if word and word != "/"}


def mask(text: str, hidden: dict[str, str]) -> str:
    """`text` without the private words; a short one only where it stands alone ("me" is in "memory")."""
    for word, instead in hidden.items():
        text = re.sub(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", instead, text, flags=re.IGNORECASE)
    return text
