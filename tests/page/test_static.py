"""Laws of the page's files that need no browser: two languages alike, nothing inline, nothing from elsewhere."""

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from audit8.audit.languages import LANGUAGES, TEXT, detect

STATIC = Path(__file__).parents[2] / "static"
VENDOR = STATIC / "vendor"  # other people's: made by scripts/vendor_editor.py, and held to its hashes instead
SCRIPTS = sorted(path for path in STATIC.rglob("*.js") if path.parent != VENDOR)
PINS = Path(__file__).parents[2] / "scripts" / "vendor_editor.json"
_ENTRY = re.compile(r'^\s*"([\w. ]+)":\s*"((?:[^"\\]|\\.)*)",$', re.MULTILINE)
_KEY = re.compile(r"""["'`]([a-z]\w*\.[\w ]+)["'`]""")
NOT_KEYS = {"history.get"}  # strings that look like one
_MADE_KEY = re.compile(r"`([\w]+)\.\$\{")


class Page(HTMLParser):
    """Collects the tags of index.html and the text that stands in it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[str] = []
        self._open = ""
        self.feed((STATIC / "index.html").read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open in {"script", "style"} and data.strip():
            self.inline.append(data)

    def values(self, name: str) -> set[str]:
        return {value for _, attributes in self.tags if (value := attributes.get(name))}


def words(lang: str) -> dict[str, str]:
    text = (STATIC / "i18n" / f"{lang}.js").read_text(encoding="utf-8").replace(":\n    ", ": ")
    return dict(_ENTRY.findall(text))


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_both_languages_have_the_same_words() -> None:
    english, chinese = words("en"), words("zh")
    assert len(english) > 100
    assert english.keys() == chinese.keys()
    assert {key: placeholders(text) for key, text in english.items()} == {
        key: placeholders(text) for key, text in chinese.items()
    }


def test_every_word_used_exists_and_every_word_is_used() -> None:
    page, source = Page(), "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS if "i18n/" not in str(path))
    known = words("en").keys()
    groups = {key.partition(".")[0] for key in known}
    named = page.values("data-i18n") | page.values("data-i18n-label") | page.values("data-i18n-placeholder")
    named |= {key for key in _KEY.findall(source) if key.partition(".")[0] in groups and not key.endswith(".js")}
    assert named - known - NOT_KEYS == set()
    made = (*(f"{prefix}." for prefix in _MADE_KEY.findall(source)), "search.", "filter.all_")
    assert {key for key in known - named if not key.startswith(made)} == set()


def test_every_element_that_a_script_asks_for_is_there() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    asked = set(re.findall(r'byId\("([\w-]+)"\)', source))
    assert len(asked) > 40
    assert asked <= Page().values("id")


def test_nothing_is_inline() -> None:
    page = Page()
    assert page.inline == []
    for tag, attributes in page.tags:
        assert tag != "style"
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)


@pytest.mark.parametrize("path", [*SCRIPTS, *STATIC.rglob("*.css"), STATIC / "index.html"], ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere_and_nothing_is_markup(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    text = text.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    assert re.findall(r"(?:https?:)?//[a-z][\w.-]*\.[a-z]{2,}/", text) == []
    assert re.findall(r"\.(?:inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text) == []
    assert re.findall(r"@import|url\(", text) == []


def test_the_language_choice_is_what_the_server_knows() -> None:
    offered = {attributes["value"] for tag, attributes in Page().tags if tag == "option" and "value" in attributes}
    assert offered == {"", *LANGUAGES.keys() - {TEXT}}


@pytest.mark.parametrize(("name", "language"), [("invoices.py", "python"), ("vault.rs", "rust")])
def test_the_samples_are_what_they_say(name: str, language: str) -> None:
    text = (STATIC / "samples" / f"{name}.txt").read_text(encoding="utf-8")
    assert detect("", text) == language
    assert name in (STATIC / "app.js").read_text(encoding="utf-8")


def test_the_editor_is_what_the_script_made_and_carries_its_licence() -> None:
    pins = json.loads(PINS.read_text(encoding="utf-8"))
    made = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir()}
    assert made == pins["files"], "run scripts/vendor_editor.py; nobody edits its files by hand"
    licence = (VENDOR / "codemirror.LICENSE").read_text(encoding="utf-8")
    assert {name for name in pins["packages"] if name not in {*licence.replace(",", " ").split(), "esbuild"}} == set()
    assert re.findall(r"\beval\(|new Function|\.innerHTML", (VENDOR / "codemirror.js").read_text("utf-8")) == []


def test_every_language_has_its_colours() -> None:
    source = (STATIC / "js" / "syntax.js").read_text(encoding="utf-8")
    makers = source[source.index("const MAKERS") : source.index("const made")]
    assert set(re.findall(r"^  (\w+): \(\)", makers, re.MULTILINE)) == LANGUAGES.keys() - {TEXT}


def test_files_are_small_enough_to_read() -> None:
    """All but the bundle in vendor/, which nobody reads: its sources are packages, named in the pins."""
    assert {path.name: lines for path in SCRIPTS if (lines := len(path.read_text("utf-8").splitlines())) > 300} == {}
