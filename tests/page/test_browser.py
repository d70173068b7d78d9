"""The page as a person uses it: a real Chromium, the real server, a scripted model."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audit8.engine.fake import FAKE_INFO, FakeEngine
from tests.page.conftest import EDITOR, Tab, answer, audit, code_of, expect_text, line_of, put, sample, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    OpenTab = Callable[..., "Page"]

HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"


def traversal() -> str:
    return answer((line_of(sample(), 'send_file("/srv'), "path-traversal", "The parameter file can hold dots."))


def test_paste_audit_findings_report(open_tab: "OpenTab", address: str, engine: FakeEngine) -> None:
    engine.enqueue("<think>First the routes.</think>" + traversal())
    page = open_tab(address)
    audit(page, sample(), "invoices.py")
    page.wait_for_selector("#summary")
    expect_text(page, "#finding-list .finding", "path")
    expect_text(page, "#finding-list .finding", "CWE-89")
    expect_text(page, "#coverage-rows", "python")
    expect_text(page, "#facts", "fake-7b")
    assert page.inner_text("#reasoning") == "" or page.is_hidden("#reasoning"), "reasoning is folded"
    assert "First the routes." in (page.text_content("#reasoning") or "")
    assert "path-traversal" in (page.text_content("#answer") or "")
    assert page.is_disabled("#stop")
    assert page.is_enabled("#audit")


def test_a_click_on_a_finding_shows_its_line_and_a_click_on_the_line_its_finding(
    open_tab: "OpenTab", address: str
) -> None:
    page = open_tab(address)
    audit(page, "\n" * 300 + "import os\nos.system(input())\n", "run.py")
    page.wait_for_selector("#summary")
    page.locator("#finding-list .finding").first.click()
    expect_text(page, ".cm-line.pointed", "os.system(input())")
    assert page.locator(".cm-line").count() < 120, "only the lines near the ones in view exist"
    page.locator("#finding-list .card-title").first.click()
    assert page.locator(".finding.current").count() == 0, "and folded again"
    page.locator(".cm-line.marked").click()
    page.wait_for_selector(".finding.current")
    page.locator("#finding-list .card-title").first.click()
    page.locator(".signs .sign.severity-critical, .signs .sign.severity-high").first.click()
    page.wait_for_selector(".finding.current")


def test_a_line_that_moved_is_still_found_and_one_that_is_gone_is_said(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    audit(page, "import os\nos.system(input())\n", "run.py")
    page.wait_for_selector("#summary")
    put(page, "# new\n# lines\nimport os\nos.system(input())\n", "run.py")
    page.locator("#finding-list .place").first.click()
    expect_text(page, ".cm-line.pointed", "os.system")
    put(page, "pass\n", "run.py")
    page.locator("#finding-list .place").first.click()
    expect_text(page, "#notice-text", "no longer in the editor")


def test_the_whole_path_by_keyboard(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    page.wait_for_selector(EDITOR)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # "Skip to the code"
    page.keyboard.insert_text("import os\n\ndef run():\n    os.system(input())\n")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#summary")
    page.keyboard.press("F8")
    page.wait_for_selector(".finding.current")
    expect_text(page, ".cm-line.pointed", "os.system")
    assert page.evaluate("() => document.activeElement.className") == "card-title"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "place"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "editor-host"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.id") != "editor-host", "the editor is no trap"


def test_stop_mid_stream_stops_the_model(open_tab: "OpenTab", address: str, engine: FakeEngine) -> None:
    engine.enqueue(["thinking aloud "], delay_s=0.02, endless=True)
    page = open_tab(address)
    put(page, sample(), "invoices.py")
    expect_text(page, "#size", "tokens")
    page.click("#audit")
    page.click("#live > summary")
    expect_text(page, "#answer", "thinking aloud")
    expect_text(page, "#elapsed", "of 40.0 s")
    page.keyboard.press("Escape")
    expect_text(page, "#ended", "Stopped")
    assert page.locator("#finding-list .finding").count() > 0, "what the rules found stays"
    assert page.is_hidden("#summary")
    page.wait_for_function("async () => (await (await fetch('/health')).json()).jobs.running === 0")
    assert engine.calls[0].cancelled
    page.click("#audit")  # and the next one works
    page.wait_for_selector("#summary")
    assert page.is_hidden("#ended")


def test_hostile_code_and_hostile_model_text_stay_text(open_tab: "OpenTab", address: str, engine: FakeEngine) -> None:
    code = f'import os\nos.system(input())  # {HOSTILE} \u202e\nprint("{HOSTILE}")\n'
    engine.enqueue(f"<think>{HOSTILE}</think>" + answer((3, "code-injection", HOSTILE + "\u202e")))
    page = open_tab(address)
    audit(page, code, HOSTILE)
    page.wait_for_selector("#summary")
    page.locator("#finding-list .finding", has_text="line 2").first.click()
    expect_text(page, "#finding-list .quote", "<script>window.hacked = 1</script>")
    assert HOSTILE in (page.text_content("#answer") or "")
    assert page.evaluate("() => window.hacked") is None
    assert page.locator("#results img, #results script").count() == 0
    expect_text(page, "#finding-list .quote", "202")
    assert "\u202e" not in (page.text_content("#results") or "")
    expect_text(page, "#suspicious", "line 2 (U+202E)")
    expect_text(page, ".cm-line .invisible", "U+202E")


def test_markup_in_the_page_could_do_nothing_and_would_be_noticed(browser: "Browser", address: str) -> None:
    """What the other tests rely on: the policy holds, and `Tab` sees a breach of it."""
    tab = Tab.watched(browser.new_context().new_page())
    tab.page.goto(address)
    tab.page.evaluate("markup => { document.body.innerHTML = markup; }", HOSTILE[HOSTILE.index("<img") :])
    tab.page.wait_for_timeout(300)
    assert tab.page.evaluate("() => window.hacked") is None
    tab.page.context.close()
    assert any("Content Security Policy" in fault for fault in tab.faults)


def test_the_language_is_the_browsers_and_the_switch_is_remembered(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address, locale="zh-CN")
    expect_text(page, "#audit", "开始审计")
    audit(page, "import os\nos.system(input())\n")
    expect_text(page, "#risk", "风险")
    assert page.get_attribute("html", "lang") == "zh-CN"
    page.click("#lang")
    expect_text(page, "#audit", "Audit")
    expect_text(page, "#risk", "risk")
    page.reload()
    expect_text(page, "#audit", "Audit")
    assert page.get_attribute("html", "lang") == "en"


def test_what_the_pocket_model_says_stands_apart(open_tab: "OpenTab") -> None:
    engine = FakeEngine(replace(FAKE_INFO, pocket=True), default=answer((1, "path-traversal", "Perhaps.")))
    with serving(lambda _progress: engine) as url:
        page = open_tab(url)
        audit(page, "print(1)\n")
        page.wait_for_selector("#demo .finding")
        assert page.is_hidden("#findings")
        expect_text(page, "#clean", "No finding counts")
        expect_text(page, "#risk", "No risk found")
        assert page.is_visible("#pocket")
        page.context.close()


def test_copy_and_download_give_the_report(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    audit(page, "import os\nos.system(input())\n", "run.py")
    page.wait_for_selector("#summary")
    page.click("#copy")
    expect_text(page, "#copied", "Copied")
    assert "run.py" in page.evaluate("() => navigator.clipboard.readText()")
    page.click("#download")
    with page.expect_download() as download:
        page.click("[data-form=json]")
    report = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert report["findings"][0]["file"] == "run.py"
    assert download.value.suggested_filename.endswith(".json")


def test_a_file_is_opened_with_its_name_and_encoding(open_tab: "OpenTab", address: str, tmp_path: Path) -> None:
    page = open_tab(address)
    (tmp_path / "口令.py").write_bytes("print('漏洞')\r\n".encode("gb18030"))
    page.set_input_files("#file", tmp_path / "口令.py")
    expect_text(page, ".cm-line", "print('漏洞')")
    assert page.input_value("#filename") == "口令.py"
    (tmp_path / "a.out").write_bytes(b"\x7fELF\0\0\0")
    page.set_input_files("#file", tmp_path / "a.out")
    expect_text(page, "#notice-text", "a.out is not text")


@pytest.mark.parametrize(("button", "name"), [("#sample-python", "invoices.py"), ("#sample-rust", "vault.rs")])
def test_the_samples_open(open_tab: "OpenTab", address: str, button: str, name: str) -> None:
    page = open_tab(address)
    page.click(button)
    expect_text(page, ".cm-line", sample(name).split("\n")[0])
    assert page.input_value("#filename") == name
    assert sample(name).startswith(code_of(page)[:500])


def test_a_narrow_screen_has_no_sideways_scrolling(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address, viewport={"width": 360, "height": 740})
    audit(page, sample(), "invoices.py")
    page.wait_for_selector("#summary")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
