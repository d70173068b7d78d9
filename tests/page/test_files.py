"""Opening files in the page: several, a folder, a zip, and what is not code; a real Chromium."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.page.conftest import code_of, expect_text, put

if TYPE_CHECKING:
    from playwright.sync_api import Page

    OpenTab = Callable[..., "Page"]

# What a drop carries: a browser makes it from the user's gesture, so the test makes the event itself.
DROP = """files => {
  const transfer = new DataTransfer();
  for (const [name, text] of files) transfer.items.add(new File([text], name));
  const panel = document.getElementById("editor-panel");
  panel.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


def test_several_files_become_tabs_and_one_audit(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    page.evaluate(DROP, [["a.py", "import os\nos.system(input())\n"], ["b.js", "eval(location.hash)\n"]])
    expect_text(page, "[role=tab][aria-selected=true]", "a.py")
    page.click("#audit")
    page.wait_for_selector("#summary")
    assert page.locator("#coverage-rows tr").count() == 2
    expect_text(page, ".tab", "1")
    page.locator("#finding-list .finding", has_text="b.js").first.click()
    expect_text(page, "[role=tab][aria-selected=true]", "b.js")
    expect_text(page, ".cm-line.pointed", "eval(location.hash)")
    page.select_option("#filter-file", label="a.py")
    assert page.locator("#finding-list .finding", has_text="b.js").count() == 0
    expect_text(page, "#shown-count", "of")
    page.locator("[role=tab][aria-selected=true]").focus()
    page.keyboard.press("ArrowLeft")
    expect_text(page, "[role=tab][aria-selected=true]", "a.py")
    page.keyboard.press("Delete")
    expect_text(page, ".cm-line", "eval")
    assert page.is_hidden("#tab-bar")


def test_what_was_typed_into_one_file_stays_there(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    page.evaluate(DROP, [["a.py", "a = 1\n"], ["b.py", "b = 1\n"]])
    expect_text(page, "[role=tab][aria-selected=true]", "a.py")
    put(page, "a = 2\n", "a.py")
    page.get_by_role("tab", name="b.py").click()
    expect_text(page, ".cm-line", "b = 1")
    page.get_by_role("tab", name="a.py").click()
    assert code_of(page) == "a = 2\n"
    page.locator("#editor-host .cm-content").focus()
    page.keyboard.press("Control+z")
    assert code_of(page) != "a = 2\n", "each file has its own undo"


def test_a_change_of_language_or_file_keeps_the_place_in_the_code(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    page.evaluate(DROP, [["a.py", "a = 1\n" * 500], ["b.py", "b = 1\n"]])
    expect_text(page, "[role=tab][aria-selected=true]", "a.py")
    page.wait_for_timeout(200)  # the editor has measured its lines
    first_line = """async set => {
      const box = document.querySelector("#editor-host").shadowRoot.querySelector(".cm-scroller");
      if (set) box.scrollTop = set;
      for (let frame = 0; frame < 4; frame += 1) await new Promise(requestAnimationFrame);
      const { top } = box.getBoundingClientRect();
      const numbers = [...box.querySelectorAll(".cm-lineNumbers .cm-gutterElement")];
      return Number(numbers.find(node => node.getBoundingClientRect().top >= top && node.clientHeight).textContent);
    }"""
    before = page.evaluate(first_line, 3000)
    assert before > 100
    page.click("#lang")
    assert abs(page.evaluate(first_line, 0) - before) <= 1
    page.get_by_role("tab", name="b.py").click()
    page.get_by_role("tab", name="a.py").click()
    assert abs(page.evaluate(first_line, 0) - before) <= 1


def test_a_zip_is_unpacked_without_what_is_not_code(open_tab: "OpenTab", address: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("src/主.py", "import os\nos.system(input())\n" * 50)
        archive.writestr("node_modules/x/index.js", "eval(1)")
        archive.writestr("logo.png", b"\x89PNG\0")
        archive.writestr("data.raw", b"\0\1\2")
        archive.writestr(zipfile.ZipInfo("plain.txt"), "stored, not deflated")
    page = open_tab(address)
    page.set_input_files("#file", tmp_path / "p.zip")
    expect_text(page, "#notice-text", "data.raw is not text")
    assert page.locator("[role=tab]").all_text_contents() == ["src/主.py", "plain.txt"]
    assert code_of(page).startswith("import os\nos.system(input())\n")


def test_a_folder_is_opened_with_its_paths(open_tab: "OpenTab", address: str, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "src" / "a.py").write_text("print(1)\n", encoding="utf-8")
    (folder / "b.py").write_text("print(2)\n", encoding="utf-8")
    (folder / ".git" / "config").write_text("[core]\n", encoding="utf-8")
    page = open_tab(address)
    page.set_input_files("#folder", folder)
    page.wait_for_selector("[role=tab]")
    assert sorted(page.locator("[role=tab]").all_text_contents()) == ["project/b.py", "project/src/a.py"]


def test_a_long_file_scrolls_and_a_long_line_does_not_hold_the_page_up(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    lines = "\n".join(f"value_{number} = compute({number})  # a comment" for number in range(5000))
    page.evaluate(DROP, [["long.py", lines + "\n"]])
    expect_text(page, "#size", "5000 lines")
    shown = page.evaluate(
        """async () => {
          const box = document.querySelector("#editor-host").shadowRoot.querySelector(".cm-scroller");
          let most = 0;
          for (let at = 0; at < box.scrollHeight; at += 4000) {
            box.scrollTop = at;
            await new Promise(requestAnimationFrame);
            most = Math.max(most, box.querySelectorAll(".cm-line").length);
          }
          box.scrollTop = box.scrollHeight;
          await new Promise(requestAnimationFrame);
          await new Promise(requestAnimationFrame);
          return { most, last: [...box.querySelectorAll(".cm-line")].at(-2).textContent };
        }"""
    )
    assert shown["most"] < 200, "only the lines near the ones in view exist"
    assert "value_4999" in shown["last"]
    page.evaluate(DROP, [["line.js", "var a = '" + "x" * 1_000_000 + "';\n"]])
    expect_text(page, "#size", "1 lines")


def test_the_size_is_counted_by_the_server_and_too_much_is_said(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    put(page, "import os\n\ndef run():\n    os.system(input())\n")
    expect_text(page, "#size", "tokens")
    expect_text(page, "#size", "1.0 MiB")
    page.wait_for_function("() => document.getElementById('language-auto').textContent === 'Auto: Python'")
    assert page.locator(".cm-line span").count() > 0, "it is coloured"
    page.evaluate(DROP, [["big.py", "x = 1\n" * 200_000]])
    page.wait_for_selector("#over")


def test_a_language_that_was_chosen_is_what_is_sent(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    put(page, "x\n", "x.py")
    page.select_option("#language", "go")
    with page.expect_request("**/audit") as asked:
        page.click("#audit")
    sent = json.loads(asked.value.post_data or "")
    assert sent == {"code": "x\n", "name": "x.py", "language": "go", "lang": "en"}
