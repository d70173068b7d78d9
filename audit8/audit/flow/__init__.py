"""Where outside data flows within one file: syntax tree -> nodes common to all languages -> a walk with rules as data."""

from audit8.audit.flow.find import LANGUAGES, flow_hits

__all__ = ["LANGUAGES", "flow_hits"]
