"""Runs all static rules over one source.

Knows the list of rules, and that Python which parses is judged by its syntax tree instead of by lines.
"""

from audit8.audit.flow import flow_hits
from audit8.audit.lexer import look
from audit8.audit.rules import (
    commands,
    crypto,
    data,
    files,
    hidden_text,
    limits,
    memory,
    pages,
    protection,
    reached,
    secrets,
    solana,
    sql,
    web,
)
from audit8.audit.rules.matching import Text, hits
from audit8.audit.rules.python_checks import check_python
from audit8.audit.rules.rule import Hit, Rule
from audit8.types import Candidate, Lang, Source

_TABLES = (
    sql,
    commands,
    data,
    secrets,
    pages,
    files,
    web,
    crypto,
    memory,
    solana,
    hidden_text,
    reached,
    limits,
    protection,
)
_MAX_SPAN_LINES = 8
_SHARES = {
    0: 1.0,
    1: 0.8,
    2: 0.85,
    3: 1.0,
}  # By how surely the value is from outside: an unseen place, a parameter, input.
RULES: dict[str, Rule] = {rule.id: rule for table in _TABLES for rule in table.RULES}


def run_rules(source: Source, lang: Lang) -> list[Candidate]:
    """Every place where a rule fires, as claims in `lang`, by line. Never raises on any text."""
    text = Text(look(source.text, source.language), source.language)
    from_tree = check_python(source.text) if source.language == "python" else None
    found = list(from_tree or ())
    for rule in RULES.values():
        if from_tree is None or not rule.python:
            found += hits(rule, text)
    found += [
        Hit(one.rule, one.line, min(one.end_line, one.line + _MAX_SPAN_LINES), _SHARES[one.level])
        for one in flow_hits(source.text, source.language, source.name) or ()
    ]
    best: dict[tuple[int, str], Hit] = {}
    for hit in found:
        known = best.setdefault((hit.line, hit.rule_id), hit)
        if hit.share > known.share:
            best[(hit.line, hit.rule_id)] = hit
    return [_candidate(best[place], lang) for place in sorted(best)]


def _candidate(hit: Hit, lang: Lang) -> Candidate:
    rule = RULES[hit.rule_id]
    return Candidate(
        title=rule.title.of(lang),
        severity=rule.severity,
        cwe=rule.cwe,
        line=hit.line,
        end_line=hit.end_line,
        quote="",
        why=rule.why.of(lang),
        fix=rule.fix.of(lang),
        confidence=round(rule.confidence * hit.share, 3),
        rule_id=rule.id,
    )
