"""A real Chromium in front of the real server with the scripted engine. Skips, saying why, where one is missing."""

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from audit8.api.app import create_app
from audit8.engine.fake import FAKE_INFO, FakeEngine
from audit8.engine.protocol import Engine
from audit8.settings import Settings
from audit8.types import LoadProgress

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page

STATIC = Path(__file__).parents[2] / "static"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]
TIMEOUT_MS = 10_000
EDITOR = "#editor-host .cm-content"
PASTE = """(node, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  node.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""
LoadEngine = Callable[[Callable[[LoadProgress], None]], Engine]


def sample(name: str = "invoices.py") -> str:
    return (STATIC / "samples" / f"{name}.txt").read_text(encoding="utf-8")


def line_of(text: str, part: str) -> int:
    """The 1-based number of the first line that contains `part`."""
    return next(number for number, line in enumerate(text.split("\n"), 1) if part in line)


def answer(*claims: tuple[int, str, str]) -> str:
    """What a model says: (line, class, why) as the JSON array that it is asked for."""
    return json.dumps([{"line": line, "class": kind, "why": why, "fix": "Do not."} for line, kind, why in claims])


def expect_text(page: "Page", selector: str, part: str) -> None:
    page.locator(selector).filter(has_text=part).first.wait_for()


def put(page: "Page", code: str, name: str = "") -> None:
    """Pastes `code` in the place of all that the editor shows."""
    editor = page.locator(EDITOR)
    editor.focus()
    page.keyboard.press("Control+a")
    editor.evaluate(PASTE, code)
    page.fill("#filename", name)


def code_of(page: "Page") -> str:
    """What the editor shows; of a long file only the lines near the ones in view."""
    return "\n".join(page.locator(f"{EDITOR} .cm-line").all_text_contents())


def audit(page: "Page", code: str, name: str = "") -> None:
    put(page, code, name)
    page.click("#audit")


@contextmanager
def serving(load_engine: LoadEngine, **settings: Any) -> Iterator[str]:
    """The address of the real server, on a port of its own, until the block ends."""
    app = create_app(Settings(lang="en", **settings), load_engine)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),), daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.started
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@dataclass
class Tab:
    """One page, and what it should never have had: script errors, dialogs, breaches of the content policy."""

    page: "Page"
    faults: list[str] = field(default_factory=list)

    @classmethod
    def watched(cls, page: "Page") -> "Tab":
        tab = cls(page)
        page.on("pageerror", lambda error: tab.faults.append(f"error: {error}"))
        page.on("dialog", tab._dialog)
        page.on("console", tab._console)
        return tab

    def _dialog(self, dialog: "Dialog") -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _console(self, message: "ConsoleMessage") -> None:
        if "Content Security Policy" in message.text:
            self.faults.append(message.text)


@pytest.fixture(scope="package")
def browser() -> Iterator["Browser"]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on the path")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(FAKE_INFO)


@pytest.fixture
def address(engine: FakeEngine) -> Iterator[str]:
    with serving(lambda _progress: engine) as url:
        yield url


@pytest.fixture
def open_tab(browser: "Browser") -> Iterator[Callable[..., "Page"]]:
    """Opens pages with their own storage; after the test none of them may have had a fault."""
    tabs: list[Tab] = []

    def opened(url: str, locale: str = "en-US", **options: Any) -> "Page":
        context = browser.new_context(locale=locale, **options)
        context.set_default_timeout(TIMEOUT_MS)
        tab = Tab.watched(context.new_page())
        tabs.append(tab)
        tab.page.goto(url)
        return tab.page

    yield opened
    for tab in tabs:
        tab.page.context.close()
    assert [fault for tab in tabs for fault in tab.faults] == []
