"""When two audits agree."""

from audit8.compare.measures import Agreement, Claim, Side, agreement_of

RULE = Claim("a.py", 3, "CWE-89", by_model=False)
MODEL = Claim("a.py", 7, "CWE-78", by_model=True)


def test_the_same_class_at_the_same_line_is_the_same_finding() -> None:
    elsewhere = Claim("a.py", 8, "CWE-78", by_model=True)
    other_class = Claim("a.py", 3, "CWE-22", by_model=True)
    original, optimised = Side(findings=(RULE, MODEL, other_class)), Side(findings=(RULE, elsewhere, other_class))
    assert agreement_of(original, optimised) == Agreement(same=2, all=4, model_same=1, model_all=3)


def test_the_static_rules_do_not_flatter_the_model() -> None:
    agreed = agreement_of(Side(findings=(RULE, MODEL)), Side(findings=(RULE,)))
    assert agreed == Agreement(same=1, all=2, model_same=0, model_all=1)


def test_no_report_is_not_an_empty_report() -> None:
    assert agreement_of(Side(findings=None), Side(findings=())) is None
    assert agreement_of(Side(findings=()), Side(findings=())) == Agreement(0, 0, 0, 0)
