"""What a check says. Frozen values, no behaviour beyond what decides the exit code."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from audit8.settings import Settings

State = Literal["ok", "warn", "fail"]
Facts = dict[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class Check:
    """`found` is what there is, `fix` what to do about it, or worth knowing where all is well. In the user's words."""

    name: str
    state: State
    found: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Driver:
    """What nvidia-smi says: the driver's version and the GPUs' names. `silent`: there is a card and no answer."""

    version: str = ""
    gpus: tuple[str, ...] = ()
    silent: bool = False

    @property
    def major(self) -> int:
        """0 without a driver."""
        head = self.version.split(".")[0]
        return int(head) if head.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Tried:
    """How a step of the engine's self-test ended: its facts, or why there are none."""

    facts: Facts | None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What the checks are asked about: the settings of the server, and what the first looks found."""

    settings: Settings
    driver: Driver
    torch: Tried
    offline: bool = False


def exit_code(checks: Iterable[Check]) -> int:
    """1 if the main job cannot run as it should."""
    return int(any(check.state == "fail" for check in checks))
