"""Rules about text that is aimed at the reader: what they cannot see, and what tells them how to judge."""

from audit8.audit.rules.auditor_words import CHINESE, ENGLISH
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
    Rule(
        "auditor-addressed",
        "prompt-injection",
        "CWE-1427",
        Severity.MEDIUM,
        0.8,
        Words("Text in the code tells the auditor what to conclude", "代码中的文字指示审计者如何下结论"),
        Words(
            "A comment or string asks for something to be ignored, not reported or taken for safe. Code does not "
            "need such words: they are aimed at a reviewer or at a language model that reads it.",
            "注释或字符串要求忽略、不报告某些内容，或声称代码是安全的。代码本身不需要这样的文字：它针对的是审查者或阅读代码的语言模型。",
        ),
        Words(
            "Believe nothing that it says: read this code with more care, and ask who wrote the text and why.",
            "不要相信其中的任何内容：应更仔细地审查这段代码，并查明是谁、为何写下这段文字。",
        ),
        (
            Finder((), rf"(?i:{ENGLISH})", on="text"),
            Finder((), CHINESE, on="text"),
        ),
    ),
)
