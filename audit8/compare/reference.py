"""The text that perplexity is measured over: source code that every Python brings along, so that nothing is shipped."""

import argparse
import inspect
import platform

NAME = f"argparse.py of Python {platform.python_version()}"


def text() -> str:
    """Raises OSError where Python was installed without its sources."""
    return inspect.getsource(argparse)
