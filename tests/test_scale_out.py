"""What docs/scale-out.md and docker/ say is compared with what there is; the containers themselves are not run here."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from audit8.pipeline.sizes import CHUNK_TOKENS
from audit8.remote.pool import Patience
from audit8.settings import Settings
from tests.test_docs import tables

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = (ROOT / "docs" / "scale-out.md").read_text(encoding="utf-8")
FLAGS = {f"--{name.replace('_', '-')}" for name in Settings.model_fields}
QUESTION_TOKENS, ANSWER_TOKENS, LINES = 901, 300, 284


def test_the_sizes_are_worked_out_from_the_recorded_rates() -> None:
    rows = [row for table in tables(DOCUMENT) for row in table if row[0] in {"H100", "H200"}]
    assert len(rows) == 6
    assert f"({CHUNK_TOKENS} + {QUESTION_TOKENS}) / prefill + {ANSWER_TOKENS} / decode" in DOCUMENT
    for card, answers, chunks, lines, seconds in rows:
        path = ROOT / "bench" / "results" / f"engine-{card.lower()}.json"
        run = json.loads(path.read_text(encoding="utf-8"))
        prefill_s = (CHUNK_TOKENS + QUESTION_TOKENS) / run["prefill_tok_s"]
        rate = 1 / (prefill_s + ANSWER_TOKENS / run["decode_tok_s"][answers])
        assert chunks == f"{rate:.2f}"
        assert lines == f"{rate * LINES:.0f}"
        assert seconds == f"{100_000 / (rate * LINES):.0f} s"


def test_the_time_limits_are_the_ones_that_are_said() -> None:
    patience = Patience()
    assert (patience.connect_s, patience.first_s, patience.quiet_s, patience.busy_s) == (5, 600, 120, 300)
    assert (patience.rest_s, patience.longest_rest_s) == (1, 30)
    assert "5 s to connect, 10\nminutes to the first byte, 2 minutes of silence, 5 minutes" in DOCUMENT


@pytest.mark.parametrize("name", ["gpu.Dockerfile", "front.Dockerfile"])
def test_an_image_copies_what_is_there_and_starts_with_flags_that_there_are(name: str) -> None:
    text = (ROOT / "docker" / name).read_text(encoding="utf-8")
    copied = [part for line in re.findall(r"(?m)^COPY (.+)$", text) for part in line.split()[:-1]]
    assert {"audit8", "static", "simple_server_optimized.py"} <= set(copied)
    assert [part for part in copied if not (ROOT / part).exists()] == []
    started = re.findall(r"(?m)^ENTRYPOINT (.+)$", text)
    assert len(started) == 1
    flags = [part for part in json.loads(started[0]) if part.startswith("--")]
    assert set(flags) <= FLAGS
    variables = {f"AUDIT8_{field.upper()}" for field in Settings.model_fields}
    assert set(re.findall(r"AUDIT8_\w+", text)) <= variables


def test_the_front_of_the_compose_file_has_flags_that_there_are_and_go_together() -> None:
    yaml: Any = pytest.importorskip("yaml")
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    front = services["audit8"]
    assert (ROOT / "docker" / front["build"]["context"] / front["build"]["dockerfile"]).is_file()
    given: dict[str, Any] = {"engine": "openai"}
    for argument in front["command"]:
        flag, _, value = argument.partition("=")
        assert flag in FLAGS
        given[flag.removeprefix("--").replace("-", "_")] = re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
    settings = Settings(**given)
    assert settings.engine_url == ("http://vllm:8000/v1",)
    assert f"--served-model-name={settings.engine_model}" in services["vllm"]["command"]
    assert front["ports"] == ["127.0.0.1:8000:8000"]


def test_the_documents_commands_have_flags_that_there_are() -> None:
    for line in re.findall(r"(?m)^.*simple_server_optimized\.py (.+)$", DOCUMENT):
        assert set(re.findall(r"--[a-z][a-z-]+", line)) <= FLAGS


@pytest.mark.skipif(shutil.which("sh") is None, reason="no sh")
def test_the_script_for_ray_is_a_script() -> None:
    script = str(ROOT / "docker" / "ray.sh")
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    done = subprocess.run(["sh", script], env={"HEAD": "h"}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "usage: sh docker/ray.sh head|worker\n")
    done = subprocess.run(["sh", script, "worker"], env={"HEAD": "h"}, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "NODE" in done.stderr
