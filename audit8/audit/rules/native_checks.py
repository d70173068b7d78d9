"""The static rules for C and C++ from the syntax tree: every function on its paths, and checks that need no path.

The claims' words are in the tables (memory.py, native_memory_rules.py, native_logic_rules.py and others). Functions are
read twice in silence, so that callers know what callees return and callees what callers give; the third reading counts.
"""

from audit8.audit.rules.native_bounds import check_bounds
from audit8.audit.rules.native_exits import check_exits
from audit8.audit.rules.native_files import check_files
from audit8.audit.rules.native_fills import check_fills
from audit8.audit.rules.native_lengths import check_lengths
from audit8.audit.rules.native_limits import check_limits
from audit8.audit.rules.native_lists import check_lists
from audit8.audit.rules.native_loops import check_loops
from audit8.audit.rules.native_macros import expanded
from audit8.audit.rules.native_markup import check_markup
from audit8.audit.rules.native_model import Function, Unit
from audit8.audit.rules.native_nulls import check_nulls
from audit8.audit.rules.native_numbers import check_numbers
from audit8.audit.rules.native_objects import check_objects
from audit8.audit.rules.native_paths import run_function
from audit8.audit.rules.native_products import check_products
from audit8.audit.rules.native_races import check_races
from audit8.audit.rules.native_repair import with_types
from audit8.audit.rules.native_report import Report
from audit8.audit.rules.native_results import check_results
from audit8.audit.rules.native_secrets import check_secrets
from audit8.audit.rules.native_terminators import check_terminators
from audit8.audit.rules.native_tree import grow
from audit8.audit.rules.rule import Hit
from audit8.audit.syntax import parse

_CHECKS = (
    check_loops,
    check_terminators,
    check_races,
    check_results,
    check_secrets,
    check_fills,
    check_nulls,
    check_products,
    check_bounds,
    check_lengths,
    check_numbers,
    check_exits,
    check_files,
    check_limits,
    check_lists,
)
_QUIET_ROUNDS = 2
_STEPS = 14_000  # Of one reading of a file, in all: about two seconds.
_MIN_STEPS, _MAX_STEPS = 60, 8_000
_MAX_LINE_CHARS = 20_000  # Columns are counted from the line's begin: a longer one costs too much.


def check_c(text: str) -> list[Hit] | None:
    """Where the rules fire in C source, or None when there is no tree of it."""
    return _check(text, "c")


def check_cpp(text: str) -> list[Hit] | None:
    """The same for C++."""
    return _check(text, "cpp")


def _check(text: str, language: str) -> list[Hit] | None:
    if max(map(len, text.split("\n"))) > _MAX_LINE_CHARS:
        return None
    text = expanded(with_types(text, language), language)
    root = parse(text, language)
    if root is None:
        return None
    unit, report = Unit(grow(root, text)), Report()
    order = sorted(unit.functions.values(), key=lambda one: one.name != "main")
    report.quiet = True
    for _ in range(_QUIET_ROUNDS):
        _run(unit, [one for one in order if unit.functions.get(one.name) is one], report)
    report.quiet = False
    _run(unit, order, report)
    for check in (*_CHECKS, check_markup, check_objects) if language == "cpp" else _CHECKS:
        check(unit, report)
    return report.hits()


def _run(unit: Unit, order: list[Function], report: Report) -> None:
    """One reading: every function gets a share of the steps that fits its length."""
    chars = sum(one.body.end - one.body.start for one in order) + 1
    for function in order:
        share = _STEPS * (function.body.end - function.body.start) // chars
        run_function(unit, function, report, min(_MAX_STEPS, max(_MIN_STEPS, share)))
