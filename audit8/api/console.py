"""Closing the console window on Windows, logging off and shutting down, as one more way to be told to stop.

Windows ends the process when the handler returns, or after about five seconds: so the handler waits for the server.
Python's own signals cannot do that: their handlers return at once. Elsewhere there is nothing to do.
"""

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CLOSING = frozenset({2, 5, 6})  # CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT
WINDOWS_WAITS_S = 4.5


def make_handler(stop: Callable[[], None], stopped: threading.Event) -> Callable[[int], bool]:
    """What Windows calls, on a thread of its own: True means that the event was taken care of."""

    def handler(event: int) -> bool:
        if event not in CLOSING:
            return False  # Ctrl-C and Ctrl-Break come as signals
        stop()
        stopped.wait(WINDOWS_WAITS_S)
        return True

    return handler


@contextmanager
def closing_console(stop: Callable[[], None], stopped: threading.Event) -> Iterator[None]:
    """While this lasts, closing the console calls `stop` and waits for `stopped`."""
    if sys.platform != "win32":
        yield
        return
    handler = ctypes.WINFUNCTYPE(ctypes.c_bool, ctypes.c_uint)(make_handler(stop, stopped))
    ctypes.windll.kernel32.SetConsoleCtrlHandler(handler, True)
    try:
        yield
    finally:
        ctypes.windll.kernel32.SetConsoleCtrlHandler(handler, False)
