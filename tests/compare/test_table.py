"""The figures stand in the table, in both languages, and nothing is passed over in silence."""

import json
from dataclasses import replace

import pytest

from audit8.compare.measures import Agreement, Chosen, Comparison, Side
from audit8.compare.table import BAR_CELLS, bar, can_show_blocks, render
from audit8.compare.words import WORDS
from audit8.figures import Closeness
from audit8.terminal import width
from audit8.types import Lang

GIB = 1024**3
ORIGINAL = Side(
    memory="vram",
    arithmetic="16 bit",
    weights_bytes=int(14.2 * GIB),
    peak_bytes=16 * GIB,
    gpu_percent=30,
    audit_s=40.0,
    tokens_per_s=20.0,
    perplexity=3.0,
    findings=(),
)
OPTIMISED = replace(
    ORIGINAL,
    arithmetic="int8",
    weights_bytes=int(7.1 * GIB),
    peak_bytes=8 * GIB,
    gpu_percent=95,
    audit_s=4.0,
    tokens_per_s=400.0,
    perplexity=3.009,
)
CLOSE = Closeness(2048, 3.009, 0.3, 0.05, 0.0013, 0.0001, 98.2)
FOUND = Comparison(
    chosen=Chosen("/m", "coder-7b", False, "NVIDIA X", 2048),
    sample="invoices.py",
    sample_lines=61,
    text="argparse.py",
    original=ORIGINAL,
    optimised=OPTIMISED,
    closeness=CLOSE,
    agreement=Agreement(3, 4, 1, 2),
)
LANGS: list[Lang] = ["en", "zh"]


def lines_of(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(name))


@pytest.mark.parametrize("lang", LANGS)
def test_every_figure_is_there(lang: Lang) -> None:
    text = render(FOUND, lang, blocks=True)
    words = WORDS[lang]
    for name, figures in {
        "vram_weights": ["14.20 GiB", "7.10 GiB", "-50 %"],
        "vram_peak": ["16.00 GiB", "8.00 GiB", "-50 %"],
        "gpu": ["30 %", "95 %", "+65"],
        "audit": ["40.0 s", "4.0 s", "10.00"],
        "speed": ["20.0", "400.0", "20.00"],
        "perplexity": ["3.0000", "3.0090", "+0.30 %"],
    }.items():
        row = lines_of(text, words[name])
        assert [figure for figure in figures if figure not in row] == []
    assert "+0.30 %（± 0.05）" in text if lang == "zh" else "+0.30 % (± 0.05)" in text
    assert "98.2 %" in text
    assert "75 %" in text
    assert "50 %" in text
    assert words["missed"] not in text


def test_the_columns_are_straight_in_chinese_too() -> None:
    table = render(FOUND, "zh", blocks=True).split("\n\n")[1].splitlines()
    starts = [width(line[: line.index(figure)]) for line, figure in zip(table[2:4], ("14.20", "16.00"), strict=True)]
    assert len(set(starts)) == 1


def test_both_languages_say_the_same_things() -> None:
    assert WORDS["en"].keys() == WORDS["zh"].keys()


@pytest.mark.parametrize(("change", "large"), [(0.99, False), (1.0, True), (5.0, True), (-3.0, False)])
def test_a_loss_of_one_percent_is_said_plainly(change: float, large: bool) -> None:
    text = render(replace(FOUND, closeness=replace(CLOSE, perplexity_change_percent=change)), "en", blocks=True)
    assert ("THE LOSS IS 1 % OR MORE" in text) is large
    assert ("less than 1 % is lost" in text) is not large


def test_a_figure_within_its_error_of_the_limit_is_called_unsure() -> None:
    unsure = replace(FOUND, closeness=replace(CLOSE, perplexity_change_percent=0.8, perplexity_change_error=0.3))
    assert "too large to be sure" in render(unsure, "en", blocks=True)
    assert "too large to be sure" not in render(FOUND, "en", blocks=True)


@pytest.mark.parametrize("lang", LANGS)
def test_what_was_missed_is_named_with_its_reason(lang: Lang) -> None:
    original = Side(memory="vram", failed="killed (signal 9)", missed={"gpu_percent": "no nvidia-smi"})
    text = render(replace(FOUND, original=original, closeness=None, agreement=None), lang, blocks=True)
    tail = text[text.index(WORDS[lang]["missed"]) :]
    assert "killed (signal 9)" in tail
    assert "no nvidia-smi" in tail
    assert WORDS[lang]["closeness"] in tail
    assert WORDS[lang]["findings"] in tail
    assert "7.10 GiB" in text
    assert "%" not in lines_of(text, WORDS[lang]["vram_weights"])


def test_memory_that_is_not_vram_is_not_called_so() -> None:
    ram = replace(FOUND, original=replace(ORIGINAL, memory="ram"), optimised=replace(OPTIMISED, memory="ram"))
    text = render(ram, "en", blocks=True)
    assert "RAM after loading (not VRAM)" in text
    assert "\nVRAM" not in text


def test_an_ascii_output_gets_ascii_bars() -> None:
    text = render(FOUND, "en", blocks=False)
    assert "#" * BAR_CELLS in text
    assert text.replace("±", "").isascii()
    assert [can_show_blocks(name) for name in ("utf-8", "gbk", "cp437", "ascii", "cp1252", None, "no-such")] == [
        True,
        True,
        False,
        False,
        False,
        False,
        False,
    ]


def test_bars_are_as_long_as_their_share() -> None:
    assert bar(1, blocks=True) == "█" * BAR_CELLS
    assert bar(0.5, blocks=False) == "#" * (BAR_CELLS // 2)
    assert bar(1.5 / BAR_CELLS, blocks=True) == "█▌"
    assert bar(0, blocks=True) == "▏"


def test_hostile_names_reach_no_terminal() -> None:
    hostile = replace(
        FOUND,
        sample="a\x1b[2J\n.py",
        chosen=replace(FOUND.chosen, name="m\u202e"),
        original=replace(ORIGINAL, failed="x\x07"),
    )
    text = render(hostile, "en", blocks=True)
    assert not {"\x1b", "\u202e", "\x07"} & set(text)
    assert "\\u001b" in text


def test_json_has_the_same_figures() -> None:
    there = json.loads(json.dumps(FOUND.as_json()))
    assert there["optimised"]["tokens_per_s"] == 400
    assert there["closeness"]["kl"] == 0.0013
    assert there["agreement"] == {"same": 3, "all": 4, "model_same": 1, "model_all": 2}
