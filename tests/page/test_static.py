"""Laws of the page's files that need no browser: two languages alike, nothing inline, nothing from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from audit8.audit.languages import LANGUAGES, TEXT, detect

STATIC = Path(__file__).parents[2] / "static"
SCRIPTS = sorted(STATIC.rglob("*.js"))
_ENTRY = re.compile(r'^\s*"([\w.]+)":\s*"((?:[^"\\]|\\.)*)",$', re.MULTILINE)
_LITERAL_KEY = re.compile(r'(?:\bt\(|\bpart\()"([\w.]+)"|^\s*how = "([\w.]+)"', re.MULTILINE)
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
    named = page.values("data-i18n") | page.values("data-i18n-label") | page.values("data-i18n-placeholder")
    named |= {first or second for first, second in _LITERAL_KEY.findall(source)}
    assert named <= words("en").keys()
    made = tuple(f"{prefix}." for prefix in _MADE_KEY.findall(source))
    unused = {key for key in words("en") if key not in named and f'"{key}"' not in source}
    assert {key for key in unused if not key.startswith(made)} == set()


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
    assert re.findall(r"(?:https?:)?//[a-z][\w.-]*\.[a-z]{2,}/", text) == []
    assert re.findall(r"\.(?:inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text) == []
    assert re.findall(r"@import|url\(", text) == []


def test_the_language_choice_is_what_the_server_knows() -> None:
    offered = {attributes.get("value") for tag, attributes in Page().tags if tag == "option"}
    assert offered == {"", *LANGUAGES.keys() - {TEXT}}


@pytest.mark.parametrize(("name", "language"), [("invoices.py", "python"), ("vault.rs", "rust")])
def test_the_samples_are_what_they_say(name: str, language: str) -> None:
    text = (STATIC / "samples" / f"{name}.txt").read_text(encoding="utf-8")
    assert detect("", text) == language
    assert name in (STATIC / "app.js").read_text(encoding="utf-8")


def test_files_are_small_enough_to_read() -> None:
    assert {path.name: lines for path in SCRIPTS if (lines := len(path.read_text("utf-8").splitlines())) > 300} == {}
