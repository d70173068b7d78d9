"""A tokenizer as the grammars see it: each token's bytes, and sets of tokens as bits. Knows nothing of schemas.

A set of tokens is int32 words of 32 tokens each, the lowest bit first.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from llguidance import LLTokenizer
from llguidance.hf import from_tokenizer
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from audit8.errors import BadRequest

Words = NDArray[np.int32]


class Tokens:
    """A tokenizer as the grammars see it. `plain`: tokens of whole characters that need no escape in a string.

    `text_or_end`: all but the tokens that stand for no text and end nothing.
    """

    def __init__(self, tokenizer: Any, vocabulary: int, eos_ids: frozenset[int]) -> None:
        known = len(tokenizer) if isinstance(tokenizer, PreTrainedTokenizerFast) else 0
        if not known or known > vocabulary or not eos_ids:
            raise BadRequest(
                "This model's answers cannot be held to a schema: its tokenizer cannot be read token by token.",
                hint="Use another model, or leave response_format out.",
                param="response_format",
            )
        self.eos_ids = sorted(eos_ids)
        self.words = (vocabulary + 31) // 32
        self.library: LLTokenizer = from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=self.eos_ids)
        added = set(tokenizer.get_added_vocab().values()) | set(range(known, vocabulary))
        self._barred = added - eos_ids
        self.text_or_end = ~self.mask(sorted(self._barred))
        texts = [self.library.decode_bytes([token]) for token in range(known)]
        plain = [token for token, text in enumerate(texts) if _is_plain(text)]
        self.plain = self.mask(plain) & self.text_or_end
        self._of_byte = {text[0]: token for token, text in enumerate(texts) if len(text) == 1 and token not in added}
        self.single = self.mask(sorted(self._of_byte.values()))
        self.eos = self.mask(self.eos_ids)

    def mask(self, ids: Sequence[int]) -> Words:
        """int32 words with these tokens' bits set."""
        bits = np.zeros(self.words * 32, dtype=np.uint8)
        bits[list(ids)] = 1
        return np.packbits(bits, bitorder="little").view(np.int32)

    def text(self, ids: Sequence[int]) -> bytes:
        return self.library.decode_bytes(list(ids))

    def size(self, text: bytes) -> int:
        return len(self.library.greedy_tokenize(text.decode(errors="replace")))

    def spell(self, text: bytes) -> list[int] | None:
        """`text` as tokens, none of them barred; None if this vocabulary cannot."""
        ids: list[int] = []
        try:
            ids = self.library.greedy_tokenize(text.decode())
        except UnicodeDecodeError:  # begins within a character
            ids = self.library.tokenize_bytes(text)
        if self.library.decode_bytes(ids) == text and self._barred.isdisjoint(ids):
            return ids
        return [self._of_byte[byte] for byte in text] if set(text) <= self._of_byte.keys() else None


def has(words: Words, token: int) -> bool:
    return bool(words[token >> 5] >> (token & 31) & 1)


def allow(words: Words, token: int) -> None:
    words.view(np.uint32)[token >> 5] |= np.uint32(1 << (token & 31))


def ids_of(words: Words) -> list[int]:
    places = np.flatnonzero(words)
    return [int(place) * 32 + bit for place in places for bit in range(32) if has(words, int(place) * 32 + bit)]


def _is_plain(text: bytes) -> bool:
    try:
        characters = text.decode()
    except UnicodeDecodeError:
        return False
    return bool(characters) and not any(one in '"\\\x7f' or one < " " for one in characters)
