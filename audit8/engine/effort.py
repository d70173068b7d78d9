"""When guessed tokens are worth their rows. Knows chances and costs, nothing of tokens.

A step of n sequences gives n tokens. Each guessed token is a row more, and gives one more with its chance; a step with
guesses is read before the next is launched, so that the device waits. What counts is tokens a time.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

MOST_ROWS = 16  # of a step with guesses: beyond, a row costs more than `Effort` says, on a CPU other bits as well


@dataclass(frozen=True, slots=True)
class Effort:
    """What a step costs, in units of one that had no row: each `row`, and the `wait` where there are guesses."""

    row: float
    wait: float

    def step(self, rows: int) -> float:
        return 1 + self.row * rows


# Measured: an H100 with a 7B model takes 3.1 ms for 1 row and 3.7 for 16, and answers that were replayed there came at
# the speed that a wait of 0.4 gives (docs/performance.md); two cores with Qwen2.5-Coder-0.5B take 27 ms for 1, 41 for 4
# and 54 for 8, and wait for every step anyway.
GPU_EFFORT = Effort(row=0.012, wait=0.4)
CPU_EFFORT = Effort(row=0.18, wait=0.02)


def worthwhile(chances: Sequence[Sequence[float]], effort: Effort, most_rows: int) -> list[int]:
    """How many tokens of each sequence's guess to try; `chances` as Drafter.chances gives them, [] for no guess."""
    lengths = [0] * len(chances)
    rows, tokens = len(chances), float(len(chances))
    plain = tokens / effort.step(rows)
    ahead = [(-own[0], index) for index, own in enumerate(chances) if own]
    heapq.heapify(ahead)
    while ahead and rows < most_rows:
        chance, index = heapq.heappop(ahead)
        if -chance / effort.row <= tokens / effort.step(rows):
            break
        rows, tokens = rows + 1, tokens - chance
        lengths[index] += 1
        if lengths[index] < len(chances[index]):
            heapq.heappush(ahead, (-chances[index][lengths[index]], index))
    pays = tokens / (effort.step(rows) + effort.wait) > plain
    return lengths if pays else [0] * len(chances)
