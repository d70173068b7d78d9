"""Static finders: rules as data, and what runs them."""

from audit8.audit.rules.run import RULES, run_rules

__all__ = ["RULES", "run_rules"]
