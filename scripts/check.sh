#!/bin/sh
# Everything that must hold before a change is kept: format, lint, types, tests. Sets up .venv first.
# Arguments go to pytest.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."
python=$(sh scripts/find_python.sh)
"$python" scripts/install.py --dev
.venv/bin/python -m ruff format --check .
.venv/bin/python -m ruff check .
.venv/bin/python -m mypy
exec .venv/bin/python -m pytest "$@"
