"""The optimised inference server: `python simple_server_optimized.py [flags]`, the same as `audit8 serve [flags]`.

Loads the model once, in 8 bit, wholly on the GPU if there is one, and serves the page and POST /audit on
http://localhost:8000. `--help` lists the flags. Nothing happens at import.
"""

import sys

INSTALL = "python -m pip install -r requirements.txt"
INSTALL_FROM_MIRROR = INSTALL + " -i https://pypi.tuna.tsinghua.edu.cn/simple"


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - the launcher may be given any Python
        print(f"audit8: Python 3.11 or newer is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    try:
        from audit8.cli import serve_main  # noqa: PLC0415 - what is missing must be said in words, not a traceback
    except ModuleNotFoundError as error:
        print(f"audit8: the package {error.name!r} is not installed. Install what the server needs:", file=sys.stderr)
        print(f"    {INSTALL}\nor, where that index cannot be reached:\n    {INSTALL_FROM_MIRROR}", file=sys.stderr)
        return 1
    return serve_main()


if __name__ == "__main__":
    sys.exit(main())
