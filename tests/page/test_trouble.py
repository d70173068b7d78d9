"""What the page says while the server loads, refuses, fails or is gone: a real Chromium, a scripted model."""

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import httpx
import pytest

from audit8.engine.fake import FakeEngine
from audit8.errors import DoesNotFit
from audit8.types import LoadProgress
from tests.page.conftest import audit, code_of, expect_text, put, sample, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

    OpenTab = Callable[..., "Page"]


def test_the_loading_page_turns_into_the_editor(open_tab: "OpenTab", engine: FakeEngine) -> None:
    go = threading.Event()

    def load(progress: Callable[[LoadProgress], None]) -> FakeEngine:
        progress(LoadProgress("downloading", 3 * 2**30, 8 * 2**30, detail="model-00001.safetensors"))
        assert go.wait(30)
        return engine

    with serving(load) as url:
        page = open_tab(url)
        expect_text(page, "#loading-stage", "Downloading")
        expect_text(page, "#loading-amount", "3.00 GiB / 8.00 GiB")
        assert page.is_hidden("#workspace")
        go.set()
        page.wait_for_selector("#workspace")
        expect_text(page, "#server-model", "fake-7b")
        assert page.is_hidden("#loading")
        page.context.close()


def test_a_model_that_cannot_be_loaded_says_why(open_tab: "OpenTab") -> None:
    def load(_progress: Callable[[LoadProgress], None]) -> FakeEngine:
        raise DoesNotFit("The model needs 7.2 GiB; 3.1 GiB are free.", hint="Take a smaller model.")

    with serving(load) as url:
        page = open_tab(url)
        expect_text(page, "#loading-why", "7.2 GiB")
        expect_text(page, "#loading-why", "smaller model")
        expect_text(page, "#loading-stage", "could not be loaded")
    page.wait_for_selector("#gone")
    assert page.is_visible("#loading-why"), "the reason stays when the server ends"


@pytest.fixture
def busy(engine: FakeEngine) -> Iterator[str]:
    """The address of a server that takes one job, and has it."""
    engine.enqueue(["on and on "], delay_s=0.02, endless=True)
    with serving(lambda _progress: engine, max_jobs=1) as url:
        headers = {"Accept": "text/event-stream"}
        with httpx.stream("POST", url + "audit", json={"code": "print(1)"}, headers=headers, timeout=10) as response:
            lines = response.iter_lines()  # kept: the connection closes with it
            assert next(lines) == "event: accepted"
            yield url


def test_a_full_queue_says_how_long_to_wait(open_tab: "OpenTab", busy: str) -> None:
    page = open_tab(busy)
    audit(page, "print(1)\n")
    expect_text(page, "#notice-text", "Too many audits")
    expect_text(page, "#notice-more", "Try again in")
    assert page.is_visible("#retry")
    page.context.close()


def test_refusals_are_said_in_words(open_tab: "OpenTab", engine: FakeEngine) -> None:
    with serving(lambda _progress: engine, max_body_bytes=2000) as url:
        page = open_tab(url)
        page.wait_for_selector("#audit")
        page.click("#audit")
        expect_text(page, "#notice-text", "no code to audit")
        audit(page, "x" * 3000)
        expect_text(page, "#notice-text", "larger than this server accepts")
        expect_text(page, "#notice-more", "Request id")
        page.context.close()


def test_an_error_in_the_stream_keeps_what_was_found(open_tab: "OpenTab", address: str, engine: FakeEngine) -> None:
    engine.enqueue("some words before", fail_at=2)
    page = open_tab(address)
    audit(page, sample())
    expect_text(page, "#notice-text", "could not answer")
    expect_text(page, "#ended", "not a whole report")
    assert page.locator("#finding-list .finding").count() > 0
    page.click("#retry")
    page.wait_for_selector("#summary")
    assert page.is_hidden("#notice")


def test_a_server_that_is_gone_is_said_and_the_code_stays(open_tab: "OpenTab", engine: FakeEngine) -> None:
    with serving(lambda _progress: engine) as url:
        page = open_tab(url)
        put(page, "print(1)\n")
    page.click("#audit")
    expect_text(page, "#notice-text", "does not answer")
    page.wait_for_selector("#gone")
    assert code_of(page) == "print(1)\n"
