"""Who cannot see, or use a mouse, or read faint text, can use the page: names, roles, order, contrast.

The contrast of the colours is computed from the style sheet; axe-core looks at what stands in a real Chromium.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audit8.engine.fake import FakeEngine
from tests.page.conftest import STATIC, answer, audit, line_of, sample, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

    OpenTab = Callable[..., "Page"]

AA = 4.5
SURFACES = ("page", "panel", "raised")
TEXTS = ("text", "quiet", "accent", "critical", "high", "medium", "low", "info", "none")
CODE = ("code-keyword", "code-string", "code-comment", "code-number", "code-type", "code-name")
TINTED = ("critical", "high", "medium", "low", "info")
Rgb = tuple[float, ...]


def tokens(theme: int) -> dict[str, Rgb]:
    """The colours of the style sheet; theme 0 is light, 1 is dark."""
    style = (STATIC / "style.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", style)
    return {name: tuple(int(both[theme][i : i + 2], 16) / 255 for i in (1, 3, 5)) for name, *both in pairs}


def luminance(colour: Rgb) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Rgb, other: Rgb) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(top: Rgb, share: float, below: Rgb) -> Rgb:
    return tuple(share * a + (1 - share) * b for a, b in zip(top, below, strict=True))


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_the_colours_of_text_meet_aa_on_every_surface(theme: int) -> None:
    colour = tokens(theme)
    tint = int(re.findall(r"--tint: (\d+)%", (STATIC / "style.css").read_text(encoding="utf-8"))[0]) / 100
    pairs = [(text, surface, colour[surface]) for text in TEXTS for surface in SURFACES]
    pairs += [(text, "panel", colour["panel"]) for text in CODE]
    pairs += [(name, "its tint", mixed(colour[name], tint, colour["panel"])) for name in TINTED]
    pairs += [(text, f"{name}'s tint", mixed(colour[name], tint, colour["panel"])) for text in CODE for name in TINTED]
    pairs += [("on-accent", name, colour[name]) for name in ("accent", "accent-strong")]
    faint = {
        (text, name): round(ratio, 2) for text, name, below in pairs if (ratio := contrast(colour[text], below)) < AA
    }
    assert faint == {}
    assert contrast(colour["edge"], colour["panel"]) >= 3, "the edges of controls can be seen"


@pytest.mark.parametrize(
    ("locale", "scheme", "width"), [("en-US", "light", 1280), ("zh-CN", "dark", 1280), ("en-US", "dark", 390)]
)
def test_axe_finds_nothing(
    open_tab: "OpenTab", engine: FakeEngine, tmp_path: Path, locale: str, scheme: str, width: int
) -> None:
    engine.enqueue("<think>Hm.</think>" + answer((line_of(sample(), 'send_file("/srv'), "path-traversal", "Dots.")))
    with serving(lambda _progress: engine, history=True, history_file=tmp_path / "history.db") as url:
        page = open_tab(
            url, locale=locale, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
        )
        page.wait_for_selector("#workspace")
        assert _faults(page) == []
        audit(page, sample(), "invoices.py")
        page.wait_for_selector("#summary")
        page.keyboard.press("F8")
        page.click("[data-role=ask]")
        page.click("#machine-open")
        for fold in page.locator("#results details:not(.menu) > summary").all():
            if fold.is_visible():
                fold.click()
        assert _faults(page) == []
        page.click("#history-open")
        page.wait_for_selector(".history-item")
        assert _faults(page) == []
        page.context.close()


def _faults(page: "Page") -> list[str]:
    """What axe-core finds wrong with what is in view, the editor's shadow tree included."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing")
    violations = axe.Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in violations for node in one["nodes"]]


def test_the_theme_can_be_chosen_and_is_remembered(open_tab: "OpenTab", address: str) -> None:
    page = open_tab(address, color_scheme="light")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    page.click("#theme")
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    page.wait_for_selector("#workspace")
    assert page.evaluate(ground) == dark


def test_nothing_moves_while_the_model_writes(open_tab: "OpenTab", engine: FakeEngine) -> None:
    words = [f"word{number} " for number in range(400)]
    engine.enqueue(['[{"line": 1, "class": "other", "why": "', *words, '"}]'], delay_s=0.004)
    with serving(lambda _progress: engine) as url:
        page = open_tab(url)
        page.evaluate(
            """() => {
              window.shift = 0;
              new PerformanceObserver(list => {
                for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
              }).observe({ type: "layout-shift", buffered: false });
            }"""
        )
        audit(page, sample(), "invoices.py")
        page.wait_for_selector("#live")
        page.wait_for_timeout(300)  # the page has taken its shape: findings of the rules, the box of the model's text
        page.evaluate("() => { window.shift = 0; }")
        page.wait_for_function("() => document.getElementById('answer').textContent.includes('word300')")
        assert page.evaluate("() => window.shift") < 0.01
        page.context.close()
