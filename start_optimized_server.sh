#!/bin/sh
# Starts the server and opens its page. Sets up .venv on the first run; all flags go to simple_server_optimized.py.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")"
python=$(sh scripts/find_python.sh)
"$python" scripts/install.py
export AUDIT8_OPEN_PAGE="${AUDIT8_OPEN_PAGE:-true}"
exec .venv/bin/python simple_server_optimized.py "$@"
