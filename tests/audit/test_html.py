"""The HTML report stands alone, says everything, and hostile text in it stays text."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.html import to_html
from audit8.findings import Rejected, Report, Suppressed
from audit8.types import Lang, Skipped
from tests.audit.test_report import FINDING, SHOWN_ONLY, report

HOSTILE = "<script>alert(1)</script><img src=x onerror=y>\"'&lt;</pre></style><!--\u202e\x1b[31m"


class Reader(HTMLParser):
    """The elements with their attributes, and the text, of a document."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def full(text: str, lang: Lang = "en") -> Report:
    """A report with `text` in every place that comes from outside."""
    finding = replace(FINDING, title=text, why=text, fix=text, cwe=text, file=text, quote=text, rule_id=text)
    return replace(
        report([finding, replace(SHOWN_ONLY, title=text)], lang, warnings=(text,)),
        id=text,
        model=text,
        device=text,
        arithmetic=text,
        sent_to=text or "x",
        created_at=text,
        suppressed=(Suppressed(finding, "baseline", text),),
        left_out=(text,),
        skipped=(Skipped(text, "binary", text),),
        filtered=(Rejected(text, text, 3, text, "model"),),
    )


def test_nothing_comes_from_outside_and_the_policy_knows_the_style_sheet() -> None:
    text = to_html(report([FINDING]))
    elements = {tag for tag, _ in Reader(text).elements}
    assert elements.isdisjoint({"script", "img", "link", "iframe", "a", "form", "object", "base"})
    assert re.findall(r"https?:|url\(|@import", text) == []
    style = re.search(r"(?s)<style>(.*?)</style>", text)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src &#x27;sha256-{digest}&#x27;" in text
    assert "default-src &#x27;none&#x27;" in text
    assert "prefers-color-scheme:dark" in text


def test_hostile_text_is_only_text() -> None:
    plain, hostile = Reader(to_html(full("x"))), Reader(to_html(full(HOSTILE)))
    assert hostile.elements == plain.elements
    assert HOSTILE.partition("\u202e")[0] in hostile.text
    assert "\u202e" not in hostile.text
    assert "\x1b" not in hostile.text


@given(st.text(min_size=1, max_size=40))
def test_whatever_the_text_the_elements_are_ours(text: str) -> None:
    assert Reader(to_html(full(text))).elements == Reader(to_html(full("x"))).elements


def test_attributes_are_few_and_known() -> None:
    found = {(tag, name) for tag, names in Reader(to_html(full(HOSTILE))).elements for name in names}
    assert found <= {
        ("html", "lang"),
        *(("meta", name) for name in ("charset", "http-equiv", "content", "name")),
        *((tag, "class") for tag in ("p", "span", "div", "p")),
    }


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_report_says_everything(lang: Lang) -> None:
    made = replace(
        report([FINDING], lang, warnings=("a warning",)),
        suppressed=(Suppressed(replace(FINDING, start_line=17), "comment", "a reason"),),
        left_out=("left out",),
        skipped=(Skipped("b.png", "binary", "no text"),),
        sent_to="https://else.where",
        budget_s=40.0,
    )
    text = Reader(to_html(made)).text
    for part in (
        "src/a.py:5", "5    run(x)", "CWE-78", "because", "do this", "80%", "src/a.py:17", "a reason", "left out",
        "b.png", "no text", "a warning", "Gone", "no such line", "https://else.where", "40 ", "Some-7B", "cuda:0",
        "int8",
    ):  # fmt: skip
        assert part in text, part
    assert ("Risk level: high" if lang == "en" else "风险等级：高") in text
    assert f'<html lang="{ {"en": "en", "zh": "zh-CN"}[lang] }">' in to_html(made)


def test_a_finding_stands_beside_its_line() -> None:
    article = re.search(r"(?s)<article>.*?</article>", to_html(report([FINDING])))
    assert article
    assert '<span class="number">5</span>    run(x)' in article[0]
    assert "Shell command" in article[0]
