"""Rules about what a reader cannot see."""

from audit8.audit.rules.rule import Finder, Rule, Words
from audit8.types import Severity

RULES = (
    Rule(
        "bidi-control",
        "hidden-text",
        "CWE-1007",
        Severity.MEDIUM,
        0.9,
        Words("Bidirectional control character in the source", "源码中含有双向控制字符"),
        Words(
            "An editor shows this line in another order than the compiler reads it: what looks like a "
            "comment may be code.",
            "编辑器显示这一行的顺序与编译器读取的顺序不同：看似注释的内容可能是代码。",
        ),
        Words("Remove the character, or write it as an escape.", "删除该字符，或写成转义形式。"),
        (Finder((), "[\u202a-\u202e\u2066-\u2069]", on="text"),),
    ),
)
