"""A function as a graph of steps: what is evaluated in which order, with the branches of every condition.

Knows statements and the short circuits of && and ||; knows nothing about values. A function nested deeper than
`MAX_HEIGHT` has no graph.
"""

from collections.abc import Sequence

from audit8.audit.rules.native_tree import Node, bare

MAX_HEIGHT = 200
_LOOPS = ("while_statement", "for_statement", "do_statement", "for_range_loop")
_BLOCKS = ("compound_statement", "preproc_if", "preproc_ifdef", "preproc_elif", "preproc_else", "try_statement")


class Step:
    """`kind` is do, if, case, loop, leave, return or end; `other` is where an `if` or `case` goes when it is false."""

    __slots__ = ("kind", "next", "node", "other", "subject")

    def __init__(self, kind: str, node: Node | None, next_: "Step | None" = None, other: "Step | None" = None) -> None:
        self.kind, self.node, self.next, self.other = kind, node, next_, other
        self.subject: Node | None = None


class Graph:
    """The steps of one function body; `first` is where it begins, `last` where every path ends."""

    def __init__(self, body: Node) -> None:
        self.last = Step("end", body)
        self._labels: dict[str, Step] = {}
        self._breaks: list[Step] = []
        self._continues: list[Step] = []
        self.first = self._sequence(body.parts, self.last)

    def _sequence(self, statements: Sequence[Node], after: Step) -> Step:
        for statement in reversed(statements):
            after = self._statement(statement, after)
        return after

    def _statement(self, node: Node, after: Step) -> Step:
        kind = node.kind
        if kind in _BLOCKS:
            return self._sequence([part for part in node.parts if part.kind != "catch_clause"], after)
        if kind == "if_statement":
            return self._if(node, after)
        if kind in _LOOPS:
            return self._loop(node, after)
        if kind == "switch_statement":
            return self._switch(node, after)
        if kind in ("else_clause", "case_statement", "attributed_statement"):
            return self._sequence(node.parts, after)
        return self._jump(node, after) or Step("do", node, after)

    def _jump(self, node: Node, after: Step) -> Step | None:
        """Where a statement goes that goes elsewhere; None for any other."""
        if node.kind in ("return_statement", "throw_statement", "co_return_statement"):
            return Step("return", node, self.last)
        targets = {"break_statement": self._breaks, "continue_statement": self._continues}
        if node.kind in targets:
            return targets[node.kind][-1] if targets[node.kind] else after
        if node.kind not in ("goto_statement", "labeled_statement") or not node.parts:
            return None
        label = self._label(node.parts[0].text)
        if node.kind == "labeled_statement":
            label.next = self._sequence(node.parts[1:], after)
        return label

    def _label(self, name: str) -> Step:
        return self._labels.setdefault(name, Step("do", None))

    def _if(self, node: Node, after: Step) -> Step:
        condition, then, other = node.part("condition"), node.part("consequence"), node.part("alternative")
        yes = self._statement(then, after) if then else after
        no = self._sequence(other.parts, after) if other else after
        return self.condition(condition, yes, no)

    def condition(self, node: Node | None, yes: Step, no: Step) -> Step:
        """The steps that decide `node`: one per operand of && and ||."""
        inner = bare(node)
        if inner is not None and inner.kind == "binary_expression" and inner.kids[1].kind in ("&&", "||", "and", "or"):
            right = self.condition(inner.kids[2], yes, no)
            if inner.kids[1].kind in ("&&", "and"):
                return self.condition(inner.kids[0], right, no)
            return self.condition(inner.kids[0], yes, right)
        if inner is not None and inner.kind == "unary_expression" and inner.kids[0].kind in ("!", "not"):
            return self.condition(inner.kids[1], no, yes)
        if inner is not None and inner.kind == "number_literal":
            return no if inner.text == "0" else yes
        if inner is not None and inner.kind == "true":
            return yes
        return Step("if", inner, yes, no)

    def _loop(self, node: Node, after: Step) -> Step:
        head, leave = Step("loop", node), Step("leave", node, after)
        body, condition = node.part("body"), node.part("condition")
        again = head
        if node.kind == "for_statement" and (update := node.part("update")) is not None:
            again = Step("do", update, head)
        if node.kind == "do_statement":
            again = self.condition(condition, head, leave)
        self._breaks.append(leave)
        self._continues.append(again)
        inside = self._statement(body, again) if body is not None else again
        self._breaks.pop()
        self._continues.pop()
        if node.kind == "do_statement":
            head.next = inside
        elif node.kind == "for_range_loop":
            head.next = Step("if", None, inside, leave)
        else:
            head.next = self.condition(condition, inside, leave) if condition is not None else inside
        begin = node.part("initializer")
        return Step("do", begin, head) if begin is not None else head

    def _switch(self, node: Node, after: Step) -> Step:
        subject, body = bare(node.part("condition")), node.part("body")
        cases = [part for part in body.parts if part.kind == "case_statement"] if body else []
        self._breaks.append(after)
        entries, following = [], after
        for case in reversed(cases):
            value = case.part("value")
            following = self._sequence([part for part in case.parts if part is not value], following)
            entries.append((value, following))
        self._breaks.pop()
        test = next((entry for value, entry in entries if value is None), after)
        for value, entry in entries:
            if value is not None:
                test = Step("case", value, entry, test)
                test.subject = subject
        return Step("do", subject, test)
