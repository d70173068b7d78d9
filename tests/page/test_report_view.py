"""A report as a person works with it: filters, the fix as a diff, dismissals, talk, downloads; a real Chromium."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audit8.engine.fake import FAKE_INFO, FakeEngine
from tests.page.conftest import audit, expect_text, sample, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    OpenTab = Callable[..., "Page"]

CODE = "import hashlib\n\n\ndef digest(password):\n    return hashlib.md5(password).hexdigest()\n"
FIX = (
    "Use a slow function:\n\n```python\nsalt = os.urandom(16)\nreturn hashlib.scrypt(password, salt=salt, n=2**14)\n```"
)


@pytest.fixture
def kept(engine: FakeEngine, tmp_path: Path) -> Iterator[str]:
    """The address of a server that keeps a history."""
    with serving(lambda _progress: engine, history=True, history_file=tmp_path / "history.db") as url:
        yield url


def finding(**fields: Any) -> dict[str, Any]:
    given = {
        "title": "Weak hash",
        "severity": "high",
        "cwe": "CWE-328",
        "file": "d.py",
        "start_line": 5,
        "end_line": 5,
        "quote": "    return hashlib.md5(password).hexdigest()",
        "why": "MD5 is fast.",
        "fix": FIX,
        "confidence": 0.9,
        "origin": "model",
        "fingerprint": "f1",
        "verdict": "exploitable",
    }
    return given | fields


def stream(*events: tuple[str, dict[str, Any]]) -> str:
    """An answer of POST /audit, event by event, as the server writes it."""
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)


def report(*findings: dict[str, Any], **fields: Any) -> dict[str, Any]:
    timings = {"queued_s": 0, "prefill_s": 0.1, "decode_s": 0.2, "total_s": 7.0, "tokens_per_s": 50.0}
    given = {
        "id": "r1",
        "result": "# Report",
        "risk_level": "high",
        "findings": list(findings),
        "filtered": [],
        "coverage": [],
        "lang": "en",
        "model": "m",
        "device": "cuda:0",
        "usage": {"prompt_tokens": 900, "completion_tokens": 345},
        "timings": timings,
        "created_at": "2026-01-01T00:00:00+00:00",
    }
    return given | fields


def answering(page: "Page", body: str) -> None:
    """Lets POST /audit answer `body`: for what only a judge or a budget makes the server say."""

    def fulfil(route: "Route") -> None:
        route.fulfill(status=200, content_type="text/event-stream", body=body)

    page.route("**/audit", fulfil)


def test_a_fix_with_code_is_a_diff_and_can_be_copied(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answering(page, stream(("report", report(finding()))))
    audit(page, CODE, "d.py")
    page.locator("#finding-list .finding").first.click()
    assert (
        page.locator(".diff-line.removed").all_text_contents()[0].endswith("return hashlib.md5(password).hexdigest()\n")
    )
    added = [line.removeprefix("added:+").rstrip() for line in page.locator(".diff-line.added").all_text_contents()]
    assert added == ["    salt = os.urandom(16)", "    return hashlib.scrypt(password, salt=salt, n=2**14)"], (
        "indented as the code is"
    )
    page.get_by_role("button", name="Copy the fix").click()
    expect_text(page, ".fix-code button", "Copied")
    assert page.evaluate("() => navigator.clipboard.readText()") == "\n".join(added)


def test_findings_are_replaced_and_withdrawn_while_it_runs(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    place = {"file": "d.py", "fingerprint": "f2", "start_line": 1}
    body = stream(
        ("accepted", {"id": "r1", "files": 1, "queue_position": 0}),
        ("finding", finding(verdict="unjudged", confidence=0.3)),
        ("finding", finding(title="Unused import", severity="low", quote="import hashlib", end_line=1, **place)),
        ("progress", {"stage": "judge", "done": 1, "total": 2, "spent_s": 3.0}),
        ("finding", finding(title="Weak hash, judged")),
        ("withdrawn", {**place, "reason": "It is used below."}),
        ("error", {"code": "engine_failure", "message": "It broke."}),
    )
    answering(page, body)
    audit(page, CODE, "d.py")
    expect_text(page, "#ended", "not a whole report")
    assert page.locator("#finding-list .card-title").all_text_contents() == ["Weak hash, judged"]
    expect_text(page, ".verdict", "Exploitable")
    page.click("#filtered > summary")
    expect_text(page, "#filtered-list", "Unused import")
    expect_text(page, "#filtered-list", "It is used below.")
    assert page.locator(".cm-line.marked").count() == 1


def test_what_was_left_out_suppressed_and_sent_away_is_said(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    quiet = {"finding": finding(title="Known one"), "by": "comment", "reason": "a test key"}
    said = report(
        left_out=["big.py was not read."],
        suppressed=[quiet],
        skipped=[{"file": "x.bin", "code": "binary", "reason": "not text"}],
        budget_s=40.0,
        sent_to="https://gpu.example:8000",
    )
    answering(page, stream(("report", said)))
    audit(page, CODE, "d.py")
    expect_text(page, "#left-out", "big.py was not read.")
    expect_text(page, "#facts", "7.0 s, of 40.0 s allowed")
    expect_text(page, "#facts", "sent to https://gpu.example:8000")
    page.click("#suppressed > summary")
    expect_text(page, "#suppressed-list", "Known one")
    expect_text(page, "#suppressed-list", "a test key")
    page.click("#skipped > summary")
    expect_text(page, "#skipped-list", "not text")


def test_filters_hide_by_severity_origin_and_verdict(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    low = finding(title="Small", severity="low", origin="rule", rule_id="r", fingerprint="f2", verdict="uncertain")
    answering(page, stream(("report", report(finding(), low))))
    audit(page, CODE, "d.py")
    titles = page.locator("#finding-list .card-title")
    page.click("#tally [data-severity=high]")
    assert titles.all_text_contents() == ["Small"]
    assert page.get_attribute("#tally [data-severity=high]", "aria-pressed") == "false"
    assert page.evaluate("() => document.activeElement.dataset.severity") == "high", "the keyboard stays there"
    page.click("#tally [data-severity=high]")
    page.select_option("#filter-verdict", label="Exploitable")
    assert titles.all_text_contents() == ["Weak hash"]
    page.select_option("#filter-verdict", label="Any verdict")
    page.select_option("#filter-origin", label="Static rules")
    assert titles.all_text_contents() == ["Small"]
    assert page.is_hidden("#filter-file"), "a filter without a choice is not shown"


def test_a_dismissal_is_kept_undone_and_in_the_suppression_file(open_tab: "OpenTab", kept: str) -> None:
    page = open_tab(kept)
    audit(page, "import os\nos.system(input())\n", "run.py")
    page.wait_for_selector("#summary")
    page.locator("#finding-list .finding").first.click()
    page.get_by_role("button", name="Dismiss …").click()
    page.keyboard.type("a build script")
    with page.expect_response("**/dismissals/*") as put:
        page.keyboard.press("Enter")
    assert put.value.ok
    assert page.locator("#finding-list .finding").count() == 0
    page.click("#dismissed > summary")
    expect_text(page, "#dismissed-list", "a build script")
    assert page.locator(".cm-line.marked").count() == 0
    page.click("#download")
    with page.expect_download() as download:
        page.click("#suppressions")
    assert "a build script" in Path(download.value.path()).read_text(encoding="utf-8")
    with page.expect_response("**/dismissals/*") as undone:
        page.get_by_role("button", name="Bring back").click()
    assert undone.value.ok
    assert page.locator("#finding-list .finding").count() == 1


def test_a_question_is_answered_over_the_same_code(open_tab: "OpenTab", engine: FakeEngine) -> None:
    with serving(lambda _progress: engine) as url:
        page = open_tab(url)
        audit(page, sample(), "invoices.py")
        page.wait_for_selector("#summary")
        page.locator("#finding-list .finding", has_text="CWE-89").first.click()
        page.get_by_role("button", name="Ask about this").click()
        engine.enqueue("<think>Quotes.</think>Type <b>' OR 1=1 --</b> as the name.")
        page.keyboard.type("How is it exploited?")
        page.keyboard.press("Enter")
        expect_text(page, ".bubble.assistant", "Type <b>' OR 1=1 --</b> as the name.")
        assert page.locator(".bubble summary").count() == 1, "the reasoning is folded"
        engine.enqueue("Bind the values.")
        page.locator(".chat textarea").fill("And the fix?")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect_text(page, ".bubble.assistant", "Bind the values.")
        first, second = engine.calls[-2].messages, engine.calls[-1].messages
        assert second[: len(first)] == first, "what was asked before is a prefix that the server has in its cache"
        assert sample() in first[1].content
        assert first[1].content.index(sample()) < first[1].content.index("How is it exploited?")
        assert [message.role for message in second] == ["system", "user", "assistant", "user"]
        page.context.close()


def test_a_long_file_is_shown_to_the_model_around_the_finding(open_tab: "OpenTab", engine: FakeEngine) -> None:
    code = "".join(f"value_{number} = {number}\n" for number in range(3000)) + "import os\nos.system(input())\n"
    with serving(lambda _progress: engine) as url:
        page = open_tab(url)
        audit(page, code, "long.py")
        page.wait_for_selector("#summary")
        page.locator("#finding-list .finding").first.click()
        page.get_by_role("button", name="Ask about this").click()
        page.keyboard.type("Why?")
        page.keyboard.press("Enter")
        expect_text(page, ".chat .quiet", "The file is long")
        page.wait_for_function("() => document.querySelector('.chat-log').getAttribute('aria-busy') === 'false'")
        content = engine.calls[-1].messages[1].content
        assert "os.system(input())" in content
        assert "value_1 = 1\n" not in content
        page.context.close()


@pytest.mark.parametrize(
    ("form", "ending", "part"),
    [("sarif", ".sarif", '"2.1.0"'), ("html", ".html", "<!doctype html>"), ("markdown", ".md", "run.py")],
)
def test_a_report_is_saved_in_other_forms(open_tab: "OpenTab", address: str, form: str, ending: str, part: str) -> None:
    page = open_tab(address)
    audit(page, "import os\nos.system(input())\n", "run.py")
    page.wait_for_selector("#summary")
    page.click("#download")
    with page.expect_download() as download:
        page.click(f"[data-form={form}]")
    assert download.value.suggested_filename.endswith(ending)
    assert part in Path(download.value.path()).read_text(encoding="utf-8")


def test_a_form_that_the_server_cannot_write_is_said(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address)
    audit(page, "import os\nos.system(input())\n", "run.py")
    page.wait_for_selector("#summary")
    page.route("**/api/export*", lambda route: route.fulfill(status=404, json={"error": {"code": "not_found"}}))
    page.click("#download")
    page.click("[data-form=sarif]")
    expect_text(page, "#notice-text", "cannot write that form")


def test_where_the_code_goes_is_said_before_it_goes(open_tab: "OpenTab") -> None:
    engine = FakeEngine(replace(FAKE_INFO, sends_to="http://gpu.lan:8000"))
    assert asdict(engine.info)["sends_to"]
    with serving(lambda _progress: engine) as url:
        page = open_tab(url)
        expect_text(page, "#sends-to", "will be sent to http://gpu.lan:8000")
        assert "never leaves" not in page.inner_text("header")
        assert "The model runs on this machine" not in page.inner_text("#welcome")
        page.context.close()


def test_a_hostile_report_stays_text(open_tab: "OpenTab", address: str) -> None:
    evil = "<img src=x onerror='window.hacked=1'></script><script>window.hacked=1</script>\u202e"
    page = open_tab(address)
    bad = finding(
        title=evil, why=evil, fix=f"```{evil}\n{evil}\n```\n{evil}", cwe=evil, file=evil, rule_id=evil, origin="rule"
    )
    said = report(bad, warnings=[evil], left_out=[evil], model=evil, device=evil, risk_level=evil, sent_to=evil)
    answering(page, stream(("finding", bad), ("report", said)))
    audit(page, CODE, "d.py")
    page.locator("#finding-list .finding").first.click()
    assert page.locator("#results img, #results script").count() == 0
    assert page.evaluate("() => window.hacked") is None
    assert "\u202e" not in (page.text_content("#results") or "")


def test_the_card_that_is_open_and_the_keyboard_stay_when_the_list_is_drawn_again(
    open_tab: "OpenTab", address: str
) -> None:
    page = open_tab(address)
    quote = {"start_line": 1, "end_line": 1, "quote": "import hashlib"}
    many = [finding(title=f"Other {n}", fingerprint=f"w{n}", severity="low", **quote) for n in range(30)]
    after = [finding(title=f"After {n}", fingerprint=f"a{n}", severity="medium", **quote) for n in range(10)]
    answering(page, stream(("report", report(*many, finding(), *after))))
    audit(page, CODE, "d.py")
    page.locator("#finding-list .finding", has_text="Weak hash").locator(".card-title").press("Enter")
    top = "() => document.querySelector('.finding.current').getBoundingClientRect().top"
    page.evaluate("() => document.querySelector('#tally [data-severity=low]').click()")
    assert page.locator("#finding-list .finding").count() == 11
    before = page.evaluate(top)
    page.evaluate("() => document.querySelector('#tally [data-severity=low]').click()")  # 30 cards come above it
    assert page.locator("#finding-list .finding").count() == 41
    assert abs(page.evaluate(top) - before) < 2
    assert page.evaluate("() => document.activeElement.textContent") == "Weak hash"
