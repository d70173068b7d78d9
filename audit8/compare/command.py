"""`audit8 compare` from its settings to its output: one side, then the other, then the table."""

import json
import signal
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from audit8.compare import reference
from audit8.compare.bar import Bar
from audit8.compare.child import Heard, run_side
from audit8.compare.lines import SideOrder
from audit8.compare.measures import Comparison, agreement_of
from audit8.compare.table import can_show_blocks, render
from audit8.compare.words import say
from audit8.errors import StartupError
from audit8.settings import Settings
from audit8.types import Source

# The settings that decide which model runs and how; those of the server itself are not asked for.
FIELDS = (
    "model",
    "source",
    "quant",
    "engine",
    "head",
    "lang",
    "trust_remote_code",
    "cache_dir",
    "context_tokens",
    "cache_tokens",
)
MINUTES = 30
MIN_TOKENS, MAX_TOKENS = 16, 8192  # the reference text has some 20,000
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Wish:
    """`tokens` 0: 512 on a CPU, 2048 on a GPU. `minutes`: the longest that either side's audit may take."""

    source: Source
    tokens: int = 0
    minutes: int = MINUTES
    as_json: bool = False


def compare(settings: Settings, wish: Wish) -> int:
    """Measure both sides and print; the exit code: 0 if the optimised side was measured.

    Raises StartupError, in words, where there is nothing to compare or the optimised side cannot be had.
    """
    lang = settings.lang
    if settings.engine == "openai":
        raise StartupError(say(lang, "elsewhere"))
    if settings.quant == "none":
        raise StartupError(say(lang, "same_twice"))
    bar = Bar(sys.stderr, lang)
    # Ends the child and the temporary files as Ctrl-C does.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="audit8-compare-", ignore_cleanup_errors=True) as folder:
            found = _measure(settings, wish, Path(folder), bar)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)
        bar.clear()
    if wish.as_json:
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    else:
        print(render(found, lang, blocks=can_show_blocks(sys.stdout.encoding)), end="")
    return 0 if found.optimised.audit_s is not None else 1


def _measure(settings: Settings, wish: Wish, folder: Path, bar: Bar) -> Comparison:
    """The optimised side first: it chooses the model, and where it fails there is nothing to compare."""
    kept = folder / "distributions"
    order = SideOrder(
        side="optimised",
        settings=settings.model_dump(mode="json", include=set(FIELDS)),
        source={name: getattr(wish.source, name) for name in ("name", "text", "language")},
        tokens=wish.tokens,
        minutes=wish.minutes,
        kept=str(kept),
        chosen=None,
    )
    ours = _run(order, settings, bar)
    if ours.chosen is None or ours.side.weights_bytes is None:
        raise StartupError(f"{say(settings.lang, 'optimised')}: {ours.side.failed}")
    if ours.side.perplexity is None:
        kept = Path()  # what there is of it is not whole
    theirs = _run(replace(order, side="original", kept=str(kept), chosen=ours.chosen), settings, bar)
    return Comparison(
        chosen=ours.chosen,
        sample=wish.source.name,
        sample_lines=len(wish.source.lines),
        text=reference.NAME,
        original=theirs.side,
        optimised=ours.side,
        closeness=theirs.closeness,
        agreement=agreement_of(theirs.side, ours.side),
    )


def _run(order: SideOrder, settings: Settings, bar: Bar) -> Heard:
    return run_side(order.as_json(), settings.lang, partial(bar.show, order.side))
