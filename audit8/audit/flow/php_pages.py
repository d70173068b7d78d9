"""The PHP in a page: what stands outside its tags is blanked, so that the grammar, which knows no HTML, can read it.

Lines stay where they are. A text without a tag is a part of a file and all PHP.
"""

import re

_TAG = re.compile(r"<\?(?:php\b|=)?|\?>")


def code_of(text: str) -> str:
    """`text` with HTML as blank lines, `<?= x ?>` as `echo x;` and the tags gone."""
    if "<?" not in text:
        return text
    first = _TAG.search(text)
    # A part of a file may begin in the middle of its PHP.
    parts, inside, last = list[str](), first is not None and first.group() == "?>", 0
    for tag in _TAG.finditer(text):
        between = text[last : tag.start()]
        parts.append(between if inside else "\n" * between.count("\n"))
        opens = tag.group() != "?>"
        if opens:
            parts.append("echo " if tag.group() == "<?=" else " ")
        elif inside:
            parts.append(";")
        inside, last = opens, tag.end()
    rest = text[last:]
    parts.append(rest if inside else "\n" * rest.count("\n"))
    return "".join(parts)
