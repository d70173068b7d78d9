"""Progress is redrawn in a terminal, is a line now and then elsewhere, and shows no hostile text."""

import io
from collections.abc import Iterable
from dataclasses import replace

from audit8.events import Event, Found, Progress, Token, Withdrawn
from audit8.scan.progress import LOG_S, Display
from audit8.types import LoadProgress
from tests.audit.test_report import FINDING


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that goes on by `step_s` whenever it is read."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self._step_s = 0.0, step_s

    def __call__(self) -> float:
        self.now_s += self._step_s
        return self.now_s


def shown(out: io.StringIO, events: Iterable[Event], *, step_s: float = 1.0, quiet: bool = False) -> str:
    display = Display(out, "en", quiet=quiet, clock=Clock(step_s))
    for event in events:
        display.take(event)
    display.clear()
    return out.getvalue()


def files(count: int) -> list[Event]:
    return [Progress("rules", done, count, "evil\x1b[31m.py") for done in range(count)]


def test_a_log_gets_a_line_a_stage_and_one_every_few_seconds() -> None:
    lines = shown(io.StringIO(), [*files(20), Progress("report", 20, 20)]).splitlines()
    assert 20 / LOG_S <= len(lines) <= 20 / LOG_S + 3
    assert all("\x1b" not in line and "\r" not in line for line in lines)
    assert "0/20 static rules" in lines[0]
    assert "20/20 report" in lines[-1]


def test_a_terminal_has_one_line_that_is_cleared() -> None:
    text = shown(Terminal(), files(5))
    assert "\n" not in text
    assert text.count("\r") == 5 + 2
    assert "\x1b" not in text
    assert "4/5" in text


def test_drawing_is_not_the_work() -> None:
    assert shown(Terminal(), files(1000), step_s=0.0001).count("\r") < 30


def test_findings_are_counted_once_and_withdrawn_ones_not() -> None:
    one, other = (replace(FINDING, fingerprint="f", start_line=line) for line in (1, 2))
    events: list[Event] = [Found(one), Found(one), Found(other), Withdrawn(other.file, "f", 2, "safe")]
    assert "findings: 1" in shown(io.StringIO(), [*events, Progress("report", 1, 1)]).splitlines()[-1]


def test_the_speed_is_that_of_the_last_seconds() -> None:
    tokens = [Token("x") for _ in range(40)]
    text = shown(io.StringIO(), [*tokens, Progress("judge", 0, 1)], step_s=0.05)
    assert "10 tokens/s" in text.splitlines()[-1]
    assert "tokens/s" not in shown(io.StringIO(), [Token("x"), Progress("judge", 0, 1)], step_s=0.01)


def test_stages_that_take_turns_do_not_fill_the_log() -> None:
    events: list[Event] = []
    for done in range(50):
        events += [Progress("model", done, 50), Progress("judge", done, 50)]
    assert len(shown(io.StringIO(), events, step_s=0.01).splitlines()) == 2


def test_quiet_shows_nothing() -> None:
    assert shown(Terminal(), files(5), quiet=True) == ""


def test_loading_says_how_far_it_is() -> None:
    out = io.StringIO()
    display = Display(out, "zh", clock=Clock(1.0))
    display.loading(LoadProgress("loading", 1, 4))
    display.loading(LoadProgress("failed"))
    assert "加载模型 25 %" in out.getvalue()
    assert len(out.getvalue().splitlines()) == 1
