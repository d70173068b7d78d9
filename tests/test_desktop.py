"""The page is opened, and a question asked, only where somebody sees it."""

import io
import sys
import threading
import webbrowser

import pytest

from audit8 import desktop
from audit8.desktop import agrees, has_desktop, open_page


@pytest.mark.parametrize(
    ("environ", "platform", "there"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({}, "win32", True),
        ({}, "darwin", True),
        ({"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "1 2 3 4"}, "linux", False),
        ({"SSH_CONNECTION": "1 2 3 4"}, "darwin", False),
        ({"CI": "true"}, "win32", False),
    ],
)
def test_a_desktop_is_known_by_its_signs(environ: dict[str, str], platform: str, there: bool) -> None:
    assert has_desktop(environ, platform) is there


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("localhost", "http://localhost:81"),
        ("0.0.0.0", "http://localhost:81"),
        ("::", "http://localhost:81"),
        ("::1", "http://[::1]:81"),
        ("192.168.1.5", "http://192.168.1.5:81"),
    ],
)
def test_the_page_is_opened_where_a_browser_can_reach_it(
    host: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    done = threading.Event()

    def record(url: str) -> None:
        opened.append(url)
        done.set()

    monkeypatch.setattr(webbrowser, "open", record)
    monkeypatch.setattr(desktop, "has_desktop", lambda: True)
    assert open_page(host, 81)
    assert done.wait(5)
    assert opened == [address]


def test_without_a_desktop_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop, "has_desktop", lambda: False)
    assert not open_page("localhost", 81)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "agreed"),
    [("\n", True), ("y\n", True), ("YES\n", True), ("是\n", True), ("n\n", False), ("what\n", False), ("", False)],
)
def test_the_answer_at_a_terminal_counts(typed: str, agreed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    said = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    monkeypatch.setattr(sys, "stdout", said)
    assert agrees("Port 80 is taken.", 81, "zh") is agreed
    assert said.getvalue() == "Port 80 is taken. 改用端口 81？[Y/n] "


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_nobody_is_asked_where_nobody_is(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(sys, stream, io.StringIO("y\n"))
    assert not agrees("Taken.", 81, "en")
