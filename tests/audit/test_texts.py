"""Both languages have every sentence, with the same placeholders."""

from string import Formatter

from audit8.audit.texts import TEXTS, words


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_say_the_same() -> None:
    for key, both in TEXTS.items():
        assert set(both) == {"en", "zh"}, key
        assert placeholders(both["en"]) == placeholders(both["zh"]), key
        assert both["en"] != both["zh"] or not both["en"].isascii(), key


def test_values_are_filled_in() -> None:
    assert words("no_such_line", "en", line=9, first=1, last=5) == "line 9 is not among the lines that were shown (1-5)"
