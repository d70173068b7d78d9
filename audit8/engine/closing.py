"""The rest of a document: bytes that finish what was begun, found by trying what the grammar allows.

Works on a twin of the matcher over single bytes, where a step costs microseconds. The path found is short, not always
the shortest: closing brackets and quotes are tried first, then what leads to few forced bytes.
"""

import heapq
from dataclasses import dataclass, field, replace

from llguidance import LLMatcher, LLTokenizer

BYTES = LLTokenizer("byte")  # token n is byte n
TRIALS = 2500  # copies of a matcher: some ten milliseconds; those of a long document cost more
MAX_BYTES = 4096
_LONG = 128
_ENDS = b'}]"'
_QUOTE = ord('"')
_OPENING, _CLOSING = (b"{", b"["), (b"}", b"]")
_WHOLE_GAINS, _DEPTH_COSTS = 8, 10  # what led to a whole value is hardly doubted again, going deeper is
_FIRST = b",01a9ntf[{-A@.:/_ +T"  # what is tried where more than _FEW bytes may follow, in this order
_IN_TEXT = b"0aA-@.:/"  # the same where more than _MANY may
_FEW, _MANY = 6, 40


@dataclass(order=True, slots=True)
class _Place:
    """Somewhere on the way: `text` is written, with `depth` brackets open that were closed at the start.

    `odd` counts choices that were not the first, `run` bytes of free choice in a row, both since a value was whole;
    `whole` counts those. `sole`: the byte that stood for all where `mask` was allowed.
    """

    priority: int
    length: int
    text: bytes = field(compare=False)
    matcher: LLMatcher = field(compare=False)
    depth: int = field(compare=False, default=0)
    odd: int = field(compare=False, default=0)
    run: int = field(compare=False, default=0)
    whole: int = field(compare=False, default=0)
    end_tried: bool = field(compare=False, default=False)
    sole: int = field(compare=False, default=-1)
    mask: list[int] = field(compare=False, default_factory=list)


def find_closing(matcher: LLMatcher, *, trials: int = TRIALS, wide: bool = False) -> bytes | None:
    """Bytes (none, if the document may end here) after which `matcher` accepts; None if none were found.

    `matcher` is over BYTES and stays as it is. `wide` tries every byte that is allowed.
    """
    heap = [_Place(0, 0, b"", matcher.deep_copy())]
    while heap and trials > 0:
        place = heapq.heappop(heap)
        if not place.end_tried and not _run_forced(place):
            continue
        if place.matcher.is_accepting():
            return place.text
        allowed = allowed_bytes(place.matcher)
        end = _end_of(allowed)
        if end is not None and not place.end_tried:
            ahead = _ended(place, end)
        else:
            rest = [byte for byte in allowed if byte != end]
            if not wide:
                rest = [place.sole] if place.sole in rest and place.mask == allowed else _some_of(rest)
            trials -= len(rest)
            ahead = _ranked(place, rest)
            if len(ahead) == 1:
                ahead[0].sole, ahead[0].mask = ahead[0].text[-1], allowed
        trials -= 1 + place.length // _LONG
        for child in ahead:
            heapq.heappush(heap, child)
    return None


def allowed_bytes(matcher: LLMatcher) -> list[int]:
    bits = int.from_bytes(matcher.compute_bitmask(), "little")
    return [byte for byte in range(256) if bits >> byte & 1]


def _run_forced(place: _Place) -> bool:
    """Write what must follow; False where it leads nowhere."""
    forced = place.matcher.compute_ff_bytes()
    if len(place.text) + len(forced) > MAX_BYTES:
        return False
    if forced and not place.matcher.consume_tokens(list(forced)):
        return False
    place.text += forced
    place.length = len(place.text)
    place.depth += sum(map(forced.count, _OPENING)) - sum(map(forced.count, _CLOSING))
    if forced:
        place.run = 0
    if any(byte in forced for byte in b",}]"):
        place.odd, place.whole = 0, place.whole + 1
    return not place.matcher.is_error()


def _end_of(allowed: list[int]) -> int | None:
    """The byte that ends what is innermost; inside a string, where much is allowed, brackets are mere characters."""
    ends = [byte for byte in _ENDS if byte in allowed]
    if len(allowed) > _MANY or (len(ends) > 1 and ends[1] != _QUOTE):
        ends = ends[-1:] if _QUOTE in ends else []
    return ends[0] if ends else None


def _ended(place: _Place, end: int) -> list[_Place]:
    """With the end written, and the same place once more for when that leads nowhere."""
    closed = _child(place, end)
    later = replace(place, priority=place.priority + 1, odd=place.odd + 1, end_tried=True)
    return [closed, later] if closed else [later]


def _some_of(allowed: list[int]) -> list[int]:
    """A few bytes for all, of every sort that tends to matter."""
    if len(allowed) <= _FEW:
        return sorted(allowed, key=_order)
    first = [byte for byte in (_IN_TEXT if len(allowed) > _MANY else _FIRST) if byte in allowed]
    others = [byte for byte in allowed if byte not in first and not chr(byte).isdigit()]
    return first + others[: max(1, _FEW - len(first))]


def _order(byte: int) -> int:
    return _FIRST.find(byte) if byte in _FIRST else 256 + byte


def _ranked(place: _Place, candidates: list[int]) -> list[_Place]:
    """One child for each kind of state that `candidates` lead to, the one with the fewest forced bytes first.

    What leads to a state of the kind that it came from may go on for ever, and comes last.
    """
    here = place.matcher.compute_bitmask()
    kinds: dict[tuple[bytes, bytes], _Place] = {}
    for byte in candidates:
        child = _child(place, byte)
        if child is not None:
            forced = child.matcher.compute_ff_bytes()
            kinds.setdefault((forced, b"" if forced else child.matcher.compute_bitmask()), child)
    by_promise = sorted(
        kinds.items(), key=lambda item: (item[1].text[-1:] != b",", item[0] == (b"", here), len(item[0][0]))
    )
    for rank, (_, child) in enumerate(by_promise):
        child.odd += rank
        child.priority += rank
    return [child for _, child in by_promise]


def _child(place: _Place, byte: int) -> _Place | None:
    matcher = place.matcher.deep_copy()
    if not matcher.consume_token(byte):
        return None
    over = byte in _ENDS or byte == ord(",")
    whole = place.whole + over
    run = 0 if over else place.run + 1
    odd = 0 if over else place.odd + (run % 8 == 0)
    depth = place.depth + (byte in b"{[") - (byte in b"}]")
    priority = odd + _DEPTH_COSTS * max(0, depth) - _WHOLE_GAINS * whole
    return _Place(priority, place.length + 1, place.text + bytes([byte]), matcher, depth, odd, run, whole)
