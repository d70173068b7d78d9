"""Functions, types and imports of every language with a grammar, and no crash for text that is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.outline import KINDS, MAX_DEPTH, Outline, outline
from audit8.audit.syntax import GRAMMARS, parse
from audit8.types import Source

SAMPLES = {
    "python": "import os\n@cached\ndef f(a):\n    return a\n",
    "javascript": "import os from 'os';\nfunction f(a) {\n  return a;\n}\n",
    "typescript": "import os from 'os';\nfunction f(a: string) {\n  return a;\n}\n",
    "java": "import a.B;\nclass C {\n  int f(int a) {\n    return a;\n  }\n}\n",
    "go": 'package p\nimport "os"\nfunc f(a int) int {\n\treturn a\n}\n',
    "c": "#include <os.h>\nint *f(int a)\n{\n  return a;\n}\n",
    "cpp": "#include <os>\nint ns::f(int a) {\n  return a;\n}\n",
    "csharp": "using Os;\nclass C {\n  int f(int a) {\n    return a;\n  }\n}\n",
    "rust": "use os::path;\npub fn f(a: u8) -> u8 {\n    a\n}\n",
    "php": "<?php\nuse A\\B;\nfunction f($a) {\n  return $a;\n}\n",
    "ruby": "def f(a)\n  a\nend\n",
    "solidity": 'import "a.sol";\ncontract C {\n  function f(uint a) public {\n    a;\n  }\n}\n',
    "kotlin": "import a.b\nfun f(a: Int): Int {\n    return a\n}\n",
    "swift": "import A\nfunc f(a: Int) -> Int {\n    return a\n}\n",
    "scala": "import a.b\ndef f(a: Int): Int = {\n  a\n}\n",
    "bash": "f() {\n  echo 1\n}\n",
}


def made(text: str, language: str, name: str = "") -> Outline:
    return outline(Source(name, text, language))


@pytest.mark.parametrize("language", GRAMMARS)
def test_every_grammar_has_the_kinds_that_are_asked_of_it(language: str) -> None:
    names = ("a.ts", "a.tsx") if language == "typescript" else ("",)
    for name in names:
        root = parse("x", language, name)
        assert root is not None
        for kind in " ".join(KINDS[language]).split():
            root.find_all(kind=kind)  # raises for an unknown kind


@pytest.mark.parametrize("language", GRAMMARS)
def test_a_function_is_found_with_its_name_and_lines(language: str) -> None:
    text = SAMPLES[language]
    lines = text.split("\n")
    first = next(number for number, line in enumerate(lines, 1) if "f(" in line)
    found = [part for part in made(text, language).parts if part.kind == "function"]
    head = next(part for part in found if part.start <= first <= part.head_end)
    assert head.name == "f"
    assert head.end > head.head_end
    assert lines[head.end - 1].strip() in ("}", "end", "return a")
    imports = [part.start for part in made(text, language).parts if part.kind == "import"]
    assert imports or language in ("ruby", "bash")


def test_the_head_of_a_signature_over_several_lines() -> None:
    part = made("def f(\n    a,\n    b,\n):\n    return a\n", "python").parts[0]
    assert (part.start, part.head_end, part.end) == (1, 4, 5)
    part = made("fn f(\n  a: u8,\n) -> u8\n{\n  a\n}\n", "rust").parts[0]
    assert (part.start, part.head_end, part.end) == (1, 4, 6)


def test_around_gives_the_innermost_first() -> None:
    text = "class A:\n    def f(self):\n        def g():\n            return 1\n        return g\n\n\nx = 1\n"
    tree = made(text, "python")
    assert [part.name for part in tree.around(4)] == ["g", "f", "A"]
    assert [part.name for part in tree.around(5)] == ["f", "A"]
    assert tree.around(8) == []


def test_nesting_without_end_is_cut_off() -> None:
    text = "function f() {\n" * 300 + "}\n" * 300
    assert len(made(text, "javascript").parts) == MAX_DEPTH


def test_without_a_grammar_there_is_nothing() -> None:
    assert made("anything", "text").parts == ()
    assert made("x" * 5_000_000, "javascript").parts == ()


@given(st.sampled_from(sorted(GRAMMARS)), st.text(max_size=60), st.integers(0, 200))
def test_parts_are_in_order_within_the_text_and_within_their_parents(language: str, junk: str, at: int) -> None:
    text = SAMPLES[language]
    source = Source("", text[:at] + junk.replace("\r", "") + text[at:], language)
    parts = outline(source).parts
    assert [part.start for part in parts] == sorted(part.start for part in parts)
    for part in parts:
        assert 1 <= part.start <= part.head_end <= part.end <= source.text.count("\n") + 1
        if part.parent >= 0:
            assert parts[part.parent].start <= part.start
            assert part.end <= parts[part.parent].end
