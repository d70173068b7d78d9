"""How a line of code is shown to the model, and which lines were thereby read whole.

A line is shown with its absolute number. A line of more UTF-8 bytes than the chunk's budget has tokens is shown as its
two ends with a visible gap: a token is at least one byte, so what is shown of one line always fits. A shortened line is
not counted as read (`read_ranges`).
"""

import re
from collections.abc import Iterable

from audit8.types import Chunk, LineRange

# What chat templates and tokenisers give a meaning to: <|im_end|>, <｜User｜>, </s>, <think>, [INST], <<SYS>> ...
_SPECIAL = re.compile(
    r"<(?=[|｜][^\s<>|｜]{1,40}[|｜]>)"
    r"|<(?=/?(?:s|bos|eos|pad|unk|mask|think|tool_call|tool_response|start_of_turn|end_of_turn|fim_\w{1,12})>)"
    r"|<(?=</?SYS>>)|\[(?=/?INST\])"
)
_NUMBER_BYTES = 12  # "1048576| "
_GAP_BYTES = 64


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def defuse(text: str) -> str:
    """`text` without the control tokens of chat templates: a space makes plain characters of each."""
    return _SPECIAL.sub(lambda match: match.group() + " ", text)


def is_whole(line: str, budget_tokens: int) -> bool:
    """Whether `line` is shown whole in a chunk of `budget_tokens`."""
    return len(line) <= budget_tokens and _bytes(defuse(line)) <= budget_tokens - _NUMBER_BYTES


def show_line(number: int, line: str, budget_tokens: int) -> str:
    """`line` as the model sees it, numbered, without a line end; at most `budget_tokens` bytes if it is shortened."""
    if is_whole(line, budget_tokens):
        return f"{number}| {defuse(line)}"
    end_bytes = (budget_tokens - _NUMBER_BYTES - _GAP_BYTES) // 3  # Two ends; the rest is room for defused tokens.
    head = line[:end_bytes].encode("utf-8", "replace")[:end_bytes].decode("utf-8", "ignore")
    tail = line[-end_bytes:].encode("utf-8", "replace")[-end_bytes:].decode("utf-8", "ignore")
    gap = len(line) - len(head) - len(tail)
    return f"{number}| {defuse(head)} [... {gap} characters of this line are not shown ...] {defuse(tail)}"


def show_lines(first_number: int, lines: list[str], budget_tokens: int) -> str:
    """Lines as the model sees them, joined by `\\n`."""
    return "\n".join(show_line(first_number + index, line, budget_tokens) for index, line in enumerate(lines))


def show_numbered(numbers: Iterable[int], lines: list[str]) -> str:
    """The lines of a file with these numbers as the model sees them, all of them whole."""
    return "\n".join(f"{number}| {defuse(lines[number - 1])}" for number in numbers)


def read_ranges(chunk: Chunk, budget_tokens: int) -> tuple[LineRange, ...]:
    """The lines of `chunk` that the model sees whole, as ranges in order; what `FileCoverage.read` may claim."""
    ranges: list[LineRange] = []
    for number, line in enumerate(chunk.lines, chunk.start_line):
        if not is_whole(line, budget_tokens):
            continue
        if ranges and ranges[-1].end_line == number - 1:
            ranges[-1] = LineRange(ranges[-1].start_line, number)
        else:
            ranges.append(LineRange(number, number))
    return tuple(ranges)


def join_ranges(ranges: list[LineRange]) -> tuple[LineRange, ...]:
    """Ranges sorted, overlapping and neighbouring ones made one."""
    joined: list[LineRange] = []
    for one in sorted(ranges, key=lambda item: item.start_line):
        if joined and one.start_line <= joined[-1].end_line + 1:
            joined[-1] = LineRange(joined[-1].start_line, max(joined[-1].end_line, one.end_line))
        else:
            joined.append(one)
    return tuple(joined)


def lines_of(ranges: Iterable[LineRange]) -> set[int]:
    return {line for one in ranges for line in range(one.start_line, one.end_line + 1)}
