"""The whole OpenAPI document, tried on a real server by schemathesis: no 5xx, and nothing that it does not say.

    python bench/openapi.py --schemathesis FOLDER/bin/schemathesis --examples 300 --out bench/results/openapi.json

schemathesis needs an environment of its own: `python -m venv FOLDER`, `FOLDER/bin/pip install "schemathesis>=4,<5"`. It
brings packages that nothing here needs. The server is bench/load_server.py's, scripted. It is tried twice: without
keys; and with keys, the caller having one, each job with time enough. What is allowed is in ALLOWED.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.load import ROOT, wait_until_ready

REQUEST_S = "120"  # an audit of a thousand files takes its time
KEY = "a-key-of-this-run-alone"
ALLOWED = """\
# 504 is the deadline that a client asked for. Of 415 and 422: any bytes are of type string, not all are source.
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 504]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 404, 415, 422, 429, 504]

# Fields that are none of ours, and numbers as strings, are accepted: front ends that were here first send them.
[[operations]]
include-path = ["/audit", "/v1/chat/completions"]
[operations.checks.negative_data_rejection]
enabled = false

# A schema cannot say that a finding's last line is not above its first.
[[operations]]
include-path = "/api/export"
[operations.checks.positive_data_acceptance]
enabled = false
"""
WITH_KEY = f"""
[auth.openapi.bearer]
bearer = "{KEY}"
[parameters]
"header.X-Timeout-S" = "60"
"""


def tried(schemathesis: Path, url: str, folder: Path, more: Sequence[str], config: str) -> dict[str, Any]:
    """What one run said, as schemathesis reports it, shortened."""
    names = ("openapi.json", "config.toml", "report.json", "log.txt")
    document, config_file, report_file, log_file = (folder / name for name in names)
    document.write_text(httpx.get(f"{url}/openapi.json", headers={"X-API-Key": KEY}).text, encoding="utf-8")
    config_file.write_text(config, encoding="utf-8")
    command = [str(schemathesis), "--config-file", str(config_file), "run", str(document), "--url", url, *more]
    reporting = [
        "--continue-on-failure",
        "--request-timeout",
        REQUEST_S,
        "--report",
        "json",
        "--report-json-path",
        str(report_file),
    ]
    with log_file.open("wb") as log:
        subprocess.run([*command, *reporting], cwd=folder, stdout=log, stderr=subprocess.STDOUT, check=False)
    if not report_file.exists():
        raise SystemExit(log_file.read_text(encoding="utf-8"))
    said = json.loads(report_file.read_text(encoding="utf-8"))
    if said["failures"] or said["errors"]:
        print(log_file.read_text(encoding="utf-8"), file=sys.stderr)
    kept = ("schemathesis_version", "seed", "running_time", "operations", "phases", "test_cases", "failures", "errors")
    return {name: said[name] for name in kept}


def with_server(schemathesis: Path, key: str, more: Sequence[str]) -> dict[str, Any]:
    """One run against a server of its own; `key` "" asks for none."""
    keys = {"AUDIT8_API_KEY": key} if key else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "bench.load_server", "0", str(folder / "history.db"), "instant", ""]
        environment = {**os.environ, **keys, "AUDIT8_HISTORY": "true"}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, encoding="utf-8") as process:
            try:
                assert process.stdout is not None
                process.stdout.readline()
                server = psutil.Process(process.pid)
                port = next(one.laddr.port for one in server.net_connections() if one.status == psutil.CONN_LISTEN)
                url = f"http://127.0.0.1:{port}"
                wait_until_ready(url)
                return tried(schemathesis, url, folder, more, ALLOWED + (WITH_KEY if key else ""))
            finally:
                process.terminate()
                process.wait(30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schemathesis", type=Path, required=True)
    parser.add_argument("--examples", type=int, default=300, help="of each operation, in each phase that makes them up")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    more = ["--max-examples", str(asked.examples), "--seed", str(asked.seed)]
    callers = {"without keys": "", "with keys": KEY}
    runs = {name: with_server(asked.schemathesis, key, more) for name, key in callers.items()}
    about = {
        "command": f"python bench/openapi.py --schemathesis PROGRAM --examples {asked.examples} --seed {asked.seed}",
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in ("fastapi", "starlette", "uvicorn", "pydantic")},
    }
    figures = json.dumps(about | runs, indent=2)
    print(figures)
    if asked.out:
        asked.out.write_text(figures + "\n", encoding="utf-8")
    return 1 if any(run["failures"] or run["errors"] for run in runs.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
