"""The few kinds of node that every language is brought down to, so that one walk serves them all.

Knows no language and no rule. What has no kind of its own here is `Many`: its value may be any of its parts.
"""

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Node:
    """`line` counts from 1."""

    line: int


@dataclass(slots=True, eq=False)
class Fixed(Node):
    """A literal, or what cannot hold text from elsewhere; `text` is a string's contents."""

    text: str = ""


@dataclass(slots=True, eq=False)
class Name(Node):
    id: str


@dataclass(slots=True, eq=False)
class Member(Node):
    base: Node
    name: str


@dataclass(slots=True, eq=False)
class Index(Node):
    base: Node
    key: Node


@dataclass(slots=True, eq=False)
class Call(Node):
    """`names[i]` is the keyword of `args[i]`, or ""; a block given to it is "&"."""

    end_line: int
    function: Node
    args: list[Node]
    names: list[str]
    new: bool = False


@dataclass(slots=True, eq=False)
class Build(Node):
    """A text put together from `parts`."""

    parts: list[Node]


@dataclass(slots=True, eq=False)
class Shell(Node):
    """A command in backquotes."""

    command: Node


@dataclass(slots=True, eq=False)
class Many(Node):
    """One of the parts, or all of them in a container; `keys` of an object literal run beside them."""

    parts: list[Node]
    keys: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Compare(Node):
    """`operator` is one of == != < in "not in" =~ !~."""

    operator: str
    left: Node
    right: Node


@dataclass(slots=True, eq=False)
class Logic(Node):
    """`operator` is and, or, not."""

    operator: str
    parts: list[Node]


@dataclass(slots=True, eq=False)
class Cast(Node):
    type: str
    value: Node


@dataclass(slots=True, eq=False)
class Assign(Node):
    """`adds`: the value is added to what is there. `type` is a declared one."""

    target: Node
    value: Node
    adds: bool = False
    type: str = ""


@dataclass(slots=True, eq=False)
class Block(Node):
    parts: list[Node]


@dataclass(slots=True, eq=False)
class Try(Node):
    """A body and its handlers, any of which may run; leaving one of them does not leave the whole."""

    parts: list[Node]
    handlers: list[Node]


@dataclass(slots=True, eq=False)
class If(Node):
    """`branches` in order, each a test and what runs when it is the first that holds."""

    branches: list[tuple[Node, Node]]
    other: Node | None


@dataclass(slots=True, eq=False)
class Loop(Node):
    """`target` takes each of `source`, or `test` holds while it runs."""

    target: Node | None
    source: Node | None
    test: Node | None
    body: Node


@dataclass(slots=True, eq=False)
class Switch(Node):
    """A case without patterns is the default one."""

    subject: Node | None
    cases: list[tuple[list[Node], Node]]


@dataclass(slots=True, eq=False)
class Leave(Node):
    """What ends the block: return (with a value), raise, break, continue."""

    value: Node | None
    returns: bool


@dataclass(slots=True, eq=False)
class Param:
    name: str
    type: str = ""
    marks: str = ""


@dataclass(slots=True, eq=False)
class Function(Node):
    """`marks` is the text of its decorators or annotations; `inline` says that it is an expression."""

    name: str
    params: list[Param]
    body: Node
    marks: str = ""
    inline: bool = False


@dataclass(slots=True, eq=False)
class Class(Node):
    name: str
    marks: str
    body: Node


@dataclass(slots=True, eq=False)
class Import(Node):
    """Local names and what they stand for ("exec": "child_process.exec")."""

    names: dict[str, str]
