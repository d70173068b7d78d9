"""Laws of the text layer: whatever the pieces, their sum is the text; tags and stop strings never leak."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from audit8.engine.text import Detokeniser, StopMatcher, ThinkSplitter, overlap


def decode_bytes(ids: Sequence[int]) -> str:
    """A byte-level decoder: one token a byte, as byte fallback gives for rare characters."""
    return bytes(ids).decode("utf-8", errors="replace")


@given(st.text())
def test_the_pieces_of_any_text_add_up_to_it(text: str) -> None:
    detokeniser = Detokeniser(decode_bytes)
    pieces = [detokeniser.push(byte) for byte in text.encode()]
    assert "".join(pieces) + detokeniser.finish() == text


def test_an_incomplete_character_is_held_back_until_it_is_whole() -> None:
    detokeniser = Detokeniser(decode_bytes)
    assert [detokeniser.push(byte) for byte in "审".encode()] == ["", "", "审"]


def test_bytes_that_never_become_a_character_are_shown_at_the_end() -> None:
    detokeniser = Detokeniser(decode_bytes)
    assert detokeniser.push("审".encode()[0]) == ""
    assert detokeniser.finish() == "\ufffd"


@given(st.lists(st.text(alphabet="abAB", max_size=4)), st.lists(st.text(alphabet="abAB", min_size=1), max_size=3))
def test_a_stop_string_cuts_exactly_where_a_search_of_the_whole_text_would(pieces: list[str], stop: list[str]) -> None:
    matcher = StopMatcher(stop)
    shown = ""
    for piece in pieces:
        shown += matcher.push(piece)
        if matcher.hit:
            break
    shown += matcher.finish()
    whole = "".join(pieces)
    ends = [whole.find(text) + len(text) for text in stop if text in whole]
    if not ends:
        assert shown == whole
        assert not matcher.hit
    else:
        assert matcher.hit
        assert not any(text in shown for text in stop)
        assert whole.startswith(shown)


@given(st.text(alphabet="a<think>/ "), st.booleans(), st.integers(1, 5))
def test_think_tags_are_dropped_wherever_the_text_is_cut(text: str, inside: bool, size: int) -> None:
    def split(parts: list[str]) -> list[tuple[str, bool]]:
        splitter = ThinkSplitter(inside=inside)
        pieces = [piece for part in parts for piece in splitter.push(part)] + splitter.finish()
        joined: list[tuple[str, bool]] = []
        for piece in pieces:
            if joined and joined[-1][1] == piece.reasoning:
                joined[-1] = (joined[-1][0] + piece.text, piece.reasoning)
            else:
                joined.append((piece.text, piece.reasoning))
        return joined

    assert split([text[at : at + size] for at in range(0, len(text), size)]) == split([text])


def test_reasoning_is_told_from_the_answer() -> None:
    splitter = ThinkSplitter()
    pieces = splitter.push("<thi") + splitter.push("nk>why</think>answer")
    assert [(piece.text, piece.reasoning) for piece in pieces] == [("why", True), ("answer", False)]


def test_overlap_is_the_longest_end_that_may_become_the_tag() -> None:
    assert overlap("abc</th", "</think>") == 4
    assert overlap("</think>", "</think>") == 0
