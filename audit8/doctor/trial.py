"""Runs one step of the engine's self-test in a process of its own. However that ends, it is a result.

Knows processes; nothing of what is tried.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import audit8
from audit8.audit.hidden import one_line
from audit8.doctor.check import Tried

COMMAND = (sys.executable, "-m", "audit8.engine.selftest")
STEP_S = 180.0  # the first import of torch from a cold disk takes a minute
REASON_CHARS = 300


def try_step(step: str, command: Sequence[str] = COMMAND, limit_s: float = STEP_S) -> Tried:
    """The facts of `step`, or the last line that it said and how it ended."""
    environ = os.environ | {"PYTHONUTF8": "1", "TOKENIZERS_PARALLELISM": "false"}
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [*command, step],
            cwd=Path(audit8.__file__).parent.parent,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Tried(None, f"no answer within {limit_s:.0f} s")
    except OSError as error:
        return Tried(None, error.strerror or type(error).__name__)
    if done.returncode:
        return Tried(None, _reason(done.returncode, done.stderr.decode(errors="replace")))
    lines = done.stdout.decode(errors="replace").splitlines()
    return _read(lines[-1] if lines else "")


def _read(line: str) -> Tried:
    try:
        facts = json.loads(line)
    except ValueError:
        facts = None
    return Tried(facts) if isinstance(facts, dict) else Tried(None, "it said nothing that can be read")


def _reason(code: int, said: str) -> str:
    """The last line of a traceback; where there is none the process was ended by a signal or an abort."""
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "")
    if "Traceback" in said and last:
        return one_line(last, REASON_CHARS)
    ended = f"the process ended with code {code}"
    return one_line(f"{ended}: {last}" if last else ended, REASON_CHARS)
