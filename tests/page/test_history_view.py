"""The history in the page, the machine at a glance, the key of a server that wants one; a real Chromium."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audit8.engine.fake import FakeEngine
from tests.page.conftest import audit, code_of, expect_text, put, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    OpenTab = Callable[..., "Page"]


@pytest.fixture
def kept(engine: FakeEngine, tmp_path: Path) -> Iterator[str]:
    """The address of a server that keeps a history."""
    with serving(lambda _progress: engine, history=True, history_file=tmp_path / "history.db") as url:
        yield url


def titles(page: "Page") -> list[str]:
    return page.locator("#history-list .history-title").all_text_contents()


def test_an_audit_is_found_and_reopened_and_deleted(open_tab: "OpenTab", kept: str) -> None:
    page = open_tab(kept)
    audit(page, "import os\nos.system(input())\n", "first.py")
    page.wait_for_selector("#summary")
    audit(page, "print(2)\n", "second.py")
    expect_text(page, "#clean", "Nothing was found")
    page.click("#history-open")
    expect_text(page, "#history-list", "first.py")
    assert titles(page) == ["second.py", "first.py"]
    page.fill("#history-search", "first")
    page.wait_for_function("() => document.querySelectorAll('#history-list li').length === 1")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("() => !document.getElementById('history').open")
    assert code_of(page) == "import os\nos.system(input())\n"
    assert page.input_value("#filename") == "first.py"
    page.locator("#finding-list .finding").first.click()
    expect_text(page, ".cm-line.pointed", "os.system")
    page.click("#history-open")
    page.get_by_role("button", name="Delete second.py").click()
    page.wait_for_function("() => document.querySelectorAll('#history-list li').length === 1")
    page.click("#history-clear")
    page.click("#history-clear-no")
    assert titles(page) == ["first.py"], "nothing is deleted without a second word"
    page.click("#history-clear")
    page.click("#history-clear-yes")
    page.wait_for_selector("#history-none")
    page.keyboard.press("Escape")
    page.reload()
    page.click("#history-open")
    page.wait_for_selector("#history-none")


def test_a_dismissal_is_there_again_after_reopening(open_tab: "OpenTab", kept: str) -> None:
    page = open_tab(kept)
    audit(page, "import os\nos.system(input())\n", "run.py")
    page.wait_for_selector("#summary")
    page.locator("#finding-list .finding").first.click()
    page.get_by_role("button", name="Dismiss …").click()
    with page.expect_response("**/dismissals/*"):
        page.keyboard.press("Enter")
    page.reload()
    page.click("#history-open")
    page.locator(".history-item").first.click()
    page.wait_for_selector("#dismissed")
    assert page.locator("#finding-list .finding").count() == 0


def test_without_a_history_there_is_no_word_of_it(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    audit(page, "import os\nos.system(input())\n", "run.py")
    page.wait_for_selector("#summary")
    assert page.is_hidden("#history-open")
    page.click("#download")
    assert page.is_hidden("#suppressions")
    page.keyboard.press("Escape")
    page.locator("#finding-list .finding").first.click()
    page.get_by_role("button", name="Dismiss …").click()
    page.keyboard.press("Enter")
    page.wait_for_selector("#dismissed")
    assert page.is_hidden("#notice"), "it is dismissed in this page, and that is not a fault"


def test_the_machine_at_a_glance(open_tab: "OpenTab", address: str) -> None:
    samples = [
        {"at": "", "utilisation_percent": 10 * n, "memory_used_bytes": n * 2**30, "tokens_per_s": 5.0 * n}
        for n in range(10)
    ]
    said = {
        "device": "cuda:0",
        "model": "m",
        "memory": {"kind": "vram", "used_bytes": 7_763_001_344, "total_bytes": 12 * 2**30},
        "utilisation_percent": 93,
        "tokens_per_s": 41.7,
        "running": 1,
        "waiting": 2,
        "samples": samples,
    }
    page = open_tab("about:blank")
    page.route("**/api/machine", lambda route: route.fulfill(json=said))
    page.goto(address)
    expect_text(page, "#glance", "93 % · 42 tokens/s")
    page.click("#machine-open")
    expect_text(page, "#machine-figures", "7.23 GiB / 12.00 GiB")
    expect_text(page, "#machine-jobs", "1 running, 2 waiting")
    paths = page.locator("#machine-figures path").evaluate_all("all => all.map(one => one.getAttribute('d'))")
    assert len(paths) == 3
    assert paths[0].count("L") == 9
    page.click("#machine-open")
    assert page.is_hidden("#machine")


def test_a_server_that_wants_a_key_is_given_one_once(open_tab: "OpenTab", address: str) -> None:
    page = open_tab("about:blank")
    seen: list[str | None] = []

    def guarded(route: "Route") -> None:
        key = route.request.headers.get("authorization")
        seen.append(key)
        if key == "Bearer sesame":
            route.continue_()
        else:
            route.fulfill(status=401, json={"error": {"code": "unauthorized", "message": "A key is needed."}})

    page.route("**/audit", guarded)
    page.goto(address)
    put(page, "import os\nos.system(input())\n", "run.py")
    page.click("#audit")
    page.wait_for_selector("#key-dialog[open]")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("#key-wrong")
    page.keyboard.type("sesame")
    page.keyboard.press("Enter")
    page.wait_for_selector("#summary")
    assert seen == [None, "Bearer wrong", "Bearer sesame"]
    page.click("#audit")
    page.wait_for_selector("#summary")
    assert page.evaluate("() => Object.keys(localStorage).filter(key => /key/.test(key))") == []


def test_declining_the_key_is_said_in_words(open_tab: "OpenTab", address: str) -> None:
    page = open_tab("about:blank")
    page.route("**/audit", lambda route: route.fulfill(status=401, json={"error": {"code": "unauthorized"}}))
    page.goto(address)
    put(page, "print(1)\n")
    page.click("#audit")
    page.wait_for_selector("#key-dialog[open]")
    page.keyboard.press("Escape")
    expect_text(page, "#notice-text", "asks for an API key")


def test_a_reload_and_a_second_tab_disturb_nothing(open_tab: "OpenTab", kept: str, engine: FakeEngine) -> None:
    first, second = open_tab(kept), open_tab(kept)
    engine.enqueue(["on and on "], delay_s=0.02, endless=True)
    audit(first, "import os\nos.system(input())\n", "run.py")
    first.wait_for_selector("#live")
    audit(second, "print(1)\n", "other.py")
    first.reload()
    first.wait_for_function("async () => (await (await fetch('/health')).json()).jobs.running === 0")
    second.wait_for_selector("#summary")
    assert engine.calls[0].cancelled
