"""The table, the chart and the list of what was missed, as plain text. Knows words and columns; computes no figure.

Model names, file names and errors are hostile text: nothing here lets a control character through to the terminal.
"""

from collections.abc import Callable
from dataclasses import dataclass

from audit8.audit.hidden import one_line
from audit8.compare.measures import MEASURES, Comparison, Side
from audit8.compare.words import say
from audit8.terminal import pad, width
from audit8.types import Lang

GIB = 1024**3
BAR_CELLS = 40
BLOCK, EIGHTHS, ASCII_BLOCK = "█", "▏▎▍▌▋▊▉", "#"
NAME_CHARS, REASON_CHARS = 80, 500
LOSS_PERCENT = 1.0  # what the user allows


@dataclass(frozen=True, slots=True)
class Row:
    """A measure: its field, its name, how a figure is written, and how the change from one to the other is."""

    field: str
    name: str
    figure: Callable[[float], str]
    change: Callable[[float, float], str]


def render(found: Comparison, lang: Lang, *, blocks: bool) -> str:
    """Everything for a person. `blocks` False: the chart in ASCII, for an output that has no block characters."""
    parts = [_head(found, lang), _table(found, lang), _chart(found, lang, blocks=blocks)]
    parts += [_accuracy(found, lang), _missed(found, lang)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def can_show_blocks(encoding: str | None) -> bool:
    try:
        (BLOCK + EIGHTHS).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


# ---- head and table ---------------------------------------------------------------------------------------------


def _head(found: Comparison, lang: Lang) -> list[str]:
    lines = [
        say(
            lang,
            "title",
            model=one_line(found.chosen.name, NAME_CHARS),
            device=one_line(found.chosen.device, NAME_CHARS),
        ),
        say(lang, "about_sample", name=one_line(found.sample, NAME_CHARS), lines=found.sample_lines),
        say(lang, "about_text", tokens=found.chosen.tokens, text=found.text),
    ]
    for key, side in (("original", found.original), ("optimised", found.optimised)):
        if side.arithmetic:
            lines.append(f"{say(lang, key)}: {side.arithmetic}")
    if found.original.offloaded_bytes:
        lines.append(say(lang, "offloaded", gib=f"{found.original.offloaded_bytes / GIB:.2f}"))
    return lines


def _rows(found: Comparison, lang: Lang) -> list[Row]:
    memory = found.optimised.memory
    return [
        Row("weights_bytes", say(lang, f"{memory}_weights"), _gib, _percent),
        Row("peak_bytes", say(lang, f"{memory}_peak"), _gib, _percent),
        Row("gpu_percent", say(lang, "gpu"), lambda value: f"{value:.0f} %", _points(lang)),
        Row("audit_s", say(lang, "audit"), lambda value: f"{value:.1f} s", _speedup(lang, inverse=True)),
        Row("tokens_per_s", say(lang, "speed"), lambda value: f"{value:.1f}", _speedup(lang, inverse=False)),
        Row("perplexity", say(lang, "perplexity"), lambda value: f"{value:.4f}", _fine_percent),
    ]


def _table(found: Comparison, lang: Lang) -> list[str]:
    cells = [["", say(lang, "original"), say(lang, "optimised"), say(lang, "change")]]
    for row in _rows(found, lang):
        before, after = _value(found.original, row.field), _value(found.optimised, row.field)
        change = row.change(before, after) if before and after is not None else "-"
        cells.append([row.name, *("-" if value is None else row.figure(value) for value in (before, after)), change])
    columns = [max(width(line[column]) for line in cells) for column in range(4)]
    lines = ["  ".join(pad(cell, columns[at]) for at, cell in enumerate(line)).rstrip() for line in cells]
    return [lines[0], "-" * (sum(columns) + 6), *lines[1:]]


def _value(side: Side, field: str) -> float | None:
    value: float | None = getattr(side, field)
    return value


def _gib(value: float) -> str:
    return f"{value / GIB:.2f} GiB"


def _percent(before: float, after: float) -> str:
    return f"{100 * (after / before - 1):+.0f} %"


def _fine_percent(before: float, after: float) -> str:
    return f"{100 * (after / before - 1):+.2f} %"


def _points(lang: Lang) -> Callable[[float, float], str]:
    return lambda before, after: say(lang, "points", points=f"{after - before:+.0f}")


def _speedup(lang: Lang, *, inverse: bool) -> Callable[[float, float], str]:
    def words(before: float, after: float) -> str:
        times = before / after if inverse else after / before
        return say(lang, "speedup", times=f"{times:.2f}")

    return words


# ---- chart ------------------------------------------------------------------------------------------------------


def _chart(found: Comparison, lang: Lang, *, blocks: bool) -> list[str]:
    """Two bars for each measure that has a size; the longer one is BAR_CELLS long."""
    lines: list[str] = []
    labels = [say(lang, "original"), say(lang, "optimised")]
    label_columns = max(map(width, labels))
    rows = [row for row in _rows(found, lang) if row.field in {"peak_bytes", "gpu_percent", "audit_s", "tokens_per_s"}]
    for row in rows:
        values = [_value(side, row.field) for side in (found.original, found.optimised)]
        largest = max((value for value in values if value is not None), default=0)
        if not largest:
            continue
        lines.append(row.name)
        for label, value in zip(labels, values, strict=True):
            drawn = "-" if value is None else f"{bar(value / largest, blocks=blocks)} {row.figure(value)}"
            lines.append(f"  {pad(label, label_columns)} {drawn}")
    return lines


def bar(share: float, *, blocks: bool) -> str:
    """A bar of `share` (0..1) of BAR_CELLS: to an eighth of a cell with blocks, to a whole one in ASCII."""
    eighths = round(share * BAR_CELLS * 8)
    if not blocks:
        return ASCII_BLOCK * max(round(eighths / 8), 1)
    whole, rest = divmod(max(eighths, 1), 8)
    return BLOCK * whole + (EIGHTHS[rest - 1] if rest else "")


# ---- accuracy and what was missed -------------------------------------------------------------------------------


def _accuracy(found: Comparison, lang: Lang) -> list[str]:
    lines: list[str] = []
    if (close := found.closeness) is not None:
        change, error = close.perplexity_change_percent, close.perplexity_change_error
        key = "loss_large" if change >= LOSS_PERCENT else "loss_small"
        lines.append("- " + say(lang, key, change=f"{change:+.2f}", error=f"{error:.2f}"))
        if abs(change - LOSS_PERCENT) < 2 * error:
            lines[-1] += ("；" if lang == "zh" else "; ") + say(lang, "unsure")
        lines.append("- " + say(lang, "kl", kl=f"{close.kl:.5f}", error=f"{close.kl_error:.5f}"))
        lines.append("- " + say(lang, "top1", percent=f"{close.top1_same_percent:.1f}"))
        lines.insert(0, say(lang, "accuracy", places=close.places))
    if (agreed := found.agreement) is not None:
        lines.append("- " + _agreed(lang, "agree", agreed.same, agreed.all))
        lines.append("- " + _agreed(lang, "model_agree", agreed.model_same, agreed.model_all))
    return lines


def _agreed(lang: Lang, key: str, same: int, everything: int) -> str:
    if not everything:
        return say(lang, f"{key.removesuffix('agree')}none" if key == "model_agree" else "agree_none")
    return say(lang, key, same=same, all=everything, percent=f"{100 * same / everything:.0f}")


def _missed(found: Comparison, lang: Lang) -> list[str]:
    lines: list[str] = []
    for key, side in (("original", found.original), ("optimised", found.optimised)):
        if side.failed:
            lines.append(f"- {say(lang, key)}: {one_line(side.failed, REASON_CHARS)}")
        names = {row.field: row.name for row in _rows(found, lang)}
        names |= {name: say(lang, name) for name in ("closeness", "findings")}
        for field in (*MEASURES, "closeness", "findings"):
            if why := side.missed.get(field):
                lines.append(f"- {say(lang, key)}, {names[field]}: {one_line(why, REASON_CHARS)}")
    for field, value in (("closeness", found.closeness), ("findings", found.agreement)):
        explained = any(side.missed.get(field) for side in (found.original, found.optimised))
        if value is None and not explained:
            lines.append(f"- {say(lang, field)}: {say(lang, 'needs_both')}")
    return [say(lang, "missed"), *lines] if lines else []
