"""Python 2 becomes Python 3 line for line, and what the rules see in it is the same."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.rules.python_checks import check_python
from audit8.audit.rules.python_two import as_python_three


@pytest.mark.parametrize(
    "text",
    [
        "print 'a', b\n",
        "if a: print b,\n",
        "try:\n    f()\nexcept (A, B), e:\n    raise C, 'd'\n",
        "exec 'a = 1' in b\n",
        "a = 0777 + 10L\n",
        "if a <> `b`: pass\n",
        "a = ur'b'\n",
    ],
)
def test_what_python_3_refuses_is_said_otherwise(text: str) -> None:
    with pytest.raises(SyntaxError):
        ast.parse(text)
    ast.parse(as_python_three(text))


def test_a_rule_sees_through_it_on_the_same_line() -> None:
    hits = check_python("def f(password):\n    print 'x'\n    return hashlib.md5(password).digest()\n")
    assert [(one.rule_id, one.line) for one in hits or ()] == [("weak-hash-password", 3)]


@given(st.text(alphabet="print exec,:`'\"<>\n()e0L#", max_size=200))
def test_lines_stay_lines(text: str) -> None:
    assert as_python_three(text).count("\n") == text.count("\n")
