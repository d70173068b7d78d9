"""An explanation and a fix for the findings that stand, by the model, in the language of the job.

A static rule's own words stay: what the model says of this code is added to them.
"""

import json
from dataclasses import replace

from audit8.audit.classes import by_cwe
from audit8.audit.hidden import one_line
from audit8.audit.questions import EXPLAIN_SCHEMA, MAX_TEXT_CHARS, Shown, explain_question
from audit8.audit.texts import words
from audit8.findings import Finding
from audit8.pipeline.calls import Calls
from audit8.types import Lang

MAX_EXPLAINED = 20
TEXT_TOKENS = 256


async def explained(finding: Finding, shown: Shown, calls: Calls, lang: Lang) -> Finding:
    """`finding` with the model's texts; as it was where the model wrote none that can be read."""
    known = by_cwe(finding.cwe)
    title = known.en if known else finding.title
    question = explain_question(title, finding.cwe, finding.start_line, finding.quote, lang)
    answer = await calls.write(shown.ask(question), EXPLAIN_SCHEMA, TEXT_TOKENS)
    why, fix = _texts(answer.text)
    if not why:
        return finding
    if finding.origin == "rule":
        return replace(finding, why=f"{finding.why} {words('in_this_code', lang, why=why)}")
    return replace(finding, why=why, fix=fix or finding.fix)


def _texts(answer: str) -> tuple[str, str]:
    """The two texts, or empty ones: an answer that is not such a document says nothing."""
    begin, end = answer.find("{"), answer.rfind("}")
    try:
        value = json.loads(answer[begin : end + 1], strict=False)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(value, dict):
        return "", ""
    why, fix = (value.get(name) for name in ("why", "fix"))
    return (
        one_line(why, MAX_TEXT_CHARS) if isinstance(why, str) else "",
        one_line(fix, MAX_TEXT_CHARS) if isinstance(fix, str) else "",
    )
