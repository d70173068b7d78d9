#!/bin/sh
# Prints the Python that the start and check scripts use: the project's own .venv, else a 64-bit 3.11 to 3.14.
# A candidate is tried, not looked for: version managers leave commands on the path that only print an error.
probe='import ensurepip, sys, venv
sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 14) and sys.maxsize > 2**32))'

for candidate in .venv/bin/python python3.13 python3.12 python3.11 python3.14 python3 python; do
    if "$candidate" -c "$probe" >/dev/null 2>&1; then
        printf '%s\n' "$candidate"
        exit 0
    fi
done

cat >&2 <<'END'
No usable Python found: Audit8 needs 64-bit Python 3.11 to 3.14 with its venv module.
没有找到可用的 Python：Audit8 需要 64 位 Python 3.11 到 3.14（含 venv 模块）。
  Debian, Ubuntu:  sudo apt install python3 python3-venv
  Fedora:          sudo dnf install python3
  macOS:           brew install python@3.13
  others:          https://www.python.org/downloads/
END
exit 1
