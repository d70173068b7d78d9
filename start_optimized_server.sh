#!/bin/sh
# Starts the server. Sets up .venv on the first run; all flags go to simple_server_optimized.py.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")"
python=$(sh scripts/find_python.sh)
"$python" scripts/install.py
exec .venv/bin/python simple_server_optimized.py "$@"
