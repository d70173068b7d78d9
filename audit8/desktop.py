"""The person in front of the machine: the page opened for them, and a question asked, where there is somebody.

Knows the environment's signs of a desktop and of a terminal; nothing of the server.
"""

import os
import sys
import threading
import webbrowser
from collections.abc import Mapping

from audit8.types import Lang

QUESTION: dict[Lang, str] = {
    "en": "{message} Use port {port} instead? [Y/n] ",
    "zh": "{message} 改用端口 {port}？[Y/n] ",
}
WILDCARDS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound


def has_desktop(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether a browser would be seen by whoever started this: not over SSH, nor where there is no display."""
    if environ.get("SSH_CONNECTION") or environ.get("CI"):
        return False
    return platform in {"win32", "darwin"} or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def open_page(host: str, port: int) -> bool:
    """Open the page of a server that listens on `host` in the user's browser; False where there is no desktop."""
    if not has_desktop():
        return False
    name = "localhost" if host in WILDCARDS else f"[{host}]" if ":" in host else host
    # some systems' openers wait for the browser to end
    threading.Thread(target=webbrowser.open, args=(f"http://{name}:{port}",), name="audit8-page", daemon=True).start()
    return True


def agrees(message: str, port: int, lang: Lang) -> bool:
    """Whether the user takes `port` instead; False without asking where nobody is at a terminal."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        answer = input(QUESTION[lang].format(message=message, port=port))
    except (EOFError, KeyboardInterrupt):
        return False
    return answer.strip().lower() in {"", "y", "yes", "是"}
