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
    depth: int = field(compare=False, default=0)
    odd: int = field(compare=False, default=0)
    run: int = field(compare=False, default=0)
    whole: int = field(compare=False, default=0)
    end_tried: bool = field(compare=False, default=False)
    sole: int = field(compare=False, default=-1)
    mask: list[int] = field(compare=False, default_factory=list)


class _Walker:
    """One matcher that goes from place to place: copies of it would cost more the longer the document is."""

    def __init__(self, matcher: LLMatcher) -> None:
        self.matcher = matcher.deep_copy()
        self._at = b""

    def go(self, text: bytes) -> bool:
        """Be where `text` is written; False if it cannot be."""
        same = len(self._at)
        if not text.startswith(self._at):
            pairs = enumerate(zip(self._at, text, strict=False))
            same = next((at for at, (one, other) in pairs if one != other), min(len(self._at), len(text)))
        if same < len(self._at):
            self.matcher.rollback(len(self._at) - same)
        self._at = text
        return same == len(text) or self.matcher.consume_tokens(list(text[same:]))


def find_closing(matcher: LLMatcher, *, trials: int = TRIALS, wide: bool = False) -> bytes | None:
    """Bytes (none, if the document may end here) after which `matcher` accepts; None if none were found.

    `matcher` is over BYTES and stays as it is. `wide` tries every byte that is allowed.
    """
    heap, walker = [_Place(0, 0, b"")], _Walker(matcher)
    while heap and trials > 0 and not walker.matcher.is_error():
        place = heapq.heappop(heap)
        if not walker.go(place.text) or not (place.end_tried or _run_forced(place, walker)):
            continue
        if walker.matcher.is_accepting():
            return place.text
        allowed = allowed_bytes(walker.matcher)
        end = end_of(allowed)
        if end is not None and not place.end_tried:
            again = replace(place, priority=place.priority + 1, odd=place.odd + 1, end_tried=True)
            ahead = [_child(place, end), again]
        else:
            rest = [byte for byte in allowed if byte != end]
            if not wide:
                rest = [place.sole] if place.sole in rest and place.mask == allowed else _some_of(rest)
            trials -= len(rest)
            ahead = _ranked(place, rest, walker)
            if len(ahead) == 1:
                ahead[0].sole, ahead[0].mask = ahead[0].text[-1], allowed
        trials -= 1 + place.length // _LONG
        for child in ahead:
            heapq.heappush(heap, child)
    return None


def closes(matcher: LLMatcher, text: bytes) -> bool:
    """Whether the document may end after `text`; `matcher` is over BYTES and stays as it is."""
    if matcher.validate_tokens(list(text)) < len(text):
        return False
    matcher.consume_tokens(list(text))
    accepting = matcher.is_accepting()
    matcher.rollback(len(text))
    return accepting


def allowed_bytes(matcher: LLMatcher) -> list[int]:
    bits = int.from_bytes(matcher.compute_bitmask(), "little")
    return [byte for byte in range(256) if bits >> byte & 1]


def _run_forced(place: _Place, walker: _Walker) -> bool:
    """Write what must follow; False where it leads nowhere."""
    forced = walker.matcher.compute_ff_bytes()
    if not forced:
        return not walker.matcher.is_error()
    place.text += forced
    place.length = len(place.text)
    place.depth += sum(map(forced.count, _OPENING)) - sum(map(forced.count, _CLOSING))
    place.run = 0
    if any(byte in forced for byte in b",}]"):
        place.odd, place.whole = 0, place.whole + 1
    return place.length <= MAX_BYTES and walker.go(place.text)


def end_of(allowed: list[int]) -> int | None:
    """The byte that ends what is innermost; inside a string, where much is allowed, brackets are mere characters."""
    ends = [byte for byte in _ENDS if byte in allowed]
    if len(allowed) > _MANY or (len(ends) > 1 and ends[1] != _QUOTE):
        ends = ends[-1:] if _QUOTE in ends else []
    return ends[0] if ends else None


def _some_of(allowed: list[int]) -> list[int]:
    """A few bytes for all, of every sort that tends to matter."""
    if len(allowed) <= _FEW:
        return sorted(allowed, key=_order)
    first = [byte for byte in (_IN_TEXT if len(allowed) > _MANY else _FIRST) if byte in allowed]
    others = [byte for byte in allowed if byte not in first and not chr(byte).isdigit()]
    return first + others[: max(1, _FEW - len(first))]


def _order(byte: int) -> int:
    return _FIRST.find(byte) if byte in _FIRST else 256 + byte


def _ranked(place: _Place, candidates: list[int], walker: _Walker) -> list[_Place]:
    """One child for each kind of state that `candidates` lead to, the one with the fewest forced bytes first.

    What leads to a state of the kind that it came from may go on for ever, and comes last.
    """
    here = walker.matcher.compute_bitmask()
    kinds: dict[tuple[bytes, bytes], _Place] = {}
    for byte in candidates:
        child = _child(place, byte)
        if walker.go(child.text):
            forced = walker.matcher.compute_ff_bytes()
            kinds.setdefault((forced, b"" if forced else walker.matcher.compute_bitmask()), child)
    by_promise = sorted(
        kinds.items(), key=lambda item: (item[1].text[-1:] != b",", item[0] == (b"", here), len(item[0][0]))
    )
    for rank, (_, child) in enumerate(by_promise):
        child.odd += rank
        child.priority += rank
    return [child for _, child in by_promise]


def _child(place: _Place, byte: int) -> _Place:
    over = byte in _ENDS or byte == ord(",")
    whole = place.whole + over
    run = 0 if over else place.run + 1
    odd = 0 if over else place.odd + (run % 8 == 0)
    depth = place.depth + (byte in b"{[") - (byte in b"}]")
    priority = odd + _DEPTH_COSTS * max(0, depth) - _WHOLE_GAINS * whole
    return _Place(priority, place.length + 1, place.text + bytes([byte]), depth, odd, run, whole)
