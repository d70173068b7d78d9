"""The command: every check is printed, the exit code follows from them, and the JSON has nothing private."""

import getpass
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from audit8.doctor import command, surroundings
from audit8.doctor.check import Check, Driver, Tried, exit_code
from audit8.doctor.command import find_driver, line_of, mask, report_of
from audit8.doctor.trial import try_step
from audit8.doctor.words import WORDS
from tests.doctor.patients import CPU_BUILD, on_cpu, torch_facts

ROOT = Path(__file__).resolve().parents[2]


# ---- the steps in a process of their own ---------------------------------------------------------------------------


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


@pytest.mark.parametrize(
    ("code", "tried"),
    [
        ("import sys; print('noise'); print('{\"step\": \"' + sys.argv[1] + '\"}')", Tried({"step": "triton"})),
        ("raise ModuleNotFoundError(\"No module named 'torch'\")",
         Tried(None, "ModuleNotFoundError: No module named 'torch'")),
        ("import os; os._exit(3)", Tried(None, "the process ended with code 3")),
        ("print('no JSON')", Tried(None, "it said nothing that can be read")),
        ("", Tried(None, "it said nothing that can be read")),
    ],
)  # fmt: skip
def test_however_a_step_ends_is_a_result(code: str, tried: Tried) -> None:
    assert try_step("triton", python(code)) == tried


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_crash_is_a_result() -> None:
    assert try_step("torch", python("import os; os.abort()")).failure.startswith("the process ended with code -6")


def test_a_step_that_hangs_or_cannot_start_is_a_result(tmp_path: Path) -> None:
    assert try_step("torch", python("import time; time.sleep(60)"), 0.2).failure.startswith("no answer within")
    assert try_step("torch", (str(tmp_path / "none"),)).facts is None


# ---- the driver ----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands in for nvidia-smi")
@pytest.mark.parametrize(
    ("script", "driver"),
    [
        ("echo '581.42, NVIDIA GeForce RTX 4070'; echo '581.42, Tesla T4'",
         Driver("581.42", ("NVIDIA GeForce RTX 4070", "Tesla T4"))),
        ("echo 'NVIDIA-SMI has failed'; exit 9", Driver(silent=True)),
        ("echo 'No devices were found'", Driver()),
    ],
)  # fmt: skip
def test_what_nvidia_smi_says(script: str, driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smi = tmp_path / "nvidia-smi"
    smi.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_driver(tmp_path / "no cards") == driver


@pytest.mark.parametrize(
    ("vendor", "kind", "silent"),
    [("0x10de", "0x030000", True), ("0x10de", "0x040300", False), ("0x1002", "0x030000", False)],
)
def test_a_card_without_a_driver_is_noticed(
    vendor: str, kind: str, silent: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    device = tmp_path / "0000:01:00.0"
    device.mkdir()
    device.joinpath("vendor").write_text(f"{vendor}\n")
    device.joinpath("class").write_text(f"{kind}\n")
    tmp_path.joinpath("0000:02:00.0").mkdir()
    assert find_driver(tmp_path).silent is silent


# ---- what is printed -----------------------------------------------------------------------------------------------

CHECKS = [Check("python", "ok", "3.13"), Check("driver", "warn", "none", "slower"), Check("torch", "fail", "no", "pip")]


def test_only_a_failure_makes_the_exit_code() -> None:
    assert [exit_code(CHECKS[:count]) for count in range(4)] == [0, 0, 0, 1]


def test_a_line_has_state_name_and_fix() -> None:
    assert line_of(CHECKS[2], "en") == "[FAIL] torch: no\n       -> pip"
    assert line_of(CHECKS[0], "zh") == "[ 正常 ] Python: 3.13"


def test_both_languages_have_the_same_blanks() -> None:
    blanks = {key: [set(re.findall(r"{(\w+)}", text)) for text in texts] for key, texts in WORDS.items()}
    assert {key: both for key, both in blanks.items() if both[0] != both[1]} == {}


def test_a_report_has_nothing_private() -> None:
    home, user, machine = Path.home(), getpass.getuser(), socket.gethostname()
    private = f"{home}/x of {user} on {machine} in {home / 'y'}"
    text = json.dumps(report_of([Check("model", "fail", private, private)]))
    assert str(home) not in text
    for word in (user, machine):
        assert not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)
    assert "~/x of <user> on <machine>" in text


def test_names_are_masked_as_words_and_whatever_their_case() -> None:
    hidden = {"C:\\Users\\Me": "~", "me": "<user>"}
    assert mask("c:\\users\\me\\x memory ME, me_1", hidden) == "~\\x memory <user>, <user>_1"


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("torch", [torch_facts(**CPU_BUILD), Tried(None, "No module named 'torch'")])
def test_all_checks_are_printed_and_decide_the_exit_code(
    torch: Tried,
    as_json: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    product = Tried({"version": "1", "device": "cpu", "error": 0.0})
    monkeypatch.setattr(command, "try_step", lambda step: torch if step == "torch" else product)
    monkeypatch.setattr(command, "find_driver", Driver)
    monkeypatch.setattr(surroundings, "MODEL_FOLDER", tmp_path)
    settings = on_cpu(port=0, cache_dir=tmp_path).settings
    code = command.run(settings, as_json=as_json, offline=True)
    out = capsys.readouterr().out
    names = {"python", "driver", "torch", "memory", "bitsandbytes", "triton", "disk", "model", "network", "port"}
    if as_json:
        report = json.loads(out)
        assert {check["name"] for check in report["checks"]} == names | {"history"}
        assert (code == 1) is any(check["state"] == "fail" for check in report["checks"])
    else:
        assert len(re.findall(r"(?m)^\[", out)) == 11
        assert (code == 1) is ("[FAIL]" in out)
    assert torch.facts is not None or code == 1


def test_it_works_where_torch_is_not_installed(tmp_path: Path) -> None:
    """In a process that cannot find torch and what stands on it, and whose children cannot either."""
    hidden = tmp_path / "sitecustomize.py"
    hidden.write_text(
        "import sys\nclass Hide:\n    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'torch', 'transformers', 'bitsandbytes', 'triton'}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hide())\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "audit8", "doctor", "--json", "--offline", "--port", "0", "--lang", "en"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    states = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert states["torch"]["found"] == "is not installed"
    assert "pip install" in states["torch"]["fix"]
