"""This server in front of another one of its kind, both real: what the local engine says, the remote one says too."""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from audit8.engine.fake import FAKE_INFO, FakeEngine
from audit8.engine.protocol import Engine
from audit8.remote.connect import connect
from audit8.remote.engine import RemoteEngine
from audit8.remote.pool import Patience
from audit8.settings import Settings
from audit8.startup import load_engine
from audit8.types import Finish, Message, Piece, Sampling
from tests.api.serving import ANSWER, SQL, Served, served
from tests.remote.conftest import wanted
from tests.remote.scripted import error, scripted

ROOT = Path(__file__).resolve().parents[2]
QUESTION = [Message("user", "Is the sea salty? Answer yes or no.")]
HEAVY = ("torch", "transformers", "bitsandbytes", "accelerate", "tokenizers", "llguidance", "safetensors", "gguf")
module_loop = pytest.mark.asyncio(loop_scope="module")
SERVE = f"""
import sys

class Missing:
    "What requirements-remote.txt does not name is not there."
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)

sys.meta_path.insert(0, Missing())
from audit8.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def holder(pocket_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, list[Engine]]]:
    """A server with the pocket model, and its engine."""
    cache_dir = tmp_path_factory.mktemp("cache")
    given: dict[str, Any] = {
        "model": str(pocket_folder),
        "context_tokens": 1024,
        "cache_dir": cache_dir,
        "quantised_cache": False,
    }
    local = Settings(**given)
    engines: list[Engine] = []

    def load(progress: object) -> Engine:
        engines.append(load_engine(local, lambda _: None))
        return engines[0]

    with served(FakeEngine(), load) as running:
        yield running, engines


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(holder: tuple[Served, list[Engine]]) -> AsyncIterator[tuple[RemoteEngine, Engine]]:
    running, engines = holder
    engine = await asyncio.to_thread(
        connect, wanted(f"{running.url}/v1", patience=Patience()), lambda _: None
    )  # waits while it loads
    yield engine, engines[0]
    await engine.aclose()


async def texts(engine: Engine, sampling: Sampling) -> tuple[str, Finish]:
    items = [item async for item in engine.stream(QUESTION, sampling)]
    last = items[-1]
    assert isinstance(last, Finish)
    return "".join(item.text for item in items if isinstance(item, Piece)), last


@module_loop
async def test_it_says_what_the_other_holds(pair: tuple[RemoteEngine, Engine]) -> None:
    remote, local = pair
    assert remote.info.model == local.info.model
    assert (remote.info.context_tokens, remote.info.parallel) == (1024, local.info.parallel)
    assert (remote.info.pocket, remote.info.quantisation) == (local.info.pocket, "8bit")
    assert {"schema=server", "probabilities=top 20"} <= set(remote.info.capabilities)
    assert remote.info.sends_to == ""


@module_loop
async def test_the_same_words_and_tokens(pair: tuple[RemoteEngine, Engine]) -> None:
    for sampling in (Sampling(max_tokens=12), Sampling(max_tokens=12, temperature=0.8, seed=3, top_k=20)):
        (there, theirs), (here, ours) = [await texts(engine, sampling) for engine in pair]
        assert there == here
        assert (theirs.usage, theirs.reason) == (ours.usage, ours.reason)


@module_loop
async def test_the_same_log_probabilities(pair: tuple[RemoteEngine, Engine]) -> None:
    sampling = Sampling(max_tokens=4, top_logprobs=3)
    found = []
    for engine in pair:
        items = [item async for item in engine.stream(QUESTION, sampling)]
        found.append([one for item in items if isinstance(item, Piece) for one in item.logprobs])
    assert len(found[0]) == 4
    assert [one.token for one in found[0]] == [one.token for one in found[1]]
    assert [one.logprob for one in found[0]] == pytest.approx([one.logprob for one in found[1]])
    assert [len(one.top) for one in found[0]] == [3] * 4


@module_loop
async def test_the_same_scores_where_the_candidates_are_named(pair: tuple[RemoteEngine, Engine]) -> None:
    remote, local = pair
    items = [item async for item in local.stream(QUESTION, Sampling(max_tokens=1, top_logprobs=20))]
    named = [text for item in items if isinstance(item, Piece) for one in item.logprobs for text, _ in one.top]
    words = [text for text in named if text.isalpha() and text.isascii()][:2]
    assert await remote.score(QUESTION, words) == pytest.approx(await local.score(QUESTION, words), abs=1e-6)


@module_loop
async def test_a_document_under_a_schema(pair: tuple[RemoteEngine, Engine]) -> None:
    schema = json.dumps({"type": "object", "properties": {"wet": {"enum": ["yes", "no"]}}, "required": ["wet"]})
    text, _ = await texts(pair[0], Sampling(max_tokens=40, schema=schema))
    assert json.loads(text)["wet"] in {"yes", "no"}


# ---- the whole program -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def front(*flags: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """`audit8 serve --engine openai ...` where nothing that a model needs can be imported."""
    command = [sys.executable, "-W", "error", "-c", SERVE, "serve", "--port", "0", "--lang", "en", "--engine", "openai"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("AUDIT8_")}
    process = subprocess.Popen(
        [*command, *flags], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    with process:
        assert process.stdout is not None
        found = re.search(r"http://localhost:\d+", process.stdout.readline())
        yield process, found[0] if found else ""
        process.terminate()


def test_a_server_without_torch_audits_with_anothers_model() -> None:
    engine = FakeEngine()
    with served(engine) as behind, front("--engine-url", f"{behind.url}/v1") as (process, url):
        with httpx.Client(base_url=url, timeout=30) as client:
            while (ready := client.get("/ready")).status_code != 200:
                assert ready.status_code == 503
            assert ready.json()["model"] == FAKE_INFO.model
            assert "schema=asked and checked" in ready.json()["capabilities"]
            engine.enqueue(ANSWER)
            report = client.post("/audit", content=SQL, headers={"Content-Type": "text/plain"}).json()
            health = client.get("/health").json()
        process.terminate()
        said = process.communicate(timeout=30)[1]
    assert "CWE-89" in {finding["cwe"] for finding in report["findings"]}
    assert report["coverage"][0]["read"]
    assert (report["sent_to"], health["sends_to"]) == ("", "")
    assert "Traceback" not in said
    assert SQL not in said
    assert engine.calls[-1].ended


@pytest.mark.parametrize("wrong", ["unreachable", "model", "key"])
def test_a_start_that_fails_ends_with_one_line(wrong: str) -> None:
    with scripted() as server:
        flags = ["--engine-url", server.url]
        if wrong == "unreachable":
            flags[1] = "http://127.0.0.1:9/v1"
        elif wrong == "model":
            flags += ["--engine-model", "llama"]
        else:
            server.others["/v1/models"] = error(401, "Incorrect API key")
        with front(*flags) as (process, _):
            _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    last = said.splitlines()[-1]
    assert last.startswith("audit8: 127.0.0.1:")
    assert {"unreachable": "--engine-url", "model": "has no model 'llama'", "key": "--engine-key-file"}[wrong] in last
    assert "Traceback" not in said


def test_without_a_remote_engine_the_missing_package_is_named() -> None:
    command = [sys.executable, "-c", SERVE, "serve", "--port", "0", "--lang", "en"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"audit8: The package torch is not installed.*--engine openai.*", done.stderr.splitlines()[-1])
    assert "Traceback" not in done.stderr
