"""The rest of a document: bytes that finish what was begun, found by trying what the grammar allows.

Works on a twin of the matcher over single bytes, where a step costs microseconds. The path found is short, not always
the shortest: closing brackets and quotes are tried first, then what leads to few forced bytes.
"""

import heapq
from dataclasses import dataclass, field

from llguidance import LLMatcher, LLTokenizer

BYTES = LLTokenizer("byte")  # token n is byte n
TRIALS = 1500  # copies of a matcher: some ten milliseconds
MAX_BYTES = 16_384
_ENDS = b'}]"'
_QUOTE = ord('"')
_FIRST = b",01a9ntf[{-A@.:/_ +T"  # what is tried where more than _FEW bytes may follow, in this order
_IN_TEXT = b"0aA-@.:/"  # the same where more than _MANY may
_FEW, _MANY = 12, 40


@dataclass(order=True, slots=True)
class _Place:
    """`text` is written; `odd` counts the choices that were not the first, `run` bytes of free choice in a row."""

    priority: int
    length: int
    text: bytes = field(compare=False)
    matcher: LLMatcher = field(compare=False)
    odd: int = field(compare=False)
    run: int = field(compare=False)
    ends_tried: bool = field(compare=False, default=False)


def find_closing(matcher: LLMatcher, max_bytes: int = MAX_BYTES, trials: int = TRIALS) -> bytes | None:
    """Bytes (none, if the document may end here) after which `matcher` accepts; None if none were found.

    `matcher` is over BYTES and stays as it is.
    """
    heap = [_Place(0, 0, b"", matcher.deep_copy(), 0, 0)]
    while heap and trials > 0:
        place = heapq.heappop(heap)
        if not place.ends_tried and not _run_forced(place, max_bytes):
            continue
        if place.matcher.is_accepting():
            return place.text
        ahead = _ahead(place)
        trials -= len(ahead) + 1
        for child in ahead:
            heapq.heappush(heap, child)
    return None


def allowed_bytes(matcher: LLMatcher) -> list[int]:
    bits = int.from_bytes(matcher.compute_bitmask(), "little")
    return [byte for byte in range(256) if bits >> byte & 1]


def _run_forced(place: _Place, max_bytes: int) -> bool:
    """Write what must follow; False where it leads nowhere."""
    forced = place.matcher.compute_ff_bytes()
    if len(place.text) + len(forced) > max_bytes:
        return False
    if forced and not place.matcher.consume_tokens(list(forced)):
        return False
    place.text += forced
    place.length = len(place.text)
    if forced:
        place.run = 0
    return not place.matcher.is_error()


def _ahead(place: _Place) -> list[_Place]:
    allowed = allowed_bytes(place.matcher)
    end = _end_of(allowed)
    if end is not None and not place.ends_tried:
        closed = _child(place, end)
        later = _Place(place.priority + 1, place.length, place.text, place.matcher, place.odd + 1, place.run, True)
        return [*([closed] if closed else []), later]
    rest = [byte for byte in allowed if byte != end]
    if len(rest) > _FEW:
        rest = [byte for byte in (_IN_TEXT if len(rest) > _MANY else _FIRST) if byte in rest] or rest[:_FEW]
    return _ranked(place, sorted(rest, key=_order))


def _end_of(allowed: list[int]) -> int | None:
    """The byte that ends what is innermost; inside a string, where much is allowed, brackets are mere characters."""
    ends = [byte for byte in _ENDS if byte in allowed]
    if len(allowed) > _MANY or (len(ends) > 1 and ends[1] != _QUOTE):
        ends = ends[-1:] if _QUOTE in ends else []
    return ends[0] if ends else None


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
    text = place.text + bytes([byte])
    run = 0 if byte in _ENDS or byte == ord(",") else place.run + 1
    odd = place.odd + (run > 0 and run % 4 == 0)
    depth = max(0, sum(map(text.count, (b"{", b"["))) - sum(map(text.count, (b"}", b"]"))))
    return _Place(odd + depth, len(text), text, matcher, odd, run)
