"""Where checks of C and C++ say what they found; a first reading of a file may be told to keep quiet."""

from audit8.audit.rules.native_tree import Node
from audit8.audit.rules.rule import Hit

_MAX_SPAN_LINES = 8


class Report:
    def __init__(self) -> None:
        self.quiet = False
        self._found: dict[tuple[str, int], Hit] = {}

    def say(self, rule_id: str, node: Node, share: float = 1.0) -> None:
        """`rule_id` fires where `node` begins, once per rule and line; with this `share` of the rule's confidence."""
        self.say_line(rule_id, node.line, node.end_line, share)

    def say_line(self, rule_id: str, line: int, end_line: int, share: float = 1.0) -> None:
        if self.quiet:
            return
        hit = Hit(rule_id, line, min(end_line, line + _MAX_SPAN_LINES), share)
        if self._found.setdefault((rule_id, line), hit).share < share:
            self._found[(rule_id, line)] = hit

    def hits(self) -> list[Hit]:
        return list(self._found.values())
