"""What a child said is kept however it ends, and it never outlives its parent's interest."""

import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from audit8.compare.child import Heard, run_side
from audit8.compare.measures import Claim

START = """
import json, os, signal, sys, time
order = sys.stdin.read()
def say(**line): print(json.dumps(line), flush=True)
say(say="measured", weights_bytes=7, memory="vram")
"""


def heard_of(script: str, *, progress: list[tuple[str, int, int]] | None = None) -> Heard:
    seen: list[tuple[str, int, int]] = [] if progress is None else progress
    return run_side("{}", "en", lambda *said: seen.append(said), (sys.executable, "-c", START + script))


def test_everything_that_is_said_is_heard() -> None:
    seen: list[tuple[str, int, int]] = []
    heard = heard_of(
        """
assert order == "{}"
say(say="progress", stage="loading", done=1, total=4)
say(say="chosen", folder="f", name="n", pocket=False, device="d", tokens=64)
say(say="measured", audit_s=1.5, findings=[{"file": "a", "line": 3, "cwe": "CWE-89", "by_model": True}])
say(say="missed", names=["gpu_percent", "perplexity"], why="because")
say(say="end")
""",
        progress=seen,
    )
    assert seen == [("loading", 1, 4)]
    assert heard.chosen is not None
    assert (heard.chosen.name, heard.chosen.tokens) == ("n", 64)
    assert heard.side.findings == (Claim("a", 3, "CWE-89", True),)
    assert (heard.side.weights_bytes, heard.side.audit_s, heard.side.memory) == (7, 1.5, "vram")
    assert heard.side.missed == {"gpu_percent": "because", "perplexity": "because"}
    assert heard.side.failed == ""


def test_a_failure_in_words_is_kept_with_what_came_before() -> None:
    heard = heard_of('say(say="failed", why="does not fit"); sys.exit(1)')
    assert (heard.side.failed, heard.side.weights_bytes) == ("does not fit", 7)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to be killed by")
def test_a_child_that_the_system_kills_loses_only_the_rest() -> None:
    heard = heard_of("os.kill(os.getpid(), signal.SIGKILL)")
    assert "memory ran out" in heard.side.failed
    assert "signal 9" in heard.side.failed
    assert heard.side.weights_bytes == 7


def test_a_crash_is_told_by_its_last_line() -> None:
    heard = heard_of('raise MemoryError("no room\\x1b")')
    assert heard.side.failed == "its process ended with exit code 1: MemoryError: no room\\u001b"


def test_an_end_that_was_not_announced_is_a_failure_and_half_a_line_is_no_trouble() -> None:
    heard = heard_of("""print('{"say": "measu', end="", flush=True)""")
    assert heard.side.failed == "its process ended with exit code 0"


def test_a_child_that_never_starts_reading_is_a_failure_too() -> None:
    heard = run_side("x" * 10_000_000, "zh", lambda *said: None, (sys.executable, "-c", "import sys; sys.exit(3)"))
    assert heard.side.failed == "其进程以退出码 3 结束"


def test_ctrl_c_ends_the_child(tmp_path: Path) -> None:
    """Whatever interrupts the parent while it listens."""
    pid = tmp_path / "pid"

    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    script = f"""
open({str(pid)!r}, "w").write(str(os.getpid()))
signal.signal(signal.SIGINT, signal.SIG_IGN)
say(say="progress", stage="auditing", done=0, total=1)
time.sleep(60)
"""
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_side("", "en", interrupt, (sys.executable, "-c", START + script))
    assert time.monotonic() - begun < 30
    assert not psutil.pid_exists(int(pid.read_text()))
