"""Takes the pictures of the page in docs/images, of a running server: python scripts/pictures.py http://localhost:8000/

Needs playwright, a Chromium on the path, and pngquant. The server should hold a real model; what the pictures show is
what it says. They are looked at before they are committed.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
LONGEST_MS = 300_000


def start(_: Page) -> None:
    """As it opens."""


def running(page: Page) -> None:
    page.click("#sample-python")
    page.locator("#size").filter(has_text="61").wait_for()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#stop:enabled")
    page.wait_for_selector("#finding-list li")


def report(page: Page) -> None:
    running(page)
    page.wait_for_selector("#summary:visible", timeout=LONGEST_MS)
    page.locator("#finding-list li").first.click()


def asking(page: Page) -> None:
    report(page)
    page.locator("[data-role=ask]").first.click()


def history(page: Page) -> None:
    report(page)
    page.click("#history-open")
    page.wait_for_selector(".history-item")


def machine(page: Page) -> None:
    report(page)
    page.click("#machine-open")
    page.wait_for_selector("#machine:visible")


@dataclass(frozen=True)
class Picture:
    name: str
    state: Callable[[Page], None]
    locale: str = "en-US"
    scheme: str = "light"
    width: int = 1280


PICTURES = (
    Picture("start", start),
    Picture("running", running, scheme="dark"),
    Picture("page", report),
    Picture("page-zh-dark", report, "zh-CN", "dark"),
    Picture("asking", asking),
    Picture("history", history, scheme="dark"),
    Picture("machine", machine),
    Picture("narrow", report, "zh-CN", width=390),
)


def take(browser: Browser, address: str, picture: Picture) -> None:
    viewport = {"width": picture.width, "height": 800}
    context = browser.new_context(viewport=viewport, locale=picture.locale, color_scheme=picture.scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#workspace", timeout=LONGEST_MS)
    picture.state(page)
    page.wait_for_timeout(800)  # folds open, the editor scrolls
    target = IMAGES / f"{picture.name}.png"
    page.screenshot(path=target)
    context.close()
    pngquant = shutil.which("pngquant")
    assert pngquant, "pngquant is not installed"
    subprocess.run([pngquant, "--force", "--output", target, "--quality", "70-95", target], check=True)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for picture in PICTURES:
            take(browser, sys.argv[1], picture)
            print(picture.name, flush=True)
        browser.close()


if __name__ == "__main__":
    main()
