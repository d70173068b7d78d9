"""Comments that accept a finding: read in every form of comment, and in nothing but comments."""

import time

import pytest

from audit8.audit.inline import MAX_COMMENTS, comments_of
from audit8.types import Source


def read(text: str, language: str = "python") -> list[tuple[int, int, tuple[str, ...], str]]:
    return [(one.line, one.target, one.names, one.reason) for one in comments_of(Source("f", text, language))]


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("python", "x = 1  # audit8: ignore[CWE-89] fixed table"),
        ("javascript", "x = 1; // audit8: ignore[CWE-89] fixed table"),
        ("c", "x = 1; /* audit8: ignore[CWE-89] fixed table */"),
        ("php", "<?php $x = 1; # audit8: ignore[CWE-89] fixed table"),
        ("sql", "select 1 -- audit8: ignore[CWE-89] fixed table"),
        ("html", "<p> <!-- audit8: ignore[CWE-89] fixed table -->"),
        ("bash", "x=1 # audit8: ignore[CWE-89] fixed table"),
        ("ruby", "x = 1 # audit8:ignore [CWE-89]: fixed table"),
        ("solidity", "x = 1; // audit8: ignore[CWE-89] - fixed table"),
    ],
)
def test_every_form_of_comment_is_read(language: str, line: str) -> None:
    assert read(f"\n{line}\n" if language != "php" else line, language) == [
        (1 if language == "php" else 2, 1 if language == "php" else 2, ("CWE-89",), "fixed table")
    ]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", 's = "# audit8: ignore[CWE-89] no"'),
        ("python", '"""\n# audit8: ignore[CWE-89] no\n"""'),
        ("javascript", "const s = `// audit8: ignore[CWE-89] no`;"),
        ("go", "s := `\n// audit8: ignore[CWE-89] no\n`"),
        ("c", 'char *s = "/* audit8: ignore[CWE-89] no */";'),
        ("text", "# audit8: ignore[CWE-89] no"),
        ("python", "# audit8 ignore[CWE-89] no colon"),
    ],
)
def test_what_is_no_comment_does_not_count(language: str, text: str) -> None:
    assert read(text, language) == []


def test_alone_on_its_line_it_speaks_of_the_next_code() -> None:
    text = "# audit8: ignore[xss] one\n# audit8: ignore[CWE-89, sql-injection] two\n# more words\nrun()\n"
    assert [(line, target) for line, target, _, _ in read(text)] == [(1, 4), (2, 4)]
    assert read(text)[1][2] == ("CWE-89", "sql-injection")
    assert read("/*\n audit8: ignore[xss] why\n*/\nrun();\n", "c") == [(2, 4, ("xss",), "why")]


def test_a_blank_line_ends_what_it_speaks_of() -> None:
    assert read("# audit8: ignore[xss] one\n\nrun()\n")[0][:2] == (1, 2)


def test_without_brackets_or_reason_it_is_still_seen() -> None:
    assert read("x = 1  # audit8: ignore\n") == [(1, 1, (), "")]
    assert read("x = 1  # audit8: ignore[ , ]\n") == [(1, 1, (), "")]
    assert read("x = 1 /* audit8: ignore[CWE-1] */\n", "c") == [(1, 1, ("CWE-1",), "")]


def test_many_are_bounded_and_hostile_text_is_quick() -> None:
    text = "# audit8: ignore[CWE-89] x\n" * 20_000 + "run()\n"
    began = time.process_time()
    found = read(text)
    assert (len(found), found[0][1]) == (MAX_COMMENTS, 20_001)
    read("# audit8: ignore[" + "[" * 200_000)
    assert time.process_time() - began < 5
