"""Where outside data flows within one file.

A syntax tree becomes nodes that all languages share (grammar_*.py, lower.py, shapes.py, nodes.py); one walk follows the
values through them (walk.py, calls.py, guards.py); what is a source, a sink or a cure is data (tables_*.py, spec.py).
"""

from audit8.audit.flow.find import LANGUAGES, flow_hits, rules_of

__all__ = ["LANGUAGES", "flow_hits", "rules_of"]
