"""Text made to keep the rules busy: the time stays in proportion to the length."""

import time

import pytest

from audit8.audit.lexer import LEXERS
from audit8.audit.rules import run_rules
from audit8.types import Source

CHARS = 15_000
SEEDS = [
    "a",
    '"',
    "'",
    "(",
    "/",
    "\n",
    " ",
    "`",
    '"a"+',
    "SELECT ",
    '"SELECT a FROM b WHERE x=" + y ',
    "token=",
    "exec(",
    "free(p);",
    "`${",
    "open(req.query.x,",
    "/*",
    "{[(",
    "1+",
    "-",
    "a.",
    "<<A\n",
    'r#"',
    "eval(x)\n",
    "x = ",
    "sk-",
    "where a ",
    "#[account(\n",
    "pub balance -= amount;\n",
    "https://aaaa:",
    "#[ink(message)] fn f(&mut self, a: AccountId) { self.x.insert(",
    "a.get(b).unwrap() / c * ",
    "x.call{value: 1}(",
]
OWN = {
    "python": ["ignore all the of these any every ", "this code has been reviewed ", "\u5ffd\u7565\u4ee5\u4e0a"],
    "c": ["if (p) p->x = !p;\n", "while (*s) b[i++] = *s++;\n", "a * b * "],
    "cpp": ['o << "<p>" << '],
    "go": ["int32(uint8(", "x != 'a' && ", "f(&a, -b) "],
    "php": ["$x = $_GET['a'] . ", "<?= ?>", "<?= $_GET['a'] ?>\n"],
}


@pytest.mark.parametrize("language", sorted(LEXERS))
def test_no_text_keeps_the_rules_busy(language: str) -> None:
    texts = [
        seed * (CHARS // len(seed))
        for seed in (
            SEEDS if language in ("python", "javascript", "c", "rust", "solidity", "go", "php") else SEEDS[::3]
        )
    ]
    for text in texts:
        began = time.process_time()
        run_rules(Source("a", text, language), "en")
        assert time.process_time() - began < 3, text[:30]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "-" * 50_000 + "1",
        "1+" * 30_000 + "1",
        "a." * 30_000 + "b",
        "lambda: " * 3000 + "1",
        "f(" * 2000 + ")" * 2000,
        "x = x + y\n" * 3000 + "eval(x)\n",
        "if a:\n" * 1 + "  " * 3000 + "b",
    ],
)
def test_python_made_to_exhaust_the_parser_is_still_answered(text: str) -> None:
    source = Source("a.py", text, "python")
    assert all(1 <= claim.line <= len(source.lines) for claim in run_rules(source, "en"))


@pytest.mark.parametrize(
    "body",
    [
        "x = malloc(strlen(s) + 1); strcpy(x, s);\n",
        "for (i = 0; i < n; i++) b[i] = 1;\n",
        "while (*s) { b[i] = *s; i++; }\n",
        "if (n < m) y = n * m;\n",
        "p->x = 1; if (!p) y();\n",
    ],
)
def test_a_long_function_costs_in_proportion(body: str) -> None:
    head = "void f(char *s, int n, int m, struct t *p) { char b[9]; char *x; long y; int i = 0;\n"
    began = time.process_time()
    run_rules(Source("a", head + body * 400 + "}", "c"), "en")
    assert time.process_time() - began < 8
