"""Languages are told by name first, then by content; aliases mean one language each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.languages import LANGUAGES, TEXT, detect, known

SAMPLES = {
    "python": "from os import path\n\ndef f(a):\n    return path.join(a)\n\nif __name__ == '__main__':\n    main(1)\n",
    "javascript": "const fs = require('fs');\nfunction f(a) {\n  console.log(a);\n}\nmodule.exports = f;\n",
    "typescript": "interface User {\n  name: string;\n}\nexport const f = (u: User): string => u.name;\n",
    "java": "package a.b;\nimport java.util.List;\npublic class A {\n  public static void main(String[] a) {}\n}\n",
    "go": 'package main\n\nimport "fmt"\n\nfunc main() {\n\tx := 1\n\tfmt.Println(x)\n}\n',
    "c": '#include <stdio.h>\nint main(void) {\n  printf("hi");\n  return 0;\n}\n',
    "cpp": "#include <iostream>\nint main() {\n  std::cout << 1;\n}\n",
    "csharp": "using System;\nnamespace A {\n  class P { static void Main() { Console.WriteLine(1); } }\n}\n",
    "rust": 'use std::io;\n\nfn main() {\n    let mut a = 1;\n    println!("{}", a);\n}\n',
    "php": "<?php\n$a = 1;\necho $a;\n",
    "ruby": "require 'json'\n\nclass A\n  def go(x)\n    puts x\n  end\nend\n",
    "solidity": "pragma solidity ^0.8.0;\n\ncontract A {\n  uint256 x;\n}\n",
    "kotlin": "data class A(val x: Int)\n\nfun main() {\n    val a = A(1)\n    println(a)\n}\n",
    "swift": "import Foundation\n\nfunc go(_ a: Int) -> Int {\n  guard let b = c else { return 0 }\n  return a\n}\n",
    "bash": "set -e\nif [ -f a ]; then\n  echo $1\nfi\n",
    "sql": "SELECT a FROM b WHERE c = 1;\nINSERT INTO b VALUES (1);\n",
    "html": "<!DOCTYPE html>\n<html><body></body></html>\n",
    "yaml": "---\nname: x\nsteps:\n  - run: y\n",
}


@pytest.mark.parametrize("language", sorted(SAMPLES))
def test_content_alone_tells(language: str) -> None:
    assert detect("", SAMPLES[language]) == language


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {TEXT}))
def test_every_extension_tells_without_content(language: str) -> None:
    for extension in LANGUAGES[language].extensions:
        assert detect(f"dir/a.b.{extension.upper()}", "") in (language, "c", "cpp")


@pytest.mark.parametrize(
    ("name", "text", "language"),
    [
        ("run", "#!/usr/bin/env python3\nx", "python"),
        ("run", "#!/bin/bash -e\nx", "bash"),
        ("a\\b\\main.go", "", "go"),
        ("a.h", "#include <vector>\nstd::vector<int> a;\n", "cpp"),
        ("a.h", "int f(void);\n", "c"),
        ("README", "Some words about nothing in particular.\n", TEXT),
        ("", "", TEXT),
    ],
)
def test_name_and_shebang(name: str, text: str, language: str) -> None:
    assert detect(name, text) == language


@pytest.mark.parametrize(
    ("alias", "language"),
    [
        ("js", "javascript"),
        ("py", "python"),
        ("C++", "cpp"),
        ("ts", "typescript"),
        ("rs", "rust"),
        ("sol", "solidity"),
        (".Py", "python"),
        ("C#", "csharp"),
    ],
)
def test_aliases(alias: str, language: str) -> None:
    assert known(alias) == language


def test_no_alias_or_extension_means_two_languages() -> None:
    aliases = [alias for one in LANGUAGES.values() for alias in {one.id, one.name.lower(), *one.aliases}]
    extensions = [extension for one in LANGUAGES.values() for extension in one.extensions if extension != "h"]
    assert len(aliases) == len(set(aliases))
    assert len(extensions) == len(set(extensions))


def test_an_unknown_name_is_unknown() -> None:
    assert known("klingon") is None


@given(st.text(max_size=300), st.text(max_size=50))
def test_any_text_has_some_language(text: str, name: str) -> None:
    assert detect(name, text) in LANGUAGES
