"""The checks of C and C++: intervals hold what they must, any damaged text is answered, and hostile text in time."""

import operator
import random
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audit8.audit.rules.native_checks import check_c, check_cpp
from audit8.audit.rules.native_macros import expanded
from audit8.audit.rules.native_repair import with_types
from audit8.audit.rules.native_values import Value, bounds, compute, fit, size_of

EXAMPLES = Path(__file__).parent / "rule_examples" / "native.toml"
SEEDS = [one["bad"] for one in tomllib.loads(EXAMPLES.read_text("utf-8"))["examples"]]
NUMBERS = st.integers(-1000, 1000)
OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: int(a / b),
    "%": lambda a, b: a - int(a / b) * b,
    "&": operator.and_,
}


@given(st.sampled_from(sorted(OPERATORS)), NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.data())
def test_a_computed_interval_holds_every_result(sign: str, a: int, b: int, c: int, d: int, data: st.DataObject) -> None:
    left, right = Value(min(a, b), max(a, b)), Value(min(c, d), max(c, d))
    one = data.draw(st.integers(min(a, b), max(a, b)))
    other = data.draw(st.integers(min(c, d), max(c, d)))
    assume(other != 0 or sign not in "/%")
    result = compute(sign, left, right)
    assert result.lo <= OPERATORS[sign](one, other) <= result.hi


@given(st.sampled_from(["char", "unsigned char", "short", "uint16_t", "int", "unsigned int"]), st.integers())
def test_a_stored_number_keeps_what_fits(kind: str, number: int) -> None:
    limits = bounds(kind, {})
    assert limits is not None
    stored = fit(Value(number, number), kind, {})
    if limits[0] <= number <= limits[1]:
        assert (stored.lo, stored.hi) == (number, number)


@pytest.mark.parametrize(
    ("kind", "size"), [("char *", 8), ("unsigned long", 8), ("const unsigned char", 1), ("struct s", 12), ("x", None)]
)
def test_sizes_are_those_of_a_64_bit_machine(kind: str, size: int | None) -> None:
    assert size_of(kind, {"s": 12}) == size


def test_no_damage_to_the_text_stops_the_checks() -> None:
    dice = random.Random(7)
    tokens = [
        "(",
        ")",
        "{",
        "}",
        ";",
        "*",
        "&",
        "[",
        "->",
        "=",
        "goto a;",
        '"',
        "case 1:",
        "fgets()",
        "sscanf()",
        "else",
    ]
    for number in range(300):
        text = SEEDS[number % len(SEEDS)]
        for _ in range(dice.randint(1, 8)):
            at = dice.randrange(len(text))
            text = text[:at] + dice.choice(tokens) + text[at + dice.randint(0, 5) :]
        lines = text.count("\n") + 1
        for hit in [*(check_c(text) or ()), *(check_cpp(text) or ())]:
            assert 1 <= hit.line <= hit.end_line <= lines


@pytest.mark.parametrize(
    "text",
    [
        "int f(void) {\n" + "if (a) {\n" * 3000 + "}\n" * 3001,
        "int f(void) { return\n" + "(\n" * 5000 + "1" + ")\n" * 5000 + ";}",
        "int f(int a) {\n" + "".join(f"if (a > {one}) x{one} = g(a);\n" for one in range(1000)) + "}",
        "void f(void) {\n" + "f(\n" * 2000 + ")" * 2000 + ";}",
        "void f(char *p) {\n" + "char b[8];\nstrncpy(b, p, sizeof(b));\n" * 500 + "}",
        "int f(int a) {\n" + "for (int i = 0; i < 9; i++) {\n" * 60 + "a++;" + "}\n" * 61,
        "x" * 200_000,
    ],
    ids=["nested", "brackets", "branches", "calls", "copies", "loops", "line"],
)
def test_no_text_keeps_the_checks_busy(text: str) -> None:
    began = time.process_time()
    check_c(text)
    assert time.process_time() - began < 4


def test_a_long_line_is_left_to_the_other_finders() -> None:
    assert check_c("x" * 200_000) is None
    assert check_c("int x;\n") == []


def test_callers_know_what_callees_do() -> None:
    freed = (
        'void done(char *p) {\n  free(p);\n}\nint main(void) {\n  char *p = strdup("a");\n  done(p);\n  puts(p);\n}\n'
    )
    assert ("free-then-use", 7) in {(hit.rule_id, hit.line) for hit in check_c(freed) or ()}
    given_zero = "int part(int a, int b) {\n  return a / b;\n}\nint main(void) {\n  return part(4, 0);\n}\n"
    assert ("divide-by-zero", 2) in {(hit.rule_id, hit.line) for hit in check_c(given_zero) or ()}
    assert check_c(given_zero.replace("4, 0", "4, 2")) == []


@pytest.mark.parametrize(
    "head",
    [
        "static int\nput(char *s)",
        "put(char *s)",
        "put (const char *fmt, ...)",
        "put(s)\n  char *s;",
        "int put(char *s)",
    ],
)
def test_a_function_without_its_type_is_read_at_its_own_lines(head: str) -> None:
    body = "\n{\n  char b[8];\n  b[sizeof(b)] = 0;\n  return b[0];\n}\n"
    for before in ("", "#define A 1\n", "int x;\n", "void g(void)\n{\n}\n", "/* put */\n"):
        line = (before + head).count("\n") + 4
        found = {(hit.rule_id, hit.line) for hit in check_c(before + head + body) or ()}
        assert ("index-out-of-bounds", line) in found


@pytest.mark.parametrize(
    "text", ["if (a) {\n}\n", "int x = f(1);\n", "struct a {\n  int b;\n};\n", "f(1);\n", "((((\n{"]
)
def test_nothing_else_is_given_a_type(text: str) -> None:
    assert with_types(text, "c") == text


def test_a_short_macro_stands_where_it_is_used() -> None:
    text = '#define TWICE(a, b) (a + b + a)\n#define S(x) "x"\nint y = TWICE(n->a, 2);\nint z = TWICE(1) + S(3);\n'
    assert expanded(text, "c").splitlines()[2:] == ["int y = (n->a + 2 + n->a);", "int z = TWICE(1) + S(3);"]
    freed = "#define DONE(p) end(p)\nvoid end(void *p) {\n  free(p);\n}\nint main(void) {\n  char *a = malloc(3);\n"
    freed += "  DONE(a);\n  free(a);\n}\n"
    assert ("double-free", 8) in {(hit.rule_id, hit.line) for hit in check_c(freed) or ()}


def test_macros_that_use_each_other_do_not_grow() -> None:
    text = "".join(f"#define M{n}(a) M{n + 1}(a) + M{n + 1}(a)\n" for n in range(40)) + "int f(int b) {\n"
    text += "  return " + "M0(b) + ".join([""] * 300) + "0;\n}\n"
    assert len(expanded(text, "c")) < 3 * len(text)
    assert expanded(text, "c").count("\n") == text.count("\n")
