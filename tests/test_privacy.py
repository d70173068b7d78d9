"""No code in logs or metrics, and no connection to anywhere once the model is on the disk."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from tests.engine import tiny
from tests.engine.tiny_tokenizer import make_tokenizer, vocabulary

ROOT = Path(__file__).resolve().parents[1]
CANARY = "canary_4b1d9f"
# A server in a process of its own at debug level, with an engine that fails at every second answer and quotes the code.
NOISY = """
import sys
from audit8.cli import serve
from audit8.engine.fake import FakeEngine
from audit8.settings import Settings

class Quoting(FakeEngine):
    async def stream(self, messages, sampling):
        if len(self.calls) % 2:
            self.calls.append(None)
            raise ValueError("at: " + messages[-1].content)
        async for item in super().stream(messages, sampling):
            yield item

settings = Settings(port=0, lang="en", grace=0, log_level="debug", log_format=sys.argv[1], history_file=sys.argv[2])
sys.exit(serve(settings, lambda _: Quoting()))
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_canary_in_the_code_is_in_no_log_and_no_metric(form: str, tmp_path: Path) -> None:
    command = [sys.executable, "-X", "dev", "-c", NOISY, form, str(tmp_path / "history.db")]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[3]
        with httpx.Client(base_url=url, timeout=20) as client:
            while client.get("/ready").status_code != 200:
                pass
            statuses = {request(client, number) for number in range(len(REQUESTS))}
            metrics = client.get("/metrics").text
        process.terminate()
        _, logged = process.communicate(timeout=30)
    assert {200, 400, 413, 415, 422, 500} <= statuses
    assert CANARY not in metrics
    assert "ValueError" in logged
    assert CANARY not in logged
    if form == "json":
        ours = [json.loads(line) for line in logged.splitlines() if line.startswith('{"time"')]
        assert {line["path"] for line in ours if "path" in line} >= {"/audit", "/v1/chat/completions"}


CODE = f'password = "{CANARY}"\neval(input("{CANARY}"))\n'
SSE = {"Accept": "text/event-stream"}
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    *(("/audit", {"json": {"code": CODE, "filename": f"{CANARY}.py"}}) for _ in range(4)),
    *(("/audit", {"json": {"code": CODE}, "headers": SSE}) for _ in range(3)),
    *(("/v1/chat/completions", {"json": {"messages": [{"role": "user", "content": CODE}]}}) for _ in range(3)),
    ("/v1/chat/completions", {"json": {"messages": [{"role": CANARY, "content": CODE}]}}),
    ("/v1/chat/completions", {"json": {"messages": [{"role": "user", "content": CODE}], "temperature": CANARY}}),
    (f"/audit?{CANARY}=1&filename={CANARY}", {"content": CODE.encode()}),
    ("/audit", {"content": b'{"code": "' + CANARY.encode(), "headers": {"Content-Type": "application/json"}}),
    ("/audit", {"content": CANARY.encode() + b"\x00\x01\x02\xff" * 100}),
    ("/audit", {"content": CANARY.encode() * 200_000}),
    ("/audit", {"json": {"code": "", "filename": CANARY}}),
    ("/audit", {"files": {"file": (f"{CANARY}.py", CODE), CANARY: (CANARY, b"\x00" + CANARY.encode())}}),
    ("/audit", {"content": f"--{CANARY}", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}),
    ("/audit", {"json": {"code": CODE}, "headers": {"X-Timeout-S": CANARY}}),
    ("/audit", {"json": {"code": CODE}, "headers": {"Cookie": CANARY, "Authorization": CANARY, "Referer": CANARY}}),
]


def request(client: httpx.Client, number: int) -> int:
    path, options = REQUESTS[number]
    return client.post(path, **options).status_code


# ---- alone on the machine ---------------------------------------------------------------------------------------

ALONE = """
import fcntl, socket, struct, sys, threading, time
with socket.socket() as one:  # bring the loopback interface up: a fresh namespace has it down
    fcntl.ioctl(one, 0x8914, struct.pack("16sh14x", b"lo", 0x49))
try:
    socket.create_connection(("1.1.1.1", 53), timeout=2)
    sys.exit("there is a route")
except OSError:
    pass

import httpx
from pathlib import Path
from audit8.api.app import create_app
from audit8.api.listen import open_sockets
from audit8.api.server import Server
from audit8.settings import Settings
from audit8.startup import load_engine

place = Path(sys.argv[2])
kept = {"cache_dir": place, "history_file": place / "history.db"}
settings = Settings(port=0, lang="en", model=sys.argv[1], context_tokens=8192, **kept)
sockets = open_sockets(settings.host, settings.port)
failures = []
app = create_app(settings, lambda report: load_engine(settings, report), failures.append)
url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
server = Server(app, app.state.lifecycle)
thread = threading.Thread(target=server.run, args=(sockets,))
thread.start()
try:
    with httpx.Client(base_url=url, timeout=100) as client:
        while client.get("/ready").status_code != 200:
            assert not failures, failures[0].message
            time.sleep(0.05)
        report = client.post("/audit", json={"code": "eval(input())", "filename": "a.py"}).json()
        assert report.get("findings") and report["model"] and not report.get("sent_to"), report
        chat = {"max_tokens": 3, "messages": [{"role": "user", "content": "hi"}]}
        assert client.post("/v1/chat/completions", json=chat).status_code == 200
finally:
    server.should_exit = True
    thread.join()
print("served alone")
"""


def alone(command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run it in a network namespace of its own, where no interface leads anywhere; skip where that is not allowed."""
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody make a network namespace (unshare -rn)")
    return subprocess.run(
        [unshare, "-rn", *command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def terse_model(folder: Path) -> Path:
    """A tiny model to which all tokens are alike, so that the first one wins: and that ends the answer."""
    sizes = {**tiny.SIZES, "vocab_size": vocabulary(), "max_position_embeddings": 8192}
    model = AutoModelForCausalLM.from_config(LlamaConfig(**sizes, eos_token_id=0))
    torch.nn.init.zeros_(model.lm_head.weight)
    model.save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def test_with_the_model_on_the_disk_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    done = alone([sys.executable, "-c", ALONE, str(terse_model(tmp_path / "model")), str(tmp_path / "cache")])
    assert done.stdout.strip().endswith("served alone"), done.stderr[-3000:]
